"""The soak's load and its faults: made from a seed, so that a run can be repeated."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

UNLUCKY = "unlucky"
"""In the names of pictures that cannot be read while the outage lasts."""

_WIDTH, _HEIGHT = 160, 120
_PICTURES = 48
_RECENT = 24
_VIDEO_SECONDS, _VIDEO_RATE = 12, 4


@dataclass(frozen=True, slots=True)
class Piece:
    """One upload.

    Attributes:
        key: Where to.
        content: What.
        is_video: Whether it goes to the bucket of the videos.
    """

    key: str
    content: bytes
    is_video: bool = False


def load(uploads: int, seed: int, prefix: str) -> Iterator[Piece]:
    """So many uploads: pictures, broken files, videos, and keys uploaded anew a moment later.

    Args:
        uploads: How many; of 100 about 70 are pictures under a new key, 15 the same key again, 10 broken,
            4 unlucky, and one of 100 a video.
        seed: Another seed, another order.
        prefix: What every name begins with.
    """
    draw = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret
    recent: list[str] = []
    for number in range(uploads):
        dice = draw.random()
        if number % 100 == 50:
            name = f"video_inputs/{prefix}/{number // 300}.mp4"  # three versions of each
            yield Piece(name, clip(draw.randrange(4)), is_video=True)
            continue
        if dice < 0.15 and recent:
            key = draw.choice(recent)
        else:
            word = UNLUCKY if dice > 0.96 else "picture"
            key = f"image_inputs/{prefix}/{word}-{number:06}.jpg"
            recent = [*recent, key][-_RECENT:]
        yield Piece(
            key, broken(draw.randrange(3)) if draw.random() < 0.1 else picture(draw.randrange(_PICTURES))
        )


def faults(*, outage: bool) -> list[dict[str, Any]]:
    """Rules of every kind at once (docs/embedded-aws.md, "Faults").

    Args:
        outage: Whether some pictures cannot be read at all, so that their events end as dead letters.
    """
    rules: list[dict[str, Any]] = [
        {"kind": "error", "rate": 0.06},
        {"kind": "throttle", "rate": 0.03},
        {"kind": "throttle", "rate": 0.1, "service": "mediaconvert"},
        {"kind": "error", "rate": 0.1, "service": "mediaconvert"},
        {"kind": "reset", "rate": 0.01},
        {"kind": "cut", "rate": 0.02, "service": "s3", "operation": "GetObject"},
        {"kind": "clock", "rate": 0.003},
        {"kind": "lost-answer", "rate": 0.02},
        {"kind": "lost-answer", "rate": 0.2, "service": "mediaconvert"},
        {"kind": "kill", "rate": 0.003},
        {"kind": "kill-after", "rate": 0.003},
        {"kind": "late", "rate": 0.02, "seconds": 0.1},
        {"kind": "late", "rate": 0.5, "service": "s3", "resource": "/*-models-*", "seconds": 1.0},
        {"kind": "duplicate", "rate": 0.15, "seconds": 60},
        {"kind": "reorder", "rate": 0.2, "seconds": 60},
        {"kind": "skew", "rate": 0.2, "seconds": 600},
        {"kind": "refuse", "rate": 0.03},
        {"kind": "timeout", "rate": 0.005, "seconds": 0.1},
    ]
    if outage:
        path = f"*{UNLUCKY}*"
        rules.append({"kind": "denied", "rate": 0.9, "service": "s3", "resource": path})
    return rules


@cache
def picture(seed: int) -> bytes:
    """A small JPEG of a weave; every sixth has a scratch."""
    from PIL import Image

    pixels = _weave(seed)
    if seed % 6 == 0:
        for step in range(40):
            pixels[20 + step : 23 + step, 60 + step : 63 + step] = 255
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=90)
        return file.getvalue()


@cache
def broken(kind: int) -> bytes:
    """A file that can never be judged: a picture cut short, a text, nothing at all."""
    return (picture(1)[:2000], b"This is no picture.\n", b"")[kind]


@cache
def clip(seed: int) -> bytes:
    """A short video, MP4 with H.264; every second one ends with scratched frames."""
    import av

    with io.BytesIO() as file:
        with av.open(file, "w", format="mp4") as output:
            stream: Any = output.add_stream("libx264", rate=_VIDEO_RATE, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
            for number in range(_VIDEO_SECONDS * _VIDEO_RATE):
                pixels = _weave(100 * seed + number)
                if seed % 2 and number > _VIDEO_SECONDS * _VIDEO_RATE // 2:
                    pixels[40:50, 30:110] = 255
                output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            output.mux(stream.encode(None))
        return file.getvalue()


def _weave(seed: int) -> NDArray[Any]:
    import numpy as np

    noise = np.random.default_rng(seed).normal(0, 4, (_HEIGHT, _WIDTH, 3))
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    weave = 120 + 40 * np.sin(x / 4) * np.cos(y / 3) + 30 * x / _WIDTH
    pixels: NDArray[Any] = np.clip(weave[..., None] * (1.0, 0.9, 0.7) + noise, 0, 255).astype(np.uint8)
    return pixels
