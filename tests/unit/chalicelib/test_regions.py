"""Where the anomalies are: patches above the threshold, joined and boxed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chalicelib.regions import Region, anomalous_patches, find_regions


def heat_map(
    *cells: tuple[int, int, float], side: int = 10
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    result = np.ones((side, side), np.float32)
    for row, column, distance in cells:
        result[row, column] = distance
    return result


def test_a_patch_above_the_threshold_is_a_region_of_its_size_and_place() -> None:
    assert find_regions(heat_map((2, 7, 30)), 20) == (
        Region(left=0.7, top=0.2, width=0.1, height=0.1, area=0.01, severity=1.5),
    )


def test_patches_that_touch_even_at_a_corner_are_one_region() -> None:
    (region,) = find_regions(heat_map((2, 7, 30), (3, 8, 25), (3, 9, 25)), 20)
    assert (region.left, region.top) == (0.7, 0.2)
    assert (region.width, region.height) == pytest.approx((0.3, 0.2))
    assert region.area == 0.03


def test_the_most_severe_region_comes_first() -> None:
    regions = find_regions(heat_map((0, 0, 25), (5, 5, 90), (9, 9, 40)), 20)
    assert [region.severity for region in regions] == [4.5, 2, 1.25]


def test_the_threshold_is_compared_in_double_precision() -> None:
    distance = np.float32(20.000001)
    threshold = float(distance) + 1e-9
    patches = anomalous_patches(heat_map((0, 0, float(distance)), (1, 1, 50)), threshold)
    assert not patches[0, 0]


@given(arrays(np.float32, (5, 5), elements=st.floats(0, 1000, width=32)), st.floats(0.1, 2000))
def test_there_is_always_a_region_and_its_box_lies_in_the_picture(
    distances: np.ndarray[tuple[int, int], np.dtype[np.float32]], threshold: float
) -> None:
    regions = find_regions(distances, threshold)
    assert regions
    assert sum(region.area for region in regions) <= 1 + 1e-9
    for region in regions:
        assert 0 <= region.left <= region.left + region.width <= 1 + 1e-9
        assert 0 <= region.top <= region.top + region.height <= 1 + 1e-9
        assert 0 < region.area <= region.width * region.height + 1e-9
