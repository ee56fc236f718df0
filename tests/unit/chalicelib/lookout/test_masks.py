"""A mask picture tells kinds of anomaly by its colours, and has no others."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support_lookout import COLOURS, mask_png
from support_pictures import encoded, jpeg_bytes, png_bytes

from chalicelib.exceptions import MaskInvalidError
from chalicelib.lookout.entries import Location, Mask
from chalicelib.lookout.masks import read_mask
from chalicelib.pictures import PictureLimits

NAMED = Mask(Location("b", "m.png"), {colour: name for name, colour in COLOURS.items()}, "#ffffff")
UNNAMED = Mask(Location("b", "m.png"), {"#23a436": "cracked"}, None)


def test_each_colour_is_its_kind_of_anomaly() -> None:
    pixels = read_mask(mask_png((COLOURS["scratch"], 10, 20), (COLOURS["dent"], 50, 60)), NAMED)
    assert pixels.names == ("dent", "scratch")
    assert np.bincount(pixels.indices.ravel()).tolist() == [96 * 96 - 800, 400, 400]
    assert (pixels.indices[20:40, 10:30] == 2).all()


def test_only_kinds_that_are_shown_are_named() -> None:
    assert read_mask(mask_png((COLOURS["scratch"], 10, 20)), NAMED).names == ("scratch",)


def test_two_colours_of_one_kind_are_one_kind() -> None:
    both = Mask(NAMED.location, {"#2ca02c": "scratch", "#1f77b4": "scratch"}, "#ffffff")
    pixels = read_mask(mask_png(("#2ca02c", 0, 0), ("#1f77b4", 50, 50)), both)
    assert pixels.names == ("scratch",)
    assert (pixels.indices == 1).sum() == 800


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0)])
def test_where_no_background_is_named_white_and_black_are(background: tuple[int, int, int]) -> None:
    drawn = np.full((64, 64, 3), background, np.uint8)
    drawn[:8] = (0x23, 0xA4, 0x36)
    pixels = read_mask(png_bytes(drawn), UNNAMED)
    assert pixels.names == ("cracked",)
    assert (pixels.indices == 1).sum() == 8 * 64


def test_what_is_transparent_is_background() -> None:
    drawn = np.zeros((64, 64, 4), np.uint8)
    drawn[..., :3] = (0x23, 0xA4, 0x36)
    drawn[:8, :, 3] = 255
    assert (read_mask(png_bytes(drawn), UNNAMED).indices == 1).sum() == 8 * 64


def test_an_indexed_png() -> None:
    image = Image.fromarray(np.eye(64, dtype=np.uint8)).convert("P")
    image.putpalette([255, 255, 255, 0x2C, 0xA0, 0x2C])
    assert (read_mask(encoded(image, "PNG"), NAMED).indices == 1).sum() == 64


def test_colours_that_nobody_named_are_a_problem() -> None:
    expected = (
        r"the mask s3://b/m.png has colours that the line does not name \(#123456\): "
        "it may have scratch #2ca02c, dent #1f77b4 and the background #ffffff"
    )
    with pytest.raises(MaskInvalidError, match=expected):
        read_mask(mask_png(("#123456", 1, 1)), NAMED)


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg_bytes(), mask_png()[:200]])
def test_what_is_no_png_is_a_problem(data: bytes) -> None:
    with pytest.raises(MaskInvalidError, match="the mask is no PNG that can be read: save it as PNG"):
        read_mask(data, NAMED)


def test_a_mask_that_is_too_large_is_not_decoded() -> None:
    with pytest.raises(MaskInvalidError, match="96 x 96 pixels"):
        read_mask(mask_png(), NAMED, PictureLimits(max_pixels=9000))


@pytest.mark.parametrize("count", [20, 21])
def test_a_mask_shows_at_most_twenty_kinds_though_its_line_may_name_more(count: int) -> None:
    labels = {f"#0000{number:02x}": f"kind {number}" for number in range(30)}
    drawn = mask_png(*[(colour, 0, 3 * place) for place, colour in enumerate(list(labels)[:count])])
    many = Mask(NAMED.location, labels, "#ffffff")
    if count > 20:
        with pytest.raises(MaskInvalidError, match="shows 21 kinds of anomaly, and one may show 20"):
            read_mask(drawn, many)
    else:
        assert len(read_mask(drawn, many).names) == 20
