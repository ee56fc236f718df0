"""Which share of each patch a mask covers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from chalicelib.pictures import PictureLimits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.framing import Framing

# A mask is first brought to so many pixels a patch; a quarter of a pixel is enough: scratches are thin.
_PIXELS = 8
_QUARTER = 63


def patch_coverage(data: bytes, grid: int, framing: Framing | None = None) -> NDArray[np.float32]:
    """The share of each patch that is anomalous, `(grid * grid,)`, row by row.

    Args:
        data: A PNG or JPEG of the picture's shape, brighter than middle grey where the anomaly is.
        grid: Patches a side.
        framing: How pictures become squares; None stretches them.

    Raises:
        ValueError: The data are no such picture, or one larger than a picture may be.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            if image.width * image.height > PictureLimits().max_pixels:
                message = f"the mask is too large ({image.width} x {image.height} pixels)"
                raise ValueError(message)
            grey = np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        message = f"the mask cannot be read ({error})"
        raise ValueError(message) from error
    # A JPEG blurs the edge of black and white; a PNG may hold an index (0, 1) in place of black and white.
    white = grey > (127 if grey.max() > 127 else 0)
    side = grid * _PIXELS
    framed = np.asarray(Image.fromarray(white).convert("L"))
    if framing:
        framed = framing.mask_square(framed)
    small = Image.fromarray(framed).resize((side, side), Image.Resampling.BOX)
    covered = np.asarray(small) > _QUARTER
    blocks = covered.reshape(grid, _PIXELS, grid, _PIXELS)
    result: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32).ravel()
    return result
