"""CreateDataset, DescribeDataset, ListDatasetEntries, UpdateDatasetEntries, DeleteDataset.

What reads or writes more than a document is done by a job. The document says which job it waits for, and is
written before the job starts: no other change begins meanwhile, and a job that nobody waits for does nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chalicelib.lookout.api import client_tokens
from chalicelib.lookout.api.contract import MAX_BLOB
from chalicelib.lookout.api.dataset_listing import page_of_entries
from chalicelib.lookout.api.dataset_records import (
    CREATED,
    CREATING,
    DELETED,
    DELETING,
    FAILURES,
    UPDATING,
    DatasetRecord,
)
from chalicelib.lookout.api.dataset_store import files
from chalicelib.lookout.api.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
    from chalicelib.lookout.api.dataset_entries import StoredEntry
    from chalicelib.lookout.api.dataset_store import DatasetStore
    from chalicelib.lookout.api.jobs import Jobs
    from chalicelib.lookout.api.projects import Projects

EMPTY = {"total": 0, "labeled": 0, "normal": 0, "anomaly": 0, "masked": 0}


class Datasets:
    """A project's datasets.

    Args:
        projects: Says which exist.
        store: Where datasets are kept.
        jobs: Starts what outlasts a request.
        buckets: Where manifests may lie.
        now: The clock.
    """

    def __init__(
        self,
        projects: Projects,
        store: DatasetStore,
        jobs: Jobs,
        buckets: DatasetBuckets,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._projects = projects
        self._store = store
        self._jobs = jobs
        self._buckets = buckets
        self._now = now

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a dataset: an empty one at once, one from a manifest by a job.

        Raises:
            AccessDeniedException: The manifest's bucket is not open to datasets.
            ConflictException: There is a dataset of that type, or the ClientToken was used for another.
            ResourceNotFoundException: There is no such project.
            ValidationException: A source is given that names no manifest.
        """
        project, kind = self._projects.require(given["ProjectName"]), given["DatasetType"]
        source = self._source(given)
        while True:
            present = self._store.look(project, kind)
            if present is not None and self._is_known("CreateDataset", given, present):
                return {"DatasetMetadata": present.metadata()}
            if present is not None and present.status != DELETED:
                message = (
                    f"Project {project} has a {kind} dataset: change it with UpdateDatasetEntries, or "
                    "delete it first."
                )
                raise ConflictException(message, present.resource_id, "DATASET")
            value = self._new(given, source, present)
            if self._store.write(project, kind, value, present):
                break
        written = self._require(project, kind)
        if source is not None:
            nothing = {**value, "status": DELETED, "tokens": present.value["tokens"] if present else {}}
            self._start("create_dataset", written, nothing)
        return {"DatasetMetadata": written.metadata()}

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Tells of a dataset.

        Raises:
            ResourceNotFoundException: There is no such project or dataset.
        """
        project = self._projects.require(given["ProjectName"])
        return {"DatasetDescription": self._require(project, given["DatasetType"]).description()}

    def entries(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Lists the JSON lines of a dataset that satisfy every filter given.

        Raises:
            ConflictException: The dataset is not made yet, could not be made, or is being deleted.
            ResourceNotFoundException: There is no such project or dataset.
            ValidationException: The token of the page is none of ours.
        """
        record = self._require(self._projects.require(given["ProjectName"]), given["DatasetType"])
        if not record.is_ready and record.status != UPDATING:
            raise _busy(record, "has no entries to list")

        def entries(start: int) -> Iterator[StoredEntry]:
            return self._store.stored_entries(record.project, record.dataset_type, start)

        found, token = page_of_entries(entries, record.identity, given)
        return {"DatasetEntries": [entry.text for entry in found], "NextToken": token}

    def update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Has a job add lines, or replace those of the same pictures: all of them, or none.

        Raises:
            ConflictException: The dataset is in a state that takes no change, or the ClientToken was used
                for another.
            ResourceNotFoundException: There is no such project or dataset.
            ValidationException: The changes are too large for one call.
        """
        changes: bytes = given["Changes"]
        if len(changes) > MAX_BLOB:
            message = (
                f"Changes has {len(changes)} bytes; {MAX_BLOB} fit into a call of this API: send the "
                "lines in several calls, one after the other, or create the dataset from a manifest in S3."
            )
            raise ValidationException(message)
        project, kind, work = self._projects.require(given["ProjectName"]), given["DatasetType"], uuid4().hex
        while True:
            record = self._require(project, kind)
            if self._is_known("UpdateDatasetEntries", given, record):
                return {"Status": record.status}
            if not record.is_ready:
                raise _busy(record, "takes no changes now")
            key = f"{files(project, kind, record.identity)}changes-{work}.jsonl"
            self._store.put_file(key, changes)
            if self._begin(record, UPDATING, "UpdateDatasetEntries", given, {"id": work, "changes": key}):
                return {"Status": UPDATING}
            self._store.delete_file(key)

    def delete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Has a job delete a dataset; its pictures stay where they are.

        Raises:
            ConflictException: A job is at work on it, or the ClientToken was used for another call.
            ResourceNotFoundException: There is no such project or dataset.
        """
        project, kind, work = self._projects.require(given["ProjectName"]), given["DatasetType"], uuid4().hex
        while True:
            present = self._store.look(project, kind)
            if present is not None and self._is_known("DeleteDataset", given, present):
                return {}
            record = self._require(project, kind)
            if record.status in FAILURES:
                raise _busy(record, "can not be deleted now")
            if self._begin(record, DELETING, "DeleteDataset", given, {"id": work}):
                return {}

    def _begin(
        self,
        record: DatasetRecord,
        status: str,
        operation: str,
        given: Mapping[str, Any],
        job: Mapping[str, Any],
    ) -> bool:
        """Has the document wait for a job, and starts it; False when somebody else changed the document."""
        now = self._now()
        value = {
            **record.value,
            "status": status,
            "message": "",
            "updated_at": timestamp(now),
            "job": {"requested_at": timestamp(now), **job},
            "tokens": client_tokens.remember(record.value["tokens"], operation, given, now),
        }
        if not self._store.write(record.project, record.dataset_type, value, record):
            return False
        started = {UPDATING: "update_dataset", DELETING: "delete_dataset"}[status]
        self._start(started, self._require(record.project, record.dataset_type), record.value)
        return True

    def _start(self, job: str, record: DatasetRecord, before: Mapping[str, Any]) -> None:
        """Starts the job that a document waits for; if that fails, puts back what stood there before."""
        try:
            self._jobs.start(
                job,
                project=record.project,
                dataset_type=record.dataset_type,
                work=record.value["job"]["id"],
            )
        except Exception:
            self._store.write(record.project, record.dataset_type, before, record)
            raise

    def _new(
        self, given: Mapping[str, Any], source: Mapping[str, Any] | None, present: DatasetRecord | None
    ) -> dict[str, Any]:
        """The document of a new dataset."""
        now = self._now()
        tokens = present.value["tokens"] if present else {}
        return {
            "identity": uuid4().hex,
            "status": CREATED if source is None else CREATING,
            "message": "",
            "created_at": timestamp(now),
            "updated_at": timestamp(now),
            "images": EMPTY,
            "entries": None,
            "job": {"id": uuid4().hex, "requested_at": timestamp(now), "source": source},
            "tokens": client_tokens.remember(tokens, "CreateDataset", given, now),
        }

    def _source(self, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Where the manifest lies; None for an empty dataset."""
        if "DatasetSource" not in given:
            return None
        source: Mapping[str, Any] | None = (
            given["DatasetSource"].get("GroundTruthManifest", {}).get("S3Object")
        )
        if source is None:
            message = (
                "DatasetSource names no manifest: give GroundTruthManifest.S3Object, or leave DatasetSource "
                "out for an empty dataset."
            )
            raise ValidationException(message)
        if refusal := self._buckets.refusal(source["Bucket"], source["Key"]):
            message = f"The manifest s3://{source['Bucket']}/{source['Key']} may not be read: {refusal}."
            raise AccessDeniedException(message)
        return source

    def _require(self, project: str, kind: str) -> DatasetRecord:
        record = self._store.get(project, kind)
        if record is None:
            message = f"Project {project} has no {kind} dataset: create it first."
            raise ResourceNotFoundException(message, f"{project}/{kind}", "DATASET")
        return record

    def _is_known(self, operation: str, given: Mapping[str, Any], record: DatasetRecord) -> bool:
        tokens, resource = record.value["tokens"], record.resource_id
        return client_tokens.is_known(tokens, operation, given, self._now(), (resource, "DATASET"))


def _busy(record: DatasetRecord, what: str) -> ConflictException:
    """What to do about a dataset in the wrong state."""
    if record.status in FAILURES:
        advice = "wait until DescribeDataset tells another state"
    else:
        advice = "delete it, then create it again"
    message = (
        f"The {record.dataset_type} dataset of project {record.project} {what} ({record.status}): {advice}."
    )
    return ConflictException(message, record.resource_id, "DATASET")
