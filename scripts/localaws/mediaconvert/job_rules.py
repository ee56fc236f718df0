"""What MediaConvert demands of a job beyond the shapes of its service model.

The model makes nearly everything optional; the service does not. What the service offers and this emulation
does not (packaged output groups, other codecs) is refused as well, and the message says so: a job that would
quietly do something else than on AWS is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from localaws.mediaconvert.exceptions import BadRequestException
from localaws.mediaconvert.validation import refuse

MAX_METADATA_PAIRS = 10
_METADATA_TEXT = re.compile(r"^[\w .:/=+\-@]*$", re.ASCII)
_ROLE = re.compile(r"^arn:aws[\w-]*:iam::\d{12}:role/.+$")
_TOKEN_LENGTH = 64
_BITRATE_OF_MODE = {"CBR": "Bitrate", "VBR": "Bitrate", "QVBR": "MaxBitrate"}

Json = Mapping[str, Any]


def check_job(request: Json) -> None:
    """Checks a parsed CreateJob request.

    Args:
        request: As `validation.parse_request` gives it.

    Raises:
        BadRequestException: with MediaConvert's message form; the first thing wrong is told.
    """
    if not _ROLE.match(request["Role"]):
        refuse("/role", f"Should match pattern {_ROLE.pattern}")
    token = request.get("ClientRequestToken", "")
    if len(token) > _TOKEN_LENGTH or not token.isascii():
        refuse("/clientRequestToken", f"Should be at most {_TOKEN_LENGTH} ASCII characters")
    if "JobTemplate" in request:
        _not_emulated("/jobTemplate", "Job templates")
    _check_metadata(request.get("UserMetadata", {}))
    settings = request["Settings"]
    _check_inputs(settings.get("Inputs", []))
    groups = settings.get("OutputGroups", [])
    _at_least_one(groups, "/outputGroups")
    for index, group in enumerate(groups):
        _check_group(group, f"/outputGroups/{index}")
    codecs = [codec_of(output) for group in groups for output in group["Outputs"]]
    if set(codecs) == {"FRAME_CAPTURE"}:
        message = (
            "/outputGroups: Frame capture outputs are only supported in jobs that also have a regular audio "
            "and video output"
        )
        raise BadRequestException(message)


def codec_of(output: Json) -> str:
    """An output's video codec, or an empty string."""
    return str(output.get("VideoDescription", {}).get("CodecSettings", {}).get("Codec", ""))


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > MAX_METADATA_PAIRS:
        refuse("/userMetadata", f"Should have at most {MAX_METADATA_PAIRS} items")
    for key, value in metadata.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            refuse(f"/userMetadata/{key}", "Should be at most 128 characters of key and 256 of value")
        if not (_METADATA_TEXT.match(key) and _METADATA_TEXT.match(value)):
            refuse(f"/userMetadata/{key}", f"Should match pattern {_METADATA_TEXT.pattern}")


def _check_inputs(inputs: Sequence[Json]) -> None:
    _at_least_one(inputs, "/inputs")
    for index, given in enumerate(inputs):
        path = f"/inputs/{index}"
        if not given.get("FileInput"):
            refuse(path, "fileInput is a required property")
        if not given["FileInput"].lower().startswith("s3://"):
            _not_emulated(f"{path}/fileInput", "HTTP inputs")
        for number, clip in enumerate(given.get("InputClippings", [])):
            if not clip:
                refuse(
                    f"{path}/inputClippings/{number}", "startTimecode and endTimecode may not both be blank"
                )


def _check_group(group: Json, path: str) -> None:
    settings = group.get("OutputGroupSettings")
    if not settings:
        refuse(path, "outputGroupSettings is a required property")
    if "Type" not in settings:
        refuse(f"{path}/outputGroupSettings", "type is a required property")
    if settings["Type"] != "FILE_GROUP_SETTINGS":
        _not_emulated(f"{path}/outputGroupSettings/type", settings["Type"])
    outputs = group.get("Outputs", [])
    _at_least_one(outputs, f"{path}/outputs")
    for index, output in enumerate(outputs):
        _check_output(output, f"{path}/outputs/{index}", alone=len(outputs) == 1)
    names = [(output.get("NameModifier", ""), output.get("Extension", "")) for output in outputs]
    if len(set(names)) < len(names):
        refuse(f"{path}/outputs", "nameModifier should be unique within an output group")


def _check_output(output: Json, path: str, *, alone: bool) -> None:
    if not alone and not output.get("NameModifier"):
        refuse(path, "nameModifier is a required property when an output group has more than one output")
    if "Preset" in output:
        _not_emulated(f"{path}/preset", "Presets")
    container = output.get("ContainerSettings", {}).get("Container")
    if not container:
        refuse(path, "containerSettings is a required property")
    video = output.get("VideoDescription")
    if not video:
        _not_emulated(path, "Outputs without video")
    codec = codec_of(output)
    if not codec:
        refuse(f"{path}/videoDescription", "codecSettings is a required property")
    if video.get("ScalingBehavior") == "SMART_CROP":
        _not_emulated(f"{path}/videoDescription/scalingBehavior", "SMART_CROP")
    if (codec == "FRAME_CAPTURE") != (container == "RAW"):
        refuse(f"{path}/containerSettings/container", f"{codec} should not be in container {container}")
    if codec != "FRAME_CAPTURE":
        _check_movie(output, path, container, codec)
    elif output.get("AudioDescriptions"):
        refuse(f"{path}/audioDescriptions", "FRAME_CAPTURE outputs have no audio")


def _check_movie(output: Json, path: str, container: str, codec: str) -> None:
    if container not in {"MP4", "MOV"}:
        _not_emulated(f"{path}/containerSettings/container", container)
    if codec != "H_264":
        _not_emulated(f"{path}/videoDescription/codecSettings/codec", codec)
    _check_h264(output["VideoDescription"]["CodecSettings"].get("H264Settings", {}), path)
    for index, audio in enumerate(output.get("AudioDescriptions", [])):
        sound = audio.get("CodecSettings", {}).get("Codec")
        if sound != "AAC":
            _not_emulated(f"{path}/audioDescriptions/{index}/codecSettings", f"Audio codec {sound}")


def _check_h264(settings: Json, path: str) -> None:
    mode = settings.get("RateControlMode", "VBR")
    bitrate = _BITRATE_OF_MODE[mode]
    if bitrate not in settings:
        wire = bitrate[0].lower() + bitrate[1:]
        refuse(
            f"{path}/videoDescription/codecSettings/h264Settings",
            f"{wire} is a required property when rateControlMode is {mode}",
        )
    if settings.get("FramerateControl") == "SPECIFIED" and not (
        settings.get("FramerateNumerator") and settings.get("FramerateDenominator")
    ):
        refuse(
            f"{path}/videoDescription/codecSettings/h264Settings",
            "framerateNumerator and framerateDenominator are required when framerateControl is SPECIFIED",
        )


def _at_least_one(items: Sequence[object], path: str) -> None:
    if not items:
        refuse(path, "Should have at least 1 items")


def _not_emulated(path: str, what: str) -> NoReturn:
    refuse(path, f"{what} are known to MediaConvert and not emulated here")
