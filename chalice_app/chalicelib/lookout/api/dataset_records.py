"""What is known of a dataset: its state, what it holds, and where its entries lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.documents import Document
    from chalicelib.lookout.api.dataset_entries import StoredEntry

DatasetType = Literal["train", "test"]

JOB_SECONDS = 3600.0
"""How long a job may be under way: Lambda tries three times, each at most fifteen minutes, minutes apart."""

CREATING, CREATED, CREATE_FAILED = "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_FAILED"
UPDATING, UPDATED, UPDATE_FAILED = (
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED_ROLLBACK_COMPLETE",
)
DELETING, DELETED, DELETE_FAILED = "DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED"

FAILURES = {CREATING: CREATE_FAILED, UPDATING: UPDATE_FAILED, DELETING: DELETE_FAILED}
READY = frozenset({CREATED, UPDATED, UPDATE_FAILED})
"""States in which a dataset can be trained on, listed and changed."""

_DEAD = "The work stopped without an end: try again. If it happens again, the log of run_job has the reason."


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """What a dataset holds, in pictures.

    Attributes:
        total: All of them.
        labeled: Those with a label.
        normal: Those labelled normal.
        anomaly: Those labelled anomalous.
        masked: Those whose line names a mask.
    """

    total: int = 0
    labeled: int = 0
    normal: int = 0
    anomaly: int = 0
    masked: int = 0

    @classmethod
    def of(cls, entries: Iterable[StoredEntry]) -> Self:
        """Counts entries."""
        counts: Counter[str] = Counter()
        for entry in entries:
            counts["total"] += 1
            counts["labeled"] += entry.label is not None
            counts["masked"] += entry.kinds is not None
            counts[entry.label or ""] += 1
        return cls(**{field.name: counts[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A dataset as it stands.

    Attributes:
        project: Whose.
        dataset_type: `train` or `test`.
        status: The service's word for its state.
        message: What is to be said of that.
        created_at: When CreateDataset was called.
        updated_at: When its state last changed.
        images: What it holds.
        identity: Tells this dataset from one that had its place before.
        entries_key: Of the file of its entries in the models bucket; None while it has none.
        etag: Of the document that was read.
        value: That document, its state as it is to be read now.
    """

    project: str
    dataset_type: DatasetType
    status: str
    message: str
    created_at: datetime
    updated_at: datetime
    images: ImageCounts
    identity: str
    entries_key: str | None
    etag: str
    value: Mapping[str, Any]

    @classmethod
    def of(cls, project: str, dataset_type: DatasetType, document: Document) -> Self:
        """Reads a document.

        A job that did not come to its end in time is dead: whoever looks finds that it failed.
        """
        value = document.value
        if document.age > JOB_SECONDS and value["status"] in FAILURES:
            value = {**value, "status": FAILURES[value["status"]], "message": _DEAD}
        return cls(
            project=project,
            dataset_type=dataset_type,
            status=value["status"],
            message=value["message"],
            created_at=datetime.fromisoformat(value["created_at"]),
            updated_at=datetime.fromisoformat(value["updated_at"]),
            images=ImageCounts(**value["images"]),
            identity=value["identity"],
            entries_key=value["entries"],
            etag=document.etag,
            value=value,
        )

    @property
    def is_ready(self) -> bool:
        """Whether it can be trained on, listed and changed."""
        return self.status in READY

    @property
    def resource_id(self) -> str:
        """As errors name it."""
        return f"{self.project}/{self.dataset_type}"

    def metadata(self) -> dict[str, Any]:
        """The members of `DatasetMetadata`."""
        return {
            "DatasetType": self.dataset_type,
            "CreationTimestamp": self.created_at,
            "Status": self.status,
            "StatusMessage": self.message,
        }

    def description(self) -> dict[str, Any]:
        """The members of `DatasetDescription`."""
        counts = self.images
        return {
            **self.metadata(),
            "ProjectName": self.project,
            "LastUpdatedTimestamp": self.updated_at,
            "ImageStats": {
                "Total": counts.total,
                "Labeled": counts.labeled,
                "Normal": counts.normal,
                "Anomaly": counts.anomaly,
            },
        }
