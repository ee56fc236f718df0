"""What Terraform tells a function through its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from chalicelib.exceptions import ConfigurationError
from chalicelib.pictures import PictureLimits
from chalicelib.video_jobs import JobConfig, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the functions that judge pictures.

    Attributes:
        project: Lookout project (`PROJECT_NAME`).
        model_version: Pinned version, None to follow what is published (`MODEL_VERSION`).
        results_bucket: Where results go (`OUTPUT_BUCKET`).
        models_bucket: Where models come from (`MODELS_BUCKET`).
        results_table: DynamoDB table (`RESULTS_TABLE`).
        limits: What a picture may measure (`MAX_IMAGE_BYTES`, `MAX_IMAGE_MEGAPIXELS`).
        shards: Partitions of a day in the table's indexes (`INDEX_SHARDS`).
        most_training_images: How many pictures can be trained on in the cloud (`MAX_TRAINING_IMAGES`).
    """

    project: str
    model_version: str | None
    results_bucket: str
    models_bucket: str
    results_table: str
    limits: PictureLimits
    shards: int
    most_training_images: int = 5000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads the settings.

        Raises:
            ConfigurationError: One is missing, or no whole number where one is needed.
        """
        defaults = PictureLimits()
        return cls(
            project=_text(environment, "PROJECT_NAME"),
            model_version=environment.get("MODEL_VERSION") or None,
            results_bucket=_text(environment, "OUTPUT_BUCKET"),
            models_bucket=_text(environment, "MODELS_BUCKET"),
            results_table=_text(environment, "RESULTS_TABLE"),
            limits=PictureLimits(
                max_bytes=_number(environment, "MAX_IMAGE_BYTES", defaults.max_bytes),
                max_pixels=_number(environment, "MAX_IMAGE_MEGAPIXELS", defaults.max_pixels // 10**6) * 10**6,
            ),
            shards=_number(environment, "INDEX_SHARDS", 16),
            most_training_images=_number(environment, "MAX_TRAINING_IMAGES", 5000),
        )


@dataclass(frozen=True, slots=True)
class HostingSettings:
    """Settings of the function that starts and stops models.

    Attributes:
        detection: Function that answers DetectAnomalies (`DETECTION_FUNCTION`).
        images: Function that judges uploaded pictures (`IMAGE_FUNCTION`).
        frames: Function that judges frames of videos (`FRAME_FUNCTION`).
        release_rate: Uploads that waited and are released a second (`RELEASES_PER_SECOND`).
    """

    detection: str
    images: str
    frames: str
    release_rate: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> HostingSettings:
        """Reads the settings.

        Raises:
            ConfigurationError: One is missing, or no whole number where one is needed.
        """
        return cls(
            detection=_text(environment, "DETECTION_FUNCTION"),
            images=_text(environment, "IMAGE_FUNCTION"),
            frames=_text(environment, "FRAME_FUNCTION"),
            release_rate=float(_number(environment, "RELEASES_PER_SECOND", 20)),
        )


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """Settings of the functions that turn videos into frames, and frames into a video's verdict.

    Attributes:
        job: What a MediaConvert job depends on (`MEDIACONVERT_QUEUE_ARN`, `MEDIACONVERT_ROLE_ARN`,
            `IMAGES_BUCKET`, `VIDEO_PROFILE`, `FRAME_INTERVAL_SECONDS`, `FRAME_MAX_SIDE`).
        project: Lookout project (`PROJECT_NAME`).
        results_table: DynamoDB table (`RESULTS_TABLE`).
        shards: Partitions of a day in the table's indexes (`INDEX_SHARDS`).
    """

    job: JobConfig
    project: str
    results_table: str
    shards: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> VideoSettings:
        """Reads the settings.

        Raises:
            ConfigurationError: One is missing or cannot work.
        """
        profile = environment.get("VIDEO_PROFILE") or "inspection"
        if profile not in get_args(Profile):
            message = f"The environment variable VIDEO_PROFILE is {profile!r}: inspection or notebook."
            raise ConfigurationError(message)
        return cls(
            job=JobConfig(
                queue_arn=_text(environment, "MEDIACONVERT_QUEUE_ARN"),
                role_arn=_text(environment, "MEDIACONVERT_ROLE_ARN"),
                images_bucket=_text(environment, "IMAGES_BUCKET"),
                profile=cast("Profile", profile),
                frame_interval_seconds=_number(environment, "FRAME_INTERVAL_SECONDS", 5),
                frame_max_side=_number(environment, "FRAME_MAX_SIDE", 1280),
            ),
            project=_text(environment, "PROJECT_NAME"),
            results_table=_text(environment, "RESULTS_TABLE"),
            shards=_number(environment, "INDEX_SHARDS", 16),
        )


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        message = f"The environment variable {name} is not set: Terraform sets it, so deploy again."
        raise ConfigurationError(message)
    return value


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        message = f"The environment variable {name} is {text!r}, which is no whole number above 0."
        raise ConfigurationError(message)
    return int(text)
