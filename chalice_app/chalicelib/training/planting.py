"""Synthetic anomalies: normal pictures in which something was planted.

Lines, spots, blurs, foreign material, pieces out of place, shadows and grain, at random places, sizes and
strengths, in the manner of Li et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and
Localization" (2021) and Schlüter et al., "Natural Synthetic Anomalies for Self-Supervised Anomaly Detection
and Localization" (2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _Kind = Callable[["_Canvas"], "_Paint"]

# What is planted is blended in with between this and all of its strength.
_LEAST_OPACITY = 0.4
# Where it shows at least so much, the mask says anomalous.
_SEEN = 0.4
# Brightness, of 255, that a strength of one adds to the picture's own deviation.
_LEAST_DEVIATION = 8.0
_LINE_POINTS = 12
_LOBES = 4


class Planted(NamedTuple):
    """A picture with an anomaly.

    Attributes:
        pixels: `(side, side, 3)` uint8.
        mask: `(side, side)`, where it is.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


class _Canvas(NamedTuple):
    """What a kind of anomaly is painted with.

    Attributes:
        generator: Of all chance.
        pixels: `(side, side, 3)` float32, 0-255.
        place: Row and column of the middle.
        foreign: Gives another normal picture.
    """

    generator: np.random.Generator
    pixels: NDArray[np.float32]
    place: tuple[float, float]
    foreign: Callable[[], NDArray[np.uint8]]

    @property
    def side(self) -> int:
        return len(self.pixels)

    @property
    def deviation(self) -> float:
        return float(self.pixels.std()) + _LEAST_DEVIATION

    def between(self, low: float, high: float) -> float:
        return float(self.generator.uniform(low, high))

    def sign(self) -> float:
        return float(self.generator.choice((-1, 1)))

    def size(self, low: float, high: float) -> float:
        """In pixels, of shares of the side; each doubling is as likely as any other."""
        return float(np.exp(self.between(np.log(low), np.log(high)))) * self.side


# How much of each pixel is replaced `(side, side)`, 0-1, and by what `(side, side, 3)`.
_Paint = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


def plant(
    generator: np.random.Generator,
    square: NDArray[np.uint8],
    foreign: Callable[[], NDArray[np.uint8]],
    seen: NDArray[np.bool_] | None = None,
) -> Planted:
    """Plants one anomaly of a random kind.

    Args:
        generator: Of all chance: the same gives the same.
        square: A normal picture as the model sees it, `(side, side, 3)`.
        foreign: Gives another one.
        seen: `(side, side)`, where the picture counts; None where all of it does.
    """
    counts = np.ones(square.shape[:2], bool) if seen is None else seen
    places = np.argwhere(counts)
    row, column = places[generator.integers(len(places))]
    canvas = _Canvas(generator, square.astype(np.float32), (float(row), float(column)), foreign)
    kind = _KINDS[generator.integers(len(_KINDS))]
    share, painted = kind(canvas)
    share = share * counts
    opacity = (share * canvas.between(_LEAST_OPACITY, 1))[..., None]
    pixels = canvas.pixels * (1 - opacity) + painted * opacity
    return Planted(np.clip(pixels, 0, 255).astype(np.uint8), share >= min(_SEEN, float(share.max())))


def _scratch(canvas: _Canvas) -> _Paint:
    """A bright or dark line, more or less bent."""
    step = canvas.size(0.05, 0.5) / _LINE_POINTS
    bend = canvas.generator.normal(0, 0.12)
    angles = canvas.between(0, 2 * np.pi) + np.cumsum(bend + canvas.generator.normal(0, 0.15, _LINE_POINTS))
    rows = canvas.place[0] + np.cumsum(step * np.sin(angles))
    columns = canvas.place[1] + np.cumsum(step * np.cos(angles))
    image = Image.new("L", (canvas.side, canvas.side))
    points = [*zip(columns.tolist(), rows.tolist(), strict=True)]
    points.insert(0, (canvas.place[1], canvas.place[0]))
    ImageDraw.Draw(image).line(points, fill=255, width=int(canvas.generator.integers(1, 6)), joint="curve")
    share = _softened(image, canvas.between(0.4, 1.5))
    return share, canvas.pixels + canvas.sign() * canvas.between(0.5, 2.5) * canvas.deviation


def _spot(canvas: _Canvas) -> _Paint:
    """A bright or dark spot."""
    return _blob(canvas, 0.02, 0.12), canvas.pixels + canvas.sign() * canvas.between(
        0.4, 2
    ) * canvas.deviation


def _smear(canvas: _Canvas) -> _Paint:
    """A blurred place."""
    image = Image.fromarray(canvas.pixels.astype(np.uint8))
    blurred = image.filter(ImageFilter.GaussianBlur(canvas.between(1.5, 4)))
    return _blob(canvas, 0.04, 0.2), np.asarray(blurred, np.float32)


def _foreign_material(canvas: _Canvas) -> _Paint:
    """Some of another picture, turned and from elsewhere."""
    other = np.rot90(canvas.foreign(), int(canvas.generator.integers(4)))
    other = np.roll(other, canvas.generator.integers(0, canvas.side, 2), (0, 1))
    return _blob(canvas, 0.03, 0.15), other.astype(np.float32)


def _misplaced(canvas: _Canvas) -> _Paint:
    """A piece of the same picture where it does not belong."""
    away = canvas.generator.integers(canvas.side // 8, canvas.side - canvas.side // 8, 2)
    return _box(canvas), np.roll(canvas.pixels, away, (0, 1))


def _shade(canvas: _Canvas) -> _Paint:
    """A shadow, or gloss."""
    darker = canvas.generator.random() < 0.6
    return _box(canvas), canvas.pixels * (canvas.between(0.3, 0.8) if darker else canvas.between(1.2, 1.6))


def _grain(canvas: _Canvas) -> _Paint:
    """A rough place."""
    noise = canvas.generator.normal(0, canvas.between(0.2, 0.6), (canvas.side, canvas.side, 1))
    return _blob(canvas, 0.04, 0.2), canvas.pixels + (noise * canvas.deviation).astype(np.float32)


_KINDS: tuple[_Kind, ...] = (
    _scratch,
    _spot,
    _smear,
    _foreign_material,
    _misplaced,
    _shade,
    _grain,
)


def _blob(canvas: _Canvas, low: float, high: float) -> NDArray[np.float32]:
    """An ellipse with an uneven edge; its radius is between two shares of the side."""
    radius, flat, turn = canvas.size(low, high), canvas.between(0.4, 1), canvas.between(0, np.pi)
    rows, columns = np.mgrid[: canvas.side, : canvas.side].astype(np.float64)
    rows -= canvas.place[0]
    columns -= canvas.place[1]
    angles = np.arctan2(rows, columns)[..., None]
    heights, phases = canvas.generator.normal(0, 0.15, _LOBES), canvas.generator.uniform(0, 2 * np.pi, _LOBES)
    waves = np.cos(np.arange(1, _LOBES + 1) * angles + phases) @ heights
    along = columns * np.cos(turn) + rows * np.sin(turn)
    across = (rows * np.cos(turn) - columns * np.sin(turn)) / flat
    inside = np.hypot(along, across) < radius * (1 + waves)
    return _softened(Image.fromarray(inside.astype(np.uint8) * 255), canvas.between(0.5, 1 + radius / 6))


def _box(canvas: _Canvas) -> NDArray[np.float32]:
    """A rectangle with sides of a twentieth to a third of the picture's."""
    height, width = canvas.generator.uniform(0.05, 0.35, 2) * canvas.side
    top, left = canvas.place[0] - height / 2, canvas.place[1] - width / 2
    image = Image.new("L", (canvas.side, canvas.side))
    ImageDraw.Draw(image).rectangle((left, top, left + width, top + height), fill=255)
    return _softened(image, canvas.between(0.3, 2))


def _softened(image: Image.Image, radius: float) -> NDArray[np.float32]:
    softened = image.filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(softened, np.float32) / np.float32(255)
