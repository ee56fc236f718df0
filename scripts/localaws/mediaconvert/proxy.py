"""H.264/AAC movies: the output that MediaConvert demands beside frame captures."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.video.frame import PictureType

from localaws.mediaconvert.audio import AacTrack
from localaws.mediaconvert.h264 import encoder_options, output_rate, qvbr_level
from localaws.mediaconvert.outputs import OutputReport
from localaws.mediaconvert.pictures import PictureMaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from localaws.mediaconvert.geometry import Geometry
    from localaws.mediaconvert.names import S3Uri
    from localaws.mediaconvert.outputs import MovieSettings


class Movie:
    """One MP4 or MOV output at a constant frame rate, written to a file and handed on when it is finished.

    Args:
        settings: Codec settings, sizes and name.
        source_rate: Frames per second of the first input.
        upload: Takes the finished file's bytes and where they belong.
    """

    def __init__(
        self, settings: MovieSettings, source_rate: Fraction, upload: Callable[[S3Uri, bytes], None]
    ) -> None:
        self._settings = settings
        self._upload = upload
        self._rate = output_rate(settings.h264, source_rate)
        self._folder = tempfile.TemporaryDirectory(prefix="mediaconvert-")
        self._file = Path(self._folder.name) / "output"
        self._container: OutputContainer = av.open(
            str(self._file),
            "w",
            format=settings.container,
            options={"movflags": "+faststart"} if settings.fast_start else {},
        )
        self._stream: VideoStream = self._container.add_stream("libx264", rate=self._rate)
        self._stream.pix_fmt = "yuv420p"
        self._pictures: PictureMaker | None = None
        self._shown: VideoFrame | None = None  # the output's picture on view, already made
        self._encoded = 0
        self._held: list[Packet[Any]] = []  # sound that came before the first picture
        self.tracks = [AacTrack(self._container, audio, self._mux) for audio in settings.audio]

    def begin_input(self, geometry_of: Callable[[VideoFrame], Geometry]) -> None:
        """The next input of the job begins: its pictures may have another size and turn."""
        self._pictures = PictureMaker("yuv420p", geometry_of)

    def show(self, frame: VideoFrame, seconds: Fraction) -> None:
        """A frame comes on view.

        Frames are dropped or repeated to keep the output's rate (`FramerateConversionAlgorithm`
        DUPLICATE_DROP): output frame i shows what was on view at i / rate seconds, to the nearest frame.

        Args:
            frame: The decoded frame.
            seconds: When, counted from the output's beginning; never decreasing.
        """
        assert self._pictures is not None  # noqa: S101  # begin_input comes first
        index = round(seconds * self._rate)
        if index < self._encoded and self._encoded:
            return
        picture = self._pictures.make(frame)
        self._repeat_until(index)
        self._shown = picture
        self._repeat_until(index + 1)

    def finish(self, duration: Fraction) -> OutputReport:
        """The video has ended: closes the file and uploads it.

        Args:
            duration: Seconds from the first frame's beginning to the last one's end.
        """
        self._repeat_until(round(duration * self._rate))
        for packet in self._stream.encode(None):
            self._mux(packet)
        for track in self.tracks:
            track.finish()
        self._container.close()
        name = self._settings.name.file()
        self._upload(name, self._file.read_bytes())
        report = OutputReport(
            paths=[str(name)],
            duration_ms=round(Fraction(self._encoded) / self._rate * 1000),
            size=self.size,
        )
        if self._settings.h264.get("RateControlMode") == "QVBR":
            report.extra["qvbrAvgQuality"] = qvbr_level(self._settings.h264)
        return report

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the output's pictures."""
        return self._stream.width, self._stream.height

    def discard(self) -> None:
        """Removes the file, whether finished or not."""
        self._container.close()
        self._folder.cleanup()

    def _repeat_until(self, index: int) -> None:
        while self._shown is not None and self._encoded < index:
            self._encode(self._shown)

    def _encode(self, picture: VideoFrame) -> None:
        if not self._encoded:
            self._stream.width, self._stream.height = picture.width, picture.height
            self._stream.codec_context.options = encoder_options(self._settings.h264, self._rate)
        picture.pts = self._encoded
        picture.time_base = 1 / self._rate
        picture.pict_type = PictureType.NONE
        packets = self._stream.encode(picture)
        self._encoded += 1
        for packet in packets:
            self._mux(packet)

    def _mux(self, packet: Packet[Any]) -> None:
        if not self._encoded:  # the file's header tells the picture's size, which is not known yet
            self._held.append(packet)
            return
        for waiting in self._held:
            self._container.mux(waiting)
        self._held.clear()
        self._container.mux(packet)
