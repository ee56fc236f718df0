"""S3 events: taken apart here, and made here when a waiting upload is released.

Shape and encoding: S3 user guide, "Event message structure". Keys are form-URL-encoded; several records may
come in one event; an event may come more than once, and later than a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from chalicelib.exceptions import EventError

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLAYS = "spotcheckRedrives"
"""Top-level member of a replayed event: how often it was replayed. AWS's own have no such name."""


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object, as its event names it.

    Attributes:
        bucket: Bucket name.
        key: Key, decoded.
        version_id: None where the bucket is unversioned.
        etag: ETag without quotes, empty where the event has none.
        sequencer: Orders the versions of one key (see `newer_than`), empty where the event has none.
        size: Bytes, None where the event has none.
        uploaded_at: The event's time, ISO 8601 UTC.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    sequencer: str
    size: int | None
    uploaded_at: str

    @property
    def is_folder_marker(self) -> bool:
        """Whether the console made this object to show a folder: empty, its key ends in a slash."""
        return self.key.endswith("/") and self.size == 0

    @property
    def image(self) -> str:
        """The key's last component, which is what the notebook called the image."""
        return self.key.rstrip("/").rpartition("/")[2] or self.key

    @property
    def s3_uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


def object_versions(event: Mapping[str, Any]) -> list[ObjectVersion]:
    """Takes every record of an S3 event apart that tells of an upload.

    Args:
        event: The event body as Lambda hands it over.

    Returns:
        The object versions, in the event's order; none for the `s3:TestEvent` that S3 sends when a
        notification is set up, nor for deletions and other news of objects that exist already.

    Raises:
        EventError: The event is none of S3's.
    """
    if event.get("Event") == "s3:TestEvent":
        return []
    try:
        return [_object_version(record) for record in event["Records"] if _is_upload(record)]
    except (KeyError, TypeError, AttributeError) as error:
        message = f"This is no S3 event: {type(error).__name__} {error}. Was the function invoked by hand?"
        raise EventError(message) from error


def s3_event(version: ObjectVersion) -> dict[str, Any]:
    """Makes the event that S3 would send for one object version; the inverse of `object_versions`."""
    described: dict[str, Any] = {
        "key": quote_plus(version.key, safe="/"),
        "size": version.size,
        "eTag": version.etag,
        "versionId": version.version_id,
        "sequencer": version.sequencer,
    }
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventTime": version.uploaded_at,
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": version.bucket, "arn": f"arn:aws:s3:::{version.bucket}"},
                    "object": {name: value for name, value in described.items() if value not in (None, "")},
                },
            }
        ]
    }


def as_first_sent(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as it was before it was replayed: without the count of replays."""
    return {name: value for name, value in event.items() if name != REPLAYS}


def newer_than(sequencer: str, other: str) -> bool:
    """Whether one sequencer of a key is newer than another of the same key.

    "To compare two sequencers, right-pad the shorter with zeros and compare them lexicographically" (S3 user
    guide, event message structure).

    Examples:
        >>> newer_than("0055AED6DCD90281E5", "0055AED6DCD90281E4")
        True
    """
    width = max(len(sequencer), len(other))
    return sequencer.upper().ljust(width, "0") > other.upper().ljust(width, "0")


def _is_upload(record: Mapping[str, Any]) -> bool:
    return str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:")


def _object_version(record: Mapping[str, Any]) -> ObjectVersion:
    described = record["s3"]["object"]
    version_id = described.get("versionId")
    return ObjectVersion(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(described["key"]),
        version_id=None if version_id in (None, "null") else version_id,
        etag=described.get("eTag", "").strip('"'),
        sequencer=described.get("sequencer", ""),
        size=described.get("size"),
        uploaded_at=record["eventTime"],
    )
