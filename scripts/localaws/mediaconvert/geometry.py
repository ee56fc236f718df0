"""From an input picture's size to an output's: scaling modes, padding, cropping and rotation.

AWS's user guide, "Video scaling": DEFAULT fits the picture into the given size and pads with black; 1280 x
720 into 640 x 480 gives 640 x 360 with bars above and below. Every size is even, as 4:2:0 video demands.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

ScalingBehavior = Literal["DEFAULT", "STRETCH_TO_OUTPUT", "FIT", "FIT_NO_UPSCALE", "FILL"]

Filter = tuple[str, str]
"""A libavfilter filter: name and arguments."""

_TURNS: dict[int, list[Filter]] = {
    0: [],
    90: [("transpose", "clock")],
    180: [("hflip", ""), ("vflip", "")],
    270: [("transpose", "cclock")],
}


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a picture becomes an output's picture.

    Attributes:
        turn: Degrees clockwise, done first.
        scaled: Width and height after scaling, turned.
        size: Width and height of the output: `scaled` padded or cropped around its centre.
    """

    turn: int
    scaled: tuple[int, int]
    size: tuple[int, int]

    def filters(self) -> list[Filter]:
        """The libavfilter chain that does it; scaling comes first, since turning fewer pixels costs less."""
        width, height = self.scaled if self.turn in {0, 180} else self.scaled[::-1]
        chain: list[Filter] = [("scale", f"{width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int")]
        chain += _TURNS[self.turn]
        chain.append(("setsar", "1"))
        (width, height), (wide, high) = self.scaled, self.size
        if width > wide or height > high:
            chain.append(("crop", f"{wide}:{high}:{_centre(width - wide)}:{_centre(height - high)}"))
        elif (width, height) != (wide, high):
            chain.append(("pad", f"{wide}:{high}:{_centre(wide - width)}:{_centre(high - height)}:black"))
        return chain


def fit(  # the settings of AWS's VideoDescription that bear on size
    source: tuple[int, int],
    *,
    width: int | None,
    height: int | None,
    behavior: ScalingBehavior = "DEFAULT",
    turn: int = 0,
    pixel_aspect: Fraction = Fraction(1),
) -> Geometry:
    """Decides an output's size.

    Args:
        source: Width and height of the decoded picture, in pixels.
        width: The output's `Width`, or None; with one of the two missing the ratio is kept, with both
            missing the size.
        height: The output's `Height`, or None.
        behavior: AWS's `ScalingBehavior`.
        turn: Degrees clockwise: 0, 90, 180 or 270; sizes are those of the turned picture.
        pixel_aspect: Width of a pixel over its height; the output's pixels are square.
    """
    across, down = source[0] * pixel_aspect, Fraction(source[1])
    if turn in {90, 270}:
        across, down = down, across
    if width is None or height is None:
        scale = Fraction(width) / across if width else Fraction(height) / down if height else Fraction(1)
        size = (width or even(across * scale), height or even(down * scale))
        return Geometry(turn, _even(size), _even(size))
    size = _even((width, height))
    ratios = (Fraction(size[0]) / across, Fraction(size[1]) / down)
    if behavior == "STRETCH_TO_OUTPUT":
        return Geometry(turn, size, size)
    scale = max(ratios) if behavior == "FILL" else min(ratios)
    if behavior == "FIT_NO_UPSCALE":
        scale = min(scale, Fraction(1))
    scaled = (even(across * scale), even(down * scale))
    if behavior in {"FIT", "FIT_NO_UPSCALE"}:
        return Geometry(turn, scaled, scaled)
    clamp = max if behavior == "FILL" else min  # rounding to even must not overshoot the frame
    scaled = (clamp(scaled[0], size[0]), clamp(scaled[1], size[1]))
    return Geometry(turn, scaled, size)


def even(length: Fraction | int) -> int:
    """The even number nearest to a length, at least 2."""
    return max(2, int(Fraction(length) / 2 + Fraction(1, 2)) * 2)


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return even(size[0]), even(size[1])


def _centre(room: int) -> int:
    return room // 4 * 2
