"""Two pictures of one part are told from pictures of two parts, however alike the parts are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from support_pictures import jpeg_bytes, texture

from chalicelib.training.likeness import joined, same_part_pairs, thumbnail

Pixels = NDArray[np.uint8]


def part(seed: int) -> Pixels:
    """Aligned parts: the same weave, and stains of each part's own."""
    stains = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(96, 96)), 4)
    pixels = texture(seed) + 25 * (stains / stains.std())[..., None]
    result: Pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    return result


def again(pixels: Pixels, how: str) -> Pixels:
    image = Image.fromarray(pixels)
    if how == "saved as a poor JPEG":
        image = Image.open(io.BytesIO(jpeg_bytes(pixels, quality=40)))
    elif how == "at another size":
        image = image.resize((70, 70))
    elif how == "brighter":
        image = Image.eval(image, lambda level: min(255, int(level * 1.15)))
    elif how == "out of focus":
        image = image.filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(image)


@pytest.mark.parametrize("how", ["saved as a poor JPEG", "at another size", "brighter", "out of focus"])
def test_a_picture_taken_again_is_recognised(how: str) -> None:
    pictures = [part(seed) for seed in range(12)]
    pictures.append(again(pictures[3], how))
    assert list(same_part_pairs([thumbnail(picture) for picture in pictures])) == [(3, 12)]


def test_parts_of_one_kind_are_not_confused() -> None:
    assert not list(same_part_pairs([thumbnail(part(seed)) for seed in range(60)]))


def test_with_fewer_than_eight_pictures_there_is_no_telling() -> None:
    assert not list(same_part_pairs([thumbnail(part(0))] * 7))


def test_pictures_without_any_contrast_pair_with_nothing() -> None:
    assert not list(same_part_pairs([np.full((32, 32), level, np.float32) for level in range(9)]))


def test_pairs_that_share_a_picture_are_one_group() -> None:
    assert joined([(4, 7), (0, 2), (7, 9), (2, 3)]) == [[0, 2, 3], [4, 7, 9]]
