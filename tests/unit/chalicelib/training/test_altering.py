"""What cameras do to pictures: altered copies are other pictures of the same part, and mildly so."""

from __future__ import annotations

import numpy as np
import pytest
from support_pictures import texture

from chalicelib.training.altering import altered, moved


def alter(seed: int, pixels: np.ndarray) -> np.ndarray:
    return altered(np.random.default_rng(seed), pixels)


def test_the_same_chance_gives_the_same_copy_and_another_another() -> None:
    pixels = texture(1, 96, 80)
    assert (alter(0, pixels) == alter(0, pixels)).all()
    assert (alter(0, pixels) != alter(1, pixels)).any()


@pytest.mark.parametrize("seed", range(20))
def test_a_copy_has_the_size_of_its_picture_and_about_its_light(seed: int) -> None:
    pixels = texture(1, 96, 80)
    copy = alter(seed, pixels)
    assert (copy.shape, copy.dtype) == (pixels.shape, pixels.dtype)
    assert 0.75 < copy.mean() / pixels.mean() < 1.25


@pytest.mark.parametrize("seed", range(20))
def test_what_a_copy_shows_has_hardly_moved(seed: int) -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[45:55, 75:85] = 255
    bright = alter(seed, pixels)[..., 0] > 100
    row, column = np.argwhere(bright).mean(axis=0)
    assert abs(row - 49.5) < 4
    assert abs(column - 79.5) < 4


def test_a_shift_is_to_the_right_and_down() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[50, 50] = 255
    assert divmod(int(moved(pixels, shift=(0.1, 0.05))[..., 0].argmax()), 100) == (55, 60)
