"""A video's own item in the results table, and the verdict that its frames add up to.

Events and frames arrive at least once and in no order. Every change here is therefore either conditional or
of the kind that gives the same item in any order and however often it is repeated: frames are members of
number sets, the worst frame is a maximum, and the status only ever moves up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class VideoStatus(StrEnum):
    """MediaConvert's own job states, then what the frames decided."""

    SUBMITTED = "SUBMITTED"
    PROGRESSING = "PROGRESSING"
    COMPLETE = "COMPLETE"  # every frame exists; not every frame has a result yet
    ERROR = "ERROR"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"  # refused by CreateJob, or none of its frames could be judged
    JUDGED = "JUDGED"

    @property
    def rank(self) -> int:
        """Height in the order that a video moves up in; it never moves down."""
        return _RANKS[self]

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to happen to the video."""
        return self.rank >= _FINAL


_FINAL = 3
_RANKS = {
    VideoStatus.SUBMITTED: 0,
    VideoStatus.PROGRESSING: 1,
    VideoStatus.COMPLETE: 2,
    VideoStatus.ERROR: _FINAL,
    VideoStatus.CANCELED: _FINAL,
    VideoStatus.REJECTED: _FINAL,
    VideoStatus.JUDGED: _FINAL,
}


@dataclass(frozen=True, slots=True)
class FrameOutcome:
    """What became of one frame.

    Attributes:
        index: Counted from 0.
        probability: Of the frame being anomalous, 0-1; None when it was rejected.
        is_anomalous: The frame's verdict; None when it was rejected.
    """

    index: int
    probability: float | None = None
    is_anomalous: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One uploaded version of a video: its job, its frames so far, its verdict.

    Attributes:
        video_id: Request id of the uploaded version.
        date: When the upload was taken in, ISO 8601 UTC.
        bucket: Bucket of the video.
        key: Key of the video, decoded.
        version_id: Version of the object, None in a bucket without versions.
        uploaded_at: Time of the upload's event, ISO 8601 UTC.
        project: Lookout project it is judged for.
        status: How far it is.
        seconds_per_frame: Seconds between two captured frames.
        job_id: MediaConvert's id, None before CreateJob has answered.
        duration_seconds: Length of the video.
        width: Of the input, in pixels.
        height: Of the input, in pixels.
        frame_rate: Of the input, frames a second.
        frames_expected: Number of captured frames, known when the job is COMPLETE.
        judged: Indices of the frames with a final result, rejected ones included.
        anomalous: Indices of the anomalous ones among them.
        rejected: Indices of the rejected ones among them.
        worst_frame: Index of the frame most likely anomalous, the earliest of equals.
        worst_probability: Its probability, 0-1.
        is_anomalous: The verdict, None until it is final.
        confidence: In the verdict, 0-1.
        error_code: MediaConvert's, where the job failed.
        reason: Why there is no verdict, in words.
    """

    video_id: str
    date: str
    bucket: str
    key: str
    version_id: str | None
    uploaded_at: str
    project: str
    status: VideoStatus
    seconds_per_frame: int
    job_id: str | None = None
    duration_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    frames_expected: int | None = None
    judged: frozenset[int] = frozenset()
    anomalous: frozenset[int] = frozenset()
    rejected: frozenset[int] = frozenset()
    worst_frame: int | None = None
    worst_probability: float | None = None
    is_anomalous: bool | None = None
    confidence: float | None = None
    error_code: int | None = None
    reason: str | None = None

    @property
    def first_anomalous_seconds(self) -> int | None:
        """Second of the first anomalous frame so far."""
        return min(self.anomalous) * self.seconds_per_frame if self.anomalous else None

    @property
    def worst_seconds(self) -> int | None:
        """Second of the frame most likely anomalous so far."""
        return None if self.worst_frame is None else self.worst_frame * self.seconds_per_frame

    def to_json(self) -> dict[str, Any]:
        """The video as `spotcheck results --videos --json` shows it."""
        return {
            "video": self.video_id,
            "key": self.key,
            "status": self.status.value,
            "is_anomalous": self.is_anomalous,
            "confidence": self.confidence,
            "frames_expected": self.frames_expected,
            "frames_judged": len(self.judged),
            "first_anomalous_seconds": self.first_anomalous_seconds,
            "worst_seconds": self.worst_seconds,
            "error": self.reason,
            "error_code": self.error_code,
            "job_id": self.job_id,
            "bucket": self.bucket,
            "version_id": self.version_id,
            "uploaded_at": self.uploaded_at,
            "date": self.date,
            "duration_seconds": self.duration_seconds,
            "width": self.width,
            "height": self.height,
            "frame_rate": self.frame_rate,
            "seconds_per_frame": self.seconds_per_frame,
            "project": self.project,
        }


@dataclass(frozen=True, slots=True)
class VideoVerdict:
    """What a video's frames add up to.

    Attributes:
        status: JUDGED, or REJECTED when no frame could be judged.
        is_anomalous: Whether any frame is anomalous.
        confidence: In `is_anomalous`, 0-1.
        reason: Why there is no verdict.
    """

    status: VideoStatus
    is_anomalous: bool | None = None
    confidence: float | None = None
    reason: str | None = None


def verdict_of(video: Video) -> VideoVerdict | None:
    """Adds a video's frames up, once its job is COMPLETE and every frame has a result.

    A video is as anomalous as its most anomalous frame: with `p` that frame's probability, its confidence is
    that frame's, max(p, 1 - p).

    Returns:
        The verdict; None while something is still missing.
    """
    if video.status is not VideoStatus.COMPLETE or video.frames_expected is None:
        return None
    if len(video.judged) < video.frames_expected:
        return None
    if video.worst_probability is None:
        return VideoVerdict(VideoStatus.REJECTED, reason=_no_verdict(video))
    worst = video.worst_probability
    return VideoVerdict(VideoStatus.JUDGED, bool(video.anomalous), max(worst, 1 - worst))


def _no_verdict(video: Video) -> str:
    if not video.frames_expected:
        return "MediaConvert captured no frame: the video holds no picture."
    return f"None of its {video.frames_expected} frames could be judged; each has its reason."
