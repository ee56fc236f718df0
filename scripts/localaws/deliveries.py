"""What becomes of an event on its way to a function when faults hit it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.faults import Hit


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of an event.

    Attributes:
        payload: The event, JSON.
        wait: Seconds before it, as they would be on AWS.
    """

    payload: bytes
    wait: float = 0.0


def disturbed(payload: bytes, hits: Sequence[Hit]) -> list[Delivery]:
    """The deliveries that an event gets.

    Args:
        payload: The event, JSON.
        hits: Its faults. `skew` puts its time wrong, `reorder` holds it back so that later events overtake
            it, `duplicate` adds another delivery of the same bytes.
    """
    for hit in hits:
        if hit.kind == "skew":
            payload = skewed(payload, hit.seconds)
    held = max((hit.seconds for hit in hits if hit.kind == "reorder"), default=0.0)
    again = [Delivery(payload, hit.seconds) for hit in hits if hit.kind == "duplicate"]
    return [Delivery(payload, held), *again]


def skewed(payload: bytes, seconds: float) -> bytes:
    """The event as a clock that is behind would have stamped it: S3's records, or EventBridge's envelope."""
    event: dict[str, Any] = json.loads(payload)
    for record in event.get("Records", []):
        record["eventTime"] = _earlier(record["eventTime"], seconds, "milliseconds")
    if "time" in event:
        event["time"] = _earlier(event["time"], seconds, "seconds")
    return json.dumps(event).encode()


def _earlier(moment: str, seconds: float, precision: str) -> str:
    earlier = datetime.fromisoformat(moment) - timedelta(seconds=seconds)
    return earlier.isoformat(timespec=precision).replace("+00:00", "Z")
