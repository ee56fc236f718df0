"""How a picture becomes the square that a model sees, and how the heat map finds back into the picture.

The same in training and in Lambda: what was chosen at training travels in the model's metadata.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRETCH, LETTERBOX = "stretch-bilinear", "letterbox-bilinear"

Roi = tuple[float, float, float, float]

MIN_TILE = 64
"""Pixels a side: as small as a picture may be."""

# What stands where nothing is to be seen; the network takes it for zero.
GREY = 127
_MASK_SIDE = 320
_MOST_CELLS = 200


@dataclass(frozen=True)
class Framing:
    """What of a picture a model sees, and how it is brought to a square.

    Attributes:
        size: Side of the square in pixels.
        resize: `stretch-bilinear`, or `letterbox-bilinear`: the sides keep their ratio, and grey fills up.
        roi: The region of interest: left, top, width and height in fractions of the upright picture; None is
            all of it.
        mask: From `mask_text`: what of the picture counts. The rest is painted grey.
        tile: Side of a tile in pixels of the picture, where it is seen in tiles (`chalicelib.tiling`): each
            of them then becomes the square. 0 where the whole picture does.
    """

    size: int
    resize: str = STRETCH
    roi: Roi | None = None
    mask: str = ""
    tile: int = 0

    @property
    def stretches(self) -> bool:
        """Whether pictures of several shapes are pulled into one."""
        return self.resize == STRETCH and not self.tile

    @property
    def min_decoded_side(self) -> int | None:
        """A JPEG may be decoded at a scale that keeps both sides at this many pixels; None: whole."""
        if self.tile:
            return None
        return math.ceil(self.size / min(self.roi[2:])) if self.roi else self.size

    def square(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The square `(size, size, 3)` of a picture `(H, W, 3)`."""
        image = self._placed(pixels, GREY)
        return image if self._counts is None else np.where(self._counts, image, np.uint8(GREY))

    def seen(self, height: int, width: int) -> NDArray[np.bool_]:
        """Where the square `(size, size)` shows something of such a picture, and something that counts."""
        shown = self._placed(np.full((height, width), 255, np.uint8), 0) > GREY
        return shown if self._counts is None else shown & self._counts[..., 0]

    def mask_square(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The same of a mask `(H, W)` of the picture: 0 where the square shows nothing of it."""
        return self._placed(mask, 0)

    def in_picture(self, heat_map: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
        """A square's heat map, as a heat map of the whole picture: 0 where the model sees nothing.

        Args:
            heat_map: `(rows, columns)` over the square.
            width: Of the upright picture.
            height: Of the upright picture.
        """
        if self._counts is not None:
            starts = np.arange(heat_map.shape[0]) * self.size // heat_map.shape[0]
            any_of_row = np.logical_or.reduceat(self._counts[..., 0], starts, axis=0)
            heat_map = np.where(np.logical_or.reduceat(any_of_row, starts, axis=1), heat_map, np.float32(0))
        if self.roi is None and self.resize == STRETCH:
            return heat_map
        left, top, roi_width, roi_height = self.roi or (0.0, 0.0, 1.0, 1.0)
        x, y, inner_width, inner_height = self._inner(width * roi_width, height * roi_height)
        rows = _places(heat_map.shape[0], top, roi_height, y / self.size, inner_height / self.size)
        columns = _places(heat_map.shape[1], left, roi_width, x / self.size, inner_width / self.size)
        seen = np.logical_and.outer(rows >= 0, columns >= 0)
        return np.where(seen, heat_map[np.ix_(rows, columns)], np.float32(0))

    @cached_property
    def _counts(self) -> NDArray[np.bool_] | None:
        """Where the square counts `(size, size, 1)`; None where all of it does."""
        if self.mask_image is None:
            return None
        return (self.mask_square(np.asarray(self.mask_image)) > GREY)[..., None]

    @cached_property
    def mask_image(self) -> Image.Image | None:
        """The mask as a small grey picture of the whole picture's shape: white counts; None without one."""
        if not self.mask:
            return None
        with Image.open(io.BytesIO(base64.b64decode(self.mask)), formats=["PNG"]) as image:
            return image.convert("L")

    def _placed(self, pixels: NDArray[np.uint8], fill: int) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        if self.roi:
            left, top, roi_width, roi_height = self.roi
            rows = slice(int(top * height), max(int(top * height) + 1, round((top + roi_height) * height)))
            columns = slice(int(left * width), max(int(left * width) + 1, round((left + roi_width) * width)))
            pixels = np.ascontiguousarray(pixels[rows, columns])
        if self.resize == STRETCH:
            return resized(pixels, self.size, self.size)
        x, y, inner_width, inner_height = self._inner(pixels.shape[1], pixels.shape[0])
        square = np.full((self.size, self.size, *pixels.shape[2:]), fill, np.uint8)
        square[y : y + inner_height, x : x + inner_width] = resized(pixels, inner_width, inner_height)
        return square

    def _inner(self, width: float, height: float) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels of what shows the picture within the square."""
        if self.resize == STRETCH:
            return 0, 0, self.size, self.size
        scale = self.size / max(width, height)
        inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
        return (self.size - inner_width) // 2, (self.size - inner_height) // 2, inner_width, inner_height


def resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A picture `(H, W, 3)` or mask `(H, W)` at another size.

    Pillow's bilinear filter widens with the reduction, so fine texture is averaged and not aliased.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    image = Image.fromarray(pixels)
    # reducing_gap averages whole blocks first where a picture is much larger: quicker, hardly different.
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0))


def mask_text(data: bytes) -> str:
    """A mask as the metadata keeps it: a small black and white PNG, in Base64.

    Args:
        data: A PNG or JPEG of the picture's shape, brighter than middle grey where the picture counts.

    Raises:
        ValueError: The data are no such picture, or it says that nothing counts.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            grey = image.convert("L")
    except UnidentifiedImageError as error:
        message = "the mask is no PNG or JPEG picture"
        raise ValueError(message) from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        message = f"the mask cannot be read ({error})"
        raise ValueError(message) from error
    grey.thumbnail((_MASK_SIDE, _MASK_SIDE))
    counts = np.asarray(grey) > GREY
    if not counts.any():
        message = "the mask is black: nothing of the picture counts"
        raise ValueError(message)
    with io.BytesIO() as file:
        Image.fromarray(counts).save(file, "PNG", optimize=True)
        return base64.b64encode(file.getvalue()).decode()


def check_framing(framing: Framing) -> None:
    """Raises ValueError for a framing that shows nothing or that this Spotcheck does not know."""
    if framing.resize not in (STRETCH, LETTERBOX):
        message = f"resize is {framing.resize!r}"
        raise ValueError(message)
    if framing.tile and framing.tile < MIN_TILE:
        message = f"tiles have at least {MIN_TILE} pixels a side, not {framing.tile}"
        raise ValueError(message)
    if framing.tile and framing.resize != STRETCH:
        message = "tiles are squares already and need no letterbox: leave out one of the two"
        raise ValueError(message)
    if framing.roi is not None:
        left, top, width, height = framing.roi
        if not (
            left >= 0
            and top >= 0
            and min(width, height) >= 0.02
            and max(left + width, top + height) <= 1.000001
        ):
            message = (
                f"the region of interest {framing.roi} is not within the picture, or too small: left + width "
                "and top + height are 1 at most, width and height 0.02 at the least"
            )
            raise ValueError(message)
    try:
        framing.square(np.zeros((64, 64, 3), np.uint8))
    except (OSError, SyntaxError, binascii.Error) as error:
        message = f"the mask is damaged ({error})"
        raise ValueError(message) from error


def _places(
    cells: int, start: float, share: float, inner_start: float, inner_share: float
) -> NDArray[np.intp]:
    """For each cell of a picture's side the square's cell that shows its middle; -1 where none does.

    The picture's side gets two cells or more for each of the square's, so that each of those has its place.
    """
    count = min(_MOST_CELLS, math.ceil(2 * cells * inner_share / share))
    inside = ((np.arange(count) + 0.5) / count - start) / share
    places = np.clip(((inner_start + inside * inner_share) * cells).astype(np.intp), 0, cells - 1)
    return np.where((inside >= 0) & (inside < 1), places, -1)
