"""What a video's frames add up to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.videos import Video, VideoStatus, VideoVerdict, verdict_of

FIVE_FRAMES = Video(
    video_id="0f" * 16,
    date="2026-11-22T10:00:00.000Z",
    bucket="videos",
    key="video_inputs/car.mp4",
    version_id="v1",
    uploaded_at="2026-11-22T09:59:59.000Z",
    project="cars",
    status=VideoStatus.COMPLETE,
    seconds_per_frame=5,
    frames_expected=5,
    judged=frozenset(range(5)),
    worst_frame=3,
    worst_probability=0.2,
)


def test_a_video_of_normal_frames_is_normal_as_surely_as_its_worst_frame() -> None:
    assert verdict_of(FIVE_FRAMES) == VideoVerdict(VideoStatus.JUDGED, is_anomalous=False, confidence=0.8)


def test_one_anomalous_frame_makes_the_video_anomalous() -> None:
    video = replace(FIVE_FRAMES, anomalous=frozenset({3}), worst_probability=0.9)
    assert verdict_of(video) == VideoVerdict(VideoStatus.JUDGED, is_anomalous=True, confidence=0.9)


@pytest.mark.parametrize("status", [status for status in VideoStatus if status is not VideoStatus.COMPLETE])
def test_there_is_no_verdict_unless_the_job_is_complete(status: VideoStatus) -> None:
    assert verdict_of(replace(FIVE_FRAMES, status=status)) is None


def test_there_is_no_verdict_while_a_frame_has_no_result() -> None:
    assert verdict_of(replace(FIVE_FRAMES, judged=frozenset({0, 1, 2, 4}))) is None


def test_rejected_frames_leave_the_verdict_to_the_others() -> None:
    video = replace(FIVE_FRAMES, rejected=frozenset({0, 1}))
    assert verdict_of(video) == VideoVerdict(VideoStatus.JUDGED, is_anomalous=False, confidence=0.8)


def test_a_video_none_of_whose_frames_can_be_judged_is_rejected() -> None:
    video = replace(FIVE_FRAMES, rejected=frozenset(range(5)), worst_frame=None, worst_probability=None)
    verdict = verdict_of(video)
    assert verdict is not None
    assert verdict.status is VideoStatus.REJECTED
    assert "None of its 5 frames" in str(verdict.reason)


def test_a_video_without_any_frame_is_rejected() -> None:
    video = replace(
        FIVE_FRAMES, frames_expected=0, judged=frozenset(), worst_frame=None, worst_probability=None
    )
    verdict = verdict_of(video)
    assert verdict is not None
    assert verdict.reason == "MediaConvert captured no frame: the video holds no picture."


def test_seconds_are_frames_times_the_interval() -> None:
    video = replace(FIVE_FRAMES, anomalous=frozenset({4, 2}))
    assert (video.first_anomalous_seconds, video.worst_seconds) == (10, 15)


def test_json_has_the_frozen_keys_first() -> None:
    assert list(FIVE_FRAMES.to_json())[:9] == [
        "video",
        "key",
        "status",
        "is_anomalous",
        "confidence",
        "frames_expected",
        "frames_judged",
        "first_anomalous_seconds",
        "worst_seconds",
    ]
