"""Pictures seen in tiles: small anomalies in large pictures, and panoramas of any length.

A picture, or its region of interest, is covered by squares of so many of its pixels, which overlap by an
eighth of a side or more. Each becomes the square that the model sees. The picture's score is the largest of
its tiles', and the heat map is put together from theirs: where tiles overlap, the larger value stands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from chalicelib.exceptions import PictureRejectedError
from chalicelib.framing import GREY, Framing, resized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MAX_TILES = 2048
"""Of one picture: what is judged has to have an end."""

_OVERLAP = 1 / 8
_MOST_CELLS = 512


class Tile(NamedTuple):
    """The upper left corner of a tile, in pixels of the upright picture."""

    left: int
    top: int


class Tiles:
    """The tiles of one picture.

    Args:
        framing: How the model sees; `tile` is the side of a tile in pixels of the picture.
        width: Of the upright picture.
        height: Of the upright picture.

    Attributes:
        places: Where the tiles are, row by row; those in which the mask lets nothing count are left out.

    Raises:
        PictureRejectedError: There would be more tiles than `MAX_TILES`.
    """

    def __init__(self, framing: Framing, width: int, height: int) -> None:
        self._framing, self._width, self._height = framing, width, height
        left, top, roi_width, roi_height = framing.roi or (0.0, 0.0, 1.0, 1.0)
        columns = _starts(int(left * width), round(roi_width * width), framing.tile)
        rows = _starts(int(top * height), round(roi_height * height), framing.tile)
        if len(columns) * len(rows) > MAX_TILES:
            reason = (
                f"The picture would be seen in {len(columns) * len(rows)} tiles of {framing.tile} pixels; "
                f"the limit is {MAX_TILES}."
            )
            raise PictureRejectedError(reason)
        places = [Tile(column, row) for row in rows for column in columns]
        self.places = tuple(place for place in places if self._counts_anywhere(place))

    def squares(
        self, pixels: NDArray[np.uint8], places: Sequence[Tile] | None = None
    ) -> Iterator[tuple[Tile, NDArray[np.uint8]]]:
        """Each tile with what the model sees of it `(size, size, 3)`, one after the other.

        Args:
            pixels: The upright picture `(H, W, 3)`, possibly decoded at a reduced scale.
            places: Which tiles; all of them if not told.
        """
        for place in self.places if places is None else places:
            square = self._cut(pixels, place)
            counts = self._counts(place)
            yield place, square if counts is None else np.where(counts, square, np.uint8(GREY))

    def heat_map(self, maps: Sequence[tuple[Tile, NDArray[np.float32]]]) -> NDArray[np.float32]:
        """The heat map of the whole picture: 0 where no tile is, or nothing counts.

        Args:
            maps: Tiles with their heat maps `(grid, grid)`.
        """
        grid = maps[0][1].shape[0]
        cell = self._framing.tile / grid
        # No narrower than the tiles' cells: each cell of the picture then holds the middle of one of them.
        columns = min(_MOST_CELLS, max(1, int(self._width / cell)))
        rows = min(_MOST_CELLS, max(1, int(self._height / cell)))
        result = np.zeros((rows, columns), np.float32)
        for place, values in maps:
            x = _cells(place.left, cell, grid, self._width, columns)
            y = _cells(place.top, cell, grid, self._height, rows)
            seen = np.where(self._cells_that_count(place, grid), values, np.float32(0))
            inside = np.ix_(y >= 0, x >= 0)
            np.maximum.at(result, np.ix_(y[y >= 0], x[x >= 0]), seen[inside])
        return result

    def _cut(self, pixels: NDArray[np.uint8], place: Tile) -> NDArray[np.uint8]:
        framing = self._framing
        height, width = pixels.shape[:2]
        across, down = width / self._width, height / self._height
        left, top = round(place.left * across), round(place.top * down)
        side_x, side_y = max(1, round(framing.tile * across)), max(1, round(framing.tile * down))
        part = pixels[top : top + side_y, left : left + side_x]
        if part.shape[:2] != (side_y, side_x):  # the picture is shorter than a tile
            whole = np.full((side_y, side_x, 3), GREY, np.uint8)
            whole[: part.shape[0], : part.shape[1]] = part
            part = whole
        return resized(np.ascontiguousarray(part), framing.size, framing.size)

    def _counts(self, place: Tile) -> NDArray[np.bool_] | None:
        """Where the tile's square counts `(size, size, 1)`; None where all of it does."""
        mask = self._framing.mask_image
        if mask is None:
            return None
        tile = self._framing.tile
        x, y = mask.width / self._width, mask.height / self._height
        box = (place.left * x, place.top * y, (place.left + tile) * x, (place.top + tile) * y)
        box = (*box[:2], min(box[2], mask.width), min(box[3], mask.height))
        size = self._framing.size
        # What lies beyond the picture's edge is grey anyway.
        part = mask.resize((size, size), Image.Resampling.BILINEAR, box=box)
        counts: NDArray[np.bool_] = (np.asarray(part) > GREY)[..., None]
        return counts

    def _counts_anywhere(self, place: Tile) -> bool:
        counts = self._counts(place)
        return counts is None or bool(counts.any())

    def _cells_that_count(self, place: Tile, grid: int) -> NDArray[np.bool_]:
        counts = self._counts(place)
        if counts is None:
            return np.ones((grid, grid), bool)
        small = Image.fromarray(counts[..., 0]).convert("L").reduce(self._framing.size // grid)
        cells: NDArray[np.bool_] = np.asarray(small)[:grid, :grid] > 0
        return cells


def _starts(start: int, length: int, tile: int) -> list[int]:
    """Where tiles start along a side: evenly spread, from its beginning to its end."""
    if length <= tile:
        return [start]
    steps = math.ceil((length - tile) / (tile * (1 - _OVERLAP)))
    return [start + round(step * (length - tile) / steps) for step in range(steps + 1)]


def _cells(start: int, cell: float, grid: int, length: int, cells: int) -> NDArray[np.intp]:
    """For each cell of a tile, along one side, the picture's cell that has its middle; -1 beyond the edge."""
    middles = start + (np.arange(grid) + 0.5) * cell
    # A middle on the edge of two cells belongs to the latter, whatever floating point makes of it.
    places = (middles * cells / length + 1e-6).astype(np.intp)
    return np.where(middles < length, np.minimum(places, cells - 1), -1)
