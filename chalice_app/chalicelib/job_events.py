"""What MediaConvert's job state changes do to a video.

Events come from EventBridge (source `aws.mediaconvert`, detail-type `MediaConvert Job State Change`), at
least once and in no order; shapes in the user guide, "MediaConvert events".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.frames import frame_of
from chalicelib.video_jobs import VIDEO_ID_KEY, frames_prefix
from chalicelib.videos import VideoStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable


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
        """
        video_id = detail.get("userMetadata", {}).get(VIDEO_ID_KEY)
        if detail.get("queue") != self._queue_arn or not video_id:
            return None
        handler = self._handlers().get(detail["status"])
        if handler is not None:
            handler(video_id, detail)
        return str(video_id)

    def _handlers(self) -> dict[str, Callable[[str, Mapping[str, Any]], None]]:
        return {
            "PROGRESSING": self._on_progressing,
            "INPUT_INFORMATION": self._on_input_information,
            "COMPLETE": self._on_complete,
            "ERROR": self._on_error,
            "CANCELED": self._on_canceled,
        }

    def _on_progressing(self, video_id: str, detail: Mapping[str, Any]) -> None:
        self._videos.advance(video_id, VideoStatus.PROGRESSING, job_id=detail["jobId"])

    def _on_input_information(self, video_id: str, detail: Mapping[str, Any]) -> None:
        for source in detail.get("inputDetails", [])[:1]:
            for video in source.get("video", [])[:1]:
                self._videos.note(
                    video_id,
                    width=video.get("width"),
                    height=video.get("height"),
                    frame_rate=video.get("frameRate"),
                )

    def _on_complete(self, video_id: str, detail: Mapping[str, Any]) -> None:
        self._videos.note(video_id, job_id=detail["jobId"], duration_seconds=_duration_seconds(detail))
        self._videos.advance(video_id, VideoStatus.COMPLETE, frames_expected=self._count_frames(video_id))
        verdict = self._videos.settle(self._videos.get(video_id))
        if verdict is not None:
            self._telemetry.video(video_id, verdict.status, verdict.reason, project=self._project)

    def _on_error(self, video_id: str, detail: Mapping[str, Any]) -> None:
        code = detail.get("errorCode")
        reason = f"MediaConvert error {code}: {detail.get('errorMessage', 'no message')}"
        self._fail(video_id, VideoStatus.ERROR, reason, job_id=detail["jobId"], error_code=code)

    def _on_canceled(self, video_id: str, detail: Mapping[str, Any]) -> None:
        reason = "The MediaConvert job was cancelled."
        self._fail(video_id, VideoStatus.CANCELED, reason, job_id=detail["jobId"])

    def _fail(self, video_id: str, status: VideoStatus, reason: str, **facts: str | float | None) -> None:
        if self._videos.advance(video_id, status, reason=reason, **facts):
            self._telemetry.video(video_id, status, reason, project=self._project)

    def _count_frames(self, video_id: str) -> int:
        """Counts the frames that exist: the COMPLETE event names the last one only."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._images_bucket, Prefix=frames_prefix(video_id)
        )
        return sum(1 for page in pages for found in page.get("Contents", []) if frame_of(found["Key"]))


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
