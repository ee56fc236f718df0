"""Short videos that tests make for themselves: every frame tells its own number and which way is up."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BITS = 8
SIZE = (320, 180)
RATE = 10


def picture(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A picture, RGB: red at the top left, green at the top right, its number's bits as stripes below."""
    width, height = size
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[: height // 2, : width // 2] = (200, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 160, 30)
    for bit in range(BITS):
        stripe = slice(bit * width // BITS, (bit + 1) * width // BITS)
        pixels[height // 2 :, stripe] = 235 if number >> bit & 1 else 20
    return pixels


def number_of(pixels: NDArray[np.uint8]) -> int:
    """The number of a picture, whatever its size; bars must be cut off."""
    height, width = pixels.shape[:2]
    row = pixels[height * 3 // 4, :, 0]
    return sum(int(row[(2 * bit + 1) * width // (2 * BITS)] > 128) << bit for bit in range(BITS))


def make_clip(
    path: Path,
    *,
    frames: int = 50,
    rate: int = RATE,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    container: str | None = None,
    sound: bool = False,
    rotation: int = 0,
    times: Sequence[Fraction] | None = None,
    draw: Callable[[int, tuple[int, int]], NDArray[np.uint8]] | None = None,
) -> Path:
    """Writes a video and gives its path back.

    Args:
        path: Where to.
        frames: How many; frame n shows `picture(n)`.
        rate: Frames per second.
        size: Width and height.
        codec: FFmpeg's encoder.
        container: FFmpeg's muxer, where the file's name does not tell it.
        sound: Whether a 440 Hz tone goes with it.
        rotation: Display rotation written into the file, degrees counter-clockwise.
        times: When each frame comes on view, in seconds, for a variable frame rate.
        draw: Gives frame n in the given size, instead of `picture`.
    """
    with av.open(str(path), "w", format=container) as output:
        options = {"crf": "10", "preset": "ultrafast"} if codec == "libx264" else {}
        stream: Any = output.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if codec in {"mpeg4", "libvpx-vp9"}:
            stream.bit_rate = 4_000_000
        if rotation:
            stream.set_display_rotation(rotation)
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        tone: Any = output.add_stream("aac", rate=48000) if sound else None
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray((draw or picture)(number, size), "rgb24")
            if times is None:
                frame.pts, frame.time_base = number, Fraction(1, rate)
            else:
                frame.pts, frame.time_base = int(times[number] * 1000), Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if tone is not None:
            _write_tone(output, tone, Fraction(frames, rate))
    return path


def make_sound(path: Path, seconds: int = 2) -> Path:
    """Writes a file with a sound track and nothing else."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("aac", rate=48000)
        _write_tone(output, stream, Fraction(seconds))
    return path


def _write_tone(output: Any, stream: Any, seconds: Fraction) -> None:
    total = int(seconds * 48000)
    for start in range(0, total, 1024):
        count = min(1024, total - start)
        wave = 0.2 * np.sin(2 * np.pi * 440 * (start + np.arange(count)) / 48000)
        samples = np.stack([wave] * stream.codec_context.layout.nb_channels).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", stream.codec_context.layout)
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
