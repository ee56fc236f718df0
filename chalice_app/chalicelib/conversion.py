"""From an uploaded video to its MediaConvert job: one job per uploaded version, whatever is redelivered.

The guard is the video's own item, created conditionally and never expired. `ClientRequestToken` helps for a
minute only, while Lambda's retries come after one and two minutes and S3's duplicates at any time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.exceptions import PictureRejectedError
from chalicelib.identity import request_id_of
from chalicelib.intake import take_in
from chalicelib.video_jobs import VIDEO_ID_KEY, JobConfig, create_job_request
from chalicelib.videos import Video, VideoStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_mediaconvert import MediaConvertClient

    from chalicelib.events import ObjectVersion
    from chalicelib.telemetry import Telemetry
    from chalicelib.video_sources import VideoSources
    from chalicelib.video_table import VideoTable

_CLOCKS_DIFFER_BY = timedelta(minutes=5)


class VideoConverter:
    """Creates the MediaConvert job of each uploaded version of a video, once.

    Args:
        mediaconvert: Client for the regional endpoint; its retries are what answers throttling and 5xx.
        sources: Puts the uploaded version where the job reads it.
        videos: The videos' items.
        telemetry: Logs and metrics.
        config: Where to and how.
        project: Lookout project that the frames are judged for.
        now: The clock.
    """

    def __init__(
        self,
        mediaconvert: MediaConvertClient,
        sources: VideoSources,
        videos: VideoTable,
        telemetry: Telemetry,
        config: JobConfig,
        project: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._mediaconvert = mediaconvert
        self._sources = sources
        self._videos = videos
        self._telemetry = telemetry
        self._config = config
        self._project = project
        self._now = now

    def handle(self, event: Mapping[str, Any]) -> list[str]:
        """Converts every upload of an S3 event.

        Returns:
            The videos' ids.

        Raises:
            EventError: The event is none of S3's.
            JudgingError: Some met a fault; Lambda retries the event, and the others' jobs stand.
        """
        return take_in(event, self.convert, self._telemetry)

    def convert(self, version: ObjectVersion) -> str:
        """Makes sure that an uploaded version has its job, or a reason why not.

        Returns:
            The video's id.

        Raises:
            ClientError: S3, MediaConvert or DynamoDB failed in a way that a retry may mend.
        """
        video = self._video(version)
        is_first = self._videos.create(video)
        if version.size == 0:
            self._reject(video, "The file is empty.")
            return video.video_id
        if not is_first and self._is_done(video.video_id):
            return video.video_id
        try:
            file_input = self._sources.copy(version, video.video_id)
        except PictureRejectedError as error:
            self._reject(video, error.reason)
            return video.video_id
        # Looked at after the copy, which may take minutes: another attempt may have overtaken this one.
        if not self._is_done(video.video_id) and (is_first or not self._found_job(video.video_id)):
            self._create_job(video, file_input)
        return video.video_id

    def _video(self, version: ObjectVersion) -> Video:
        return Video(
            video_id=request_id_of(version),
            date=self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            bucket=version.bucket,
            key=version.key,
            version_id=version.version_id,
            uploaded_at=version.uploaded_at,
            project=self._project,
            status=VideoStatus.SUBMITTED,
            seconds_per_frame=self._config.seconds_per_frame,
        )

    def _create_job(self, video: Video, file_input: str) -> None:
        request = create_job_request(self._config, video_id=video.video_id, file_input=file_input)
        try:
            job = self._mediaconvert.create_job(**request)["Job"]
        except ClientError as error:
            if error_code(error) != "BadRequestException":
                raise
            reason = f"MediaConvert refused the video: {error.response['Error']['Message']}"
            self._reject(video, reason)
            return
        self._videos.note(video.video_id, job_id=job["Id"])

    def _reject(self, video: Video, reason: str) -> None:
        if self._videos.advance(video.video_id, VideoStatus.REJECTED, reason=reason):
            self._telemetry.video(video.video_id, VideoStatus.REJECTED, reason, project=video.project)

    def _is_done(self, video_id: str) -> bool:
        """Whether an attempt has given the video its job, or a reason why not."""
        video = self._videos.get(video_id)
        return video is None or video.job_id is not None or video.status.is_final

    def _found_job(self, video_id: str) -> bool:
        """Writes down the job that an earlier attempt created before it could do so; False without one."""
        video = self._videos.get(video_id)
        job_id = None if video is None else self._find_job(video)
        if job_id is not None:
            self._videos.note(video_id, job_id=job_id)
        return job_id is not None

    def _find_job(self, video: Video) -> str | None:
        taken_in = datetime.fromisoformat(video.date) - _CLOCKS_DIFFER_BY
        pages = self._mediaconvert.get_paginator("list_jobs").paginate(
            Queue=self._config.queue_arn, Order="DESCENDING"
        )
        for page in pages:
            for job in page["Jobs"]:
                if job.get("UserMetadata", {}).get(VIDEO_ID_KEY) == video.video_id:
                    return job["Id"]
            if page["Jobs"] and page["Jobs"][-1]["CreatedAt"] < taken_in:
                return None
        return None
