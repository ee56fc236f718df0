"""From an uploaded video to its MediaConvert job: one job per uploaded version, whatever is redelivered.

The guard is the video's own item, created conditionally and never expired. `ClientRequestToken` helps for a
minute only, while Lambda's retries come after one and two minutes and S3's duplicates at any time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.identity import request_id_of
from chalicelib.intake import take_in
from chalicelib.video_jobs import VIDEO_ID_KEY, JobConfig, create_job_request
from chalicelib.videos import Video, VideoStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_mediaconvert import MediaConvertClient

    from chalicelib.events import ObjectVersion
    from chalicelib.telemetry import Telemetry
    from chalicelib.video_table import VideoTable

_CLOCKS_DIFFER_BY = timedelta(minutes=5)


class VideoConverter:
    """Creates the MediaConvert job of each uploaded version of a video, once.

    Args:
        mediaconvert: Client for the regional endpoint; its retries are what answers throttling and 5xx.
        videos: The videos' items.
        telemetry: Logs and metrics.
        config: Where to and how.
        project: Lookout project that the frames are judged for.
        now: The clock.
    """

    def __init__(
        self,
        mediaconvert: MediaConvertClient,
        videos: VideoTable,
        telemetry: Telemetry,
        config: JobConfig,
        project: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._mediaconvert = mediaconvert
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
            ClientError: MediaConvert or DynamoDB failed in a way that a retry may mend.
        """
        video = self._video(version)
        if version.size == 0:
            self._videos.create(video)
            self._reject(video, "The file is empty.")
            return video.video_id
        if not self._videos.create(video):
            earlier = self._videos.get(video.video_id)
            if earlier is None or earlier.job_id is not None or earlier.status.is_final:
                return video.video_id
            video = earlier
            if (job_id := self._find_job(video)) is not None:
                self._videos.note(video.video_id, job_id=job_id)
                return video.video_id
        self._create_job(video)
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

    def _create_job(self, video: Video) -> None:
        request = create_job_request(
            self._config, video_id=video.video_id, file_input=f"s3://{video.bucket}/{video.key}"
        )
        try:
            job = self._mediaconvert.create_job(**request)["Job"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException":
                raise
            reason = f"MediaConvert refused the video: {error.response['Error']['Message']}"
            self._reject(video, reason)
            return
        self._videos.note(video.video_id, job_id=job["Id"])

    def _reject(self, video: Video, reason: str) -> None:
        if self._videos.advance(video.video_id, VideoStatus.REJECTED, reason=reason):
            self._telemetry.video(video.video_id, VideoStatus.REJECTED, reason, project=video.project)

    def _find_job(self, video: Video) -> str | None:
        """The job that an earlier attempt created before it could write the job's id down."""
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
