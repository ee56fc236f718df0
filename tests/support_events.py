"""S3 events for tests: real bodies from tests/events, and object versions to make others of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib.events import ObjectVersion

_EVENTS = Path(__file__).parent / "events"


def event(name: str) -> dict[str, Any]:
    """The body of tests/events/<name>.json."""
    body: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text())
    return body


def object_version(**changes: Any) -> ObjectVersion:
    """An uploaded version, with what a test wants to be different."""
    usual = ObjectVersion(
        bucket="images",
        key="image_inputs/cell.png",
        version_id="v1",
        etag="d41d8cd98f00b204e9800998ecf8427e",
        sequencer="0055AED6DCD90281E5",
        size=1024,
        uploaded_at="2026-11-22T09:30:12.345Z",
    )
    return replace(usual, **changes)
