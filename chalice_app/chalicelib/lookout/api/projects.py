"""Projects: a name under which models are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api import client_tokens
from chalicelib.lookout.api.errors import ConflictException, ResourceNotFoundException
from chalicelib.lookout.api.pages import page
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.documents import Documents
    from chalicelib.lookout.api.dataset_store import DatasetStore
    from chalicelib.lookout.api.names import Names

_ROOT = "projects/"


class Projects:
    """CreateProject, DescribeProject, ListProjects, DeleteProject.

    A project that `spotcheck publish` began by publishing a model exists as much as one that was created.

    Args:
        documents: Of the models bucket.
        names: Makes ARNs.
        datasets: The projects' datasets.
        now: The clock.
    """

    def __init__(
        self,
        documents: Documents,
        names: Names,
        datasets: DatasetStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._documents = documents
        self._names = names
        self._datasets = datasets
        self._now = now

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Makes an empty project.

        Raises:
            ConflictException: There is one of that name.
        """
        name, now = given["ProjectName"], self._now()
        value = {
            "created_at": timestamp(now),
            "tokens": client_tokens.remember({}, "CreateProject", given, now),
        }
        if not self._is_known(given) and (
            self._exists(name) or not self._documents.create(_key(name), value)
        ):
            message = f"Project {name} already exists: choose another name, or delete it first."
            raise ConflictException(message, name, "PROJECT")
        return {"ProjectMetadata": self._metadata(name)}

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Tells of one project.

        Raises:
            ResourceNotFoundException: There is none of that name.
        """
        name = self.require(given["ProjectName"])
        datasets = [record.metadata() for record in self._datasets.all(name)]
        return {"ProjectDescription": {**self._metadata(name), "Datasets": datasets}}

    def list(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Lists the account's projects in this region, by name."""
        names = list(self._documents.folders(_ROOT))
        found, token = page(names, str, given.get("NextToken"), given.get("MaxResults"))
        return {"Projects": [self._metadata(name) for name in found], "NextToken": token}

    def delete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Deletes a project that holds nothing any more.

        Raises:
            ConflictException: It has models or datasets.
            ResourceNotFoundException: There is none of that name.
        """
        name = self.require(given["ProjectName"])
        datasets = [record.dataset_type for record in self._datasets.all(name)]
        keys = list(self._documents.keys(_folder(name)))
        if datasets or any(_is_of_a_model(name, key) for key in keys):
            what = f"datasets ({', '.join(datasets)})" if datasets else "models"
            message = f"Project {name} has {what}: delete each of them first."
            raise ConflictException(message, name, "PROJECT")
        for key in keys:
            self._documents.delete(key)
        self._documents.delete(_key(name))
        return {"ProjectArn": self._names.project_arn(name)}

    def require(self, name: str) -> str:
        """The name, if there is such a project.

        Raises:
            ResourceNotFoundException: There is none.
        """
        if not self._exists(name):
            message = f"Project {name} does not exist: create it, or look at its spelling (capitals count)."
            raise ResourceNotFoundException(message, name, "PROJECT")
        return name

    def _is_known(self, given: Mapping[str, Any]) -> bool:
        """Whether the project was made by an earlier try of this very call."""
        name = given["ProjectName"]
        document = self._documents.get(_key(name))
        tokens = document.value.get("tokens", {}) if document else {}
        return client_tokens.is_known(tokens, "CreateProject", given, self._now(), (name, "PROJECT"))

    def _exists(self, name: str) -> bool:
        return next(self._documents.keys(_folder(name)), None) is not None

    def _metadata(self, name: str) -> dict[str, Any]:
        document = self._documents.get(_key(name))
        created = datetime.fromisoformat(document.value["created_at"]) if document else None
        return {
            "ProjectName": name,
            "ProjectArn": self._names.project_arn(name),
            "CreationTimestamp": created,
        }


def _folder(name: str) -> str:
    return f"{_ROOT}{name}/"


def _is_of_a_model(name: str, key: str) -> bool:
    """Whether a model is still there; that a version's number is taken outlives it."""
    return key.startswith(f"{_folder(name)}models/") and not key.endswith("/claimed")


def _key(name: str) -> str:
    return f"{_ROOT}{name}/project.json"
