"""The videos' items in a real (moto's) DynamoDB table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from support_videos import make_videos_table

from chalicelib.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.video_table import VideoTable


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield


@pytest.fixture
def videos(aws: None) -> VideoTable:  # noqa: ARG001 - the table lives in it
    return make_videos_table()


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()
