"""MediaConvert job settings for tests: a frame capture and the movie that must stand beside it."""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::123456789012:role/converter"


def capture_output(**changes: Any) -> dict[str, Any]:
    """A FRAME_CAPTURE output, one frame a second at full size; VideoDescription or its codec is changed."""
    codec = {"FramerateNumerator": 1, "FramerateDenominator": 1, "MaxCaptures": 1000, "Quality": 95}
    video: dict[str, Any] = {}
    for name, value in changes.items():
        (codec if name in codec else video)[name] = value
    video["CodecSettings"] = {"Codec": "FRAME_CAPTURE", "FrameCaptureSettings": codec}
    return {
        "ContainerSettings": {"Container": "RAW"},
        "VideoDescription": video,
        "Extension": "jpg",
        "NameModifier": "_f",
    }


def movie_output(*, sound: bool = False, h264: dict[str, Any] | None = None, **video: Any) -> dict[str, Any]:
    """A small H.264 output, with sound if wanted."""
    settings = h264 or {
        "RateControlMode": "QVBR",
        "MaxBitrate": 1_000_000,
        "QvbrSettings": {"QvbrQualityLevel": 7},
    }
    output: dict[str, Any] = {
        "ContainerSettings": {"Container": "MP4"},
        "VideoDescription": {**video, "CodecSettings": {"Codec": "H_264", "H264Settings": settings}},
        "NameModifier": "_m",
    }
    if sound:
        aac = {"Bitrate": 96000, "CodingMode": "CODING_MODE_2_0", "SampleRate": 48000}
        output["AudioDescriptions"] = [
            {"AudioSourceName": "Audio Selector 1", "CodecSettings": {"Codec": "AAC", "AacSettings": aac}}
        ]
    return output


def job_settings(*outputs: dict[str, Any], inputs: int = 1, **given: Any) -> dict[str, Any]:
    """JobSettings over `s3://videos/film.mp4` into `s3://images/out/`; `given` changes the inputs."""
    one = {"FileInput": "s3://videos/film.mp4", **given}
    return {
        "Inputs": [dict(one) for _ in range(inputs)],
        "OutputGroups": [
            {
                "Outputs": list(outputs) or [capture_output(), movie_output()],
                "OutputGroupSettings": {
                    "Type": "FILE_GROUP_SETTINGS",
                    "FileGroupSettings": {"Destination": "s3://images/out/"},
                },
            }
        ],
    }
