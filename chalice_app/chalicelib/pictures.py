"""From the bytes of an uploaded file to an upright RGB picture, or to the reason why there is none.

Only JPEG and PNG are read, told by their bytes and never by a file's name. Sizes are checked in the header
before a single pixel is decoded. A large JPEG is decoded at a reduced scale (by libjpeg-turbo, while it
decompresses), so that a photograph of 12 megapixels does not cost 12 megapixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.exceptions import PictureRejectedError
from chalicelib.jpeg import read_jpeg
from chalicelib.picture_formats import JPEG, PNG, foreign_format
from chalicelib.png import read_png

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a picture may measure.

    Attributes:
        max_bytes: Largest file, in bytes.
        max_pixels: Largest picture, width times height.
        min_side: Shortest side allowed, in pixels.
    """

    max_bytes: int = 25_000_000
    max_pixels: int = 100_000_000
    min_side: int = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture, ready to be judged.

    Attributes:
        pixels: `(H, W, 3)` RGB, upright (the EXIF orientation is obeyed), possibly at a reduced scale.
        width: Width in pixels of the whole upright picture, before any reduced-scale decoding.
        height: Its height in pixels.
        content_type: `image/jpeg` or `image/png`, told by the bytes.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    content_type: str


def read_picture(
    data: bytes,
    limits: PictureLimits = PictureLimits(),
    *,
    min_decoded_side: int | None = None,
) -> Picture:
    """Decodes a JPEG or PNG.

    Args:
        data: The whole file.
        limits: What the picture may measure.
        min_decoded_side: Allows a JPEG to be decoded at a reduced scale, as long as both sides keep at least
            this many pixels. None decodes every pixel.

    Returns:
        The upright picture. Grey, palette, 16-bit and CMYK pictures become 8-bit RGB; whatever is
        transparent is shown on white.

    Raises:
        PictureRejectedError: The file can never be judged; `reason` says why, whatever the bytes are.
    """
    _check_size_in_bytes(data, limits)
    if data.startswith(JPEG.magic):
        file_format, read = JPEG, read_jpeg
    elif data.startswith(PNG.magic):
        file_format, read = PNG, read_png
    else:
        raise PictureRejectedError(_not_a_picture(data))
    pixels, width, height, orientation = read(
        data, lambda width, height: _check_size_in_pixels(width, height, limits), min_decoded_side
    )
    if orientation >= 5:  # EXIF 5 to 8 turn the picture by a quarter
        width, height = height, width
    return Picture(_upright(pixels, orientation), width, height, file_format.content_type)


def _check_size_in_bytes(data: bytes, limits: PictureLimits) -> None:
    if not data:
        reason = "The file is empty."
        raise PictureRejectedError(reason)
    if len(data) > limits.max_bytes:
        reason = f"The file has {len(data) / 1e6:.1f} MB; the limit is {limits.max_bytes / 1e6:g} MB."
        raise PictureRejectedError(reason)


def _check_size_in_pixels(width: int, height: int, limits: PictureLimits) -> None:
    size = f"The picture has {width} × {height} pixels"  # noqa: RUF001 - the sign that people know
    if min(width, height) < limits.min_side:
        reason = f"{size}; each side needs at least {limits.min_side}."
        raise PictureRejectedError(reason)
    if width * height > limits.max_pixels:
        reason = f"{size}, {width * height / 1e6:.0f} megapixels; the limit is {limits.max_pixels / 1e6:g}."
        raise PictureRejectedError(reason)


def _not_a_picture(data: bytes) -> str:
    name = foreign_format(data)
    return (
        f"The file is {name}, not a JPEG or PNG picture." if name else "The file is no JPEG or PNG picture."
    )


# EXIF orientation (CIPA DC-008) → how to turn what is stored: swap rows and columns, then reverse which.
_TURNS = {
    2: (False, slice(None), slice(None, None, -1)),
    3: (False, slice(None, None, -1), slice(None, None, -1)),
    4: (False, slice(None, None, -1), slice(None)),
    5: (True, slice(None), slice(None)),
    6: (True, slice(None), slice(None, None, -1)),
    7: (True, slice(None, None, -1), slice(None, None, -1)),
    8: (True, slice(None, None, -1), slice(None)),
}


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turns pixels from how the camera stored them to how they were seen."""
    if orientation in _TURNS:
        swap, rows, columns = _TURNS[orientation]
        pixels = (pixels.transpose(1, 0, 2) if swap else pixels)[rows, columns]
    return np.ascontiguousarray(pixels)
