"""The demo's film: a slide show of judged pictures, defective ones from a known second on, as an MP4.

It shows that the pipeline finds the moment, not how good the detector is: it is made of the pictures whose
verdicts are clearest, the demo's figures come from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from spotcheck.demo_data import Sample
    from spotcheck.verdicts import Outcome

SLIDE_SECONDS = 5
"""How long a picture is in view: as long as the stack, by default, waits between two frames."""

_SLIDES_A_KIND = 4
_RATE = 2  # frames a second
_MAX_SIDE = 640


@dataclass(frozen=True)
class Film:
    """A film and what it is made of.

    Attributes:
        path: The MP4.
        slides: Its pictures in their order, `SLIDE_SECONDS` each; the last one a second less, so that the end
            of the film is no moment at which a frame is captured.
        expected_seconds: Second at which the first defective one comes into view.
    """

    path: Path
    slides: Sequence[Sample]
    expected_seconds: int


def make_film(outcomes: Sequence[Outcome], path: Path) -> Film | None:
    """Makes a film of judged pictures: normal ones first, then defective ones.

    Args:
        outcomes: What became of the demo's uploads; each source is a `Sample`.
        path: Where to write it.

    Returns:
        The film; none where no picture of either kind was judged rightly.
    """
    normal, defective = (clearest(outcomes, is_defective=kind) for kind in (False, True))
    if not normal or not defective:
        return None
    slides = [*normal, *defective]
    write_mp4([slide.path for slide in slides], path)
    return Film(path, slides, len(normal) * SLIDE_SECONDS)


def clearest(outcomes: Sequence[Outcome], *, is_defective: bool) -> list[Sample]:
    """The pictures of one kind that were judged rightly and most clearly, at most four."""
    right = [
        (one.record["score"], one.source)
        for one in outcomes
        if one.record
        and one.record["status"] == "JUDGED"
        and one.source.is_defective is is_defective
        and one.record["is_anomalous"] is is_defective
    ]
    right.sort(key=lambda scored: scored[0], reverse=is_defective)
    return [sample for _, sample in right[:_SLIDES_A_KIND]]


def write_mp4(pictures: Sequence[Path], path: Path) -> None:
    """Writes pictures as an H.264 slide show in the size of the first one.

    Args:
        pictures: Files that Pillow reads; each is in view for `SLIDE_SECONDS`, the last a second less.
        path: Where to.
    """
    import av

    size = read_pixels(pictures[0], None).shape[1::-1]
    with av.open(str(path), "w", format="mp4") as output:
        stream: Any = output.add_stream("libx264", rate=_RATE, options={"crf": "12", "preset": "veryfast"})
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for place, picture in enumerate(pictures):
            pixels = read_pixels(picture, size)
            first = place * SLIDE_SECONDS * _RATE
            last = first + (SLIDE_SECONDS - (place == len(pictures) - 1)) * _RATE
            for number in range(first, last):
                frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, _RATE)
                output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def read_pixels(path: Path, size: tuple[int, int] | None) -> NDArray[Any]:
    """A picture as upright RGB pixels, in that width and height or in even sides of 640 at most."""
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    if size is None:
        image.thumbnail((_MAX_SIDE, _MAX_SIDE))
        size = (max(image.width // 2 * 2, 2), max(image.height // 2 * 2, 2))
    return np.asarray(image if image.size == size else image.resize(size))
