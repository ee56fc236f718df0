"""Which share of each patch a mask covers, and with which kind of anomaly.

A mask is white where the anomaly is. Where it shows several kinds, the first is white (255), the second 254
and so on: whoever does not know that sees white on black.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from chalicelib.anomalies import ANOMALY, kind_name
from chalicelib.lookout.masks import LabelledPixels
from chalicelib.pictures import PictureLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.framing import Framing
    from chalicelib.training.config import NamedPicture

# A mask is first brought to so many pixels a patch.
_PIXELS = 8
WHITE = 255
QUARTER = 63
"""A mask made smaller is anomalous above this: a quarter of a pixel is enough, because scratches are thin."""


Marks = dict[str, "NDArray[np.float32]"]


class Masks(NamedTuple):
    """What the masks of anomalous pictures cover.

    Attributes:
        coverage: `(pictures, patches)`, zeros where there is no mask.
        marks: The same of each kind that a picture shows, `(patches,)`.
        warnings: A line for each mask that cannot be used.
    """

    coverage: NDArray[np.float32]
    marks: tuple[Marks, ...]
    warnings: tuple[str, ...]


def read_masks(pictures: Sequence[NamedPicture], grid: int, framing: Framing) -> Masks:
    """Reads the masks that there are.

    Args:
        pictures: Anomalous ones.
        grid: Patches a side.
        framing: How pictures become squares.
    """
    coverage = np.zeros((len(pictures), grid**2), np.float32)
    marks: list[Marks] = []
    warnings = []
    for covered, picture in zip(coverage, pictures, strict=True):
        by_kind = {picture.kinds[0]: covered} if len(picture.kinds) == 1 else {}
        try:
            if picture.read_mask:
                data = picture.read_mask()
                covered[:] = patch_coverage(data, grid, framing)
                if picture.kinds:
                    by_kind = coverage_by_kind(data, picture.kinds, grid, framing)
        except (OSError, ValueError) as error:
            warnings.append(f"The mask of {picture.name} was not used: {error}.")
        marks.append(by_kind)
    return Masks(coverage, tuple(marks), tuple(warnings))


def patch_coverage(data: bytes, grid: int, framing: Framing | None = None) -> NDArray[np.float32]:
    """The share of each patch that is anomalous, `(grid * grid,)`, row by row.

    Args:
        data: A PNG or JPEG of the picture's shape, brighter than middle grey where the anomaly is.
        grid: Patches a side.
        framing: How pictures become squares; None stretches them.

    Raises:
        ValueError: The data are no such picture, or one larger than a picture may be.
    """
    return patch_shares(anomalous_pixels(data), grid, framing)


def anomalous_pixels(data: bytes) -> NDArray[np.bool_]:
    """Which pixels `(H, W)` a mask calls anomalous, whatever kind they are of.

    Args:
        data: A PNG or JPEG, brighter than middle grey where the anomaly is.

    Raises:
        ValueError: The data are no such picture, or one larger than a picture may be.
    """
    return _white(_grey(data))


def coverage_by_kind(data: bytes, kinds: Sequence[str], grid: int, framing: Framing | None = None) -> Marks:
    """The share of each patch `(grid * grid,)` that shows a kind of anomaly, for each that the mask shows.

    Args:
        data: A PNG of the picture's shape; a JPEG where there is one kind.
        kinds: That a mask may show: the first is white.
        grid: Patches a side.
        framing: How pictures become squares; None stretches them.

    Raises:
        ValueError: The data are no such picture.
    """
    return {kind: patch_shares(shown, grid, framing) for kind, shown in pixels_by_kind(data, kinds).items()}


def patch_shares(shown: NDArray[np.bool_], grid: int, framing: Framing | None = None) -> NDArray[np.float32]:
    """The share of each patch `(grid * grid,)` in which something is shown.

    Args:
        shown: `(H, W)`, of the picture's shape.
        grid: Patches a side.
        framing: How pictures become squares; None stretches them.
    """
    side = grid * _PIXELS
    framed = np.asarray(Image.fromarray(shown).convert("L"))
    if framing:
        framed = framing.mask_square(framed)
    small = Image.fromarray(framed).resize((side, side), Image.Resampling.BOX)
    covered = np.asarray(small) > QUARTER
    blocks = covered.reshape(grid, _PIXELS, grid, _PIXELS)
    result: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32).ravel()
    return result


def pixels_by_kind(data: bytes, kinds: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Which pixels `(H, W)` show a kind of anomaly, for each that the mask shows; where there is one, it.

    Args:
        data: A PNG; a JPEG where there is one kind.
        kinds: That a mask may show: the first is white.

    Raises:
        ValueError: The data are no such picture.
    """
    grey = _grey(data)
    if len(kinds) == 1:
        return {kinds[0]: _white(grey)}
    unknown = set(np.unique(grey).tolist()) - {0, *(WHITE - place for place in range(len(kinds)))}
    if unknown:
        message = f"the mask has other values ({min(unknown)}) than 0 and one for each of {', '.join(kinds)}"
        raise ValueError(message)
    return {kind: grey == WHITE - place for place, kind in enumerate(kinds) if (grey == WHITE - place).any()}


def kinds_mask(pixels: LabelledPixels, kinds: Sequence[str]) -> bytes:
    """A mask as this module reads it, of one in Lookout for Vision's colours.

    Args:
        pixels: From `chalicelib.lookout.masks.read_mask`.
        kinds: Those that masks may show, those of `pixels` among them; the first becomes white.
    """
    values = np.array([0, *(WHITE - kinds.index(name) for name in pixels.names)], np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(values[pixels.indices]).save(file, "PNG")
        return file.getvalue()


def named_mask(pixels: LabelledPixels) -> tuple[tuple[str, ...], bytes]:
    """The kinds that a mask in Lookout for Vision's colours shows, as models name them, and `kinds_mask`.

    Where a label names no kind of its own (`defect`, or the same as another), the mask says where anomalies
    are, and not what: there are no kinds then.

    Args:
        pixels: From `chalicelib.lookout.masks.read_mask`.
    """
    kinds = tuple(name for name in map(kind_name, pixels.names) if name)
    if len(set(kinds)) == len(pixels.names):
        return kinds, kinds_mask(pixels, pixels.names)
    anywhere = LabelledPixels((ANOMALY,), np.minimum(pixels.indices, np.uint8(1)))
    return (), kinds_mask(anywhere, anywhere.names)


def _white(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a mask of one kind shows it."""
    # A JPEG blurs the edge of black and white; a PNG may hold an index (0, 1) in place of black and white.
    white: NDArray[np.bool_] = grey > (127 if grey.max() > 127 else 0)
    return white


def _grey(data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            if image.width * image.height > PictureLimits().max_pixels:
                message = f"the mask is too large ({image.width} x {image.height} pixels)"
                raise ValueError(message)
            return np.asarray(image.convert("L"))
    except UnidentifiedImageError as error:
        # Its own text has an address in memory: no two models would be alike.
        message = "the mask cannot be read (it is no PNG or JPEG picture)"
        raise ValueError(message) from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        message = f"the mask cannot be read ({error})"
        raise ValueError(message) from error
