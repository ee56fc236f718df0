"""What the report's charts show, as coordinates: the template only draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Points = tuple[tuple[float, float], ...]

_LEAST_SPAN = 1e-6  # of logarithms
_BINS = 36
_MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve in the unit square, y upwards.

    Attributes:
        points: From left to right.
        at_threshold: The point that the model's threshold picks.
        area: Under the curve.
    """

    points: Points
    at_threshold: tuple[float, float]
    area: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of the histogram: left edge and width in 0 to 1, counts of each label, heights in 0 to 1."""

    left: float
    width: float
    normals: int
    anomalies: int
    normal_height: float
    anomaly_height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Scores of both labels on one logarithmic axis.

    Attributes:
        bars: The bins that hold something, from left to right.
        threshold: Where the threshold is, 0 to 1.
        ticks: Where a score is written, and what.
    """

    bars: tuple[Bar, ...]
    threshold: float
    ticks: tuple[tuple[float, str], ...]


def roc(labels: Sequence[bool], scores: Sequence[float], threshold: float) -> Curve:
    """False-alarm rate against recall.

    Args:
        labels: True for each anomalous picture; there are both kinds.
        scores: One for each picture.
        threshold: The model's.
    """
    truth, called = _calls(labels, scores, threshold)
    found, alarms = (np.append(0, counts) / counts[-1] for counts in _steps(truth, scores))
    at_threshold = (float(called[~truth].mean()), float(called[truth].mean()))
    return Curve(_points(alarms, found), at_threshold, float(np.trapezoid(found, alarms)))


def precision_recall(labels: Sequence[bool], scores: Sequence[float], threshold: float) -> Curve:
    """Recall against precision; the area is the average precision. Arguments as in `roc`."""
    truth, called = _calls(labels, scores, threshold)
    found, alarms = _steps(truth, scores)
    precision, recall = np.append(1, found / (found + alarms)), np.append(0, found / found[-1])
    precise = float(truth[called].mean()) if called.any() else 1.0
    at_threshold = (float(called[truth].mean()), precise)
    area = float(np.diff(recall) @ precision[1:])
    return Curve(_points(recall, precision), at_threshold, area)


def histogram(labels: Sequence[bool], scores: Sequence[float], threshold: float) -> Histogram:
    """How the scores are spread. Arguments as in `roc`; one kind of picture is enough."""
    truth = np.asarray(labels, bool)
    logs = np.log(np.maximum(np.asarray(scores, float), threshold * 1e-3))
    low, high = min(logs.min(), math.log(threshold)), max(logs.max(), math.log(threshold))
    # Where all is the same, rounding may leave a difference too small for bins.
    margin = 0.04 * (high - low) if high - low > _LEAST_SPAN else 0.1
    low, high = low - margin, high + margin
    normals, _ = np.histogram(logs[~truth], _BINS, (low, high))
    anomalies, _ = np.histogram(logs[truth], _BINS, (low, high))
    bars = tuple(
        Bar(
            round(index / _BINS, 4),
            round(1 / _BINS, 4),
            int(normal),
            int(anomalous),
            float(normal / max(1, normals.max())),
            float(anomalous / max(1, anomalies.max())),
        )
        for index, (normal, anomalous) in enumerate(zip(normals, anomalies, strict=True))
        if normal or anomalous
    )
    ticks = tuple(
        ((math.log(tick) - low) / (high - low), format(tick, "g"))
        for tick in _ticks(math.exp(low), math.exp(high))
    )
    return Histogram(bars, (math.log(threshold) - low) / (high - low), ticks)


def _calls(
    labels: Sequence[bool], scores: Sequence[float], threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return np.asarray(labels, bool), np.asarray(scores, float) > threshold


def _steps(truth: NDArray[np.bool_], scores: Sequence[float]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each distinct score, the largest first: anomalies and normal pictures with that score or more."""
    values = np.asarray(scores, float)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
    found = np.cumsum(truth[order])[last]
    return found, last + 1 - found


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> Points:
    return tuple((round(float(a), 4), round(float(b), 4)) for a, b in zip(x, y, strict=True))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two scores: 1, 2 or 5 times a power of ten; finer or coarser where need be."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [
            step * 10.0**decade for decade in decades for step in steps if low < step * 10.0**decade < high
        ]
        if len(ticks) > _MOST_TICKS:
            powers = [10.0**decade for decade in decades if low < 10.0**decade < high]
            return powers[:: math.ceil(len(powers) / _MOST_TICKS)]
        if len(ticks) >= 3:
            return ticks
    return ticks or [math.sqrt(low * high)]
