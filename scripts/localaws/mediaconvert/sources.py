"""Opening an input: what can be read, which tracks it has, how it is turned, and what AWS says about it."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import av.error
from av.stream import Disposition

from localaws.mediaconvert.exceptions import (
    InputError,
    NoVideoError,
    TruncatedSourceError,
    UnsupportedCodecError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mxf,flv,asf,ogg,gif,wav,mp3,aac,flac,ac3,eac3"
"""Demuxers that may be tried: MediaConvert's input containers. Playlists and concatenations, which would
have the demuxer open other files, are not among them."""

MISSING_PICTURES = 0.02
"""Part of an input's pictures that may be missing at its end before it counts as truncated."""

VIDEO_CODECS = {
    "av1": "AV1",
    "dnxhd": "VC3",
    "dvvideo": "DV",
    "ffv1": "FFV1",
    "flv1": "FLASH",
    "gif": "GIF",
    "h263": "H_263",
    "h264": "H_264",
    "hevc": "H_265",
    "jpeg2000": "JPEG2000",
    "mjpeg": "MJPEG",
    "mpeg1video": "MPEG1",
    "mpeg2video": "MPEG2",
    "mpeg4": "MPEG4",
    "msmpeg4v3": "MPEG4",
    "prores": "PRORES",
    "qtrle": "QTRLE",
    "rawvideo": "UNCOMPRESSED",
    "theora": "THEORA",
    "vc1": "VC1",
    "vp8": "VP8",
    "vp9": "VP9",
    "wmv1": "WMV1",
    "wmv2": "WMV2",
    "wmv3": "VC1",
}
"""FFmpeg's name of each codec that is accepted, and what INPUT_INFORMATION calls it."""

_COLOR_FORMATS = {"420": "YUV_420", "422": "YUV_422", "444": "YUV_444"}
_ROTATABLE = _COLOR_FORMATS.keys() - {"444"}


@contextmanager
def opened(path: Path, uri: str) -> Iterator[InputContainer]:
    """Opens an input by its content, whatever its name.

    Args:
        path: The file.
        uri: What to call it in errors.

    Raises:
        InputError: if it is no media file.
    """
    if path.stat().st_size == 0:
        message = f"Unable to open input file [{uri}]: [Failed probe/open: [Input is empty: 0 bytes]]"
        raise InputError(message)
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(str(path), "r", container_options=options)
    except (av.error.FFmpegError, ValueError) as error:
        message = f"Unable to open input file [{uri}]: [Failed probe/open: [{_reason(error)}]]"
        raise InputError(message) from error
    with container:
        yield container


def video_stream(container: InputContainer, uri: str) -> VideoStream:
    """The video track of an input: the first one that is not a cover picture.

    Raises:
        NoVideoError: if there is none.
        UnsupportedCodecError: if it is in a codec that MediaConvert does not read.
    """
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        context = stream.codec_context
        name = context.name if context is not None else "unknown"
        if name not in VIDEO_CODECS and (context is None or context.codec.canonical_name not in VIDEO_CODECS):
            message = f"Video codec [{name}] is not a supported input video codec. Input [{uri}]"
            raise UnsupportedCodecError(message)
        if not (context.width and context.height):
            message = f"Unable to open input file [{uri}]: [Failed probe/open: [No picture size in video]]"
            raise InputError(message)
        stream.thread_type = "AUTO"
        return stream
    message = f"No video track found in input [{uri}]"
    raise NoVideoError(message)


def check_whole(path: Path, container: InputContainer, stream: VideoStream, uri: str) -> None:
    """Compares a .mov's or .mp4's index of its pictures with the file's length.

    Other containers have no such index: what is there of them is converted. So is a file of this kind when
    only its very end is missing.

    Raises:
        TruncatedSourceError: if more than `MISSING_PICTURES` of the pictures lie beyond the file's end.
    """
    if "mp4" not in container.format.name.split(","):
        return
    size = path.stat().st_size
    indexed = len(stream.index_entries)
    missing = sum(entry.pos + entry.size > size for entry in stream.index_entries)
    if missing > indexed * MISSING_PICTURES:
        message = (
            f"Input file [{uri}] is truncated: {missing} of its {indexed} video frames lie beyond its end"
        )
        raise TruncatedSourceError(message)


def frame_rate(stream: VideoStream) -> Fraction:
    """Frames per second of a track; of a variable rate, the average."""
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return Fraction(rate) if rate else Fraction(25)


def turn_of(frame: VideoFrame, rotate: str, container_format: str) -> int:
    """Degrees clockwise that a picture is turned by.

    Args:
        frame: The first picture; carries the file's display matrix.
        rotate: AWS's `InputRotate`. Without it nothing is turned, whatever the file says; AUTO obeys a
            .mov's or .mp4's 90, 180 or 270 degrees (within one), for progressive 4:2:0 or 4:2:2 only.
        container_format: FFmpeg's name of the container.

    Returns:
        0, 90, 180 or 270.
    """
    if rotate != "AUTO":
        return int(rotate.rpartition("_")[2])
    progressive = not frame.interlaced_frame
    subsampled = any(form in frame.format.name for form in _ROTATABLE) or frame.format.name == "nv12"
    if "mp4" not in container_format.split(",") or not (progressive and subsampled):
        return 0
    clockwise = -frame.rotation % 360  # FFmpeg counts the other way round
    return next((angle for angle in (90, 180, 270) if abs(clockwise - angle) <= 1), 0)


def pixel_aspect(stream: VideoStream) -> Fraction:
    """Width of a pixel over its height, 1 where the file does not say."""
    return Fraction(stream.sample_aspect_ratio or 1)


def describe(container: InputContainer, uri: str, index: int) -> dict[str, Any]:
    """An input as INPUT_INFORMATION tells it.

    Args:
        container: The opened input.
        uri: Where it came from.
        index: Which input of the job, from 1.
    """
    details: dict[str, Any] = {"id": index, "uri": uri}
    audio = [
        {
            "channels": stream.codec_context.layout.nb_channels,
            "codec": stream.codec_context.codec.canonical_name.upper(),
            "language": (stream.language or "und").upper(),
            "sampleRate": stream.codec_context.sample_rate,
            "streamId": stream.index + 1,
        }
        for stream in container.streams.audio
        if stream.codec_context is not None
    ]
    if audio:
        details["audio"] = audio
    video = [_describe_video(stream) for stream in container.streams.video if stream.codec_context]
    if video:
        details["video"] = video
    return details


def _describe_video(stream: VideoStream) -> dict[str, Any]:
    context = stream.codec_context
    form = context.format
    name = form.name if form is not None else ""
    aspect = pixel_aspect(stream)
    rate = float(frame_rate(stream))
    return {
        "bitDepth": form.components[0].bits if form is not None else 8,
        "codec": VIDEO_CODECS.get(context.codec.canonical_name, context.name.upper()),
        "colorFormat": next((aws for part, aws in _COLOR_FORMATS.items() if part in name), "YUV_420"),
        "fourCC": context.codec_tag.strip("\x00"),
        "frameRate": int(rate) if rate.is_integer() else round(rate, 2),
        "height": context.height,
        "interlaceMode": "PROGRESSIVE",
        "sar": f"{aspect.numerator}:{aspect.denominator}",
        "standard": "UNSPECIFIED",
        "streamId": stream.index + 1,
        "width": context.width,
    }


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
