"""Mask pictures as Lookout for Vision wrote them: a PNG in which each colour is a kind of anomaly."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from chalicelib.exceptions import MaskInvalidError
from chalicelib.pictures import PictureLimits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.lookout.entries import Mask

MOST_KINDS = 20
"""Kinds of anomaly that one mask may show (Lookout for Vision's quota; its line may name more)."""

_WITHOUT_BACKGROUND = ("#ffffff", "#000000")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class LabelledPixels:
    """Which pixel shows which kind of anomaly.

    Attributes:
        names: The kinds that the mask shows, in order of their names.
        indices: `(H, W)`: 0 for the background, 1 for the first name and so on.
    """

    names: tuple[str, ...]
    indices: NDArray[np.uint8]


def read_mask(data: bytes, mask: Mask, limits: PictureLimits | None = None) -> LabelledPixels:
    """Reads a mask picture by the colours that its manifest line names.

    Where the line names no background (AWS's own cookie sample), white and black are the background. What is
    transparent always is.

    Args:
        data: The PNG.
        mask: From the manifest.
        limits: What the picture may measure.

    Raises:
        MaskInvalidError: It is no PNG, has colours that the line does not name, or shows too many kinds.
    """
    rgba = _pixels(data, limits or PictureLimits())
    colours = rgba & 0xFFFFFF
    is_told = rgba >> 24 == 0
    for background in (mask.background,) if mask.background else _WITHOUT_BACKGROUND:
        is_told |= colours == _number(background)
    names: list[str] = []
    indices = np.zeros(rgba.shape, np.uint8)
    for colour, name in sorted(mask.labels.items(), key=lambda item: item[1]):
        pixels = (colours == _number(colour)) & (rgba >> 24 != 0)
        if pixels.any():
            names += [] if name in names else [name]
            indices[pixels] = len(names)
            is_told |= pixels
    if not is_told.all():
        raise MaskInvalidError(_unknown(np.unique(colours[~is_told]).tolist(), mask))
    if len(names) > MOST_KINDS:
        message = (
            f"the mask {mask.location} shows {len(names)} kinds of anomaly, and one may show {MOST_KINDS}: "
            "leave some out, or give several kinds one name"
        )
        raise MaskInvalidError(message)
    return LabelledPixels(tuple(names), indices)


def _pixels(data: bytes, limits: PictureLimits) -> NDArray[np.uint32]:
    """Each pixel as the number 0xAABBGGRR, `(H, W)`."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > limits.max_pixels:
                message = f"the mask is too large ({image.width} x {image.height} pixels): make it smaller"
                raise MaskInvalidError(message)
            return np.ascontiguousarray(image.convert("RGBA")).view("<u4")[..., 0]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = "the mask is no PNG that can be read: save it as PNG, without JPEG's blurred colours"
        raise MaskInvalidError(message) from error


def _number(colour: str) -> int:
    """`#rrggbb` as 0xBBGGRR, `_pixels`' order.

    Examples:
        >>> hex(_number("#112233"))
        '0x332211'
    """
    return int.from_bytes(bytes.fromhex(colour[1:]), "little")


def _hex(number: int) -> str:
    return "#" + number.to_bytes(3, "little").hex()


def _unknown(numbers: list[int], mask: Mask) -> str:
    named = ", ".join(map(_hex, numbers[:_MOST_NAMED])) + (", ..." if len(numbers) > _MOST_NAMED else "")
    labels = ", ".join(f"{name} {colour}" for colour, name in mask.labels.items())
    background = mask.background or " or ".join(_WITHOUT_BACKGROUND)
    return (
        f"the mask {mask.location} has colours that the line does not name ({named}): "
        f"it may have {labels or 'no anomaly'} and the background {background}"
    )
