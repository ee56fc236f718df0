"""What each picture of a dataset tells without a model: size, light, sharpness, what it resembles."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from chalicelib.exceptions import PictureRejectedError
from chalicelib.measuring.pictures import Skipped
from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from chalicelib.measuring.pictures import Dataset, LabelledPicture

_WORKERS = 2
_SIDE = 256  # light and sharpness are told at this size


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture is like.

    Attributes:
        name: Its path below the dataset's folder.
        is_test: Whether it is in the test split.
        is_anomalous: Its label.
        sha256: Of its file, in hex.
        width: Of the upright picture, in pixels.
        height: Of the upright picture, in pixels.
        brightness: Mean grey level, 0 to 255.
        sharpness: Standard deviation of the Laplacian of its grey levels, the longest side at 256 pixels.
        thumbnail: `(32, 32)` grey levels, for `chalicelib.training.likeness`.
        mask: Width and height of its mask in pixels; None without one that can be read.
    """

    name: str
    is_test: bool
    is_anomalous: bool
    sha256: str
    width: int
    height: int
    brightness: float
    sharpness: float
    thumbnail: NDArray[np.float32]
    mask: tuple[int, int] | None = None


class Survey(NamedTuple):
    """The facts of every picture that can be read, and the others with the reason."""

    facts: tuple[Facts, ...]
    unreadable: tuple[Skipped, ...]


def survey(dataset: Dataset, progress: Callable[[int, int], None] | None = None) -> Survey:
    """Looks at every picture once: about 2 ms for a megapixel as JPEG, several times that as PNG.

    Args:
        dataset: From `read_dataset`.
        progress: Called with how many pictures are done, of how many.
    """
    tasks = [(picture, False) for picture in dataset.train] + [(picture, True) for picture in dataset.test]
    facts, unreadable = [], []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, found in enumerate(pool.map(lambda task: _look(*task), tasks), start=1):
            if isinstance(found, Facts):
                facts.append(found)
            else:
                unreadable.append(found)
            if progress:
                progress(done, len(tasks))
    return Survey(tuple(facts), tuple(unreadable))


def _look(labelled: LabelledPicture, is_test: bool) -> Facts | Skipped:  # noqa: FBT001 - mapped over
    from chalicelib.training.likeness import thumbnail

    try:
        data = labelled.path.read_bytes()
        picture = read_picture(data, min_decoded_side=_SIDE)
    except PictureRejectedError as rejected:
        return Skipped(labelled.name, rejected.reason)
    except OSError as error:
        return Skipped(labelled.name, f"The file cannot be read: {error.strerror or error}.")
    brightness, sharpness = _light(picture.pixels)
    return Facts(
        name=labelled.name,
        is_test=is_test,
        is_anomalous=labelled.is_anomalous,
        sha256=hashlib.sha256(data).hexdigest(),
        width=picture.width,
        height=picture.height,
        brightness=brightness,
        sharpness=sharpness,
        thumbnail=thumbnail(picture.pixels),
        mask=_size_of(labelled.mask) if labelled.mask else None,
    )


def _size_of(mask: Path) -> tuple[int, int] | None:
    """Width and height in pixels; None where it cannot be read, which training and measuring tell."""
    try:
        with Image.open(mask, formats=["PNG", "JPEG"]) as image:
            return image.size
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None


def _light(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Brightness and sharpness."""
    image = Image.fromarray(pixels).convert("L")
    image.thumbnail((_SIDE, _SIDE))
    grey = np.asarray(image, np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(grey.mean()), float((4 * grey[1:-1, 1:-1] - around).std())
