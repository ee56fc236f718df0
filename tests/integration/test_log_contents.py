"""What logs and metrics hold: names, numbers and reasons; nothing of a picture, and no address of one."""

from __future__ import annotations

import base64
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest
from support_deployed import PATIENCE, Deployed
from support_http_api import call
from support_models import normal_png
from support_pictures import png_chunk

PLATE = b"PLATE-AB-12-CDE"  # stands for whatever a picture shows
HEADER_END = 33  # of a PNG: its magic and its IHDR
PNG = normal_png(91)
PICTURE = PNG[:HEADER_END] + png_chunk(b"tEXt", b"Comment\0" + PLATE) + PNG[HEADER_END:]
UPLOADS = {"picture": PICTURE, "broken": PLATE + b" is no picture", "cut": PICTURE[: len(PICTURE) // 2]}

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def logged(pipeline: Deployed) -> str:
    """Everything in every log group, after pictures came by presigned addresses and through the API."""
    detect = f"{pipeline.outputs['api_url']}/2020-11-20/projects/spotcheck/models/1/detect"
    for name, content in UPLOADS.items():
        upload_presigned(pipeline, f"image_inputs/plates/{name}.png", content)
        pipeline.record(pipeline.newest_request_id(f"image_inputs/plates/{name}.png"))
        answer = call(detect, "POST", body=content, headers={"content-type": "image/png"})
        assert answer.status == (200 if name == "picture" else 400), answer.content
    deadline = time.monotonic() + PATIENCE
    while True:  # the log of a run comes a moment after its result
        text = "\n".join(messages(pipeline))
        if all(f"plates/{name}.png" in text for name in UPLOADS):
            return text
        assert time.monotonic() < deadline, text[-2000:]
        time.sleep(0.5)


def upload_presigned(deployed: Deployed, key: str, content: bytes) -> None:
    address = deployed.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": deployed.outputs["images_bucket"], "Key": key}
    )
    with urllib.request.urlopen(urllib.request.Request(address, data=content, method="PUT")) as answer:
        assert answer.status == 200


def messages(deployed: Deployed) -> Iterator[str]:
    """Every line of every log group, metrics included: they travel in the log."""
    logs = deployed.client("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            for page in pages:
                yield from (event["message"] for event in page["events"])


def test_no_log_holds_anything_of_a_picture(logged: str) -> None:
    # Base64 of something within a text depends on where it begins: three ways, without their ends.
    coded = [base64.b64encode(bytes(shift) + PLATE).decode()[4:-4] for shift in range(3)]
    forms = [PLATE.decode(), PLATE.hex(), str(list(PLATE))[1:-1], *coded]
    assert [form for form in forms if form in logged] == []


def test_no_log_holds_a_presigned_address(logged: str) -> None:
    assert [word for word in ("X-Amz-Signature", "X-Amz-Credential", "Signature=") if word in logged] == []


@pytest.mark.usefixtures("logged")
def test_metrics_are_told_apart_by_project_and_version_only(pipeline: Deployed) -> None:
    pages = pipeline.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace="Spotcheck")
    names = {one["Name"] for page in pages for metric in page["Metrics"] for one in metric["Dimensions"]}
    assert names == {"ProjectName", "ModelVersion"}
