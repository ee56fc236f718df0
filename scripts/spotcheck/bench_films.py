"""The films that videos are measured with."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SECONDS = 30
SIZE = (768, 432)
RATE = 25
_BIT_RATE = 800_000


def write_video(path: Path) -> Path:
    """A drifting picture with noise: costs as much to decode as a filmed scene of its bit rate.

    Args:
        path: Where the video goes; also returned.
    """
    import av

    with av.open(str(path), "w") as output:
        options = {"preset": "veryfast", "g": "50"}
        stream: Any = output.add_stream("libx264", rate=RATE, options=options)
        (stream.width, stream.height), stream.pix_fmt, stream.bit_rate = SIZE, "yuv420p", _BIT_RATE
        first = scene(0)
        for number in range(SECONDS * RATE):
            frame = av.VideoFrame.from_ndarray(np.roll(first, 2 * number, axis=1), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def repeat_video(path: Path, longer: Path, times: int) -> Path:
    """The same video many times over, without encoding it again.

    Args:
        path: From `write_video`.
        longer: Where it goes; also returned.
        times: How many times over.
    """
    import av

    with av.open(str(longer), "w") as output, av.open(str(path), "r") as first:
        target: Any = output.add_stream_from_template(first.streams.video[0])
        for turn in range(times):
            with av.open(str(path), "r") as source:
                stream: Any = source.streams.video[0]
                shift = int(Fraction(turn * SECONDS) / stream.time_base)
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = target
                    output.mux(packet)
    return longer


def scene(seed: int) -> NDArray[np.uint8]:
    """A picture as a camera may see it: smooth, with noise.

    Args:
        seed: The same gives the same.
    """
    from PIL import Image

    width, height = SIZE
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)).astype(np.int16)
    noisy = np.clip(smooth + draw.integers(-8, 8, (height, width, 1)), 0, 255)
    pixels: NDArray[np.uint8] = noisy.astype(np.uint8)
    return pixels
