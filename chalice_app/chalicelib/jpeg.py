"""JPEG (ITU-T T.81, with Adobe's APP14 segment) to RGB, by libjpeg-turbo."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import simplejpeg
from PIL import Image

from chalicelib.exceptions import PictureRejectedError
from chalicelib.picture_formats import Decoded, exif_orientation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# Every scan of a JPEG walks the whole picture, however few bytes it has. Encoders make about ten; a bomb
# makes thousands, and at a hundred megapixels twenty take as long as may be.
_MAX_SCANS, _FEW_SCANS = 100, 20
_MAX_SCANNED_PIXELS = 2_000_000_000
# What begins a segment. Within a scan 0xFF stands before zero (it is a sample then) and restart markers only.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
_SCAN, _END = b"\xda", b"\xd9"
_ROWS_AT_ONCE = 256
_TRUNCATED = "The JPEG is truncated: it ends before the picture does."
# What libjpeg-turbo warns of though the pixels are right: an unknown version number, or bytes between two
# segments. Some cameras leave a few behind the picture, too; many there mean that decoding went astray.
_HARMLESS_WARNING = re.compile(
    r"revision number|transform code|invalid sos"
    r"|extraneous bytes before marker 0x(?!d\d)|\b(\d|1[0-6]) extraneous bytes",
    re.IGNORECASE,
)


def read_jpeg(data: bytes, check_size: Callable[[int, int], None], min_decoded_side: int | None) -> Decoded:
    """Decodes a JPEG, at a reduced scale where `min_decoded_side` allows it.

    Args:
        data: The whole file.
        check_size: Called with width and height before anything is decoded; raises to reject.
        min_decoded_side: Shortest side to keep in pixels; None decodes every pixel.

    Raises:
        PictureRejectedError: The JPEG is truncated, damaged, or of a kind that nothing decodes.
    """
    width, height, is_cmyk, is_adobe, orientation = _header(data)
    check_size(width, height)
    most = min(_MAX_SCANS, max(_FEW_SCANS, _MAX_SCANNED_PIXELS // (width * height)))
    if _scans(data, most) > most:
        reason = f"The JPEG has more than {most} scans: it was made to be slow to decode."
        raise PictureRejectedError(reason)
    try:
        pixels = _turbo(data, "CMYK" if is_cmyk else "RGB", min_decoded_side)
        pixels = _cmyk_to_rgb(pixels, inverted=is_adobe) if is_cmyk else pixels
    except (ValueError, KeyError) as error:  # KeyError: a chroma subsampling that simplejpeg cannot name
        reason = _jpeg_reason(error)
        if _is_broken(error):
            raise PictureRejectedError(reason) from error
        pixels = _pillow_jpeg(data, min_decoded_side, reason)
    return Decoded(pixels, width, height, orientation)


class _Header(NamedTuple):
    width: int
    height: int
    is_cmyk: bool
    is_adobe: bool
    orientation: int


def _header(data: bytes) -> _Header:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            return _Header(
                *image.size,
                is_cmyk=image.mode == "CMYK",
                is_adobe="adobe" in image.info,
                orientation=exif_orientation(image),
            )
    except MemoryError:
        raise
    except Exception as error:
        # Pillow raises a dozen kinds of exceptions for damaged headers: all of them are the file's fault.
        has_end = b"\xff\xd9" in data
        reason = "The JPEG is damaged: its header cannot be read." if has_end else _TRUNCATED
        raise PictureRejectedError(reason) from error


def _scans(data: bytes, enough: int) -> int:
    """Counts the scans as libjpeg finds them, up to one more than enough.

    What a camera appends behind the picture's end (a film, a preview) holds none of its scans.
    """
    if data.count(b"\xff" + _SCAN) <= enough:
        return 0
    place, count = 2, 0
    while count <= enough and (found := _MARKER.search(data, place)) and found[1] != _END:
        count += found[1] == _SCAN
        length = int.from_bytes(data[found.end() : found.end() + 2])
        place = found.end() + length
    return count


def _turbo(data: bytes, colour_space: str, min_side: int | None) -> NDArray[np.uint8]:
    """Decodes with libjpeg-turbo; raises ValueError for damage, and overlooks what does no harm."""
    side = min_side or 0
    # Scales between a half and one cost more than decoding every pixel: libjpeg-turbo has no SIMD there.
    options = {"min_height": side, "min_width": side, "min_factor": 2 if side else 1}
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colour_space, **options)
    except ValueError as error:
        if not _HARMLESS_WARNING.search(str(error)):
            raise
        pixels = simplejpeg.decode_jpeg(data, colour_space, **options, strict=False)
    return pixels


def _pillow_jpeg(data: bytes, min_side: int | None, reason: str) -> NDArray[np.uint8]:
    """Decodes what simplejpeg refuses without need (unusual chroma subsampling), or rejects it."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if min_side:
                image.draft(None, (min_side, min_side))
            return np.asarray(image.convert("RGB"))
    except MemoryError:
        raise
    except Exception as error:
        raise PictureRejectedError(reason) from error


def _cmyk_to_rgb(pixels: NDArray[np.uint8], *, inverted: bool) -> NDArray[np.uint8]:
    """Mixes inks `(H, W, 4)` to RGB without a colour profile: R = (1-C)(1-K), likewise G and B.

    Adobe's encoders store the complement of each ink, and say so with an APP14 segment.
    """
    rgb = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        light = pixels[rows] if inverted else 255 - pixels[rows]
        mixed = light[..., :3].astype(np.uint16) * light[..., 3:]
        rgb[rows] = (mixed + 127) // 255
    return rgb


def _is_broken(error: Exception) -> bool:
    message = str(error).lower()
    return not _HARMLESS_WARNING.search(message) and ("premature" in message or "corrupt" in message)


def _jpeg_reason(error: Exception) -> str:
    message = re.sub(r"^tj\w+\(\): ", "", str(error)).rstrip(".")  # without TurboJPEG's function
    if "premature end of jpeg" in message.lower():
        return _TRUNCATED
    if _is_broken(error):
        return f"The JPEG is damaged ({message})."
    return f"The JPEG is of a kind that is not supported ({message})."
