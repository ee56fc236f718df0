"""S3 event notifications to Lambda: complete records, delivered once and after the upload's answer.

Structure: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    (version 2.1).
"""

# ruff: noqa: ANN401  # moto's buckets, keys and events are untyped

from __future__ import annotations

import base64
import json
import secrets
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from localaws.exceptions import FunctionGoneError
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRINCIPAL = "A3NL1KOZZKExample"
_context = threading.local()


class Sequencer:
    """Gives the `sequencer` of records: hexadecimal, greater with each event."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> str:
        """The next value, 18 digits as S3's usually are."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return f"{self._last:018X}"


_sequencer = Sequencer()


def complete(event: dict[str, Any], version_id: str | None) -> None:
    """Fills in what moto leaves out of an event's record, and encodes its key as S3 does.

    Args:
        event: a record in its `Records` list, as moto made it; changed in place.
        version_id: the object's version, None in a bucket without versioning.
    """
    record = event["Records"][0]
    source = getattr(_context, "source_ip", "127.0.0.1")
    record["userIdentity"] = {"principalId": f"AWS:{PRINCIPAL}"}
    record["requestParameters"] = {"sourceIPAddress": source}
    record["responseElements"] = {
        "x-amz-request-id": secrets.token_hex(8).upper(),
        "x-amz-id-2": base64.b64encode(secrets.token_bytes(56)).decode(),
    }
    record["s3"]["bucket"]["ownerIdentity"] = {"principalId": PRINCIPAL}
    described = record["s3"]["object"]
    described["key"] = encode_key(unquote_plus(described["key"]))
    if version_id:
        described["versionId"] = version_id
    described["sequencer"] = _sequencer.next()


def encode_key(key: str) -> str:
    """Encodes a key as S3 does in events: a form field's encoding that leaves `/` as it is."""
    return quote_plus(key, safe="/*")


@contextmanager
def held_back(source_ip: str) -> Iterator[None]:
    """Within it, this thread's notifications wait until the end: until the request that caused them is done.

    moto notifies before it has stored an object's metadata; a quick handler would not see it.

    Args:
        source_ip: where the request comes from.
    """
    _context.source_ip = source_ip
    _context.deliveries = []
    try:
        yield
    finally:
        deliveries, _context.deliveries = _context.deliveries, None
        for deliver in deliveries:
            deliver()


def deliver(action: Callable[[], object]) -> None:
    """Does it at the end of the running request, or now when no request is running in this thread."""
    waiting = getattr(_context, "deliveries", None)
    if waiting is None:
        action()
    else:
        waiting.append(action)


def install(invoke_later: Callable[[str, str, str, bytes], object]) -> None:
    """Makes moto's S3 hand its Lambda notifications over.

    Args:
        invoke_later: called with account, region, function ARN (alias included) and event (JSON).
    """
    import moto.s3.notifications as moto_notifications

    make_event = moto_notifications._get_s3_event

    def complete_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
        event = make_event(event_name, bucket, key, notification_id)
        complete(event, str(key.version_id) if bucket.is_versioned else None)
        return event

    def hand_over(account_id: str, event_body: Any, fn_arn: str, region_name: str) -> None:
        body = json.dumps(event_body).encode()

        def invoke() -> None:
            try:
                invoke_later(account_id, region_name, fn_arn, body)
            except FunctionGoneError as error:
                print(f"localaws: S3 notification lost: {error}", file=sys.stderr)

        deliver(invoke)

    replace(moto_notifications, _get_s3_event=complete_event, _invoke_awslambda=hand_over)
