"""Compares the masks that a model predicts with those that labelled pictures have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chalicelib.anomalies import ANOMALY
from chalicelib.exceptions import PictureRejectedError
from chalicelib.measuring.kind_pixels import KindMetrics, KindPixels
from chalicelib.pictures import read_picture
from chalicelib.training.masks import pixels_by_kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.detector import Detector
    from chalicelib.measuring.pictures import LabelledPicture
    from chalicelib.pictures import Picture


class MaskComparison:
    """Takes pictures whose truth is known: normal ones, and anomalous ones with a mask.

    Args:
        detector: The model.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._names = tuple(kind.name for kind in detector.metadata.kinds)
        self._pixels = KindPixels(self._names)

    def add(self, labelled: LabelledPicture, picture: Picture, kind_map: NDArray[np.uint8]) -> None:
        """Compares one picture's masks.

        Args:
            labelled: Has the true mask.
            picture: The same, decoded.
            kind_map: What was predicted (`Detection.kind_map`).

        Raises:
            OSError: The mask's file cannot be read.
        """
        truth = self._truth(labelled)
        if truth is not None:
            self._pixels.add(kind_map, picture.width, picture.height, truth)

    def add_held_out(self, labelled: LabelledPicture, kind_map: NDArray[np.uint8]) -> None:
        """Compares one picture's masks; what cannot be read is passed over.

        Args:
            labelled: Has the true mask.
            kind_map: What a model that had not seen the picture predicted in the square that models see.
        """
        if labelled.mask is None and not kind_map.any():
            return
        try:
            data = labelled.path.read_bytes()
            picture = read_picture(data, min_decoded_side=self._detector.min_decoded_side)
            framing = self._detector.metadata.framing
            seen = framing.in_picture(kind_map.astype(np.float32), picture.width, picture.height)
            self.add(labelled, picture, seen.astype(np.uint8))
        except (PictureRejectedError, OSError):
            return

    def metrics(self) -> tuple[KindMetrics, ...]:
        """How well they fit, for each kind that the true masks show."""
        return self._pixels.metrics()

    def _truth(self, labelled: LabelledPicture) -> dict[str, NDArray[np.bool_]] | None:
        """Pixels by kind, none of a normal picture; None where it is not known."""
        if not labelled.is_anomalous:
            return {}
        if labelled.mask is None or not (labelled.kinds or self._names == (ANOMALY,)):
            return None
        try:
            return pixels_by_kind(labelled.mask.read_bytes(), labelled.kinds or (ANOMALY,))
        except ValueError:
            return None
