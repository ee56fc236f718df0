"""MediaConvert jobs, built in one place from typed configuration.

A job has a frame capture output, which is what gets judged, and beside it the H.264/AAC output that
MediaConvert demands: it "doesn't support jobs that consist only of a frame capture output" (user guide).

Two profiles: `inspection` looks at the whole video and keeps the picture's proportions; `notebook` is the
job of the original notebook, for those who must reproduce its frames (four, padded to 500 x 500, unrotated).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.job_settings import file_group, frame_capture
from chalicelib.notebook_job import NOTEBOOK_INTERVAL_SECONDS, notebook_job

Profile = Literal["inspection", "notebook"]

FRAMES_PREFIX = "video_inputs/"
"""Where frames land in the images bucket; `detect_frame` listens there."""

PROXIES_PREFIX = "video_proxies/"
"""Where the inspection profile's proxy lands in the images bucket; nothing listens there, and it expires."""

VIDEO_ID_KEY = "spotcheck-video-id"
"""Name of the one pair in a job's UserMetadata: events and ListJobs carry it back."""

_MAX_CAPTURES = 10_000_000  # the model's own maximum: the whole video, however long


@dataclass(frozen=True, slots=True)
class JobConfig:
    """What a job depends on beside the video itself.

    Attributes:
        queue_arn: The MediaConvert queue of this stack.
        role_arn: The role MediaConvert reads and writes S3 with.
        images_bucket: Where frames and proxies go.
        profile: `inspection` or `notebook`.
        frame_interval_seconds: Seconds between two captured frames (`inspection`; `notebook` has 5).
        frame_max_side: No captured frame is larger than this, in pixels (`inspection`).
    """

    queue_arn: str
    role_arn: str
    images_bucket: str
    profile: Profile = "inspection"
    frame_interval_seconds: int = 5
    frame_max_side: int = 1280

    @property
    def seconds_per_frame(self) -> int:
        """Seconds between two frames of the profile in force."""
        return NOTEBOOK_INTERVAL_SECONDS if self.profile == "notebook" else self.frame_interval_seconds


def create_job_request(config: JobConfig, *, video_id: str, file_input: str) -> dict[str, Any]:
    """Builds the whole `CreateJob` request for one uploaded version of a video.

    Args:
        config: Where to and how.
        video_id: The id of the uploaded version: its frames' folder, UserMetadata and request token.
        file_input: The video as MediaConvert reads it, `s3://bucket/key`.

    Returns:
        Keyword arguments for boto3's `create_job`.
    """
    if config.profile == "notebook":
        job = notebook_job(f"s3://{config.images_bucket}/{frames_prefix(video_id)}", file_input)
    else:
        job = _inspection_job(config, video_id, file_input)
    return {
        **job,
        "Role": config.role_arn,
        "Queue": config.queue_arn,
        "UserMetadata": {VIDEO_ID_KEY: video_id},
        "ClientRequestToken": video_id,
    }


def frames_prefix(video_id: str) -> str:
    """Where the frames of one video lie in the images bucket, with a trailing slash."""
    return f"{FRAMES_PREFIX}{video_id}/"


def _inspection_job(config: JobConfig, video_id: str, file_input: str) -> dict[str, Any]:
    images = f"s3://{config.images_bucket}"
    return {
        "AccelerationSettings": {"Mode": "DISABLED"},
        "StatusUpdateInterval": "SECONDS_10",
        "Priority": 0,
        "Settings": {
            "TimecodeConfig": {"Source": "ZEROBASED"},
            "Inputs": [
                {
                    "FileInput": file_input,
                    "TimecodeSource": "ZEROBASED",
                    "VideoSelector": {"Rotate": "AUTO"},
                    # NOT_DEFAULT: a video without sound gets silence; DEFAULT may end the job in error 1021.
                    "AudioSelectors": {"Audio Selector 1": {"DefaultSelection": "NOT_DEFAULT"}},
                }
            ],
            "OutputGroups": [
                file_group(
                    "Frames", f"{images}/{frames_prefix(video_id)}frame", [_inspection_frames(config)]
                ),
                file_group("Proxy", f"{images}/{PROXIES_PREFIX}{video_id}/proxy", [_inspection_proxy()]),
            ],
        },
    }


_FIT = {"ScalingBehavior": "FIT_NO_UPSCALE", "AntiAlias": "ENABLED"}


def _inspection_frames(config: JobConfig) -> dict[str, Any]:
    return {
        "Extension": "jpg",
        "ContainerSettings": {"Container": "RAW"},
        "VideoDescription": {
            **_FIT,
            "Width": config.frame_max_side,
            "Height": config.frame_max_side,
            "CodecSettings": frame_capture(config.frame_interval_seconds, _MAX_CAPTURES),
        },
    }


def _inspection_proxy() -> dict[str, Any]:
    """The small film that MediaConvert demands beside the frames."""
    return {
        "Extension": "mp4",
        "ContainerSettings": {
            "Container": "MP4",
            "Mp4Settings": {"MoovPlacement": "PROGRESSIVE_DOWNLOAD"},
        },
        "VideoDescription": {
            **_FIT,
            "Width": 640,
            "Height": 640,
            "CodecSettings": {
                "Codec": "H_264",
                "H264Settings": {
                    "RateControlMode": "QVBR",
                    "QvbrSettings": {"QvbrQualityLevel": 6},
                    "MaxBitrate": 1_000_000,
                    "QualityTuningLevel": "SINGLE_PASS",
                    "SceneChangeDetect": "ENABLED",
                    "FramerateControl": "INITIALIZE_FROM_SOURCE",
                    "ParControl": "INITIALIZE_FROM_SOURCE",
                },
            },
        },
        "AudioDescriptions": [
            {
                "AudioSourceName": "Audio Selector 1",
                "CodecSettings": {
                    "Codec": "AAC",
                    "AacSettings": {
                        "Bitrate": 64_000,
                        "CodingMode": "CODING_MODE_2_0",
                        "SampleRate": 48_000,
                    },
                },
            }
        ],
    }
