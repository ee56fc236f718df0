"""A mask says which share of each patch is anomalous."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support_pictures import jpeg_bomb, png_bomb

from chalicelib.framing import Framing
from chalicelib.lookout.masks import LabelledPixels
from chalicelib.training.config import NamedPicture
from chalicelib.training.masks import coverage_by_kind, kinds_mask, patch_coverage, read_masks


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


def two_kinds() -> LabelledPixels:
    """A dent in the upper left patch, a scratch in the lower right one."""
    indices = np.zeros((200, 200), np.uint8)
    indices[:20, :20] = 1
    indices[180:, 180:] = 2
    return LabelledPixels(("dent", "scratch"), indices)


def test_each_kind_of_a_mask_in_colours_covers_its_own_patches() -> None:
    kinds = ("crack", "dent", "scratch")
    coverage = coverage_by_kind(kinds_mask(two_kinds(), kinds), kinds, 10)
    assert list(coverage) == ["dent", "scratch"]  # there is no crack to see
    assert (coverage["dent"][0], coverage["dent"].sum()) == (1, 1)
    assert (coverage["scratch"][99], coverage["scratch"].sum()) == (1, 1)


def test_who_knows_nothing_of_kinds_sees_white_on_black() -> None:
    data = kinds_mask(two_kinds(), ("dent", "scratch"))
    assert patch_coverage(data, 10).sum() == 2


def test_a_mask_of_a_value_that_means_no_kind_is_not_used() -> None:
    pixels = np.full((50, 50), 200, np.uint8)
    masked = NamedPicture("m.png", lambda: b"", lambda: mask_bytes(pixels), ("dent", "scratch"))
    read = read_masks([masked], 10, Framing(320))
    assert read.marks == ({},)
    assert "m.png was not used: the mask has other values (200)" in read.warnings[0]


def test_pictures_of_one_known_kind_show_it_with_and_without_a_mask() -> None:
    white = np.full((50, 50), 255, np.uint8)
    masked = NamedPicture("m.png", lambda: b"", lambda: mask_bytes(white), ("dent",))
    plain = NamedPicture("p.png", lambda: b"", None, ("dent",))
    unknown = NamedPicture("u.png", lambda: b"", lambda: mask_bytes(white))
    read = read_masks([masked, plain, unknown], 10, Framing(320))
    assert [list(marks) for marks in read.marks] == [["dent"], ["dent"], []]
    assert read.marks[0]["dent"].sum() == 100
    assert read.marks[1]["dent"].sum() == 0
    assert read.coverage.sum(axis=1).tolist() == [100, 0, 100]
    assert read.warnings == ()


@pytest.mark.parametrize("bomb", [png_bomb(), jpeg_bomb()], ids=["PNG", "JPEG"])
def test_a_mask_larger_than_a_picture_may_be_is_not_decoded(bomb: bytes) -> None:
    with pytest.raises(ValueError, match="too large"):
        patch_coverage(bomb, 10)


def test_of_a_broken_mask_two_trainings_say_the_same() -> None:
    pictures = [NamedPicture("a.png", bytes, lambda: b"no picture")]
    warnings = [read_masks(pictures, 10, Framing(320)).warnings for _ in range(2)]
    assert warnings[0] == warnings[1]
    assert warnings[0] == (
        "The mask of a.png was not used: the mask cannot be read (it is no PNG or JPEG picture).",
    )
