"""The stack's buckets on moto, and the API's datasets in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.lookout.api.dataset_entries import StoredEntry
from chalicelib.lookout.api.dataset_store import DatasetStore

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

MODELS = "spotcheck-models-123456789012-us-east-1"
IMAGES = "spotcheck-images-123456789012-us-east-1"


class Service:
    """What a test of datasets works with."""

    def __init__(self, session: boto3.Session) -> None:
        self.s3: S3Client = session.client("s3")
        for bucket in (MODELS, IMAGES):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.store = DatasetStore(self.s3, MODELS)


def stored(name: str = "a.png", text: str | None = None) -> StoredEntry:
    """An entry as it is kept."""
    source = f"s3://{IMAGES}/datasets/{name}"
    return StoredEntry(
        text or f'{{"source-ref":"{source}"}}', source, None, False, "2026-11-25T21:00:00.000Z"
    )
