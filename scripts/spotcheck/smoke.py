"""The smoke picture: one upload through a deployed pipeline, before anybody relies on it."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import SmokeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spotcheck.targets import Target

_WAIT_SECONDS = 180.0  # a cold start, and the first fault with its first retry a minute later
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """What became of the smoke picture.

    Attributes:
        status: `JUDGED`, or `WAITING` where no model is published yet.
        seconds: From the upload until its record was seen.
    """

    status: str
    seconds: float


def send_smoke_picture(
    target: Target,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = _WAIT_SECONDS,
) -> SmokeResult:
    """Uploads a generated JPEG, waits for its record, and removes every trace of it.

    Args:
        target: The deployed stack.
        clock: Seconds that only grow.
        sleep: Waits that many seconds.
        timeout: Seconds to wait for the record.

    Raises:
        SmokeError: There is no record in time, or the picture was rejected.
    """
    from chalicelib.identity import request_id

    s3, table = target.client("s3"), target.resource("dynamodb").Table(target.outputs["results_table"])
    bucket = target.outputs["images_bucket"]
    key = f"image_inputs/spotcheck-smoke-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.jpg"
    began = clock()
    version = s3.put_object(Bucket=bucket, Key=key, Body=_picture(), ContentType="image/jpeg")["VersionId"]
    identity = request_id(bucket, key, version)
    try:
        item = None
        while item is None and clock() - began < timeout:
            item = table.get_item(Key={"RequestID": identity}, ConsistentRead=True).get("Item")
            if item is None:
                sleep(_POLL_SECONDS)
        seconds = clock() - began
    finally:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    _check(item, timeout, target.outputs)
    _remove_results(s3, target.outputs["results_bucket"], key)
    table.delete_item(Key={"RequestID": identity})
    return SmokeResult(str(item["Status"]) if item else "", seconds)


def _picture() -> bytes:
    """A small JPEG with something to look at: a gradient with a dark spot."""
    from PIL import Image, ImageDraw

    picture = Image.linear_gradient("L").resize((320, 240)).convert("RGB")
    ImageDraw.Draw(picture).ellipse((140, 100, 180, 140), fill=(20, 20, 40))
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def _check(item: Mapping[str, Any] | None, timeout: float, outputs: Mapping[str, Any]) -> None:
    function = outputs["function_names"]["detect_image"]
    if item is None:
        message = (
            f"The smoke picture has no record after {timeout:.0f} s: the pipeline is deployed but does not "
            f"work. Look at the log group /aws/lambda/{function} and at the dead letters in "
            f"{outputs['dead_letter_queue_url']}."
        )
        raise SmokeError(message)
    if item["Status"] not in {"JUDGED", "WAITING"}:
        reason = item.get("Reason", "no reason given")
        message = (
            f"The pipeline answered {item['Status']} for a sound picture ({reason}): "
            f"look at the log group /aws/lambda/{function}."
        )
        raise SmokeError(message)


def _remove_results(s3: Any, bucket: str, key: str) -> None:  # noqa: ANN401 - a boto3 client
    """Deletes every version of what the pipeline wrote for the smoke picture."""
    for prefix in (f"results/{key}", f"history/{key}", f"heatmaps/{key}"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Versions", []):
                s3.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
