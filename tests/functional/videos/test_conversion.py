"""One MediaConvert job per uploaded version, whatever is redelivered and whenever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from chalicelib.video_sources import VideoSources
from chalicelib.videos import Video, VideoStatus
from localaws.mediaconvert.config import config as emulation

if TYPE_CHECKING:
    from mypy_boto3_mediaconvert import MediaConvertClient

    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable

KEY = "video_inputs/line 7/car+é.mp4"


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


class Bucket:
    """The videos bucket."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket="videos")
        versioning: Any = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket="videos", VersioningConfiguration=versioning)

    def upload(self, key: str = KEY, content: bytes = b"film") -> ObjectVersion:
        """Uploads a version and gives what S3's event says of it."""
        answer = self.s3.put_object(Bucket="videos", Key=key, Body=content)
        return ObjectVersion(
            bucket="videos",
            key=key,
            version_id=answer["VersionId"],
            etag=answer["ETag"].strip('"'),
            sequencer="0055AED6DCD90281E5",
            size=len(content),
            uploaded_at="2026-11-22T10:00:00.000Z",
        )

    def read(self, address: str) -> bytes:
        """Reads what `s3://bucket/key` names."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.fixture
def bucket(aws: None) -> Bucket:  # noqa: ARG001 - it lives there
    return Bucket()


@pytest.fixture
def upload(bucket: Bucket) -> ObjectVersion:
    return bucket.upload()


@pytest.fixture
def sources(bucket: Bucket) -> VideoSources:
    return VideoSources(bucket.s3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(mediaconvert: MediaConvertClient) -> JobConfig:
    queue = mediaconvert.get_queue(Name="spotcheck")["Queue"]["Arn"]
    return JobConfig(queue, "arn:aws:iam::123456789012:role/spotcheck-mediaconvert", "images")


Convert = Callable[[Any], VideoConverter]


@pytest.fixture
def convert_with(
    sources: VideoSources, videos: VideoTable, telemetry: Telemetry, config: JobConfig, clock: Clock
) -> Convert:
    """A converter on a MediaConvert client of the test's own."""
    return lambda client: VideoConverter(client, sources, videos, telemetry, config, "cars", clock)


@pytest.fixture
def converter(mediaconvert: MediaConvertClient, convert_with: Convert) -> VideoConverter:
    return convert_with(mediaconvert)


def jobs(client: MediaConvertClient) -> list[str]:
    return [job["Id"] for page in client.get_paginator("list_jobs").paginate() for job in page["Jobs"]]


def inputs(client: MediaConvertClient) -> list[str]:
    """What the jobs read, oldest first."""
    listed = client.list_jobs(Order="ASCENDING")["Jobs"]
    return [job["Settings"]["Inputs"][0]["FileInput"] for job in listed]


def read(videos: VideoTable, version: ObjectVersion) -> Video:
    found = videos.get(request_id_of(version))
    assert found is not None
    return found


def test_an_uploaded_video_gets_a_job_and_an_item(
    mediaconvert: MediaConvertClient, videos: VideoTable, converter: VideoConverter, upload: ObjectVersion
) -> None:
    assert converter.handle(s3_event(upload)) == [request_id_of(upload)]
    found = read(videos, upload)
    assert (found.status, found.key, found.seconds_per_frame) == (VideoStatus.SUBMITTED, KEY, 5)
    assert [found.job_id] == jobs(mediaconvert)


# ---------------------------------------------------------------- what the job reads


def test_the_job_reads_a_copy_in_the_videos_own_folder_under_a_plain_name(
    mediaconvert: MediaConvertClient, converter: VideoConverter, upload: ObjectVersion
) -> None:
    converter.convert(upload)
    assert inputs(mediaconvert) == [f"s3://videos/video_sources/{request_id_of(upload)}/car__.mp4"]


def test_each_job_reads_its_own_version_whatever_is_uploaded_under_that_name(
    mediaconvert: MediaConvertClient, converter: VideoConverter, bucket: Bucket
) -> None:
    first, second = bucket.upload(content=b"a long film"), bucket.upload(content=b"short")
    converter.convert(second)
    converter.convert(first)
    bucket.upload(content=b"a third")
    assert [bucket.read(address) for address in inputs(mediaconvert)] == [b"short", b"a long film"]


def test_a_name_of_a_thousand_bytes_leaves_room_for_the_frames_number(
    mediaconvert: MediaConvertClient, converter: VideoConverter, bucket: Bucket
) -> None:
    converter.convert(bucket.upload("video_inputs/" + "k" * 1007 + ".mp4"))
    assert inputs(mediaconvert)[0].endswith("/" + "k" * 200 + ".mp4")


@pytest.mark.parametrize("name", ["no-extension", ".hidden", "a.b.MP4", "..", "."])
def test_a_name_of_any_kind_gets_a_copy(
    mediaconvert: MediaConvertClient, converter: VideoConverter, bucket: Bucket, name: str
) -> None:
    converter.convert(bucket.upload(f"video_inputs/{name}"))
    assert bucket.read(inputs(mediaconvert)[0]) == b"film"


def test_an_upload_deleted_before_its_turn_is_recorded_as_gone(
    mediaconvert: MediaConvertClient,
    videos: VideoTable,
    converter: VideoConverter,
    bucket: Bucket,
    upload: ObjectVersion,
) -> None:
    bucket.s3.delete_object(Bucket="videos", Key=KEY, VersionId=str(upload.version_id))
    converter.convert(upload)
    found = read(videos, upload)
    assert (found.status, jobs(mediaconvert)) == (VideoStatus.REJECTED, [])
    assert "gone" in (found.reason or "")


def test_a_fault_of_s3_leaves_it_to_the_retry(
    mediaconvert: MediaConvertClient,
    convert_with: Convert,
    bucket: Bucket,
    sources: VideoSources,
    upload: ObjectVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing = Failing(bucket.s3, "copy", after=False, code="SlowDown")
    monkeypatch.setattr(sources, "_s3", failing)
    with pytest.raises(JudgingError, match="SlowDown"):
        convert_with(mediaconvert).handle(s3_event(upload))
    failing.broken = False
    convert_with(mediaconvert).handle(s3_event(upload))
    assert len(jobs(mediaconvert)) == 1


# ---------------------------------------------------------------- one job


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=2), timedelta(days=30)])
def test_a_redelivery_makes_no_second_job(
    later: timedelta,
    mediaconvert: MediaConvertClient,
    converter: VideoConverter,
    clock: Clock,
    upload: ObjectVersion,
) -> None:
    for _ in range(3):
        converter.convert(upload)
        clock.now += later
    assert len(jobs(mediaconvert)) == 1


def test_a_hundred_redeliveries_at_once_make_one_job(
    mediaconvert: MediaConvertClient, converter: VideoConverter, upload: ObjectVersion
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(converter.convert, [upload] * 100))
    assert len(jobs(mediaconvert)) == 1


def test_an_attempt_that_was_overtaken_while_it_copied_makes_no_second_job(
    mediaconvert: MediaConvertClient,
    convert_with: Convert,
    sources: VideoSources,
    clock: Clock,
    upload: ObjectVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = sources.copy

    def slow_copy(version: ObjectVersion, video_id: str) -> str:
        monkeypatch.setattr(sources, "copy", copy)
        convert_with(mediaconvert).convert(upload)
        clock.now += timedelta(minutes=5)
        return copy(version, video_id)

    monkeypatch.setattr(sources, "copy", slow_copy)
    convert_with(mediaconvert).convert(upload)
    assert len(jobs(mediaconvert)) == 1


def test_each_version_of_a_key_gets_a_job_of_its_own(
    mediaconvert: MediaConvertClient, converter: VideoConverter, bucket: Bucket
) -> None:
    converter.convert(bucket.upload())
    converter.convert(bucket.upload())
    assert len(jobs(mediaconvert)) == 2


def test_a_crash_between_create_job_and_the_write_is_repaired_two_hours_later(
    mediaconvert: MediaConvertClient,
    videos: VideoTable,
    convert_with: Convert,
    clock: Clock,
    upload: ObjectVersion,
) -> None:
    crashing = Failing(mediaconvert, "create_job", after=True)
    with pytest.raises(JudgingError, match="InternalServerErrorException"):
        convert_with(crashing).handle(s3_event(upload))
    crashing.broken = False
    clock.now += timedelta(hours=2)
    convert_with(crashing).handle(s3_event(upload))
    assert [read(videos, upload).job_id] == jobs(mediaconvert)


def test_a_fault_before_create_job_is_repaired_by_the_retry(
    mediaconvert: MediaConvertClient, convert_with: Convert, upload: ObjectVersion
) -> None:
    failing = Failing(mediaconvert, "create_job", after=False, code="TooManyRequestsException")
    with pytest.raises(JudgingError, match="TooManyRequestsException"):
        convert_with(failing).handle(s3_event(upload))
    failing.broken = False
    convert_with(failing).handle(s3_event(upload))
    assert len(jobs(mediaconvert)) == 1


def test_jobs_are_searched_beyond_the_first_page(
    mediaconvert: MediaConvertClient,
    videos: VideoTable,
    convert_with: Convert,
    clock: Clock,
    bucket: Bucket,
    upload: ObjectVersion,
) -> None:
    crashing = Failing(mediaconvert, "create_job", after=True)
    with pytest.raises(ClientError):
        convert_with(crashing).convert(upload)
    crashing.broken = False
    for _ in range(25):
        convert_with(crashing).convert(bucket.upload())
    clock.now += timedelta(hours=2)
    convert_with(crashing).convert(upload)
    job = mediaconvert.get_job(Id=read(videos, upload).job_id or "")["Job"]
    assert job["UserMetadata"] == {"spotcheck-video-id": request_id_of(upload)}
    assert len(jobs(mediaconvert)) == 26


# ---------------------------------------------------------------- no job


def test_a_refusal_is_recorded_on_the_video(
    mediaconvert: MediaConvertClient, videos: VideoTable, convert_with: Convert, upload: ObjectVersion
) -> None:
    refusing = Failing(mediaconvert, "create_job", after=False, code="BadRequestException")
    convert_with(refusing).convert(upload)
    found = read(videos, upload)
    assert (found.status, found.reason) == (VideoStatus.REJECTED, "MediaConvert refused the video: made up")


def test_an_empty_file_is_rejected_without_a_job(
    mediaconvert: MediaConvertClient, videos: VideoTable, converter: VideoConverter, bucket: Bucket
) -> None:
    empty = bucket.upload(content=b"")
    converter.convert(empty)
    found = read(videos, empty)
    assert (found.status, found.reason) == (VideoStatus.REJECTED, "The file is empty.")
    assert jobs(mediaconvert) == []


def test_a_folder_marker_is_no_video(
    videos: VideoTable, converter: VideoConverter, upload: ObjectVersion
) -> None:
    marker = replace(upload, key="video_inputs/", size=0)
    assert converter.handle(s3_event(marker)) == []
    assert videos.get(request_id_of(marker)) is None
