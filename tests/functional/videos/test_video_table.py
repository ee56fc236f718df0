"""Videos' items: created once, moved up only, added to in any order."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from support_videos import VIDEO_ID, video

from chalicelib.videos import FrameOutcome, VideoStatus

if TYPE_CHECKING:
    from chalicelib.video_table import VideoTable


def test_a_video_is_read_as_it_was_written(videos: VideoTable) -> None:
    written = video(duration_seconds=12.5, frame_rate=29.97, width=1920, height=1080, job_id="1-abc")
    videos.create(written)
    assert videos.get(VIDEO_ID) == written


def test_a_second_creation_changes_nothing(videos: VideoTable) -> None:
    videos.create(video())
    assert not videos.create(video(date="2026-11-22T12:00:00.000Z"))
    assert videos.get(VIDEO_ID) == video()


def test_an_unknown_video_is_none(videos: VideoTable) -> None:
    assert videos.get(VIDEO_ID) is None


def test_facts_about_an_unknown_video_make_no_item(videos: VideoTable) -> None:
    videos.note(VIDEO_ID, width=1920)
    assert videos.get(VIDEO_ID) is None


def test_a_frame_of_an_unknown_video_makes_no_item(videos: VideoTable) -> None:
    assert videos.add_frame(VIDEO_ID, FrameOutcome(0, 0.1, is_anomalous=False)) is None
    assert videos.get(VIDEO_ID) is None


def test_a_status_never_moves_down(videos: VideoTable) -> None:
    videos.create(video())
    assert videos.advance(VIDEO_ID, VideoStatus.COMPLETE, frames_expected=3)
    assert not videos.advance(VIDEO_ID, VideoStatus.PROGRESSING)
    found = videos.get(VIDEO_ID)
    assert found is not None
    assert found.status is VideoStatus.COMPLETE


def test_one_end_excludes_every_other(videos: VideoTable) -> None:
    videos.create(video())
    videos.advance(VIDEO_ID, VideoStatus.ERROR, reason="1010")
    assert not videos.advance(VIDEO_ID, VideoStatus.JUDGED, is_anomalous=False)


def test_a_frame_counts_once_however_often_it_comes(videos: VideoTable) -> None:
    videos.create(video())
    for _ in range(3):
        found = videos.add_frame(VIDEO_ID, FrameOutcome(4, 0.9, is_anomalous=True))
    assert found is not None
    assert (found.judged, found.anomalous, found.rejected) == (frozenset({4}), frozenset({4}), frozenset())


def test_the_worst_frame_is_the_most_probable_and_the_earliest_of_equals(videos: VideoTable) -> None:
    videos.create(video())
    for index, probability in [(3, 0.8), (1, 0.2), (2, 0.8), (4, 0.79999)]:
        found = videos.add_frame(VIDEO_ID, FrameOutcome(index, probability, is_anomalous=probability > 0.5))
    assert found is not None
    assert (found.worst_frame, found.worst_probability) == (2, 0.8)


def test_a_rejected_frame_is_no_worst_frame(videos: VideoTable) -> None:
    videos.create(video())
    found = videos.add_frame(VIDEO_ID, FrameOutcome(0))
    assert found is not None
    assert (found.judged, found.rejected, found.worst_frame) == (frozenset({0}), frozenset({0}), None)


def test_videos_are_listed_newest_first_over_days_and_shards(videos: VideoTable) -> None:
    taken_in = [
        ("2026-11-20T10", "a0"),
        ("2026-11-21T09", "b1"),
        ("2026-11-21T11", "c2"),
        ("2026-11-22T00", "d3"),
    ]
    for hour, name in taken_in:
        videos.create(video(date=f"{hour}:00:00.000Z", video_id=name * 16))
    listed = videos.newest(since=date(2026, 11, 21), until=date(2026, 11, 22))
    assert [found.video_id[:2] for found in listed] == ["d3", "c2", "b1"]
