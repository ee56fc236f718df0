"""The videos' handlers find their parts; what these do is specified under tests/functional/videos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chalice.test import Client
from support_delivery import IMAGES, SHARDS, TABLE, VIDEOS, Stack
from support_videos import QUEUE

import app
from chalicelib import clients
from chalicelib.events import s3_event
from chalicelib.identity import request_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = (app._telemetry, app._converter, app._job_events, clients.s3, clients.dynamodb, clients.mediaconvert)


@pytest.fixture
def lambda_(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:  # noqa: ARG001 - it runs there
    environment = {
        "PROJECT_NAME": "Cars",
        "RESULTS_TABLE": TABLE,
        "INDEX_SHARDS": str(SHARDS),
        "IMAGES_BUCKET": IMAGES,
        "MEDIACONVERT_QUEUE_ARN": QUEUE,
        "MEDIACONVERT_ROLE_ARN": "arn:aws:iam::123456789012:role/spotcheck",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for kept in KEPT:
        kept.cache_clear()
    with Client(app.app) as client:
        yield client
    for kept in KEPT:
        kept.cache_clear()


def test_an_empty_video_is_recorded_with_its_reason(lambda_: Client, stack: Stack) -> None:
    version = stack.upload("video_inputs/empty.mp4", b"", bucket=VIDEOS)
    lambda_.lambda_.invoke("convert_video", s3_event(version))
    (item,) = stack.items()
    assert item["RequestID"] == request_id_of(version)
    assert (item["Status"], item["Reason"]) == ("REJECTED", "The file is empty.")


def test_another_teams_job_leaves_nothing_behind(lambda_: Client, stack: Stack) -> None:
    event = {
        "version": "0",
        "id": "75e1d6a4-0000-0000-0000-000000000000",
        "detail-type": "MediaConvert Job State Change",
        "source": "aws.mediaconvert",
        "account": "123456789012",
        "time": "2026-11-22T10:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:mediaconvert:us-east-1:123456789012:jobs/1"],
        "detail": {"status": "ERROR", "jobId": "1", "queue": QUEUE, "userMetadata": {}, "timestamp": 1},
    }
    lambda_.lambda_.invoke("on_video_job", event)
    assert not stack.items()
