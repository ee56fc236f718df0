"""PNG (W3C, third edition: chunks, checksums, APNG's `acTL`) to RGB, by Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from chalicelib.exceptions import PictureRejectedError
from chalicelib.picture_formats import PNG, Decoded, exif_orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_PIXELS_AT_ONCE = 1_000_000


def read_png(data: bytes, check_size: Callable[[int, int], None], min_decoded_side: int | None) -> Decoded:
    """Decodes a PNG of any colour type and depth, whole: PNG knows no reduced scale.

    Args:
        data: The whole file.
        check_size: Called with width and height before anything is decoded; raises to reject.
        min_decoded_side: Not used.

    Raises:
        PictureRejectedError: The PNG is truncated, damaged or animated.
    """
    del min_decoded_side
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise PictureRejectedError(_png_truncated() if len(data) < 33 else _png_damaged("no header"))
    width, height, *_, checksum = struct.unpack(">II5BI", data[16:33])
    if zlib.crc32(data[12:29]) != checksum:
        raise PictureRejectedError(_png_damaged("wrong checksum in its header"))
    check_size(width, height)
    _check_png_chunks(data)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            return Decoded(_png_to_rgb(image), width, height, exif_orientation(image))
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise PictureRejectedError(_png_damaged("its header cannot be read")) from error
    except Exception as error:
        # Pillow raises a dozen kinds of exceptions for damaged files: all of them are the file's fault.
        reason = _png_truncated() if "truncated" in str(error).lower() else _png_damaged(str(error))
        raise PictureRejectedError(reason) from error


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Yields each chunk's type, content, and whether its checksum is right; rejects a truncated file."""
    view, position = memoryview(data), len(PNG.magic)
    while True:
        if position + 12 > len(data):
            raise PictureRejectedError(_png_truncated())
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise PictureRejectedError(_png_truncated())
        (checksum,) = struct.unpack_from(">I", data, end)
        yield kind, view[position + 8 : end], zlib.crc32(view[position + 4 : end]) == checksum
        if kind == b"IEND":
            return
        position = end + 4


def _check_png_chunks(data: bytes) -> None:
    """Rejects what Pillow would decode without a word: damaged pixels, and the first picture of many."""
    for kind, content, is_intact in _png_chunks(data):
        if kind[:1].isupper() and not is_intact:
            raise PictureRejectedError(_png_damaged("wrong checksum"))
        if kind == b"acTL" and len(content) >= 4 and struct.unpack_from(">I", content)[0] > 1:
            reason = "The PNG is animated; a picture to judge has to be a still one."
            raise PictureRejectedError(reason)


def _png_to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Any PNG as 8-bit RGB `(H, W, 3)`: 16 bits keep their upper eight, transparency shows white.

    Some rows at a time: a picture of a few hundred kilobytes may have a hundred megapixels, and several
    copies of those do not fit into a function.
    """
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    step = max(1, _PIXELS_AT_ONCE // image.width)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        rgb[top:bottom] = _rows_to_rgb(image.crop((0, top, image.width, bottom)))
    return rgb


def _rows_to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow reduces 16-bit RGB and alpha by itself
        samples = np.asarray(image)
        grey = (samples >> 8).astype(np.uint8)
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            grey[samples == transparent] = 255
        return np.repeat(grey[..., None], 3, axis=2)
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA"):
        image = image.convert("RGBA")
        on_white = Image.new("RGB", image.size, "white")
        on_white.paste(image, mask=image.getchannel("A"))
        return np.asarray(on_white)
    return np.asarray(image.convert("RGB"))


def _png_truncated() -> str:
    return "The PNG is truncated: it ends before the picture does."


def _png_damaged(detail: str) -> str:
    return f"The PNG is damaged ({detail.rstrip('.')})."
