"""Synthetic anomalies: somewhere in the picture, nowhere else, and the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support_pictures import texture

from chalicelib.training import planting
from chalicelib.training.planting import Planted, plant

if TYPE_CHECKING:
    from numpy.typing import NDArray

SQUARE, OTHER = texture(0, 160, 160), texture(1, 160, 160)
KINDS = planting._KINDS


def planted(seed: int, seen: NDArray[np.bool_] | None = None) -> Planted:
    return plant(np.random.default_rng(seed), SQUARE, lambda: OTHER, seen)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__.strip("_") for kind in KINDS])
def test_each_kind_changes_the_picture_where_the_mask_says(
    kind: planting._Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planting, "_KINDS", (kind,))
    for seed in range(10):
        found = planted(seed)
        changed = np.abs(found.pixels.astype(int) - SQUARE).max(axis=2)
        assert found.pixels.shape == SQUARE.shape
        assert found.mask.any()
        assert changed[found.mask].max() > 3
        assert not changed[~grown(found.mask, 12)].any()


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask and all within so many pixels of it, along rows and columns."""
    padded = np.pad(mask, pixels)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(windows.any(axis=(2, 3)))


def test_nothing_is_planted_where_the_picture_does_not_count() -> None:
    seen = np.zeros((160, 160), bool)
    seen[40:80, 100:140] = True
    for seed in range(30):
        found = planted(seed, seen)
        assert (found.pixels[~seen] == SQUARE[~seen]).all()
        assert found.mask[seen].any()
        assert not found.mask[~seen].any()


def test_the_same_chance_plants_the_same() -> None:
    assert (planted(3).pixels == planted(3).pixels).all()
    assert (planted(3).pixels != planted(4).pixels).any()


def test_a_picture_of_one_colour_can_be_planted_in() -> None:
    grey = np.full((64, 64, 3), 127, np.uint8)
    for seed in range(30):
        assert plant(np.random.default_rng(seed), grey, lambda: grey).mask.any()
