"""A job's settings, taken apart into what the converter needs, and what it reports back."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from localaws.mediaconvert.job_rules import codec_of
from localaws.mediaconvert.names import DEFAULT_EXTENSIONS, OutputName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.mediaconvert.geometry import ScalingBehavior

DEFAULT_AUDIO_SELECTOR = "Audio Selector 1"


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """Size and scaling of an output: `VideoDescription`."""

    width: int | None
    height: int | None
    behavior: ScalingBehavior

    @classmethod
    def of(cls, video: Mapping[str, Any]) -> PictureSettings:
        """Reads a `VideoDescription`."""
        return cls(video.get("Width"), video.get("Height"), video.get("ScalingBehavior", "DEFAULT"))

    def fixed(self, size: tuple[int, int]) -> PictureSettings:
        """The same for further inputs: an output keeps the size that its first input gave it."""
        exact = self.behavior in {"STRETCH_TO_OUTPUT", "FILL"}
        return PictureSettings(size[0], size[1], self.behavior if exact else "DEFAULT")


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """A FRAME_CAPTURE output."""

    name: OutputName
    picture: PictureSettings
    interval: Fraction  # seconds between two captures
    max_captures: int
    quality: int  # JPEG quality, 1 to 100


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """An AAC track of an output: `AudioDescription`."""

    source: str  # name of the audio selector
    bitrate: int  # bits per second
    sample_rate: int  # Hz
    layout: str  # FFmpeg's channel layout


@dataclass(frozen=True, slots=True)
class MovieSettings:
    """An H.264 output in an MP4 or MOV container."""

    name: OutputName
    picture: PictureSettings
    container: str  # FFmpeg's muxer
    h264: Mapping[str, Any]  # `H264Settings`
    fast_start: bool  # the index before the pictures: plays while it is being fetched
    audio: tuple[AudioSettings, ...]


@dataclass(slots=True)
class OutputReport:
    """What became of an output, for COMPLETE and GetJob."""

    paths: list[str]
    duration_ms: int
    size: tuple[int, int]
    extra: dict[str, float] = field(default_factory=dict)  # further videoDetails


OutputSettings = CaptureSettings | MovieSettings


def outputs_of(settings: Mapping[str, Any]) -> list[list[OutputSettings]]:
    """The outputs of each output group of a checked job.

    Args:
        settings: `JobSettings`, as `job_rules.check_job` passed them.

    Raises:
        SettingsError: if an address is not in S3.
    """
    first_input = settings["Inputs"][0]["FileInput"]
    groups: list[list[OutputSettings]] = []
    for group in settings["OutputGroups"]:
        file_settings = group["OutputGroupSettings"].get("FileGroupSettings", {})
        destination = file_settings.get("Destination", "")
        groups.append([_output(output, destination, first_input) for output in group["Outputs"]])
    return groups


def _output(output: Mapping[str, Any], destination: str, first_input: str) -> OutputSettings:
    container = output["ContainerSettings"]["Container"]
    video = output["VideoDescription"]
    name = OutputName.of(
        destination=destination,
        first_input=first_input,
        modifier=output.get("NameModifier", ""),
        extension=output.get("Extension") or DEFAULT_EXTENSIONS[container],
    )
    picture = PictureSettings.of(video)
    if codec_of(output) == "FRAME_CAPTURE":
        capture = video["CodecSettings"].get("FrameCaptureSettings", {})
        return CaptureSettings(
            name=name,
            picture=picture,
            interval=Fraction(capture.get("FramerateDenominator", 1), capture.get("FramerateNumerator", 1)),
            max_captures=capture.get("MaxCaptures", 10_000_000),
            quality=capture.get("Quality", 80),
        )
    placement = output["ContainerSettings"].get("Mp4Settings", {}).get("MoovPlacement")
    return MovieSettings(
        name=name,
        picture=picture,
        container=container.lower(),
        h264=video["CodecSettings"].get("H264Settings", {}),
        fast_start=placement != "NORMAL",
        audio=tuple(_audio(description) for description in output.get("AudioDescriptions", [])),
    )


def _audio(description: Mapping[str, Any]) -> AudioSettings:
    aac = description["CodecSettings"].get("AacSettings", {})
    mono = aac.get("CodingMode") in {"CODING_MODE_1_0", "AD_RECEIVER_MIX"}
    surround = aac.get("CodingMode") == "CODING_MODE_5_1"
    return AudioSettings(
        source=description.get("AudioSourceName") or DEFAULT_AUDIO_SELECTOR,
        bitrate=aac.get("Bitrate", 96_000),
        sample_rate=aac.get("SampleRate", 48_000),
        layout="mono" if mono else "5.1" if surround else "stereo",
    )
