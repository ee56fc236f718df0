"""The results bucket: one history object per object version, the newest version's result, heat maps.

A result has Lookout for Vision's response shape (`DetectAnomalyResult`), ours beside it (`Spotcheck`).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.anomalies import anomaly_list
from chalicelib.aws_errors import error_code
from chalicelib.events import newer_than
from chalicelib.records import Record, Status

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EXISTS = {"PreconditionFailed", "412"}
_RACED = {"ConditionalRequestConflict", "409"}
_MISSING = {"NoSuchKey", "404"}


def result_body(record: Record, mask: bytes | None) -> dict[str, Any]:
    """A record as its result object.

    Args:
        record: The outcome.
        mask: PNG of the picture's size, None for a rejection.
    """
    body: dict[str, Any] = {"Spotcheck": record.to_json()}
    if record.status is not Status.JUDGED:
        return body
    result = {
        "Source": {"Type": "direct"},
        "IsAnomalous": record.is_anomalous,
        "Confidence": record.confidence,
        "Anomalies": anomaly_list(record.kinds),
        "AnomalyMask": base64.b64encode(mask or b"").decode(),
    }
    return {"DetectAnomalyResult": result} | body


class ResultsBucket:
    """Writes results so that a retry at any point repairs itself.

    Args:
        s3: S3 client.
        bucket: The results bucket.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def put_heat_map(self, key: str, png: bytes) -> None:
        """Writes a heat map, unless it is there: one model draws the same one of the same picture."""
        written = False
        while not written:  # a write under way when S3 refused this one may have failed since
            written = self._put(key, png, "image/png", IfNoneMatch="*") or self._exists(key)

    def put_history(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Writes a version's result once; the first one stands.

        Returns:
            The result that stands: `body`, or what an earlier attempt wrote.
        """
        while not self._put_json(key, body, IfNoneMatch="*"):
            if (found := self._get(key)) is not None:
                return found[0]
        return body

    def put_newest(self, key: str, body: dict[str, Any]) -> None:
        """Makes a result the newest of its key, unless that of a newer version is there."""
        record = Record.from_json(body["Spotcheck"])
        condition = {"IfNoneMatch": "*"}  # most keys are uploaded once: one request then
        while not self._put_json(key, body, **condition):
            found = self._get(key)
            if found is None:
                condition = {"IfNoneMatch": "*"}
                continue
            there, etag = found
            if not _is_newer(record, Record.from_json(there["Spotcheck"])):
                return
            condition = {"IfMatch": etag}

    def _put_json(self, key: str, body: dict[str, Any], **condition: str) -> bool:
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return self._put(key, content, "application/json", **condition)

    def _put(self, key: str, content: bytes, content_type: str, **condition: str) -> bool:
        """False when the condition is not met, or cannot be told while another write is under way."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                **condition,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if error_code(error) in _EXISTS | _RACED or (
                "IfMatch" in condition and error_code(error) in _MISSING
            ):
                return False
            raise
        return True

    def _exists(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error_code(error) in _MISSING:
                return False
            raise
        return True

    def _get(self, key: str) -> tuple[dict[str, Any], str] | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error_code(error) in _MISSING:
                return None
            raise
        return json.loads(answer["Body"].read()), answer["ETag"]


def _is_newer(record: Record, other: Record) -> bool:
    """By sequencer, S3's own order of a key's versions; by the event's time where one has none."""
    if record.sequencer and other.sequencer:
        return newer_than(record.sequencer, other.sequencer)
    return (record.uploaded_at, record.request_id) > (other.uploaded_at, other.request_id)
