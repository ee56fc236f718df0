"""What a model sees of a picture, and how what it finds gets back into the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_pictures import png_bytes, texture

from chalicelib.framing import LETTERBOX, STRETCH, Framing, check_framing, mask_text

GREY = 127


def white_box(
    width: int, height: int, rows: slice, columns: slice
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[rows, columns] = 255
    return pixels


def test_stretching_fills_the_square_and_leaves_the_heat_map_alone() -> None:
    framing = Framing(64)
    assert framing.square(np.full((50, 200, 3), 255, np.uint8)).min() == 255
    heat_map = np.ones((10, 10), np.float32)
    assert framing.in_picture(heat_map, 200, 50) is heat_map


def test_a_letterbox_keeps_the_ratio_of_the_sides_and_fills_up_with_grey() -> None:
    square = Framing(64, LETTERBOX).square(np.full((50, 100, 3), 255, np.uint8))
    assert (square[16:48] == 255).all()
    assert (square[:16] == GREY).all()
    assert (square[48:] == GREY).all()


def test_a_region_of_interest_is_all_that_is_seen() -> None:
    pixels = white_box(100, 80, slice(20, 60), slice(50, 100))
    assert (Framing(64, roi=(0.5, 0.25, 0.5, 0.5)).square(pixels) == 255).all()


def test_a_region_of_interest_asks_for_a_larger_scale_of_decoding() -> None:
    assert Framing(320).min_decoded_side == 320
    assert Framing(320, roi=(0, 0, 0.5, 0.25)).min_decoded_side == 1280


def test_what_the_mask_excludes_is_grey_whatever_it_shows() -> None:
    mask = mask_text(png_bytes(white_box(200, 100, slice(0, 100), slice(0, 100))))
    framing = Framing(64, mask=mask)
    one, other = texture(1, 200, 100), texture(2, 200, 100)
    other[:, 110:] = 255
    assert (framing.square(other)[:, 34:] == GREY).all()
    assert (framing.square(one)[:, :30] != GREY).any()


def test_what_is_seen_is_neither_excluded_nor_filled_up() -> None:
    mask = mask_text(png_bytes(white_box(100, 50, slice(0, 50), slice(0, 50))))
    seen = Framing(64, LETTERBOX, mask=mask).seen(50, 100)
    assert seen[18:46, :30].all()
    assert not seen[:15].any()
    assert not seen[:, 34:].any()
    assert Framing(64).seen(50, 100).all()


def test_mask_and_region_of_interest_go_together() -> None:
    mask = mask_text(png_bytes(white_box(200, 100, slice(0, 100), slice(0, 100))))
    framing = Framing(64, roi=(0.25, 0, 0.5, 1), mask=mask)
    square = framing.square(np.full((100, 200, 3), 255, np.uint8))
    assert (square[:, :30] == 255).all()
    assert (square[:, 34:] == GREY).all()


@settings(deadline=None)
@given(
    st.sampled_from([STRETCH, LETTERBOX]),
    st.one_of(
        st.none(), st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.1, 0.5), st.floats(0.1, 0.5))
    ),
    st.integers(64, 400),
    st.integers(64, 400),
    st.floats(0, 0.999),
    st.floats(0, 0.999),
)
def test_what_is_hot_in_the_square_is_hot_where_the_picture_shows_it(
    resize: str,
    roi: tuple[float, float, float, float] | None,
    width: int,
    height: int,
    x: float,
    y: float,
) -> None:
    """A white spot somewhere in the region of interest, its square as the heat map itself."""
    framing = Framing(60, resize, roi)
    left, top, roi_width, roi_height = roi or (0.0, 0.0, 1.0, 1.0)
    column, row = int((left + x * roi_width) * width), int((top + y * roi_height) * height)
    pixels = white_box(width, height, slice(row - 6, row + 7), slice(column - 6, column + 7))
    pixels[: max(0, row - 6)] = 0
    cells = framing.square(pixels)[..., 0].reshape(10, 6, 10, 6).mean(axis=(1, 3))
    if resize == LETTERBOX:
        cells = np.where(
            framing.mask_square(np.full((height, width), 255, np.uint8))
            .reshape(10, 6, 10, 6)
            .mean(axis=(1, 3))
            > 250,
            cells,
            0,
        )
    if cells.max() < 60:
        return  # the spot is at the edge of what is seen, or cut off by it
    heat_map = framing.in_picture(cells.astype(np.float32), width, height)
    rows, columns = np.nonzero(heat_map == heat_map.max())
    found_x, found_y = (columns.mean() + 0.5) / heat_map.shape[1], (rows.mean() + 0.5) / heat_map.shape[0]
    assert abs(found_x - (column + 0.5) / width) < 0.12 + 8 / width
    assert abs(found_y - (row + 0.5) / height) < 0.12 + 8 / height


def test_outside_of_the_region_of_interest_the_heat_map_is_cold() -> None:
    heat_map = Framing(60, roi=(0.5, 0.5, 0.5, 0.5)).in_picture(np.ones((10, 10), np.float32), 100, 100)
    rows, columns = heat_map.shape
    assert heat_map[rows // 2 :, columns // 2 :].min() == 1
    assert heat_map[: rows // 2].max() == 0
    assert heat_map[:, : columns // 2].max() == 0


@pytest.mark.parametrize(
    ("framing", "reason"),
    [
        (Framing(64, "crop"), "resize"),
        (Framing(64, roi=(0.5, 0, 0.6, 1)), "within the picture"),
        (Framing(64, roi=(0, 0, 0, 1)), "too small"),
        (Framing(64, mask="not a mask"), "mask"),
    ],
)
def test_a_framing_that_cannot_work_is_refused(framing: Framing, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_framing(framing)


def test_a_black_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing of the picture counts"):
        mask_text(png_bytes(np.zeros((80, 80, 3), np.uint8)))
    with pytest.raises(ValueError, match="no PNG or JPEG"):
        mask_text(b"no picture")


def test_a_mask_takes_a_heat_map_whose_patches_are_no_even_share_of_the_square() -> None:
    """As a transformer's 16 x 16 tokens of 14 pixels pooled to a grid of 10 give it."""
    counts = np.zeros((100, 100), np.uint8)
    counts[:, :50] = 255
    framing = Framing(224, mask=mask_text(png_bytes(counts)))
    heat_map = framing.in_picture(np.ones((10, 10), np.float32), 300, 200)
    assert heat_map.shape == (10, 10)
    assert heat_map[:, :5].all()
    assert not heat_map[:, 5:].any()
