"""A mask of an export, in Lookout for Vision's colours, and what can be wrong with it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from chalicelib.exceptions import MaskInvalidError
from chalicelib.lookout.masks import read_mask

if TYPE_CHECKING:
    from chalicelib.lookout.entries import Mask
    from chalicelib.lookout.masks import LabelledPixels

_ORIENTATION = 0x0112  # EXIF


def import_mask(data: bytes, mask: Mask, picture: bytes) -> LabelledPixels:
    """Reads an anomalous picture's mask.

    Args:
        data: The mask picture.
        mask: What its manifest line says of it.
        picture: The picture that it belongs to.

    Returns:
        Which pixel shows which kind of anomaly; `chalicelib.training.masks` draws that in white and grey.

    Raises:
        MaskInvalidError: It is no PNG, has colours that the line does not name, shows no anomaly, or has
            another size than the upright picture.
    """
    pixels = read_mask(data, mask)
    if not pixels.names:
        message = (
            f"the mask {mask.location} shows no anomaly, and the picture is labelled anomaly: "
            "draw it, or take the mask out of the line"
        )
        raise MaskInvalidError(message)
    height, width = pixels.indices.shape
    size = _upright_size(picture)
    if size and size != (width, height):
        message = (
            f"the mask {mask.location} has {width} x {height} pixels, its picture {size[0]} x {size[1]}: "
            "make them alike"
        )
        raise MaskInvalidError(message)
    return pixels


def _upright_size(picture: bytes) -> tuple[int, int] | None:
    """Width and height by the header; None for what is no picture: training will say so."""
    try:
        with Image.open(io.BytesIO(picture), formats=["JPEG", "PNG"]) as image:
            width, height = image.size
            return (height, width) if image.getexif().get(_ORIENTATION, 1) >= 5 else (width, height)
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError):
        return None
