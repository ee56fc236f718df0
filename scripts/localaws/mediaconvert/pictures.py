"""Turning, scaling, padding and cropping pictures with libavfilter, in one pass each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.filter import Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.video.frame import VideoFrame

    from localaws.mediaconvert.geometry import Geometry


class PictureMaker:
    """Makes an output's pictures from an input's; one per output and input.

    Args:
        pixel_format: Pixel format of the result, such as `yuv420p`.
        geometry_of: Decides the geometry when the pictures' size is known; asked again if it changes.
    """

    def __init__(self, pixel_format: str, geometry_of: Callable[[VideoFrame], Geometry]) -> None:
        self._pixel_format = pixel_format
        self._geometry_of = geometry_of
        self._signature: tuple[object, ...] | None = None
        self._graph: Graph | None = None

    def make(self, frame: VideoFrame) -> VideoFrame:
        """The output's picture of a decoded frame."""
        signature = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        if self._graph is None or signature != self._signature:
            self._graph = self._build(frame)
            self._signature = signature
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        last = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        filters = [*self._geometry_of(frame).filters(), ("format", self._pixel_format), ("buffersink", "")]
        for name, arguments in filters:
            context = graph.add(name, arguments or None)
            last.link_to(context)
            last = context
        graph.configure()
        return graph
