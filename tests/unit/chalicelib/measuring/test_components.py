"""Components of a mask are those that SciPy finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from chalicelib.measuring.components import label_components


def parts(labels: np.ndarray) -> set[frozenset[int]]:
    """The places of each component, whatever its number."""
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in range(1, labels.max() + 1)}


@given(hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_pixels_that_touch_at_a_side_or_a_corner_are_one_component(mask: np.ndarray) -> None:
    theirs, count = ndimage.label(mask, structure=np.ones((3, 3)))
    ours = label_components(mask)
    assert ours.max() == count
    assert parts(ours) == parts(theirs)


def test_nothing_has_no_components() -> None:
    assert not label_components(np.zeros((4, 4), bool)).any()


@pytest.mark.parametrize("turns", range(4))
def test_a_snake_is_one_component(turns: int) -> None:
    snake = np.zeros((64, 64), bool)
    snake[::2] = True
    snake[1::4, -1] = snake[3::4, 0] = True
    snake[-1] = False
    assert label_components(np.rot90(snake, turns)).max() == 1
