"""Large pictures with real texture: solar cells of `elpv-dataset` side by side, as a module shows them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 300


@cache
def _good_cells() -> NDArray[np.uint8]:
    from elpv_dataset.utils import load_dataset

    images, probabilities, kinds = load_dataset()
    cells: NDArray[np.uint8] = images[(probabilities == 0) & (kinds == "mono")]
    return cells


def module_picture(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Photographs of faultless cells, chosen at random, in rows `(height, width, 3)`."""
    cells, generator = _good_cells(), np.random.default_rng(seed)
    rows, columns = -(-height // _SIDE), -(-width // _SIDE)
    chosen = generator.integers(len(cells), size=(rows, columns))
    whole = np.vstack([np.hstack(list(cells[row])) for row in chosen])[:height, :width]
    return np.repeat(whole[..., None], 3, axis=2).astype(np.uint8)


def with_spot(pixels: NDArray[np.uint8], left: int, top: int, size: int = 10) -> NDArray[np.uint8]:
    """The picture with a dark round spot of so many pixels."""
    result = pixels.copy()
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    disc = rows**2 + columns**2 <= (size / 2) ** 2
    result[top : top + size, left : left + size][disc] //= 4
    return result
