"""What MediaConvert's job state changes do to a video.

Events come from EventBridge (source `aws.mediaconvert`, detail-type `MediaConvert Job State Change`), at
least once and in no order; shapes in the user guide, "MediaConvert events".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.exceptions import EventError
from chalicelib.frames import frame_of
from chalicelib.video_jobs import VIDEO_ID_KEY, frames_prefix
from chalicelib.videos import VideoStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable


@dataclass(frozen=True, slots=True)
class JobChange:
    """What a state change of one of our jobs says.

    The fields are those of https://docs.aws.amazon.com/mediaconvert/latest/ug/ev_status_complete.html.

    Attributes:
        status: Such as `COMPLETE`.
        job_id: MediaConvert's.
        picture: Width and height in pixels and frames a second of the video, as far as they are told.
        duration_seconds: Of the video; None where the event does not tell.
        error_code: Of `ERROR`.
        error_message: Of `ERROR`.
    """

    status: str
    job_id: str
    picture: Mapping[str, float | None]
    duration_seconds: float | None
    error_code: int | None
    error_message: str | None

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> JobChange:
        """Reads the event's `detail`.

        Raises:
            EventError: It is none of MediaConvert's.
        """
        try:
            return cls(
                status=str(detail["status"]),
                job_id=detail["jobId"],
                picture=_picture(detail),
                duration_seconds=_duration_seconds(detail),
                error_code=detail.get("errorCode"),
                error_message=detail.get("errorMessage"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            message = f"This is no job state change of MediaConvert's: {type(error).__name__} {error}."
            raise EventError(message) from error


class JobEvents:
    """Takes job state changes in, in whatever order they arrive.

    Args:
        s3: Client that may list the images bucket.
        videos: The videos' items.
        telemetry: Logs and metrics.
        images_bucket: Where MediaConvert writes frames.
        queue_arn: Our MediaConvert queue; jobs of any other are none of ours.
        project: Lookout project that the videos are judged for.
    """

    def __init__(
        self,
        s3: S3Client,
        videos: VideoTable,
        telemetry: Telemetry,
        images_bucket: str,
        queue_arn: str,
        project: str,
    ) -> None:
        self._s3 = s3
        self._videos = videos
        self._telemetry = telemetry
        self._images_bucket = images_bucket
        self._queue_arn = queue_arn
        self._project = project

    def take_in(self, detail: Mapping[str, Any]) -> str | None:
        """Changes the video as one job state change says.

        Args:
            detail: The event's `detail`.

        Returns:
            The video's id; None when the job is another team's.

        Raises:
            EventError: The event is none of MediaConvert's.
        """
        metadata = detail.get("userMetadata")
        video_id = metadata.get(VIDEO_ID_KEY) if isinstance(metadata, dict) else None
        if detail.get("queue") != self._queue_arn or not video_id:
            return None
        change = JobChange.of(detail)
        handler = self._handlers().get(change.status)
        if handler is not None:
            handler(video_id, change)
        return str(video_id)

    def _handlers(self) -> dict[str, Callable[[str, JobChange], None]]:
        return {
            "PROGRESSING": self._on_progressing,
            "INPUT_INFORMATION": self._on_input_information,
            "COMPLETE": self._on_complete,
            "ERROR": self._on_error,
            "CANCELED": self._on_canceled,
        }

    def _on_progressing(self, video_id: str, change: JobChange) -> None:
        self._videos.advance(video_id, VideoStatus.PROGRESSING, job_id=change.job_id)

    def _on_input_information(self, video_id: str, change: JobChange) -> None:
        if change.picture:
            self._videos.note(video_id, **change.picture)

    def _on_complete(self, video_id: str, change: JobChange) -> None:
        self._videos.note(video_id, job_id=change.job_id, duration_seconds=change.duration_seconds)
        self._videos.advance(video_id, VideoStatus.COMPLETE, frames_expected=self._count_frames(video_id))
        verdict = self._videos.settle(self._videos.get(video_id))
        if verdict is not None:
            self._telemetry.video(video_id, verdict.status, verdict.reason, project=self._project)

    def _on_error(self, video_id: str, change: JobChange) -> None:
        reason = f"MediaConvert error {change.error_code}: {change.error_message or 'no message'}"
        self._fail(video_id, VideoStatus.ERROR, reason, job_id=change.job_id, error_code=change.error_code)

    def _on_canceled(self, video_id: str, change: JobChange) -> None:
        reason = "The MediaConvert job was cancelled."
        self._fail(video_id, VideoStatus.CANCELED, reason, job_id=change.job_id)

    def _fail(self, video_id: str, status: VideoStatus, reason: str, **facts: str | float | None) -> None:
        if self._videos.advance(video_id, status, reason=reason, **facts):
            self._telemetry.video(video_id, status, reason, project=self._project)

    def _count_frames(self, video_id: str) -> int:
        """Counts the frames that exist: the COMPLETE event names the last one only."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._images_bucket, Prefix=frames_prefix(video_id)
        )
        return sum(1 for page in pages for found in page.get("Contents", []) if frame_of(found["Key"]))


def _picture(detail: Mapping[str, Any]) -> dict[str, float | None]:
    """The first video stream of the first input."""
    videos = [video for source in detail.get("inputDetails", [])[:1] for video in source.get("video", [])[:1]]
    return {
        name: video.get(told)
        for video in videos
        for name, told in (("width", "width"), ("height", "height"), ("frame_rate", "frameRate"))
    }


def _duration_seconds(detail: Mapping[str, Any]) -> float | None:
    """The video's length: that of the output which is no frame capture (its own is captures x interval)."""
    outputs = [
        output for group in detail.get("outputGroupDetails", []) for output in group.get("outputDetails", [])
    ]
    lengths = [
        output["durationInMs"] / 1000
        for output in outputs
        if "durationInMs" in output and not _is_frame_capture(output)
    ]
    return max(lengths, default=None)


def _is_frame_capture(output: Mapping[str, Any]) -> bool:
    return any(path.endswith(".jpg") for path in output.get("outputFilePaths", []))
