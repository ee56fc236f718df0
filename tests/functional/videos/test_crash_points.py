"""A function that dies between any two of its side effects: the redelivery leaves what a clean run leaves."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_delivery import Killed
from support_videos import QUEUE, VIDEO_ID, complete, error, input_information, progressing, video

import localaws.mediaconvert
from chalicelib.conversion import VideoConverter
from chalicelib.events import ObjectVersion, s3_event
from chalicelib.identity import request_id_of
from chalicelib.job_events import JobEvents
from chalicelib.records import Record, Status
from chalicelib.video_frames import VideoFrames
from chalicelib.video_jobs import JobConfig
from chalicelib.video_sources import VideoSources
from chalicelib.videos import Video, VideoStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable

PROBABILITIES = [0.1, None, 0.9]
"""Of the frames: normal, rejected, anomalous."""

_numbers = count()
any_history = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Death(NamedTuple):
    """A delivery that dies at its n-th side effect, before or after it."""

    happening: int
    effect: int
    after: bool


deaths = st.lists(st.builds(Death, st.integers(0, 9), st.integers(1, 4), st.booleans()), max_size=5)


@contextmanager
def dying(clients: list[Any], death: Death) -> Iterator[None]:
    """Within it the n-th write of these clients kills the function."""
    writes = ("PutItem", "UpdateItem", "CreateJob", "CopyObject", "UploadPartCopy", "CompleteMultipartUpload")
    seen = 0

    def look(model: Any, **_: Any) -> None:
        nonlocal seen
        seen += model.name in writes
        if seen == death.effect and model.name in writes:
            raise Killed

    moment = "after-call" if death.after else "before-call"
    for client in clients:
        client.meta.events.register(moment, look)
    try:
        with suppress(Killed):
            yield
    finally:
        for client in clients:
            client.meta.events.unregister(moment, look)


# ---------------------------------------------------------------- on_video_job and detect_frame


@pytest.fixture
def job_events(videos: VideoTable, telemetry: Telemetry) -> JobEvents:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="images")
    for index in range(len(PROBABILITIES)):
        s3.put_object(Bucket="images", Key=f"video_inputs/{VIDEO_ID}/frame.{index:07}.jpg", Body=b"jpeg")
    return JobEvents(s3, videos, telemetry, "images", QUEUE, "cars")


def happenings(job_events: JobEvents, videos: VideoTable, telemetry: Telemetry) -> list[Callable[[], object]]:
    """What is delivered of one video: its job's events, its frames' results."""
    frames = VideoFrames(videos, telemetry)

    def note(index: int) -> None:
        probability, key = PROBABILITIES[index], f"video_inputs/{VIDEO_ID}/frame.{index:07}.jpg"
        frames.note(
            Record(
                request_id=f"{index:032}",
                date="2026-11-22T10:00:05.000Z",
                status=Status.REJECTED if probability is None else Status.JUDGED,
                bucket="images",
                key=key,
                image=key,
                project="cars",
                probability=probability,
                is_anomalous=None if probability is None else probability > 0.5,
                **frames.details(key),
            )
        )

    events = [progressing(), input_information(), complete(len(PROBABILITIES))]
    return [
        *(lambda event=event: job_events.take_in(event) for event in events),
        *(lambda index=index: note(index) for index in range(len(PROBABILITIES))),
    ]


@any_history
@given(past=deaths, order=st.permutations(range(6)))
def test_a_video_ends_with_the_same_verdict(
    videos: VideoTable, job_events: JobEvents, telemetry: Telemetry, past: list[Death], order: list[int]
) -> None:
    everything = happenings(job_events, videos, telemetry)
    table = boto3.resource("dynamodb").Table("results")

    def ends(deadly: list[Death], clean: list[int]) -> Video:
        table.delete_item(Key={"RequestID": VIDEO_ID})
        videos.create(video())
        for death in deadly:
            with dying([videos._table.meta.client], death):
                everything[death.happening % len(everything)]()
        for number in clean:
            everything[number]()
        found = videos.get(VIDEO_ID)
        assert found is not None
        return found

    disturbed = ends(past, order)
    assert disturbed == ends([], list(range(6)))
    assert (disturbed.status, disturbed.is_anomalous) == (VideoStatus.JUDGED, True)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("effect", [1, 2])
def test_a_failed_job_is_recorded_by_the_redelivery(
    videos: VideoTable, job_events: JobEvents, effect: int, *, after: bool
) -> None:
    videos.create(video())
    with dying([videos._table.meta.client], Death(0, effect, after)):
        job_events.take_in(error())
    job_events.take_in(error())
    found = videos.get(VIDEO_ID)
    assert found is not None
    assert (found.status, found.error_code) == (VideoStatus.ERROR, 1010)


# ---------------------------------------------------------------- convert_video


@pytest.fixture
def s3(aws: None) -> Any:  # noqa: ARG001 - the bucket lives in it
    client = boto3.client("s3")
    client.create_bucket(Bucket="videos")
    client.put_bucket_versioning(Bucket="videos", VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def mediaconvert(aws: None) -> Any:  # noqa: ARG001 - the service lives in it
    localaws.mediaconvert.register()
    client = boto3.client("mediaconvert")
    client.create_queue(Name="spotcheck", Status="PAUSED")
    return client


@pytest.fixture
def converter(s3: Any, mediaconvert: Any, videos: VideoTable, telemetry: Telemetry) -> VideoConverter:
    queue = mediaconvert.get_queue(Name="spotcheck")["Queue"]["Arn"]
    config = JobConfig(queue, "arn:aws:iam::123456789012:role/spotcheck-mediaconvert", "images")
    return VideoConverter(mediaconvert, VideoSources(s3), videos, telemetry, config, "cars")


@any_history
@given(past=deaths)
def test_an_uploaded_video_ends_with_one_job_that_its_item_names(
    s3: Any, mediaconvert: Any, videos: VideoTable, converter: VideoConverter, past: list[Death]
) -> None:
    key = f"video_inputs/{next(_numbers)}.mp4"
    answer = s3.put_object(Bucket="videos", Key=key, Body=b"film")
    version = ObjectVersion(
        "videos", key, answer["VersionId"], answer["ETag"].strip('"'), "01", 4, "2026-11-22T10:00:00.000Z"
    )
    clients = [videos._table.meta.client, mediaconvert, s3]
    for death in past:
        with dying(clients, death):
            converter.handle(s3_event(version))
    converter.handle(s3_event(version))

    found = videos.get(request_id_of(version))
    assert found is not None
    pages = mediaconvert.get_paginator("list_jobs").paginate()
    jobs = [
        job["Id"] for page in pages for job in page["Jobs"] if found.video_id in json.dumps(job, default=str)
    ]
    assert jobs == [found.job_id]
    assert replace(found, job_id=None).status is VideoStatus.SUBMITTED
