"""The original notebook's MediaConvert job, for those who must reproduce its frames.

Equal to the notebook's `CreateJob` body but for the input and the destination, with everything that makes it
unfit for inspection: four frames at most, padded to 500 x 500, rotation ignored, a proxy of 1 kb/s.
"""

from __future__ import annotations

from typing import Any

from chalicelib.job_settings import file_group, frame_capture

NOTEBOOK_INTERVAL_SECONDS = 5
"""Seconds between two frames of the notebook's job."""

_NOTEBOOK_MAX_CAPTURES = 4

_NOTEBOOK_VIDEO = {
    "ScalingBehavior": "DEFAULT",
    "TimecodeInsertion": "DISABLED",
    "AntiAlias": "ENABLED",
    "Sharpness": 50,
    "DropFrameTimecode": "ENABLED",
    "ColorMetadata": "INSERT",
}

_NOTEBOOK_H264 = {
    "InterlaceMode": "PROGRESSIVE",
    "ScanTypeConversionMode": "INTERLACED",
    "NumberReferenceFrames": 3,
    "Syntax": "DEFAULT",
    "Softness": 0,
    "GopClosedCadence": 1,
    "GopSize": 90,
    "Slices": 1,
    "GopBReference": "DISABLED",
    "SlowPal": "DISABLED",
    "EntropyEncoding": "CABAC",
    "Bitrate": 1000,
    "FramerateControl": "INITIALIZE_FROM_SOURCE",
    "RateControlMode": "CBR",
    "CodecProfile": "MAIN",
    "Telecine": "NONE",
    "MinIInterval": 0,
    "AdaptiveQuantization": "AUTO",
    "CodecLevel": "AUTO",
    "FieldEncoding": "PAFF",
    "SceneChangeDetect": "ENABLED",
    "QualityTuningLevel": "SINGLE_PASS",
    "FramerateConversionAlgorithm": "DUPLICATE_DROP",
    "UnregisteredSeiTimecode": "DISABLED",
    "GopSizeUnits": "FRAMES",
    "ParControl": "INITIALIZE_FROM_SOURCE",
    "NumberBFramesBetweenReferenceFrames": 2,
    "RepeatPps": "DISABLED",
    "DynamicSubGop": "STATIC",
}

_NOTEBOOK_AAC = {
    "AudioDescriptionBroadcasterMix": "NORMAL",
    "Bitrate": 96000,
    "RateControlMode": "CBR",
    "CodecProfile": "LC",
    "CodingMode": "CODING_MODE_2_0",
    "RawFormat": "NONE",
    "SampleRate": 48000,
    "Specification": "MPEG4",
}


def notebook_job(destination: str, file_input: str) -> dict[str, Any]:
    """The notebook's own job, oddities included (1 kb/s, doubled extension).

    Args:
        destination: Where frames and MP4 go, `s3://bucket/prefix/` with a trailing slash.
        file_input: The video, `s3://bucket/key`.

    Returns:
        `AccelerationSettings`, `StatusUpdateInterval`, `Priority` and `Settings` of `CreateJob`.
    """
    return {
        "AccelerationSettings": {"Mode": "DISABLED"},
        "StatusUpdateInterval": "SECONDS_60",
        "Priority": 0,
        "Settings": {
            "TimecodeConfig": {"Source": "ZEROBASED"},
            "OutputGroups": [file_group("File Group", destination, [_notebook_frames(), _notebook_mp4()])],
            "AdAvailOffset": 0,
            "Inputs": [_notebook_input(file_input)],
        },
    }


def _notebook_frames() -> dict[str, Any]:
    return {
        "ContainerSettings": {"Container": "RAW"},
        "VideoDescription": {
            **_NOTEBOOK_VIDEO,
            "Width": 500,
            "Height": 500,
            "CodecSettings": frame_capture(NOTEBOOK_INTERVAL_SECONDS, _NOTEBOOK_MAX_CAPTURES),
        },
        "Extension": "jpg",
        "NameModifier": "jpg",
    }


def _notebook_mp4() -> dict[str, Any]:
    return {
        "ContainerSettings": {
            "Container": "MP4",
            "Mp4Settings": {
                "CslgAtom": "INCLUDE",
                "CttsVersion": 0,
                "FreeSpaceBox": "EXCLUDE",
                "MoovPlacement": "PROGRESSIVE_DOWNLOAD",
                "AudioDuration": "DEFAULT_CODEC_DURATION",
            },
        },
        "VideoDescription": {
            **_NOTEBOOK_VIDEO,
            "CodecSettings": {"Codec": "H_264", "H264Settings": _NOTEBOOK_H264},
            "AfdSignaling": "NONE",
            "RespondToAfd": "NONE",
        },
        "AudioDescriptions": [
            {
                "AudioTypeControl": "FOLLOW_INPUT",
                "AudioSourceName": "Audio Selector 1",
                "CodecSettings": {"Codec": "AAC", "AacSettings": _NOTEBOOK_AAC},
                "LanguageCodeControl": "FOLLOW_INPUT",
            }
        ],
        "NameModifier": "mp4",
    }


def _notebook_input(file_input: str) -> dict[str, Any]:
    return {
        "AudioSelectors": {
            "Audio Selector 1": {
                "Offset": 1,
                "DefaultSelection": "DEFAULT",
                "SelectorType": "TRACK",
                "ProgramSelection": 1,
            }
        },
        "VideoSelector": {"ColorSpace": "FOLLOW", "Rotate": "DEGREE_0", "AlphaBehavior": "DISCARD"},
        "FilterEnable": "AUTO",
        "PsiControl": "USE_PSI",
        "FilterStrength": 0,
        "DeblockFilter": "DISABLED",
        "DenoiseFilter": "DISABLED",
        "InputScanType": "AUTO",
        "TimecodeSource": "ZEROBASED",
        "FileInput": file_input,
    }
