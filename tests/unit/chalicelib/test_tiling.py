"""Tiles cover the whole picture, and what is hot in a tile is hot where the picture shows it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_pictures import png_bytes, texture

from chalicelib.exceptions import PictureRejectedError
from chalicelib.framing import Framing, check_framing, mask_text
from chalicelib.tiling import MAX_TILES, Tile, Tiles

FRAMING = Framing(64, tile=100)


@settings(deadline=None)
@given(width=st.integers(64, 3000), height=st.integers(64, 1500), tile=st.integers(64, 700))
def test_tiles_cover_every_pixel_and_overlap_by_an_eighth_of_a_side(
    width: int, height: int, tile: int
) -> None:
    places = Tiles(Framing(64, tile=max(tile, 100)), width, height).places
    tile = max(tile, 100)
    for length, starts in (
        (width, sorted({place.left for place in places})),
        (height, sorted({place.top for place in places})),
    ):
        assert starts[0] == 0
        assert starts[-1] + tile >= length
        assert starts[-1] + tile == length or starts == [0]
        steps = np.diff(starts)
        assert (steps <= tile * 7 / 8 + 1).all()
        assert (steps > 0).all()


def test_a_tile_of_the_models_size_is_cut_out_as_it_is() -> None:
    pixels = texture(0, 300, 200)
    tiles = Tiles(Framing(100, tile=100), 300, 200)
    for place, square in tiles.squares(pixels):
        expected = pixels[place.top : place.top + 100, place.left : place.left + 100]
        np.testing.assert_array_equal(square, expected)


def test_a_picture_decoded_at_half_its_scale_has_the_same_tiles() -> None:
    tiles = Tiles(Framing(50, tile=100), 300, 200)
    half = texture(0, 150, 100)
    for place, square in tiles.squares(half):
        left, top = round(place.left / 2), round(place.top / 2)
        np.testing.assert_array_equal(square, half[top : top + 50, left : left + 50])


def test_a_picture_shorter_than_a_tile_is_filled_up_with_grey() -> None:
    tiles = Tiles(Framing(100, tile=100), 250, 70)
    assert {place.top for place in tiles.places} == {0}
    for _, square in tiles.squares(np.zeros((70, 250, 3), np.uint8)):
        assert (square[:70] == 0).all()
        assert (square[70:] == 127).all()


def test_tiles_lie_within_the_region_of_interest() -> None:
    places = Tiles(Framing(64, roi=(0.5, 0.25, 0.5, 0.5), tile=100), 1000, 800).places
    assert min(place.left for place in places) == 500
    assert max(place.left for place in places) + 100 == 1000
    assert (min(place.top for place in places), max(place.top for place in places) + 100) == (200, 600)


def upper_left_counts() -> str:
    mask = np.zeros((80, 100, 3), np.uint8)
    mask[:40, :50] = 255
    return mask_text(png_bytes(mask))


def test_tiles_in_which_nothing_counts_are_left_out_and_the_rest_is_painted_grey() -> None:
    tiles = Tiles(Framing(100, mask=upper_left_counts(), tile=100), 1000, 800)
    assert max(place.left for place in tiles.places) <= 505
    pixels = np.zeros((800, 1000, 3), np.uint8)
    for place, square in tiles.squares(pixels):
        inside = square[: max(0, 390 - place.top), : max(0, 490 - place.left)]
        assert (inside == 0).all()
        assert (square[:, max(0, 510 - place.left) :] == 127).all()


@settings(deadline=None)
@given(x=st.floats(0, 0.999), y=st.floats(0, 0.999), width=st.integers(150, 2000))
def test_what_is_hot_in_a_tile_is_hot_where_the_picture_shows_it(x: float, y: float, width: int) -> None:
    height = 450
    tiles = Tiles(FRAMING, width, height)
    spot_x, spot_y = x * width, y * height
    maps = []
    for place in tiles.places:
        heat = np.ones((10, 10), np.float32)
        column, row = int((spot_x - place.left) // 10), int((spot_y - place.top) // 10)
        if 0 <= column < 10 and 0 <= row < 10:
            heat[row, column] = 9
        maps.append((place, heat))
    result = tiles.heat_map(maps)
    assert (result >= 1).all()  # no hole anywhere
    hot = np.argwhere(result == 9)
    assert len(hot) >= 1
    middle_y, middle_x = (hot + 0.5).T
    assert np.abs(middle_x / result.shape[1] * width - spot_x).max() <= 20
    assert np.abs(middle_y / result.shape[0] * height - spot_y).max() <= 20


def test_where_nothing_counts_the_heat_map_is_cold() -> None:
    tiles = Tiles(Framing(100, mask=upper_left_counts(), tile=100), 1000, 800)
    result = tiles.heat_map([(place, np.full((10, 10), 5, np.float32)) for place in tiles.places])
    assert (result[:40, :50] == 5).all()
    assert (result[42:] == 0).all()
    assert (result[:, 52:] == 0).all()


def test_the_heat_map_of_a_panorama_has_an_end() -> None:
    tiles = Tiles(FRAMING, 60_000, 80)
    result = tiles.heat_map([(place, np.ones((10, 10), np.float32)) for place in tiles.places])
    assert result.shape == (8, 512)
    assert (result == 1).all()


def test_a_picture_of_too_many_tiles_is_rejected() -> None:
    with pytest.raises(PictureRejectedError, match=f"tiles of 100 pixels; the limit is {MAX_TILES}"):
        Tiles(FRAMING, 9000, 9000)


def test_tiles_that_are_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 64 pixels"):
        check_framing(Framing(64, tile=32))


def test_tiles_need_no_letterbox() -> None:
    with pytest.raises(ValueError, match="no letterbox"):
        check_framing(Framing(64, resize="letterbox-bilinear", tile=100))


def test_a_tile_has_its_place() -> None:
    assert Tiles(FRAMING, 100, 100).places == (Tile(0, 0),)
