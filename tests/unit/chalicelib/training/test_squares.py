"""Normal pictures and their copies as the model sees them, made when they are read."""

from __future__ import annotations

import numpy as np
import pytest
from support_models import normal_png
from support_pictures import png_bytes

from chalicelib.framing import GREY, LETTERBOX, Framing, mask_text
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture
from chalicelib.training.squares import Squares

FRAMING = Framing(96)
PICTURES = [NamedPicture.of_bytes(f"weave-{seed}.png", normal_png(seed)) for seed in range(3)]


def right_half() -> str:
    mask = np.zeros((120, 160, 3), np.uint8)
    mask[:, 80:] = 255
    return mask_text(png_bytes(mask))


def test_the_pictures_come_first_as_the_model_sees_them() -> None:
    squares = Squares(PICTURES, FRAMING, copies=2)
    for place in range(3):
        expected = FRAMING.square(read_picture(normal_png(place)).pixels)
        assert (squares[place].pixels == expected).all()


def test_then_come_a_first_and_a_second_copy_of_each() -> None:
    squares = Squares(PICTURES, FRAMING, copies=2)
    assert squares.origins.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert [copy.name for copy in squares.copies()] == [picture.name for picture in PICTURES] * 2
    first, second = squares[3].pixels, squares[6].pixels
    assert (first != second).any()
    assert (first != squares[0].pixels).any()


def test_a_copy_is_read_as_the_square_that_it_is() -> None:
    squares = Squares(PICTURES, Framing(96, roi=(0.1, 0.1, 0.5, 0.5)), copies=1)
    (copy, *_) = squares.copies()
    assert copy.is_framed
    assert (read_picture(copy.read()).pixels == squares[3].pixels).all()


def test_a_copy_depends_on_its_picture_alone() -> None:
    together = Squares(PICTURES, FRAMING, copies=1)
    alone = Squares(PICTURES[1:2], FRAMING, copies=1)
    assert (together[4].pixels == alone[1].pixels).all()


def test_nothing_is_read_before_it_is_needed() -> None:
    reads = []

    def read() -> bytes:
        reads.append("read")
        return normal_png(0)

    (copy,) = Squares([NamedPicture("counted.png", read)], FRAMING, copies=1).copies()
    assert not reads
    copy.read()
    assert reads == ["read"]


@pytest.mark.parametrize(
    "framing", [Framing(96, mask=right_half()), Framing(96, LETTERBOX)], ids=["mask", "letterbox"]
)
def test_what_does_not_count_stays_grey_in_copies(framing: Framing) -> None:
    squares = Squares(PICTURES, framing, copies=1)
    picture, copy = squares[0], squares[3]
    assert (picture.seen == copy.seen).all()
    assert not copy.seen.all()
    assert (copy.pixels[~copy.seen] == GREY).all()
    assert (picture.pixels[~copy.seen] == GREY).all()


def test_a_mask_lets_in_no_grey_from_beside_what_counts() -> None:
    """A part that moves under a mask shows more of itself there, and not the mask."""
    white = [NamedPicture.of_bytes("white.png", png_bytes(np.full((120, 160, 3), 250, np.uint8)))]
    copies = Squares(white, Framing(96, mask=right_half()), copies=8)
    for place in range(1, 9):
        square = copies[place]
        assert square.pixels[square.seen].min() > GREY + 10
