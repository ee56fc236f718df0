"""Frame capture: JPEGs of the frames on view at k x denominator / numerator seconds."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import simplejpeg

from localaws.mediaconvert.outputs import OutputReport
from localaws.mediaconvert.pictures import PictureMaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.video.frame import VideoFrame

    from localaws.mediaconvert.geometry import Geometry
    from localaws.mediaconvert.names import S3Uri
    from localaws.mediaconvert.outputs import CaptureSettings

TOLERANCE = Fraction(1, 2000)
"""Containers that keep times in milliseconds round them: a frame may seem that much late."""


class FrameCapture:
    """One FRAME_CAPTURE output.

    "Frame capture will encode the first frame of the output stream, then one frame every
    framerateDenominator/framerateNumerator seconds" (service model), MaxCaptures at most: for a video of d
    seconds min(MaxCaptures, floor(d x num / den) + 1) files. Only captured frames are converted; each is
    handed on as soon as its moment has passed, long before the job ends.

    Args:
        settings: Rate, quality, sizes and name.
        upload: Takes each JPEG and where it belongs.
    """

    def __init__(self, settings: CaptureSettings, upload: Callable[[S3Uri, bytes], None]) -> None:
        self._settings = settings
        self._upload = upload
        self._captured = 0
        self._shown: tuple[VideoFrame, PictureMaker] | None = None
        self._pictures: PictureMaker | None = None
        self.size = (0, 0)  # of the pictures made so far

    def begin_input(self, geometry_of: Callable[[VideoFrame], Geometry]) -> None:
        """The next input of the job begins: its pictures may have another size and turn."""
        self._pictures = PictureMaker("rgb24", geometry_of)

    def show(self, frame: VideoFrame, seconds: Fraction) -> None:
        """A frame comes on view.

        Args:
            frame: The decoded frame.
            seconds: When, counted from the output's beginning; never decreasing.
        """
        assert self._pictures is not None  # noqa: S101  # begin_input comes first
        while not self.full and self._shown is not None and self._next_moment + TOLERANCE < seconds:
            self._capture(*self._shown)
        self._shown = frame, self._pictures
        if self._captured == 0:
            self._capture(*self._shown)

    def finish(self, duration: Fraction) -> OutputReport:
        """The video has ended.

        Args:
            duration: Seconds from the first frame's beginning to the last one's end.
        """
        while not self.full and self._shown is not None and self._next_moment <= duration:
            self._capture(*self._shown)
        interval = self._settings.interval
        last = self._settings.name.frame(max(0, self._captured - 1))
        return OutputReport(
            paths=[str(last)],  # AWS tells the final captured file only
            duration_ms=int(self._captured * interval * 1000),  # captures x interval, as in AWS's sample
            size=self.size,
        )

    @property
    def full(self) -> bool:
        """Whether MaxCaptures is reached."""
        return self._captured >= self._settings.max_captures

    @property
    def _next_moment(self) -> Fraction:
        return self._captured * self._settings.interval

    def _capture(self, frame: VideoFrame, pictures: PictureMaker) -> None:
        pixels = pictures.make(frame).to_ndarray(format="rgb24")
        self.size = (pixels.shape[1], pixels.shape[0])
        jpeg = simplejpeg.encode_jpeg(
            pixels, quality=self._settings.quality, colorspace="RGB", colorsubsampling="420"
        )
        self._upload(self._settings.name.frame(self._captured), jpeg)
        self._captured += 1
