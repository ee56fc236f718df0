"""The stack's buckets on moto, and the API's datasets in them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from support_lookout import label, line, manifest_bytes

from chalicelib.documents import Documents
from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
from chalicelib.lookout.api.dataset_entries import StoredEntry
from chalicelib.lookout.api.dataset_jobs import DatasetJobs
from chalicelib.lookout.api.dataset_store import DatasetStore
from chalicelib.lookout.api.datasets import Datasets
from chalicelib.lookout.api.jobs import JobRunner
from chalicelib.lookout.api.manifest_source import ManifestSource
from chalicelib.lookout.api.names import Names
from chalicelib.lookout.api.projects import Projects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import boto3
    from mypy_boto3_s3 import S3Client

MODELS = "spotcheck-models-123456789012-us-east-1"
IMAGES = "spotcheck-images-123456789012-us-east-1"
GRANTED = "my-bucket"
FOREIGN = "payroll"
NAMES = Names("aws", "us-east-1", "123456789012")
MANIFEST = "exports/cars/train.manifest"


class Jobs:
    """Keeps what was started until a test runs it."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.failure: Exception | None = None

    def start(self, job: str, **payload: str | int | None) -> None:
        if self.failure:
            raise self.failure
        self.started.append(json.loads(json.dumps({"job": job, **payload})))


class Service:
    """What a test of datasets works with."""

    def __init__(self, session: boto3.Session) -> None:
        self.session = session
        self.s3: S3Client = session.client("s3")
        for bucket in (MODELS, IMAGES, GRANTED, FOREIGN):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.time = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
        self.buckets = DatasetBuckets(IMAGES, frozenset({GRANTED}))
        self.store = DatasetStore(self.s3, MODELS)
        self.jobs = Jobs()
        self.projects = Projects(Documents(self.s3, MODELS), NAMES, self.store, self.now)
        self.datasets = Datasets(self.projects, self.store, self.jobs, self.buckets, self.now)  # type: ignore[arg-type]
        self.runner = self.another_runner()

    def now(self) -> datetime:
        """A clock that goes on by a second whenever it is looked at."""
        self.time += timedelta(seconds=1)
        return self.time

    def another_runner(self, s3: S3Client | None = None) -> JobRunner:
        """Another execution environment of run_job."""
        s3 = s3 or self.s3
        jobs = DatasetJobs(DatasetStore(s3, MODELS), ManifestSource(s3), self.buckets, self.now)
        return JobRunner(jobs.jobs())

    def run(self) -> None:
        """Does every job that was started, once."""
        while self.jobs.started:
            self.runner.run(self.jobs.started.pop(0))

    def project(self, name: str = "cars") -> str:
        """Makes a project."""
        self.projects.create({"ProjectName": name})
        return name

    def upload(self, content: bytes, key: str = MANIFEST, bucket: str = GRANTED) -> dict[str, Any]:
        """Puts a manifest, and gives the `DatasetSource` that names it."""
        self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return {"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Key": key}}}

    def create(self, content: bytes | None = None, kind: str = "train", **more: Any) -> dict[str, Any]:
        """Calls CreateDataset of project `cars`, with a manifest if there is one."""
        source = {} if content is None else {"DatasetSource": self.upload(content)}
        return self.datasets.create({"ProjectName": "cars", "DatasetType": kind, **source, **more})

    def update(self, content: bytes, **more: Any) -> dict[str, Any]:
        """Calls UpdateDatasetEntries."""
        return self.datasets.update(
            {"ProjectName": "cars", "DatasetType": "train", "Changes": content, **more}
        )

    def delete(self, **more: Any) -> dict[str, Any]:
        """Calls DeleteDataset."""
        return self.datasets.delete({"ProjectName": "cars", "DatasetType": "train", **more})

    def describe(self, kind: str = "train") -> dict[str, Any]:
        """What DescribeDataset tells."""
        found = self.datasets.describe({"ProjectName": "cars", "DatasetType": kind})
        return dict(found["DatasetDescription"])

    def names(self, **filters: Any) -> list[str]:
        """The names of the pictures that ListDatasetEntries tells."""
        given = {"ProjectName": "cars", "DatasetType": "train", **filters}
        entries = self.datasets.entries(given)["DatasetEntries"]
        return [json.loads(entry)["source-ref"].rpartition("/")[2] for entry in entries]

    def objects(self) -> set[str]:
        """Every object of the models bucket."""
        return {found["Key"] for found in self.s3.list_objects_v2(Bucket=MODELS).get("Contents", [])}

    @contextmanager
    def at_call(
        self, number: int, do: Callable[[], object], *, after: bool = False, s3: S3Client | None = None
    ) -> Iterator[list[str]]:
        """Does something when the n-th call to S3 is due (or was just answered), counted from 1.

        Yields:
            The calls, as they come.
        """
        client, seen = s3 or self.s3, list[str]()
        event = "after-call.s3" if after else "before-call.s3"

        def look(model: Any, **_: Any) -> None:
            seen.append(str(model.name))
            if len(seen) == number:
                do()

        client.meta.events.register(event, look)
        try:
            yield seen
        finally:
            client.meta.events.unregister(event, look)


def lines(*names: str, of: str = "normal", bucket: str = GRANTED, folder: str = "exports/cars") -> bytes:
    """A manifest: one line for each name."""
    labels = [label(of)] if of else []
    return manifest_bytes([line(f"s3://{bucket}/{folder}/{name}", *labels) for name in names])


def stored(name: str = "a.png", text: str | None = None) -> StoredEntry:
    """An entry as it is kept."""
    source = f"s3://{IMAGES}/datasets/{name}"
    given = text or f'{{"source-ref":"{source}"}}'
    return StoredEntry(given, source, None, None, "2026-11-25T21:00:00.000Z")


def lost_answer() -> ClientError:
    """What a caller sees when the network goes down after S3 did the work."""
    return ClientError({"Error": {"Code": "InternalError", "Message": "lost"}}, "PutObject")
