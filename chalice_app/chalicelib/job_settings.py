"""The two pieces of MediaConvert job settings that every profile needs."""

from __future__ import annotations

from typing import Any


def frame_capture(seconds: int, max_captures: int) -> dict[str, Any]:
    """CodecSettings that capture one JPEG every `seconds`, `max_captures` at most."""
    return {
        "Codec": "FRAME_CAPTURE",
        "FrameCaptureSettings": {
            "FramerateNumerator": 1,
            "FramerateDenominator": seconds,
            "MaxCaptures": max_captures,
            "Quality": 80,
        },
    }


def file_group(name: str, destination: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """One output group that writes files below an S3 destination."""
    return {
        "Name": name,
        "Outputs": outputs,
        "OutputGroupSettings": {
            "Type": "FILE_GROUP_SETTINGS",
            "FileGroupSettings": {"Destination": destination},
        },
    }
