"""Brings the pictures of a dataset from S3 into files, many at once."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from PIL import Image

from chalicelib.aws_errors import error_code
from chalicelib.exceptions import MaskInvalidError, TrainingError
from chalicelib.lookout.masks import read_mask
from chalicelib.measuring.pictures import LabelledPicture, Skipped
from chalicelib.training.masks import named_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from chalicelib.lookout.entries import Entry, Location
    from chalicelib.lookout.masks import LabelledPixels
    from chalicelib.pictures import PictureLimits

AT_ONCE = 16
_MISSING = {"NoSuchKey", "404", "NoSuchBucket"}
_FORBIDDEN = {"AccessDenied", "403", "Forbidden"}
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Fetched:
    """Labelled pictures in files, in the order of their entries, and what could not be had."""

    pictures: tuple[LabelledPicture, ...]
    skipped: tuple[Skipped, ...]


class _UnusableError(Exception):
    """Why an object cannot be used."""


class PictureSource:
    """Fetches pictures and masks.

    Args:
        s3: S3 client; its pool should have `AT_ONCE` connections.
        limits: What a picture may measure.
        refusal: Why an object of a bucket may not be used, None where it may.
    """

    def __init__(
        self, s3: S3Client, limits: PictureLimits, refusal: Callable[[str | None, str], str | None]
    ) -> None:
        self._s3 = s3
        self._limits = limits
        self._refusal = refusal

    def fetch(
        self, entries: Sequence[Entry], folder: Path, progress: Callable[[int, int], None] = lambda *_: None
    ) -> Fetched:
        """Fetches what has a label.

        Args:
            entries: Of a dataset.
            folder: Where the files go.
            progress: Called with how many entries are done, of how many; what it raises ends the fetching.

        Returns:
            The pictures, named by their keys, and those that could not be had, with the reason.

        Raises:
            TrainingError: The disk is full.
        """
        labelled = [entry for entry in entries if entry.label is not None]
        folder.mkdir(parents=True, exist_ok=True)
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            futures = {
                pool.submit(self._one, entry, folder / f"{place:06}"): place
                for place, entry in enumerate(labelled)
            }
            found: dict[int, tuple[LabelledPicture | None, list[Skipped]]] = {}
            for done, future in enumerate(as_completed(futures), start=1):
                found[futures[future]] = future.result()
                progress(done, len(labelled))
        except OSError as error:
            if error.errno not in _FULL:
                raise
            message = (
                "The pictures do not fit on the function's disk: give train_model a larger one "
                "(functions = { train_model = { ephemeral_mb = ... } }), or train at the desk."
            )
            raise TrainingError(message) from error
        finally:
            pool.shutdown(cancel_futures=True)
        in_order = [found[place] for place in sorted(found)]
        return Fetched(
            tuple(picture for picture, _ in in_order if picture is not None),
            tuple(item for _, skipped in in_order for item in skipped),
        )

    def _one(self, entry: Entry, file: Path) -> tuple[LabelledPicture | None, list[Skipped]]:
        """One picture with its mask; a mask that is of no use is passed over, and said."""
        name = entry.source.key
        is_anomalous = entry.label == "anomaly"
        try:
            file.write_bytes(self._read(entry.source))
        except _UnusableError as error:
            return None, [Skipped(name, str(error))]
        if entry.mask is None or not is_anomalous:
            return LabelledPicture(file, name, is_anomalous), []
        try:
            pixels = read_mask(self._read(entry.mask.location), entry.mask, self._limits)
            _check_size(pixels, file)
        except (_UnusableError, MaskInvalidError) as error:
            told = Skipped(name, f"its mask was not used: {error}")
            return LabelledPicture(file, name, is_anomalous), [told]
        kinds, drawn = named_mask(pixels)
        mask = file.with_suffix(".png")
        mask.write_bytes(drawn)
        return LabelledPicture(file, name, is_anomalous, mask, kinds), []

    def _read(self, place: Location) -> bytes:
        if (refusal := self._refusal(place.bucket, place.key)) is not None:
            raise _UnusableError(refusal)
        try:
            answer = self._s3.get_object(Bucket=str(place.bucket), Key=place.key)
        except ClientError as error:
            if error_code(error) in _MISSING:
                message = f"{place} is not there"
                raise _UnusableError(message) from error
            if error_code(error) in _FORBIDDEN:
                message = f"{place} may not be read: {error.response['Error'].get('Message', '')}"
                raise _UnusableError(message) from error
            raise
        with answer["Body"] as body:
            if answer["ContentLength"] > self._limits.max_bytes:
                size, limit = answer["ContentLength"] / 1e6, self._limits.max_bytes / 1e6
                message = f"the file is too large: {size:.1f} MB, and the limit is {limit:g} MB"
                raise _UnusableError(message)
            return body.read()


def _check_size(pixels: LabelledPixels, picture: Path) -> None:
    """Refuses a mask of another size than its picture's, lying or standing."""
    try:
        with Image.open(picture, formats=["PNG", "JPEG"]) as image:
            size = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return  # that it is no picture is told where it is decoded
    height, width = pixels.indices.shape
    if size not in {(width, height), (height, width)}:
        message = f"it has {width} x {height} pixels, and the picture {size[0]} x {size[1]}"
        raise _UnusableError(message)
