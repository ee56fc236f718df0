"""The jobs behind CreateDataset, UpdateDatasetEntries and DeleteDataset.

A job may run twice, at the same time even, and may die anywhere. It does nothing unless the dataset's
document waits for it; all that counts is the one write of that document at its end, on condition that nobody
wrote it since. Files that a dead run left are nobody's, and go with the dataset.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chalicelib.exceptions import DatasetLimitError, ManifestError, ManifestUnreadableError
from chalicelib.lookout.api.dataset_import import kinds_of_masks, take_in
from chalicelib.lookout.api.dataset_records import (
    CREATED,
    CREATING,
    DELETED,
    FAILURES,
    UPDATED,
    UPDATING,
    ImageCounts,
)
from chalicelib.lookout.api.dataset_store import TYPES, files
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
    from chalicelib.lookout.api.dataset_records import DatasetRecord
    from chalicelib.lookout.api.dataset_store import DatasetStore
    from chalicelib.lookout.api.manifest_source import ManifestSource

_SUCCESSES = {CREATING: CREATED, UPDATING: UPDATED}
_REFUSALS = (ManifestError, ManifestUnreadableError, DatasetLimitError)


class DatasetJobs:
    """Does what datasets wait for.

    Args:
        store: Where datasets are kept.
        manifests: Reads the manifests of CreateDataset.
        buckets: Where pictures and masks may lie.
        now: The clock.
    """

    def __init__(
        self,
        store: DatasetStore,
        manifests: ManifestSource,
        buckets: DatasetBuckets,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._manifests = manifests
        self._buckets = buckets
        self._now = now

    def jobs(self) -> dict[str, Callable[..., None]]:
        """The jobs by name."""
        return {
            "create_dataset": self.create,
            "update_dataset": self.update,
            "delete_dataset": self.delete,
        }

    def create(self, project: str, dataset_type: str, work: str) -> None:
        """Fills a new dataset from its manifest."""
        record = self._waiting(project, dataset_type, work)
        if record is not None:
            self._take_in(record, lambda: self._manifests.lines(record.value["job"]["source"]))

    def update(self, project: str, dataset_type: str, work: str) -> None:
        """Adds lines to a dataset, or replaces them."""
        record = self._waiting(project, dataset_type, work)
        if record is None:
            return
        changes = self._store.read_file(record.value["job"]["changes"])
        if changes is not None:  # else another run of this job has come to its end
            self._take_in(record, lambda: changes.split(b"\n"))

    def delete(self, project: str, dataset_type: str, work: str) -> None:
        """Deletes a dataset's files, and leaves the trace that its ClientTokens need."""
        record = self._waiting(project, dataset_type, work)
        if record is not None:
            self._store.delete_files(record)
            self._end(record, {"status": DELETED, "entries": None})

    def _take_in(self, record: DatasetRecord, lines: Callable[[], Iterable[bytes]]) -> None:
        """Takes lines in, all of them or none, and says which."""
        present = self._store.stored_entries(record.project, record.dataset_type)
        requested_at = record.value["job"]["requested_at"]
        others = [kind for kind in TYPES if kind != record.dataset_type]
        elsewhere = kinds_of_masks(
            entry for kind in others for entry in self._store.stored_entries(record.project, kind)
        )
        try:
            entries = take_in(lines(), present, record.dataset_type, self._buckets, requested_at, elsewhere)
        except _REFUSALS as refusal:
            if self._end(record, {"status": FAILURES[record.status], "message": str(refusal)}):
                self._clean_up(record.value["job"].get("changes"))
            return
        key = f"{files(record.project, record.dataset_type, record.identity)}entries-{uuid4().hex}.jsonl"
        self._store.put_entries(key, entries)
        counts = asdict(ImageCounts.of(entries))
        if self._end(record, {"status": _SUCCESSES[record.status], "entries": key, "images": counts}):
            self._clean_up(record.entries_key, record.value["job"].get("changes"))
        else:
            self._discard(record, key)

    def _waiting(self, project: str, dataset_type: str, work: str) -> DatasetRecord | None:
        """The dataset that waits for this job; None when none does (any more)."""
        record = self._store.get(project, dataset_type)
        if record is None or record.value["job"]["id"] != work or record.status not in FAILURES:
            return None
        return record

    def _end(self, record: DatasetRecord, outcome: Mapping[str, Any]) -> bool:
        """Writes down how a job ended; False when the dataset does not wait for it any more."""
        current = self._waiting(record.project, record.dataset_type, record.value["job"]["id"])
        if current is None:
            return False
        value = {**current.value, "message": "", "updated_at": timestamp(self._now()), **outcome}
        return self._store.write(record.project, record.dataset_type, value, current)

    def _discard(self, record: DatasetRecord, key: str) -> None:
        """Removes entries that were not taken; the write that took them may be one whose answer was lost."""
        now = self._store.look(record.project, record.dataset_type)
        if now is None or now.entries_key != key:
            self._clean_up(key)

    def _clean_up(self, *keys: str | None) -> None:
        for key in keys:
            if key is not None:
                self._store.delete_file(key)
