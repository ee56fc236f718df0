"""Videos at the desk: told from pictures, followed to their end, printed along their time line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support_clips import make_clip
from support_pictures import jpeg_bytes, png_bytes
from support_videos import video

from chalicelib.videos import Video, VideoStatus
from spotcheck import videos
from spotcheck.verdicts import Upload

if TYPE_CHECKING:
    from pathlib import Path

UPLOAD = Upload("videos", "video_inputs/car.mp4", "v1", "0f" * 16, 0.0)
JUDGED = replace(
    video(),
    status=VideoStatus.JUDGED,
    frames_expected=3,
    judged=frozenset({0, 1, 2}),
    anomalous=frozenset({1}),
    worst_frame=1,
    is_anomalous=True,
    confidence=0.875,
)


class Screen:
    """Collects what is printed, as plain text."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rich.console import Console

        self._console = Console(width=120, record=True)
        monkeypatch.setattr(videos, "out", self._console)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._console.export_text(clear=False).splitlines()]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def frame(index: int, probability: float | None, reason: str | None = None) -> dict[str, Any]:
    return {
        "seconds": index * 5.0,
        "status": "JUDGED" if reason is None else "REJECTED",
        "is_anomalous": None if probability is None else probability > 0.5,
        "probability": probability,
        "reason": reason,
        "heat_map_key": f"heatmaps/{index}.png",
    }


# ---------------------------------------------------------------- what is a video


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "avi"])
def test_a_video_is_told_by_its_first_bytes_whatever_its_name(tmp_path: Path, container: str) -> None:
    codec = "mpeg4" if container == "avi" else "libx264"
    assert videos.is_video(make_clip(tmp_path / "clip.jpg", frames=2, container=container, codec=codec))


@pytest.mark.parametrize("name", ["broken.mp4", "clip.MOV", "camera.webm"])
def test_a_file_that_calls_itself_a_video_is_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"This is no video.")
    assert videos.is_video(tmp_path / name)


@pytest.mark.parametrize(
    "data", [jpeg_bytes(), png_bytes(), b"", b"text"], ids=["jpeg", "png", "empty", "text"]
)
def test_anything_else_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    assert not videos.is_video(tmp_path / "file")


# ---------------------------------------------------------------- following


class FakeTable:
    """Gives one state of a video after the other, the last one for ever."""

    def __init__(self, *states: Video | None) -> None:
        self._states = list(states)

    def get(self, video_id: str) -> Video | None:
        assert video_id == UPLOAD.request_id
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


def follow(table: Any, *, timeout: float = 10.0) -> tuple[Video | None, list[VideoStatus]]:
    """Follows with a clock that every pause moves on by a second."""
    seen: list[VideoStatus] = []
    now = [0.0]

    def sleep(_: float) -> None:
        now[0] += 1.0

    end = videos.follow(
        table,
        UPLOAD,
        lambda one: seen.append(one.status),
        timeout=timeout,
        sleep=sleep,
        clock=lambda: now[0],
    )
    return end, seen


def test_a_video_is_followed_through_its_states_to_its_verdict() -> None:
    states = [None, video(), replace(video(), status=VideoStatus.COMPLETE), JUDGED]
    end, seen = follow(FakeTable(*states))
    assert end == JUDGED
    assert seen == [VideoStatus.SUBMITTED, VideoStatus.COMPLETE, VideoStatus.JUDGED]


@pytest.mark.parametrize("status", [VideoStatus.ERROR, VideoStatus.CANCELED, VideoStatus.REJECTED])
def test_a_failure_is_an_end_too(status: VideoStatus) -> None:
    end, _ = follow(FakeTable(replace(video(), status=status)))
    assert end is not None
    assert end.status is status


def test_waiting_ends_in_time_with_the_video_as_it_is() -> None:
    end, seen = follow(FakeTable(video()), timeout=3.0)
    assert end == video()
    assert len(seen) == 4


def test_a_video_that_was_never_taken_in_is_none() -> None:
    assert follow(FakeTable(None), timeout=2.0) == (None, [])


# ---------------------------------------------------------------- printing


def test_the_time_line_has_a_bar_a_frame_and_names_the_anomalous_ones(screen: Screen) -> None:
    frames = [frame(0, 0.05), frame(1, 0.99), frame(2, 0.5)]
    videos.print_time_line(JUDGED.to_json(), frames)
    assert screen.lines == [
        "video_inputs/car.mp4  Anomalous  confidence 0.875",
        "▁█▅",
        "0 s  3 frames, one every 5 s",
        "    0:05  p 0.990  heatmaps/1.png",
    ]


def test_the_time_line_shows_a_rejected_frame_with_its_reason(screen: Screen) -> None:
    videos.print_time_line(JUDGED.to_json(), [frame(0, None, "The file is empty."), frame(1, 0.99)])
    assert screen.lines[1] == "?█"
    assert screen.lines[3] == "    0:00  rejected  The file is empty."


def test_a_failed_video_has_its_reason_instead_of_a_time_line(screen: Screen) -> None:
    failed = replace(video(), status=VideoStatus.ERROR, reason="MediaConvert error 1010: no video")
    videos.print_time_line(failed.to_json(), [])
    assert screen.lines == ["video_inputs/car.mp4  error", "MediaConvert error 1010: no video"]


def test_the_list_shows_verdict_frames_and_times(screen: Screen) -> None:
    videos.print_videos([JUDGED.to_json()])
    row = screen.lines[1].split()  # begins with the time, and the day unless that is today
    assert row[-6:] == ["car.mp4", "Anomalous", "0.875", "3/3", "0:05", "0:05"]
    assert screen.lines[2].strip() == "0f" * 16


def test_the_list_shows_what_went_wrong(screen: Screen) -> None:
    failed = replace(video(), status=VideoStatus.REJECTED, reason="The file is empty.")
    videos.print_videos([failed.to_json()])
    assert "rejected" in screen.lines[1]
    assert screen.lines[3].strip() == "The file is empty."


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (0.0, "0:00"), (65, "1:05"), (3600.9, "60:00")])
def test_times_are_minutes_and_seconds(seconds: float | None, text: str) -> None:
    assert videos.seconds_text(seconds) == text
