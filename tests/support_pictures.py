"""Makers of test pictures: sound ones of every kind, and broken ones of every kind."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def texture(seed: int = 0, width: int = 96, height: int = 96) -> Pixels:
    """A weave with a gradient and a little noise `(H, W, 3)`: what a normal part might look like."""
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    y, x = np.mgrid[0:height, 0:width]
    weave = 120 + 40 * np.sin(x / width * 40) * np.cos(y / height * 40) + 30 * x / width
    tint = np.array([1.0, 0.9, 0.7])
    pixels: Pixels = np.clip(weave[..., None] * tint + noise, 0, 255).astype(np.uint8)
    return pixels


def scratched(pixels: Pixels, left: float = 0.55, top: float = 0.15, size: float = 0.2) -> Pixels:
    """The picture with a bright diagonal scratch in the box given in fractions (default: upper right)."""
    result = pixels.copy()
    height, width = result.shape[:2]
    for t in np.linspace(0, 1, 4 * max(width, height)):
        row, column = int((top + size * t) * height), int((left + size * t) * width)
        result[row : row + max(2, height // 40), column : column + max(2, width // 40)] = 255
    return result


def jpeg_bytes(pixels: Pixels | None = None, *, orientation: int | None = None, **save: Any) -> bytes:
    """A JPEG of `pixels` (a texture by default); `save` goes to Pillow's encoder."""
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        save["exif"] = exif
    return encoded(Image.fromarray(texture() if pixels is None else pixels), "JPEG", **save)


def png_bytes(pixels: Pixels | None = None, **save: Any) -> bytes:
    """A PNG of `pixels` (a texture by default)."""
    return encoded(Image.fromarray(texture() if pixels is None else pixels), "PNG", **save)


def encoded(image: Image.Image, file_format: str, **save: Any) -> bytes:
    """The image as a file of that format."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **save)
    return buffer.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def raw_png(
    width: int,
    height: int,
    depth: int,
    colour_type: int,
    samples: bytes,
    *extra: bytes,
    data: bytes | None = None,
) -> bytes:
    """A PNG from raw samples (rows without filter bytes), for depths that Pillow does not write.

    `extra` chunks go before the pixels; `data` replaces the compressed rows.
    """
    stride = width * depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour_type] // 8
    rows = b"".join(b"\0" + samples[start : start + stride] for start in range(0, len(samples), stride))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(rows) if data is None else data)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + body + png_chunk(b"IEND", b"")


def png_bomb(side: int = 50_000) -> bytes:
    """A PNG of a few hundred bytes whose header promises that many pixels a side."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    rows = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def jpeg_bomb(side: int = 60_000) -> bytes:
    """A JPEG whose header promises that many pixels a side."""
    data = bytearray(jpeg_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def animated_png() -> bytes:
    """An APNG of three frames."""
    frames = [Image.fromarray(texture(seed)) for seed in range(3)]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])


def truncated(data: bytes, part: float = 0.5) -> bytes:
    """The beginning of a file."""
    return data[: int(len(data) * part)]


def damaged(data: bytes, part: float = 0.5, length: int = 40) -> bytes:
    """The file with some of its bytes turned around."""
    start = int(len(data) * part)
    return data[:start] + bytes(255 - byte for byte in data[start : start + length]) + data[start + length :]


def _with_stray_marker(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + b"\xff\xd5" + data[middle:]


def bad_inputs() -> dict[str, tuple[bytes, str]]:
    """Every kind of file that can never be judged: name → (bytes, part of the reason to expect)."""
    image = Image.fromarray(texture())
    return {
        "empty": (b"", "empty"),
        "text": ("Größe: 12 mm\n".encode() * 9, "text"),
        "zeros": (bytes(5000), "zeros"),
        "noise": (np.random.default_rng(1).bytes(5000), "no JPEG or PNG"),
        "gif": (encoded(image, "GIF"), "GIF"),
        "webp": (encoded(image, "WEBP"), "WebP"),
        "tiff": (encoded(image, "TIFF"), "TIFF"),
        "bmp": (encoded(image, "BMP"), "BMP"),
        "pdf": (b"%PDF-1.7\n" + bytes(100), "PDF"),
        "mp4": (b"\0\0\0\x20ftypisom" + bytes(100), "video"),
        "jpeg-magic-only": (b"\xff\xd8\xff", "truncated"),
        "jpeg-truncated": (truncated(jpeg_bytes()), "truncated"),
        "jpeg-truncated-in-header": (jpeg_bytes()[:100], "truncated"),
        "jpeg-damaged": (_with_stray_marker(jpeg_bytes()), "damaged"),
        "jpeg-bomb": (jpeg_bomb(), "megapixels"),
        "png-magic-only": (b"\x89PNG\r\n\x1a\n", "truncated"),
        "png-truncated": (truncated(png_bytes()), "truncated"),
        "png-damaged": (damaged(png_bytes()), "damaged"),
        "png-without-header": (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", bytes(90)), "damaged"),
        "png-without-end": (png_bytes()[:-12], "truncated"),
        "png-of-garbage": (raw_png(96, 96, 8, 2, b"", data=b"garbage"), "damaged"),
        "png-bomb": (png_bomb(), "megapixels"),
        "png-animated": (animated_png(), "animated"),
        "tiny": (png_bytes(texture(0, 63, 200)), "at least 64"),
    }
