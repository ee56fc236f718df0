"""Where datasets are kept, in the models bucket.

`projects/<project>/datasets/<train|test>/dataset.json` says what the dataset is and names the file of its
entries, `<identity>/entries-<run>.jsonl` beside it, which never changes: an update writes another and then
has the document name that. Whoever reads finds all entries of one moment (docs/adr/0013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.documents import Documents
from chalicelib.lookout.api.dataset_entries import StoredEntry
from chalicelib.lookout.api.dataset_records import DELETED, DatasetRecord, DatasetType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from mypy_boto3_s3 import S3Client

    from chalicelib.lookout.entries import Entry

TYPES: tuple[DatasetType, ...] = get_args(DatasetType)
_MISSING = {"NoSuchKey", "404"}


class DatasetStore:
    """Reads and writes datasets.

    Args:
        s3: S3 client.
        bucket: The models bucket.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._documents = Documents(s3, bucket)

    def get(self, project: str, dataset_type: str) -> DatasetRecord | None:
        """A dataset as it stands; None when there is none."""
        record = self.look(project, dataset_type)
        return None if record is None or record.status == DELETED else record

    def all(self, project: str) -> list[DatasetRecord]:
        """A project's datasets: at most one of each type."""
        return [record for kind in TYPES if (record := self.get(project, kind)) is not None]

    def stored_entries(self, project: str, dataset_type: str, start: int = 0) -> Iterator[StoredEntry]:
        """The entries in their order, all of one moment; none where there is no dataset.

        Args:
            project: Whose.
            dataset_type: `train` or `test`.
            start: How many to pass over.
        """
        record = self.get(project, dataset_type)
        while record is not None and record.entries_key is not None:
            try:
                body = self._s3.get_object(Bucket=self._bucket, Key=record.entries_key)["Body"].read()
            except ClientError as error:
                newer = self.get(project, dataset_type)
                if error_code(error) not in _MISSING or newer == record:
                    raise
                record = newer  # an update has come between
            else:
                return map(StoredEntry.from_line, body.splitlines()[start:])
        return iter(())

    def entries(self, project: str, dataset_type: str) -> Iterator[Entry]:
        """The same, with labels and masks as training needs them."""
        stored = self.stored_entries(project, dataset_type)
        return (one.entry(line) for line, one in enumerate(stored, start=1))

    def look(self, project: str, dataset_type: str) -> DatasetRecord | None:
        """What stands in a dataset's place, and be it the trace of a deleted one (`DELETE_COMPLETE`)."""
        document = self._documents.get(_document_key(project, dataset_type))
        if document is None:
            return None
        return DatasetRecord.of(project, cast("DatasetType", dataset_type), document)

    def write(
        self, project: str, dataset_type: str, value: Mapping[str, Any], over: DatasetRecord | None
    ) -> bool:
        """Writes a dataset's document over the one that was read, or where there was none.

        Args:
            project: Whose.
            dataset_type: `train` or `test`.
            value: The document, with a job or identity that no other has.
            over: What was read.

        Returns:
            False when another one stands there by now.
        """
        key = _document_key(project, dataset_type)
        if over is None:
            is_written = self._documents.create(key, value)
        else:
            is_written = self._documents.replace(key, value, over.etag)
        # Refused may mean: written, its answer lost, and tried again by the client.
        return is_written or ((document := self._documents.get(key)) is not None and document.value == value)

    def put_entries(self, key: str, entries: Iterable[StoredEntry]) -> None:
        """Writes a file of entries."""
        self.put_file(key, b"".join(entry.to_line() for entry in entries))

    def put_file(self, key: str, content: bytes) -> None:
        """Writes a file that belongs to a dataset."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)

    def read_file(self, key: str) -> bytes | None:
        """Reads such a file; None when it is gone."""
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) in _MISSING:
                return None
            raise

    def delete_file(self, key: str) -> None:
        """Removes such a file."""
        self._documents.delete(key)

    def delete_files(self, record: DatasetRecord) -> None:
        """Removes every file of a dataset, and nothing of one that takes its place."""
        self._documents.delete_all(files(record.project, record.dataset_type, record.identity))


def folder(project: str) -> str:
    """Below which everything of a project's datasets lies."""
    return f"projects/{project}/datasets/"


def files(project: str, dataset_type: str, identity: str) -> str:
    """Below which a dataset's own files lie."""
    return f"{folder(project)}{dataset_type}/{identity}/"


def _document_key(project: str, dataset_type: str) -> str:
    return f"{folder(project)}{dataset_type}/dataset.json"
