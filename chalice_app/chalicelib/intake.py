"""What both kinds of upload share: every record of an event is taken in, whatever becomes of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.events import object_versions
from chalicelib.exceptions import JudgingError
from chalicelib.frames import is_notebook_mp4
from chalicelib.identity import request_id_of, version_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.events import ObjectVersion
    from chalicelib.telemetry import Telemetry

Outcome = TypeVar("Outcome")


def take_in(
    event: Mapping[str, Any], handle: Callable[[ObjectVersion], Outcome], telemetry: Telemetry
) -> list[Outcome]:
    """Hands every upload of an S3 event to `handle`.

    Args:
        event: The event body.
        handle: Takes one object version.
        telemetry: Logs and metrics.

    Returns:
        What `handle` gave, without the objects that are no uploads by their very keys.

    Raises:
        EventError: The event is none of S3's.
        JudgingError: Some met a fault; Lambda retries the event, and the others' outcomes stand.
    """
    outcomes, faults = [], {}
    for version in object_versions(event):
        with telemetry.about(version, request_id_of(version)):
            if (why := _ignored(version)) is not None:
                telemetry.info(why)
                continue
            try:
                outcomes.append(handle(version))
            except Exception as error:  # noqa: BLE001 - a fault of one must not keep the others waiting
                telemetry.fault("Not this time: a fault that a retry may mend.")
                faults[f"{version.s3_uri} {version_name(version)}"] = error
    if faults:
        raise JudgingError(faults)
    return outcomes


def _ignored(version: ObjectVersion) -> str | None:
    """Why an object is neither judged nor rejected; None for every upload."""
    if version.is_folder_marker:
        return "A folder marker is no upload."
    if is_notebook_mp4(version.key):
        return "The MP4 that MediaConvert writes beside the notebook's frames is no frame."
    return None
