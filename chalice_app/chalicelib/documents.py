"""Small JSON documents in S3, for what is read and changed seldom.

S3 is strongly consistent and writes on condition (`If-None-Match`, `If-Match`), which is all that a few
hundred descriptions need; a second table would be one more thing to own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_s3 import S3Client

_REFUSED = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_MISSING = {"NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was read.

    Attributes:
        value: The JSON object.
        etag: Tells this state from every other, for a conditional write.
        age: Seconds since it was written, by S3's own clock where it tells the time.
    """

    value: dict[str, Any]
    etag: str
    age: float = 0.0


class Documents:
    """Reads and writes documents, never over somebody else's change.

    Args:
        s3: S3 client.
        bucket: Where they lie.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def get(self, key: str) -> Document | None:
        """The document, None when there is none."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error_code(error) in _MISSING:
                return None
            raise
        told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(told) if told else datetime.now(UTC)
        age = (now - answer["LastModified"]).total_seconds()
        return Document(dict(json.loads(answer["Body"].read())), answer["ETag"], age)

    def create(self, key: str, value: Mapping[str, Any]) -> bool:
        """Writes a document that does not exist yet; False when it does."""
        return self._put(key, value, IfNoneMatch="*")

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Writes the document, whatever stands there."""
        while not self._put(key, value):
            pass  # another write was under way

    def replace(self, key: str, value: Mapping[str, Any], etag: str) -> bool:
        """Writes over the document that was read; False when it is another one by now."""
        return self._put(key, value, IfMatch=etag)

    def change(
        self, key: str, how: Callable[[dict[str, Any]], dict[str, Any] | None]
    ) -> dict[str, Any] | None:
        """Reads, changes and writes, again where somebody came between.

        Args:
            key: Of the document.
            how: Gets the value, gives the new one, or None to leave it. May be called more than once.

        Returns:
            What stands there afterwards; None when there is no document.
        """
        while (document := self.get(key)) is not None:
            value = how(dict(document.value))
            if value is None:
                return document.value
            if self.replace(key, value, document.etag):
                return value
        return None

    def delete(self, key: str) -> None:
        """Removes the document; nothing happens when there is none."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)

    def delete_all(self, prefix: str) -> None:
        """Removes everything below a prefix."""
        for key in list(self.keys(prefix)):
            self.delete(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix, in S3's order."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (found["Key"] for found in page.get("Contents", []))

    def folders(self, prefix: str) -> Iterator[str]:
        """The names between a prefix (which ends with a slash) and the next slash."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for found in page.get("CommonPrefixes", []):
                yield found["Prefix"].removeprefix(prefix).removesuffix("/")

    def _put(self, key: str, value: Mapping[str, Any], **condition: str) -> bool:
        body = json.dumps(value, ensure_ascii=False).encode()
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                **condition,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if error_code(error) in _REFUSED | _MISSING:
                return False
            raise
        return True
