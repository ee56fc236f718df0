"""One MediaConvert job per uploaded version, whatever is redelivered and whenever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

import localaws.mediaconvert
from chalicelib.conversion import VideoConverter
from chalicelib.events import ObjectVersion, s3_event
from chalicelib.exceptions import JudgingError
from chalicelib.identity import request_id_of
from chalicelib.video_jobs import JobConfig
from chalicelib.videos import VideoStatus
from localaws.mediaconvert.config import config as emulation

if TYPE_CHECKING:
    from mypy_boto3_mediaconvert import MediaConvertClient

    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable

UPLOAD = ObjectVersion(
    bucket="videos",
    key="video_inputs/line 7/car+é.mp4",
    version_id="v1",
    etag="e1",
    sequencer="0055AED6DCD90281E5",
    size=1_000_000,
    uploaded_at="2026-11-22T10:00:00.000Z",
)
ID = request_id_of(UPLOAD)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


class Failing:
    """A client that fails in one operation, `times` times, before or after the service has done its part."""

    def __init__(
        self, client: Any, operation: str, *, after: bool, code: str = "InternalServerErrorException"
    ) -> None:
        self._client, self._operation, self._after, self._code = client, operation, after, code
        self.broken = True

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        return self._fail(real) if name == self._operation and self.broken else real

    def _fail(self, real: Any) -> Any:
        def call(*args: Any, **request: Any) -> Any:
            if self._after:
                real(*args, **request)
            raise ClientError({"Error": {"Code": self._code, "Message": "made up"}}, self._operation)

        return call


@pytest.fixture
def mediaconvert(aws: None, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> MediaConvertClient:  # noqa: ARG001 - the service lives in it
    monkeypatch.setattr(emulation, "clock", clock.seconds)
    localaws.mediaconvert.register()
    client = boto3.client("mediaconvert")
    client.create_queue(Name="spotcheck", Status="PAUSED")
    return client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(mediaconvert: MediaConvertClient) -> JobConfig:
    queue = mediaconvert.get_queue(Name="spotcheck")["Queue"]["Arn"]
    return JobConfig(queue, "arn:aws:iam::123456789012:role/spotcheck-mediaconvert", "images")


@pytest.fixture
def converter(
    mediaconvert: MediaConvertClient,
    videos: VideoTable,
    telemetry: Telemetry,
    config: JobConfig,
    clock: Clock,
) -> VideoConverter:
    return VideoConverter(mediaconvert, videos, telemetry, config, "cars", clock)


def jobs(client: MediaConvertClient) -> list[str]:
    return [job["Id"] for job in client.list_jobs()["Jobs"]]


def test_an_uploaded_video_gets_a_job_and_an_item(
    mediaconvert: MediaConvertClient, videos: VideoTable, converter: VideoConverter
) -> None:
    assert converter.handle(s3_event(UPLOAD)) == [ID]
    found = videos.get(ID)
    assert found is not None
    assert (found.status, found.key, found.seconds_per_frame) == (VideoStatus.SUBMITTED, UPLOAD.key, 5)
    assert [found.job_id] == jobs(mediaconvert)


def test_the_job_reads_the_uploaded_object(
    mediaconvert: MediaConvertClient, converter: VideoConverter
) -> None:
    converter.convert(UPLOAD)
    job = mediaconvert.list_jobs()["Jobs"][0]
    assert job["Settings"]["Inputs"][0]["FileInput"] == "s3://videos/video_inputs/line 7/car+é.mp4"


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=2), timedelta(days=30)])
def test_a_redelivery_makes_no_second_job(
    later: timedelta, mediaconvert: MediaConvertClient, converter: VideoConverter, clock: Clock
) -> None:
    for _ in range(3):
        converter.convert(UPLOAD)
        clock.now += later
    assert len(jobs(mediaconvert)) == 1


def test_each_version_of_a_key_gets_a_job_of_its_own(
    mediaconvert: MediaConvertClient, converter: VideoConverter
) -> None:
    converter.convert(UPLOAD)
    converter.convert(replace(UPLOAD, version_id="v2"))
    assert len(jobs(mediaconvert)) == 2


def test_a_crash_between_create_job_and_the_write_is_repaired_two_hours_later(
    mediaconvert: MediaConvertClient,
    videos: VideoTable,
    telemetry: Telemetry,
    config: JobConfig,
    clock: Clock,
) -> None:
    crashing = Failing(mediaconvert, "create_job", after=True)
    converter = VideoConverter(crashing, videos, telemetry, config, "cars", clock)  # type: ignore[arg-type]
    with pytest.raises(JudgingError, match="InternalServerErrorException"):
        converter.handle(s3_event(UPLOAD))
    crashing.broken = False
    clock.now += timedelta(hours=2)
    converter.handle(s3_event(UPLOAD))
    found = videos.get(ID)
    assert found is not None
    assert [found.job_id] == jobs(mediaconvert)


def test_a_fault_before_create_job_is_repaired_by_the_retry(
    mediaconvert: MediaConvertClient, videos: VideoTable, telemetry: Telemetry, config: JobConfig
) -> None:
    failing = Failing(mediaconvert, "create_job", after=False, code="TooManyRequestsException")
    converter = VideoConverter(failing, videos, telemetry, config, "cars")  # type: ignore[arg-type]
    with pytest.raises(JudgingError, match="TooManyRequestsException"):
        converter.handle(s3_event(UPLOAD))
    failing.broken = False
    converter.handle(s3_event(UPLOAD))
    assert len(jobs(mediaconvert)) == 1


def test_a_refusal_is_recorded_on_the_video(
    mediaconvert: MediaConvertClient, videos: VideoTable, telemetry: Telemetry, config: JobConfig
) -> None:
    refusing = Failing(mediaconvert, "create_job", after=False, code="BadRequestException")
    VideoConverter(refusing, videos, telemetry, config, "cars").convert(UPLOAD)  # type: ignore[arg-type]
    found = videos.get(ID)
    assert found is not None
    assert (found.status, found.reason) == (VideoStatus.REJECTED, "MediaConvert refused the video: made up")


def test_an_empty_file_is_rejected_without_a_job(
    mediaconvert: MediaConvertClient, videos: VideoTable, converter: VideoConverter
) -> None:
    converter.convert(replace(UPLOAD, size=0))
    found = videos.get(ID)
    assert found is not None
    assert (found.status, found.reason) == (VideoStatus.REJECTED, "The file is empty.")
    assert jobs(mediaconvert) == []


def test_a_folder_marker_is_no_video(videos: VideoTable, converter: VideoConverter) -> None:
    marker = replace(UPLOAD, key="video_inputs/", size=0)
    assert converter.handle(s3_event(marker)) == []
    assert videos.get(request_id_of(marker)) is None


def test_jobs_are_searched_beyond_the_first_page(
    mediaconvert: MediaConvertClient,
    videos: VideoTable,
    telemetry: Telemetry,
    config: JobConfig,
    clock: Clock,
) -> None:
    crashing = Failing(mediaconvert, "create_job", after=True)
    converter = VideoConverter(crashing, videos, telemetry, config, "cars", clock)  # type: ignore[arg-type]
    with pytest.raises(ClientError):
        converter.convert(UPLOAD)
    crashing.broken = False
    for number in range(25):
        converter.convert(replace(UPLOAD, version_id=f"other-{number}"))
    clock.now += timedelta(hours=2)
    converter.convert(UPLOAD)
    assert mediaconvert.get_job(Id=job_of(videos))["Job"]["UserMetadata"] == {"spotcheck-video-id": ID}
    every_page = mediaconvert.get_paginator("list_jobs").paginate()
    assert sum(len(page["Jobs"]) for page in every_page) == 26


def job_of(videos: VideoTable) -> str:
    found = videos.get(ID)
    assert found is not None
    assert found.job_id is not None
    return found.job_id
