"""Whatever a sound file shows, in whatever form a camera writes it, its score is a finite number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support_pictures import encoded, raw_png

from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from chalicelib.detector import Detector

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "16-bit grey", "16-bit RGB")


def written(mode: str, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], orientation: int) -> bytes:
    """A PNG of the mode; a JPEG of what PNG does not know."""
    height, width = pixels.shape[:2]
    if mode.startswith("16-bit"):
        samples = pixels.astype(np.uint16) * 257
        grey = mode == "16-bit grey"
        raw = (samples[..., 0] if grey else samples).astype(">u2").tobytes()
        return raw_png(width, height, 16, 0 if grey else 2, raw)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(pixels).convert(mode)
    return encoded(picture, "JPEG" if mode == "CMYK" else "PNG", exif=exif)


@settings(max_examples=40, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    kind=st.sampled_from(["noise", "black", "white", "stripes"]),
    width=st.integers(64, 500),
    height=st.integers(64, 500),
    orientation=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_sound_picture_gets_a_finite_score(
    detector: Detector, mode: str, kind: str, width: int, height: int, orientation: int, seed: int
) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    if kind == "noise":
        pixels = np.random.default_rng(seed).integers(0, 256, pixels.shape, np.uint8)
    elif kind == "white":
        pixels += 255
    elif kind == "stripes":
        pixels[::2] = 255
    picture = read_picture(written(mode, pixels, orientation), min_decoded_side=detector.min_decoded_side)
    detection = detector.detect(picture)
    assert np.isfinite(detection.score)
    assert np.isfinite(detection.heat_map).all()
    assert 0 <= detection.probability <= 1
    assert detection.is_anomalous == (detection.score > detection.threshold) == bool(detection.regions)


@pytest.mark.parametrize("mode", ["L", "16-bit grey", "16-bit RGB"])
def test_a_picture_scores_the_same_in_eight_and_sixteen_bits_and_in_grey(
    detector: Detector, mode: str
) -> None:
    grey = np.repeat(np.random.default_rng(0).integers(60, 200, (120, 160, 1), np.uint8), 3, axis=2)
    scores = [detector.detect(read_picture(written(one, grey, 1))).score for one in ("RGB", mode)]
    assert scores[0] == scores[1]
