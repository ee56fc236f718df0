"""TagResource, UntagResource, ListTagsForResource: of models only, as the service had it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.errors import ServiceQuotaExceededException, ValidationException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.documents import Documents
    from chalicelib.lookout.api.model_store import ModelStore
    from chalicelib.lookout.api.names import Names

_MOST = 200


class Tags:
    """Keeps each version's tags in a document beside it.

    Args:
        documents: Of the models bucket.
        models: Says which versions exist.
        names: Takes ARNs apart.
    """

    def __init__(self, documents: Documents, models: ModelStore, names: Names) -> None:
        self._documents = documents
        self._models = models
        self._names = names

    def tag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Adds tags, and replaces those with the same key.

        Raises:
            ResourceNotFoundException: There is no such model.
            ServiceQuotaExceededException: It would have more than 200.
            ValidationException: The ARN is no model's, or a key comes twice.
        """
        new = {tag["Key"]: tag["Value"] for tag in given["Tags"]}
        if len(new) < len(given["Tags"]):
            message = "A tag's key comes twice: give each key once."
            raise ValidationException(message)

        def add(tags: dict[str, str]) -> dict[str, str]:
            together = tags | new
            if len(together) > _MOST:
                message = f"A model has at most {_MOST} tags: remove some first."
                raise ServiceQuotaExceededException(message, given["ResourceArn"], "MODEL")
            return together

        self._change(given["ResourceArn"], add)
        return {}

    def untag(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Removes tags by their keys; those that are not there do not matter.

        Raises:
            ResourceNotFoundException: There is no such model.
            ValidationException: The ARN is no model's.
        """
        gone = set(given["TagKeys"])
        self._change(
            given["ResourceArn"], lambda tags: {key: value for key, value in tags.items() if key not in gone}
        )
        return {}

    def list(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Lists a model's tags.

        Raises:
            ResourceNotFoundException: There is no such model.
            ValidationException: The ARN is no model's.
        """
        document = self._documents.get(self._key(given["ResourceArn"]))
        tags = document.value if document else {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def _change(self, arn: str, how: Callable[[dict[str, str]], dict[str, str]]) -> None:
        key = self._key(arn)
        while self._documents.change(key, how) is None:
            if self._documents.create(key, how({})):
                return

    def _key(self, arn: str) -> str:
        project, version = self._names.parse_model_arn(arn)
        record = self._models.get(project, version)
        return f"projects/{record.project}/models/{record.version}/tags.json"
