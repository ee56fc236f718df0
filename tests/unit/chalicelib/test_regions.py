"""Where the anomalies are: patches above the threshold, joined and boxed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from chalicelib.anomalies import Region
from chalicelib.regions import anomalous_patches, find_regions


def heat_map(
    *cells: tuple[int, int, float], side: int = 10
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    result = np.ones((side, side), np.float32)
    for row, column, distance in cells:
        result[row, column] = distance
    return result


def test_a_patch_above_the_threshold_is_a_region_of_its_size_and_place() -> None:
    assert find_regions(heat_map((2, 7, 30)), 20).regions == (
        Region(
            *(0.7, 0.2, 0.1, 0.1, 0.01, 1.5),
            polygon=((0.7, 0.2), (0.8, 0.2), (0.8, 0.3), (0.7, 0.3)),
        ),
    )


def test_patches_that_touch_even_at_a_corner_are_one_region() -> None:
    (region,) = find_regions(heat_map((2, 7, 30), (3, 8, 25), (3, 9, 25)), 20).regions
    assert (region.left, region.top) == (0.7, 0.2)
    assert (region.width, region.height) == pytest.approx((0.3, 0.2))
    assert region.area == 0.03


def test_the_most_severe_region_comes_first() -> None:
    regions = find_regions(heat_map((0, 0, 25), (5, 5, 90), (9, 9, 40)), 20).regions
    assert [region.severity for region in regions] == [4.5, 2, 1.25]


def test_the_threshold_is_compared_in_double_precision() -> None:
    distance = np.float32(20.000001)
    threshold = float(distance) + 1e-9
    patches = anomalous_patches(heat_map((0, 0, float(distance)), (1, 1, 50)), threshold)
    assert not patches[0, 0]


def test_the_outline_follows_the_patches_and_skips_points_on_a_straight_line() -> None:
    (region,) = find_regions(heat_map((0, 0, 30), (1, 0, 30), (1, 1, 30)), 20).regions
    assert region.polygon == ((0, 0), (0.1, 0), (0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0, 0.2))


def test_the_outline_of_patches_that_touch_at_a_corner_goes_round_both() -> None:
    (region,) = find_regions(heat_map((0, 0, 30), (1, 1, 30)), 20).regions
    assert shoelace(region.polygon) == pytest.approx(0.02)
    assert region.polygon.count((0.1, 0.1)) == 2


def test_a_hole_is_part_of_the_outlined_area_but_not_of_the_region() -> None:
    ring = [(row, column, 30.0) for row in (4, 5, 6) for column in (4, 5, 6) if (row, column) != (5, 5)]
    (region,) = find_regions(heat_map(*ring), 20).regions
    assert region.area == 0.08
    assert shoelace(region.polygon) == pytest.approx(0.09)


def test_only_the_hundred_most_severe_regions_are_kept() -> None:
    cells = [(row, column, 30.0 + row) for row in range(0, 40, 2) for column in range(0, 40, 2)]
    regions = find_regions(heat_map(*cells, side=40), 20).regions
    assert len(regions) == 100
    assert min(region.severity for region in regions) == 3


def test_a_region_is_of_the_kind_that_its_patches_together_look_most_like() -> None:
    evidence = np.zeros((2, 10, 10), np.float32)
    evidence[0, 0, 0], evidence[1, 0, 0:3] = 1.0, 0.9  # one patch says scratch, all together dent
    evidence[0, 7, 7] = 0.2
    cells = ((0, 0, 30), (0, 1, 30), (0, 2, 30), (7, 7, 50))
    found = find_regions(heat_map(*cells), 20, ("scratch", "dent"), evidence)
    assert [region.name for region in found.regions] == ["scratch", "dent"]
    assert (found.kinds[0, :3] == 2).all()
    assert found.kinds[7, 7] == 1
    assert (found.kinds > 0).sum() == 4


def shoelace(polygon: tuple[tuple[float, float], ...]) -> float:
    """Area of a polygon, clockwise as seen with y downwards."""
    following = (*polygon[1:], polygon[0])
    return sum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True)) / 2


@given(arrays(np.bool_, (7, 9)).filter(lambda cells: cells.any()))
def test_every_outline_encloses_its_patches_and_their_holes(
    cells: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> None:
    regions = find_regions(np.where(cells, 2, 0).astype(np.float32), 1).regions
    labels, count = ndimage.label(cells, structure=np.ones((3, 3)))
    filled = [int(ndimage.binary_fill_holes(labels == label).sum()) for label in range(1, count + 1)]
    enclosed = [round(shoelace(region.polygon) * cells.size) for region in regions]
    assert sorted(enclosed) == sorted(filled)


@given(arrays(np.float32, (5, 5), elements=st.floats(0, 1000, width=32)), st.floats(0.1, 2000))
def test_there_is_always_a_region_and_its_box_lies_in_the_picture(
    distances: np.ndarray[tuple[int, int], np.dtype[np.float32]], threshold: float
) -> None:
    regions = find_regions(distances, threshold).regions
    assert regions
    assert sum(region.area for region in regions) <= 1 + 1e-9
    for region in regions:
        assert 0 <= region.left <= region.left + region.width <= 1 + 1e-9
        assert 0 <= region.top <= region.top + region.height <= 1 + 1e-9
        assert 0 < region.area <= region.width * region.height + 1e-9
