"""Versions of models as the API tells of them, put together from everybody who knows something of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.lookout.api.errors import ResourceNotFoundException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.documents import Documents
    from chalicelib.lookout.api.names import Names

LATEST = "latest"
_DELETING = "DELETING"  # whoever says more of such a version speaks of what it was
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version.

    Attributes:
        project: Whose.
        version: `1`, `2`, ...
        arn: Lookout for Vision's.
        details: Further members of `ModelDescription`, `Status` among them.
    """

    project: str
    version: str
    arn: str
    details: Mapping[str, Any]

    @property
    def status(self) -> str:
        """Lookout for Vision's state, such as `HOSTED`."""
        return str(self.details["Status"])

    @property
    def is_hosted(self) -> bool:
        """Whether it judges."""
        return self.status == "HOSTED"

    def members(self) -> dict[str, Any]:
        """The members of `ModelMetadata` and `ModelDescription` that are known."""
        return {"ModelVersion": self.version, "ModelArn": self.arn, **self.details}


class StateSource(Protocol):
    """Somebody who knows something of versions."""

    def members(self, project: str, version: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
        """What it knows of a version: members of `ModelDescription`; empty where it knows nothing.

        Args:
            project: Whose.
            version: Which.
            known: What the sources before it said, a moment ago: all speak of one and the same state.
        """


class Published:
    """What the registry keeps of a version.

    Args:
        documents: Of the models bucket.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def members(self, project: str, version: str, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """When it was published, and how good it was; nothing while it is not published."""
        folder = f"projects/{project}/models/{version}"
        entry = self._documents.get(f"{folder}/model.json")
        if entry is None:
            return {}
        return {
            "CreationTimestamp": datetime.fromisoformat(entry.value["created_at"]),
            "Status": "TRAINED",
            "StatusMessage": "Start the model to judge with it.",
            "Performance": self._performance(folder) or None,
        }

    def _performance(self, folder: str) -> dict[str, float]:
        document = self._documents.get(f"{folder}/evaluation.json")
        measured = document.value if document else {}
        names = {"Precision": "precision", "Recall": "recall", "F1Score": "f1"}
        return {name: float(measured[of]) for name, of in names.items() if measured.get(of) is not None}


class ModelStore:
    """Finds versions.

    Args:
        documents: Of the models bucket.
        names: Makes ARNs.
        sources: Who knows something of a version; what a later one says counts.
    """

    def __init__(self, documents: Documents, names: Names, sources: Sequence[StateSource]) -> None:
        self._documents = documents
        self._names = names
        self._sources = sources

    def all(self, project: str) -> list[ModelRecord]:
        """Every version of a project, newest first."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            records = pool.map(lambda version: self._record(project, version), self._versions(project))
        return [record for record in records if record is not None]

    def get(self, project: str, version: str) -> ModelRecord:
        """One version.

        Args:
            project: Of which.
            version: Its number, or `latest` for the highest.

        Raises:
            ResourceNotFoundException: There is none.
        """
        wanted = self._versions(project) if version == LATEST else [version]
        record = next((found for one in wanted if (found := self._record(project, one))), None)
        if record is None:
            arn = self._names.model_arn(project, version)
            message = f"Model version {version} of project {project} does not exist."
            raise ResourceNotFoundException(message, arn, "MODEL")
        return record

    def _versions(self, project: str) -> list[str]:
        folders = self._documents.folders(f"projects/{project}/models/")
        return sorted((name for name in folders if name.isdecimal()), key=int, reverse=True)

    def _record(self, project: str, version: str) -> ModelRecord | None:
        details: dict[str, Any] = {}
        for source in self._sources:
            details |= source.members(project, version, details)
            if details.get("Status") == _DELETING:
                break
        if "CreationTimestamp" not in details:
            return None  # a number that was taken, and nothing made of it yet
        return ModelRecord(project, version, self._names.model_arn(project, version), details)
