"""Normal pictures as the model sees them, and altered copies of them.

All are made when they are read: memory is short.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from chalicelib.framing import GREY
from chalicelib.pictures import read_picture
from chalicelib.training.altering import altered
from chalicelib.training.config import NamedPicture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from chalicelib.framing import Framing


class Square(NamedTuple):
    """A picture as the model sees it.

    Attributes:
        pixels: `(side, side, 3)` uint8.
        seen: `(side, side)`, where it shows something that counts.
    """

    pixels: NDArray[np.uint8]
    seen: NDArray[np.bool_]


class Squares:
    """Pictures, then a first copy of each, a second of each and so on.

    Args:
        pictures: Normal ones.
        framing: How a picture becomes a square.
        copies: How many of each picture.

    Attributes:
        origins: Which of the pictures each one shows, `(pictures and copies,)`.
    """

    def __init__(self, pictures: Sequence[NamedPicture], framing: Framing, copies: int = 0) -> None:
        self._pictures, self._framing = pictures, framing
        self.origins = np.tile(np.arange(len(pictures)), 1 + copies)

    def __getitem__(self, place: int) -> Square:
        """Reads one of the pictures, or makes one of the copies.

        What is done to a copy depends on the picture's file alone, and not on those beside it.

        Raises:
            PictureRejectedError: It cannot be judged.
            OSError: It cannot be read.
        """
        data = self._pictures[self.origins[place]].read()
        pixels = read_picture(data, min_decoded_side=self._framing.min_decoded_side).pixels
        seen = self._framing.seen(*pixels.shape[:2])
        if place < len(self._pictures):
            return Square(self._framing.square(pixels), seen)
        whole = replace(self._framing, mask="").square(pixels)
        seed = int.from_bytes(hashlib.sha256(data).digest())
        generator = np.random.default_rng((seed, place // len(self._pictures)))
        copy = altered(generator, whole)
        return Square(np.where(seen[..., None], copy, np.uint8(GREY)), seen)

    def copies(self) -> list[NamedPicture]:
        """The copies alone, each by the name of its picture."""
        return [
            framed(self._pictures[self.origins[place]].name, partial(self._pixels, place))
            for place in range(len(self._pictures), len(self.origins))
        ]

    def _pixels(self, place: int) -> NDArray[np.uint8]:
        return self[place].pixels


def framed(name: str, square: Callable[[], NDArray[np.uint8]]) -> NamedPicture:
    """A picture that is made when it is read, and is the square that the model sees already."""
    return NamedPicture(name, lambda: _png(square()), is_framed=True)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG", compress_level=0)
        return file.getvalue()
