"""A video's verdict, in whatever order its job's events and its frames' results arrive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_videos import QUEUE, VIDEO_ID, complete, detail, error, input_information, progressing, video

from chalicelib.exceptions import EventError
from chalicelib.job_events import JobEvents
from chalicelib.records import Record, Status
from chalicelib.video_frames import VideoFrames
from chalicelib.videos import Video, VideoStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable

PROBABILITIES = [0.1, 0.2, 0.9, 0.3]
"""Of the four frames of the video: the third is anomalous."""


@pytest.fixture
def job_events(videos: VideoTable, telemetry: Telemetry) -> JobEvents:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="images")
    for index in range(len(PROBABILITIES)):
        s3.put_object(Bucket="images", Key=f"video_inputs/{VIDEO_ID}/frame.{index:07}.jpg", Body=b"jpeg")
    s3.put_object(Bucket="images", Key=f"video_inputs/{VIDEO_ID}/clipmp4.mp4", Body=b"no frame")
    return JobEvents(s3, videos, telemetry, "images", QUEUE, "cars")


@pytest.fixture
def frames(videos: VideoTable, telemetry: Telemetry) -> VideoFrames:
    return VideoFrames(videos, telemetry)


def frame_record(frames: VideoFrames, index: int, status: Status = Status.JUDGED) -> Record:
    key = f"video_inputs/{VIDEO_ID}/frame.{index:07}.jpg"
    verdict: dict[str, Any] = {}
    if status is Status.JUDGED:
        probability = PROBABILITIES[index]
        verdict = {"probability": probability, "is_anomalous": probability > 0.5}
    return Record(
        request_id=f"{index:032}",
        date="2026-11-22T10:00:05.000Z",
        status=status,
        bucket="images",
        key=key,
        image=key.rpartition("/")[2],
        project="cars",
        **verdict,
        **frames.details(key),
    )


def read(videos: VideoTable) -> Video:
    found = videos.get(VIDEO_ID)
    assert found is not None
    return found


def everything(job_events: JobEvents, frames: VideoFrames) -> list[Callable[[], object]]:
    events = [progressing(), input_information(), complete(len(PROBABILITIES))]
    happenings: list[Callable[[], object]] = [
        lambda event=event: job_events.take_in(event)  # type: ignore[misc]
        for event in events
    ]
    happenings += [
        lambda index=index: frames.note(frame_record(frames, index))  # type: ignore[misc]
        for index in range(len(PROBABILITIES))
    ]
    return happenings


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_order_and_every_repetition_gives_the_same_video(
    data: st.DataObject, videos: VideoTable, job_events: JobEvents, frames: VideoFrames
) -> None:
    happenings = everything(job_events, frames)
    repeated = data.draw(st.lists(st.sampled_from(range(len(happenings))), max_size=4))
    order = data.draw(st.permutations([*range(len(happenings)), *repeated]))
    forget(videos)
    videos.create(video())
    for number in order:
        happenings[number]()
    found = read(videos)
    assert (found.status, found.is_anomalous, found.confidence) == (VideoStatus.JUDGED, True, 0.9)
    assert (found.frames_expected, found.judged) == (4, frozenset(range(4)))
    assert (found.first_anomalous_seconds, found.worst_seconds) == (10, 10)
    assert (found.width, found.height, found.frame_rate, found.duration_seconds) == (
        1920,
        1080,
        29.97,
        12.345,
    )


def forget(videos: VideoTable) -> None:
    videos._table.delete_item(Key={"RequestID": VIDEO_ID})


def test_the_verdict_is_not_final_while_a_frame_is_missing(
    videos: VideoTable, job_events: JobEvents, frames: VideoFrames
) -> None:
    videos.create(video())
    *all_but_one, last = everything(job_events, frames)
    for happening in all_but_one:
        happening()
    assert read(videos).status is VideoStatus.COMPLETE
    last()
    assert read(videos).status is VideoStatus.JUDGED


def test_a_waiting_frame_holds_the_verdict_up_until_it_is_judged(
    videos: VideoTable, job_events: JobEvents, frames: VideoFrames
) -> None:
    videos.create(video())
    for happening in everything(job_events, frames)[:-1]:
        happening()
    assert not frame_record(frames, 3, Status.WAITING).is_final
    frames.note(frame_record(frames, 3))
    assert read(videos).status is VideoStatus.JUDGED


def test_a_rejected_frame_counts_and_leaves_the_verdict_to_the_others(
    videos: VideoTable, job_events: JobEvents, frames: VideoFrames
) -> None:
    videos.create(video())
    job_events.take_in(complete(4))
    for index in (0, 1, 3):
        frames.note(frame_record(frames, index))
    frames.note(frame_record(frames, 2, Status.REJECTED))
    found = read(videos)
    assert (found.status, found.is_anomalous, found.rejected) == (VideoStatus.JUDGED, False, frozenset({2}))


def test_a_failed_job_is_recorded_with_mediaconverts_code_and_words(
    videos: VideoTable, job_events: JobEvents
) -> None:
    videos.create(video())
    job_events.take_in(error())
    found = read(videos)
    assert (found.status, found.error_code) == (VideoStatus.ERROR, 1010)
    assert found.reason == "MediaConvert error 1010: Unable to open input file"


def test_a_failed_job_is_counted_once(
    videos: VideoTable, job_events: JobEvents, capsys: pytest.CaptureFixture[str]
) -> None:
    videos.create(video())
    job_events.take_in(error())
    job_events.take_in(error())
    emitted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [metrics["FailedVideoCount"] for metrics in emitted] == [[1.0]]


def test_a_cancelled_job_is_recorded(videos: VideoTable, job_events: JobEvents) -> None:
    videos.create(video())
    job_events.take_in(detail("CANCELED"))
    assert read(videos).status is VideoStatus.CANCELED


def test_a_late_progress_report_does_not_bring_a_failed_job_back(
    videos: VideoTable, job_events: JobEvents
) -> None:
    videos.create(video())
    job_events.take_in(error())
    job_events.take_in(progressing())
    assert read(videos).status is VideoStatus.ERROR


@pytest.mark.parametrize(
    "event",
    [
        detail("COMPLETE", queue=QUEUE + "-of-another-team"),
        detail("COMPLETE", userMetadata={}),
        {"status": "COMPLETE", "queue": QUEUE},
    ],
)
def test_another_teams_job_is_ignored_without_error(
    event: dict[str, Any], videos: VideoTable, job_events: JobEvents
) -> None:
    videos.create(video())
    assert job_events.take_in(event) is None
    assert read(videos) == video()


def test_a_frame_knows_its_second_in_the_video(videos: VideoTable, frames: VideoFrames) -> None:
    videos.create(video(seconds_per_frame=2))
    record = frame_record(frames, 3)
    assert (record.video, record.frame, record.seconds) == (VIDEO_ID, 3, 6.0)


def test_a_picture_of_no_known_video_is_a_picture_of_its_own(frames: VideoFrames) -> None:
    assert frames.details(f"video_inputs/{VIDEO_ID}/frame.0000003.jpg") == {}
    assert frames.details("image_inputs/cell.png") == {}


def test_a_state_change_of_ours_without_its_job_is_no_event_of_mediaconverts(job_events: JobEvents) -> None:
    event = {name: value for name, value in detail("COMPLETE").items() if name != "jobId"}
    with pytest.raises(EventError, match="no job state change of MediaConvert's"):
        job_events.take_in(event)
