"""How good verdicts and heat maps are, when the truth is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.measuring.components import label_components
from chalicelib.training.numerics import auroc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_AUPRO_LIMIT = 0.3
# Heat maps are compared with masks at this many pixels a side.
SIDE = 256


@dataclass(frozen=True, slots=True)
class ImageMetrics:
    """How well whole pictures were told apart; None where the pictures cannot tell.

    Attributes:
        image_auroc: Area under the ROC curve of the scores.
        precision: Of the pictures called anomalous, the share that is.
        recall: Of the anomalous pictures, the share that was called so.
        f1: Harmonic mean of the two.
        false_alarm_rate: Of the normal pictures, the share that was called anomalous.
    """

    image_auroc: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    false_alarm_rate: float | None


def image_metrics(labels: ArrayLike, scores: ArrayLike, threshold: float) -> ImageMetrics:
    """Measures scores against labels.

    Args:
        labels: True for each anomalous picture.
        scores: One for each picture; above the threshold it is called anomalous.
        threshold: The model's.
    """
    truth, values = np.asarray(labels, bool), np.asarray(scores, float)
    if not truth.size:
        return ImageMetrics(None, None, None, None, None)
    called = values > threshold
    has_anomalies, has_normals = bool(truth.any()), bool((~truth).any())
    found, alarms = int((called & truth).sum()), int((called & ~truth).sum())
    anomalies = int(truth.sum())
    return ImageMetrics(
        image_auroc=auroc(values, truth) if has_anomalies and has_normals else None,
        precision=found / (found + alarms) if has_anomalies and called.any() else None,
        recall=found / anomalies if has_anomalies else None,
        f1=2 * found / (anomalies + found + alarms) if has_anomalies else None,
        false_alarm_rate=float(called[~truth].mean()) if has_normals else None,
    )


class PixelMetrics:
    """Pixel AUROC and AUPRO over any number of pictures, in constant memory.

    Pixels are counted in fine bins of the logarithm of their distance, so that both figures are those of
    scores rounded to three parts in a thousand. AUPRO is Bergmann et al.'s ("The MVTec Anomaly Detection
    Dataset", 2021): the mean share found of each connected anomaly, over false-positive rates up to 0.3,
    divided by 0.3.
    """

    _BINS = 4096
    _LOG_RANGE = 6.0  # distances from threshold / e⁶ to threshold · e⁶

    def __init__(self, threshold: float) -> None:
        self._log_threshold = math.log(threshold)
        self._normal = np.zeros(self._BINS)
        self._anomalous = np.zeros(self._BINS)
        self._found: list[NDArray[np.float64]] = []

    def add(self, distances: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> None:
        """Counts one picture.

        Args:
            distances: `(H, W)` heat map at the mask's size.
            mask: `(H, W)`, True where the anomaly is; None for a normal picture.
        """
        bins = self._bins(distances)
        if mask is None:
            self._normal += np.bincount(bins.ravel(), minlength=self._BINS)
            return
        self._normal += np.bincount(bins[~mask], minlength=self._BINS)
        self._anomalous += np.bincount(bins[mask], minlength=self._BINS)
        components = label_components(mask)
        for component in range(1, components.max() + 1):
            histogram = np.bincount(bins[components == component], minlength=self._BINS)
            self._found.append(_share_at_or_above(histogram))

    def auroc(self) -> float | None:
        """Area under the ROC curve of all pixels; None without pixels of both kinds."""
        if not (self._normal.any() and self._anomalous.any()):
            return None
        found = np.append(0, _share_at_or_above(self._anomalous)[::-1])
        alarms = np.append(0, _share_at_or_above(self._normal)[::-1])
        return float(np.trapezoid(found, alarms))

    def aupro(self) -> float | None:
        """Area under the per-region overlap curve; None without anomalous regions or normal pixels."""
        if not (self._normal.any() and self._found):
            return None
        found = np.append(0, np.mean(self._found, axis=0)[::-1])
        alarms = np.append(0, _share_at_or_above(self._normal)[::-1])
        at_limit = np.interp(_AUPRO_LIMIT, alarms, found)
        within = alarms < _AUPRO_LIMIT
        x, y = np.append(alarms[within], _AUPRO_LIMIT), np.append(found[within], at_limit)
        return float(np.trapezoid(y, x) / _AUPRO_LIMIT)

    def _bins(self, distances: NDArray[np.float32]) -> NDArray[np.intp]:
        logs = np.log(np.maximum(distances, 1e-30)) - self._log_threshold
        scaled = (logs / self._LOG_RANGE + 1) / 2 * self._BINS
        return np.clip(scaled, 0, self._BINS - 1).astype(np.intp)


def _share_at_or_above(histogram: NDArray[np.float64] | NDArray[np.intp]) -> NDArray[np.float64]:
    """For each bin, the share of the counts in it and above."""
    result: NDArray[np.float64] = np.cumsum(histogram[::-1])[::-1] / histogram.sum()
    return result
