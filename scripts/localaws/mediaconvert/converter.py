"""Converts a job: each input is decoded once, and every output takes its pictures and sound from that.

Knows nothing of queues, events or S3: it reads files and hands finished objects to a function. Pictures flow
through one at a time, so memory does not grow with the video's length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import av.error

from localaws.mediaconvert import sources
from localaws.mediaconvert.audio import find_track
from localaws.mediaconvert.exceptions import ClippingError, InputError
from localaws.mediaconvert.frames import FrameCapture
from localaws.mediaconvert.geometry import Geometry, fit
from localaws.mediaconvert.outputs import CaptureSettings, outputs_of
from localaws.mediaconvert.proxy import Movie
from localaws.mediaconvert.timecodes import clip_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from localaws.mediaconvert.names import S3Uri
    from localaws.mediaconvert.outputs import OutputReport, PictureSettings

Output = FrameCapture | Movie


@dataclass(slots=True)
class Progress:
    """How far a conversion is.

    Attributes:
        frames_decoded: Over all inputs.
        percent: Of the inputs' length, 0 to 100.
    """

    frames_decoded: int = 0
    percent: int = 0


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of an input."""

    begin: Fraction  # seconds from the input's first frame
    end: Fraction | None  # after the last frame; None: to the input's end


@dataclass
class Converter:
    """One conversion.

    Attributes:
        settings: Checked `JobSettings`.
        files: The inputs, fetched, in the settings' order.
        upload: Takes each finished object; may be called long before the conversion ends.
        keep_going: Called for every frame; raises to stop the conversion.
    """

    settings: Mapping[str, Any]
    files: Sequence[Path]
    upload: Callable[[S3Uri, bytes], None]
    keep_going: Callable[[Progress], None] = lambda _progress: None
    progress: Progress = field(default_factory=Progress)
    _outputs: list[tuple[Output, PictureSettings]] = field(default_factory=list)
    _position: Fraction = Fraction(0)  # seconds of output so far

    def probe(self) -> list[dict[str, Any]]:
        """Opens every input and describes it as INPUT_INFORMATION does.

        Raises:
            JobError: if one cannot be converted.
        """
        details = []
        for index, (path, given) in enumerate(self._inputs(), start=1):
            with sources.opened(path, given["FileInput"]) as container:
                stream = sources.video_stream(container, given["FileInput"])
                sources.check_whole(path, container, stream, given["FileInput"])
                details.append(sources.describe(container, given["FileInput"], index))
        return details

    def run(self) -> list[list[OutputReport]]:
        """Converts everything.

        Returns:
            A report for each output of each output group.

        Raises:
            JobError: if an input or the settings turn out unusable; outputs may have been uploaded in part.
        """
        groups = outputs_of(self.settings)
        try:
            made = [[self._open(output) for output in group] for group in groups]
            for path, given in self._inputs():
                with sources.opened(path, given["FileInput"]) as container:
                    self._convert_input(container, given)
                self._outputs = [(output, picture.fixed(output.size)) for output, picture in self._outputs]
            return [[output.finish(self._position) for output in group] for group in made]
        finally:
            for output, _picture in self._outputs:
                if isinstance(output, Movie):
                    output.discard()

    def _inputs(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        yield from zip(self.files, self.settings["Inputs"], strict=True)

    def _open(self, settings: Any) -> Output:  # noqa: ANN401  # OutputSettings
        if isinstance(settings, CaptureSettings):
            output: Output = FrameCapture(settings, self.upload)
        else:
            path, given = next(self._inputs())
            with sources.opened(path, given["FileInput"]) as container:
                rate = sources.frame_rate(sources.video_stream(container, given["FileInput"]))
            output = Movie(settings, rate, self.upload)
        self._outputs.append((output, settings.picture))
        return output

    def _convert_input(self, container: InputContainer, given: Mapping[str, Any]) -> None:
        stream = sources.video_stream(container, given["FileInput"])
        for output, picture in self._outputs:
            output.begin_input(partial(_geometry, picture, stream, given, container.format.name))
        for track in self._tracks():
            track.begin_input(find_track(container, given, track.source_name))
        for clip in _clips(given, sources.frame_rate(stream)):
            self._convert_clip(container, stream, given, clip)

    def _convert_clip(
        self, container: InputContainer, stream: VideoStream, given: Mapping[str, Any], clip: Clip
    ) -> None:
        start = self._position
        origin = _origin(stream)
        length = _length(container, stream)
        if clip.begin:
            _seek(container, stream, origin + clip.begin)
        elif start:
            _seek(container, stream, origin)
        end: Fraction | None = None
        for frame, begins, ends in self._frames(container, stream, origin, clip, start):
            for output, _picture in self._outputs:
                output.show(frame, start + begins - clip.begin)
            end = ends
            self.progress.percent = _percent(ends, length)
        if end is None:
            self._refuse_empty(given, clip)
            return
        self._position = start + (end if clip.end is None else min(end, clip.end)) - clip.begin
        for track in self._tracks():
            track.end_input(self._position)

    def _frames(
        self,
        container: InputContainer,
        stream: VideoStream,
        origin: Fraction,
        clip: Clip,
        start: Fraction,
    ) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
        """Frames of a clip with their begin and end in seconds from the input's first; feeds sound too."""
        heard = [track for track in self._tracks() if track.source is not None]
        streams = [stream, *{track.source for track in heard if track.source is not None}]
        per_frame = 1 / sources.frame_rate(stream)
        previous = origin - per_frame
        for packet in container.demux(streams):
            if packet.stream is not stream:
                for track in heard:
                    if track.source is packet.stream:
                        track.feed(packet, origin + clip.begin, clip.end and origin + clip.end, start)
                continue
            for frame in _decode(packet):
                self.progress.frames_decoded += 1
                self.keep_going(self.progress)
                seconds = _seconds(frame)
                seconds = previous + per_frame if seconds is None else max(previous, seconds)
                previous = seconds
                begins = max(Fraction(0), seconds - origin)
                if begins < clip.begin:
                    continue
                if clip.end is not None and begins >= clip.end:
                    return
                shown = frame.duration * frame.time_base if frame.duration and frame.time_base else per_frame
                yield frame, begins, begins + shown

    def _refuse_empty(self, given: Mapping[str, Any], clip: Clip) -> None:
        uri = given["FileInput"]
        if clip.begin:
            message = f"Input clipping of [{uri}] begins at {float(clip.begin):.2f} s, after the input's end"
            raise ClippingError(message)
        message = f"Unable to open input file [{uri}]: [No video frames could be decoded]"
        raise InputError(message)

    def _tracks(self) -> Iterator[Any]:
        for output, _picture in self._outputs:
            if isinstance(output, Movie):
                yield from output.tracks


def _geometry(
    picture: PictureSettings,
    stream: VideoStream,
    given: Mapping[str, Any],
    container_format: str,
    frame: VideoFrame,
) -> Geometry:
    rotate = given.get("VideoSelector", {}).get("Rotate", "DEGREE_0")
    return fit(
        (frame.width, frame.height),
        width=picture.width,
        height=picture.height,
        behavior=picture.behavior,
        turn=sources.turn_of(frame, rotate, container_format),
        pixel_aspect=sources.pixel_aspect(stream),
    )


def _clips(given: Mapping[str, Any], rate: Fraction) -> list[Clip]:
    clips = []
    for clipping in given.get("InputClippings", []):
        begin, end = clip_bounds(clipping.get("StartTimecode"), clipping.get("EndTimecode"), rate)
        if end is not None and end <= begin:
            message = f"Input clipping of [{given['FileInput']}] ends before it begins: {clipping}"
            raise ClippingError(message)
        clips.append(Clip(begin, end))
    return clips or [Clip(Fraction(0), None)]


def _decode(packet: Packet[Any]) -> list[Any]:
    try:
        return packet.decode()
    except av.error.InvalidDataError:
        return []  # a damaged picture: the one before stays on view


def _seconds(frame: VideoFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _origin(stream: VideoStream) -> Fraction:
    """When the first frame is shown, on the file's own clock."""
    if stream.start_time is None or stream.time_base is None:
        return Fraction(0)
    return stream.start_time * stream.time_base


def _length(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """What the file itself says about the length of its video, in seconds."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if container.duration and not container.streams.audio:
        return Fraction(container.duration, 1_000_000)
    return None


def _seek(container: InputContainer, stream: VideoStream, seconds: Fraction) -> None:
    """Goes to the key frame at or before a moment; decoding from there is exact."""
    assert stream.time_base is not None  # noqa: S101  # every demuxed track has one
    container.seek(int(seconds / stream.time_base), stream=stream, backward=True)


def _percent(ends: Fraction, length: Fraction | None) -> int:
    return min(99, int(ends / length * 100)) if length else 0
