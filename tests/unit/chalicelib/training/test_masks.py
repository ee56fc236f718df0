"""A mask says which share of each patch is anomalous."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support_pictures import jpeg_bomb, png_bomb

from chalicelib.training.masks import patch_coverage


def mask_bytes(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]], file_format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format)
    return buffer.getvalue()


def test_white_is_anomalous() -> None:
    pixels = np.zeros((200, 400), np.uint8)
    pixels[20:40, 40:80] = 255
    coverage = patch_coverage(mask_bytes(pixels), 10).reshape(10, 10)
    assert coverage[1, 1] == 1
    assert coverage.sum() == 1


@pytest.mark.parametrize(("white", "file_format"), [(1, "PNG"), (255, "JPEG")])
def test_indices_and_jpeg_are_understood(white: int, file_format: str) -> None:
    pixels = np.zeros((200, 200), np.uint8)
    pixels[100:, :] = white
    assert patch_coverage(mask_bytes(pixels, file_format), 10).sum() == pytest.approx(50, abs=2)


def test_a_scratch_thinner_than_a_pixel_of_the_small_mask_counts() -> None:
    pixels = np.zeros((800, 800), np.uint8)
    pixels[400:404, :400] = 255
    assert (patch_coverage(mask_bytes(pixels), 10) > 0).sum() == 5


def test_an_empty_mask_covers_nothing() -> None:
    assert not patch_coverage(mask_bytes(np.zeros((50, 50), np.uint8)), 10).any()


@pytest.mark.parametrize("data", [b"", b"no picture", mask_bytes(np.zeros((50, 50), np.uint8))[:40]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        patch_coverage(data, 10)


@pytest.mark.parametrize("bomb", [png_bomb(), jpeg_bomb()], ids=["PNG", "JPEG"])
def test_a_mask_larger_than_a_picture_may_be_is_not_decoded(bomb: bytes) -> None:
    with pytest.raises(ValueError, match="too large"):
        patch_coverage(bomb, 10)
