"""Which pictures show the very same part: a perceptual hash that aligned parts do not fool.

An ordinary perceptual hash calls all pictures of one kind of part alike, because they are. Here every picture
is compared with the others in what departs from the mean picture of the set: 32 × 32 grey thumbnails of equal
mean and contrast, minus the set's mean, as the lowest 12 × 12 coefficients of a cosine transform (the mean
left out), each divided by its spread over the set. Of two such fingerprints the correlation is about 0 for
two parts, and near 1 for two pictures of one part: re-encoded, resized, brighter, or out of focus.
"""  # noqa: RUF002 - the sign that people know

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from chalicelib.training.numerics import cosine_transform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

# Pairs of real photographs above it (solar cells, cookies), looked at one by one, showed the same part.
SAME_PART = 0.965
# With fewer, the mean picture is not yet what the parts have in common.
MIN_PICTURES = 8

_SIDE = 32
_FREQUENCIES = 12
_BLOCK = 1024


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What `same_part_pairs` compares: `(32, 32)` grey levels of a picture `(H, W, 3)`."""
    grey = Image.fromarray(pixels).convert("L")
    small = grey.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=3.0)
    return np.asarray(small, np.float32)


def same_part_pairs(
    thumbnails: Sequence[NDArray[np.float32]], limit: float = SAME_PART
) -> Iterator[tuple[int, int]]:
    """Pairs of pictures that seem to show the same part.

    Args:
        thumbnails: From `thumbnail`, one for each picture; fewer than eight give no pair.
        limit: Smallest correlation of a pair.

    Yields:
        Two indices, the smaller first.
    """
    if len(thumbnails) < MIN_PICTURES:
        return
    codes = _codes(np.stack(thumbnails))
    for start in range(0, len(codes), _BLOCK):
        alike = np.argwhere(codes[start : start + _BLOCK] @ codes[start:].T >= limit) + start
        yield from ((int(one), int(other)) for one, other in alike if one < other)


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The groups that pairs link: each sorted, in the order of their first members."""
    group_of: dict[int, list[int]] = {}
    for one, other in pairs:
        first, second = group_of.setdefault(one, [one]), group_of.setdefault(other, [other])
        if first is not second:
            first += second
            group_of.update(dict.fromkeys(second, first))
    distinct = {id(group): sorted(group) for group in group_of.values()}
    return sorted(distinct.values())


def _codes(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fingerprints `(pictures, coefficients)` of length one; zero where a picture is the mean picture."""
    levels = thumbnails - thumbnails.mean(axis=(1, 2), keepdims=True)
    levels = levels / np.maximum(levels.std(axis=(1, 2), keepdims=True), 1e-3)
    lowest = cosine_transform(_SIDE)[:_FREQUENCIES].astype(np.float32)
    waves = lowest @ (levels - levels.mean(axis=0)) @ lowest.T
    codes = waves.reshape(len(waves), -1)[:, 1:]
    codes = codes / np.maximum(codes.std(axis=0), 1e-3)
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    result: NDArray[np.float32] = np.where(lengths > 1e-3, codes / np.maximum(lengths, 1e-3), 0)
    return result.astype(np.float32)
