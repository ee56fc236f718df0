"""Versions of models as the API tells of them, from what the registry keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.exceptions import ModelNotFoundError
from chalicelib.lookout.api.errors import ResourceNotFoundException

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.documents import Documents
    from chalicelib.lookout.api.names import Names
    from chalicelib.registry import ModelRegistry

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version.

    Attributes:
        project: Whose.
        version: `1`, `2`, ...
        arn: Lookout for Vision's.
        created_at: When it was published.
        is_hosted: Whether its project judges with it.
        performance: Precision, recall and F1, 0 to 1, as they were measured; empty where nothing was.
    """

    project: str
    version: str
    arn: str
    created_at: datetime
    is_hosted: bool
    performance: dict[str, float]

    def members(self) -> dict[str, Any]:
        """The members of `ModelMetadata` and `ModelDescription` that are known."""
        hosted = "The model judges the uploads of its project."
        return {
            "ModelVersion": self.version,
            "ModelArn": self.arn,
            "CreationTimestamp": self.created_at,
            "Status": "HOSTED" if self.is_hosted else "TRAINED",
            "StatusMessage": hosted if self.is_hosted else "Publish the model to judge with it.",
            "Performance": self.performance or None,
        }


class ModelStore:
    """Finds versions.

    Args:
        documents: Of the models bucket.
        registry: Makes a project's registry.
        names: Makes ARNs.
    """

    def __init__(self, documents: Documents, registry: Callable[[str], ModelRegistry], names: Names) -> None:
        self._documents = documents
        self._registry = registry
        self._names = names

    def all(self, project: str) -> list[ModelRecord]:
        """Every version of a project, newest first."""
        hosted = self._hosted(project)
        versions = sorted(self._versions(project), key=int, reverse=True)
        return [record for version in versions if (record := self._record(project, version, hosted))]

    def get(self, project: str, version: str) -> ModelRecord:
        """One version.

        Args:
            project: Of which.
            version: Its number, or `latest` for the highest.

        Raises:
            ResourceNotFoundException: There is none.
        """
        if version == LATEST:
            version = max(self._versions(project), key=int, default=LATEST)
        record = self._record(project, version, self._hosted(project))
        if record is None:
            arn = self._names.model_arn(project, version)
            message = f"Model version {version} of project {project} does not exist."
            raise ResourceNotFoundException(message, arn, "MODEL")
        return record

    def _versions(self, project: str) -> list[str]:
        return [name for name in self._documents.folders(f"projects/{project}/models/") if name.isdecimal()]

    def _record(self, project: str, version: str, hosted: str | None) -> ModelRecord | None:
        folder = f"projects/{project}/models/{version}"
        entry = self._documents.get(f"{folder}/model.json")
        if entry is None:
            return None
        return ModelRecord(
            project=project,
            version=version,
            arn=self._names.model_arn(project, version),
            created_at=datetime.fromisoformat(entry.value["created_at"]),
            is_hosted=version == hosted,
            performance=self._performance(folder),
        )

    def _performance(self, folder: str) -> dict[str, float]:
        document = self._documents.get(f"{folder}/evaluation.json")
        measured = document.value if document else {}
        names = {"Precision": "precision", "Recall": "recall", "F1Score": "f1"}
        return {name: float(measured[of]) for name, of in names.items() if measured.get(of) is not None}

    def _hosted(self, project: str) -> str | None:
        try:
            return self._registry(project).current().version
        except ModelNotFoundError:
            return None
