"""What the JPEG and the PNG decoder share, and names for files that are neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Sizes are checked against our own limits in the header, before Pillow sees the file.
Image.MAX_IMAGE_PIXELS = None

_ORIENTATION_TAG = 0x0112


class FileFormat(NamedTuple):
    """How a format's files begin, and what HTTP calls it."""

    magic: bytes
    content_type: str


class Decoded(NamedTuple):
    """A picture as it is stored, not turned yet.

    Attributes:
        pixels: `(H, W, 3)` RGB, possibly at a reduced scale.
        width: Of the whole picture as stored.
        height: Of the whole picture as stored.
        orientation: EXIF orientation, 1 to 8.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    orientation: int


JPEG = FileFormat(b"\xff\xd8\xff", "image/jpeg")
PNG = FileFormat(b"\x89PNG\r\n\x1a\n", "image/png")

_FOREIGN = (
    (0, b"GIF8", "a GIF"),
    (8, b"WEBP", "a WebP"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (0, b"II+\0", "a TIFF"),
    (0, b"BM", "a BMP"),
    (4, b"ftypheic", "a HEIC"),
    (4, b"ftypheix", "a HEIC"),
    (4, b"ftypmif1", "a HEIC"),
    (4, b"ftypavif", "an AVIF"),
    (4, b"ftyp", "a video (MP4 or MOV)"),
    (0, b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
    (8, b"AVI ", "a video (AVI)"),
    (4, b"jP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (4, b"JXL ", "a JPEG XL"),
    (0, b"\0\0\1\0", "an icon"),
    (128, b"DICM", "a DICOM"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)


def foreign_format(data: bytes) -> str | None:
    """Names a file that is neither JPEG nor PNG, with its article ("a GIF"); None when it cannot be told."""
    for offset, magic, name in _FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            return name
    start = data[:1024]
    if not any(start):
        return "nothing but zeros"
    # The cut at 1,024 bytes may split a character: up to three bytes of it are left out.
    is_text = b"\0" not in start and any(_is_utf8(start[: len(start) - cut]) for cut in range(4))
    return "text" if is_text else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return bool(data)


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8. A broken EXIF block does not make a broken picture: it counts as 1."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises whatever the broken block makes it stumble over
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
