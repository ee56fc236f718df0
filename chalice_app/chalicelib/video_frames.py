"""Frames among the judged pictures: which video they are of, and the news of them to that video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.frames import frame_of
from chalicelib.videos import FrameOutcome

if TYPE_CHECKING:
    from chalicelib.records import Record
    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable


class VideoFrames:
    """What judging a frame needs to know of its video, and has to tell it.

    Args:
        videos: The videos' items.
        telemetry: Logs and metrics.
    """

    def __init__(self, videos: VideoTable, telemetry: Telemetry) -> None:
        self._videos = videos
        self._telemetry = telemetry

    def details(self, key: str) -> dict[str, Any]:
        """`video`, `frame` and `seconds` of a frame's record; nothing for a picture of no known video."""
        frame = frame_of(key)
        video = self._videos.get(frame.video_id) if frame else None
        if frame is None or video is None:
            return {}
        return {
            "video": frame.video_id,
            "frame": frame.index,
            "seconds": float(frame.index * video.seconds_per_frame),
        }

    def note(self, record: Record) -> None:
        """Tells the video what became of its frame, as often as the frame is delivered."""
        if record.video is not None and record.frame is not None:
            outcome = FrameOutcome(record.frame, record.probability, record.is_anomalous)
            verdict = self._videos.settle(self._videos.add_frame(record.video, outcome))
            if verdict is not None:
                self._telemetry.video(record.video, verdict.status, verdict.reason, project=record.project)
