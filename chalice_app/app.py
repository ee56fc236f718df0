"""The handlers: take the event apart, call one function, hand back.

The decorators are the only list of handlers; Terraform makes the functions, permissions and notifications
from what Chalice packages. A bucket is named by its role, which Terraform maps to the real bucket.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from chalice.app import Chalice

if TYPE_CHECKING:
    from chalice.app import S3Event

    from chalicelib.wiring import Wiring

app = Chalice(app_name="spotcheck")

_CREATED = ["s3:ObjectCreated:*"]


@cache
def _wiring() -> Wiring:
    """Everything with a client or a model in it: made at the first event, kept while the function is warm."""
    from chalicelib.wiring import Wiring  # noqa: PLC0415 - Chalice imports this file to package it

    return Wiring.from_environment(os.environ)


@app.on_s3_event(bucket="images", prefix="image_inputs/", events=_CREATED, name="detect_image")
def detect_image(event: S3Event) -> None:
    """Judges uploaded pictures."""
    _wiring().judge_pictures(event.to_dict(), event.context)


@app.on_s3_event(bucket="images", prefix="video_inputs/", events=_CREATED, name="detect_frame")
def detect_frame(event: S3Event) -> None:
    """Judges the frames that MediaConvert captured."""
    _wiring().judge_pictures(event.to_dict(), event.context)
