"""The two pictures that show where: an overlay for people, a mask for programs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support_models import normal_png
from support_pictures import jpeg_bytes, png_bytes, scratched, texture

from chalicelib.anomalies import UNNAMED
from chalicelib.heatmaps import mask_png, overlay_png
from chalicelib.pictures import Picture, read_picture

if TYPE_CHECKING:
    from chalicelib.detector import Detection, Detector


@pytest.fixture(scope="module")
def scratch(detector: Detector) -> tuple[Picture, Detection]:
    picture = read_picture(png_bytes(scratched(texture(100, 160, 120))))
    return picture, detector.detect(picture)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["PNG"])


def test_the_overlay_is_the_picture_with_heat_where_the_anomaly_is(
    scratch: tuple[Picture, Detection],
) -> None:
    picture, detection = scratch
    overlay = np.asarray(opened(overlay_png(picture, detection)), int)
    assert overlay.shape == (120, 160, 3)
    changed = np.abs(overlay - picture.pixels).sum(axis=2)
    assert changed[18:42, 88:120].mean() > 5 * changed[90:, :60].mean()


def test_the_overlays_longest_side_has_at_most_640_pixels(detector: Detector) -> None:
    picture = read_picture(jpeg_bytes(texture(0, 1500, 900)), min_decoded_side=320)
    assert opened(overlay_png(picture, detector.detect(picture))).size == (640, 384)


def test_a_normal_picture_is_hardly_tinted(detector: Detector) -> None:
    picture = read_picture(normal_png(100))
    overlay = np.asarray(opened(overlay_png(picture, detector.detect(picture))), int)
    assert np.abs(overlay - picture.pixels).mean() < 20


def test_the_mask_is_indexed_and_marks_the_regions_area(scratch: tuple[Picture, Detection]) -> None:
    picture, detection = scratch
    mask = opened(mask_png(picture, detection))
    assert (mask.mode, mask.size) == ("P", (160, 120))
    assert np.asarray(mask).mean() == pytest.approx(detection.area)
    assert np.asarray(mask)[30, 104] == 1
    assert mask.convert("RGB").getpixel((104, 30)) == tuple(bytes.fromhex(UNNAMED.color[1:]))
    assert mask.convert("RGB").getpixel((0, 119)) == (255, 255, 255)


def test_the_mask_has_the_size_of_the_whole_picture_even_when_it_was_decoded_smaller(
    detector: Detector,
) -> None:
    picture = read_picture(jpeg_bytes(texture(0, 1500, 900)), min_decoded_side=320)
    assert opened(mask_png(picture, detector.detect(picture))).size == (1500, 900)


def test_the_mask_of_a_normal_picture_is_empty(detector: Detector) -> None:
    picture = read_picture(normal_png(100))
    assert not np.asarray(opened(mask_png(picture, detector.detect(picture)))).any()
