"""How far a measured figure can be trusted: 95 % confidence intervals.

Shares (recall, precision, false alarms) have Wilson's interval (1927). The AUROC has Newcombe's score-based
one (Statistics in Medicine 25, 2006, method 5): the values A with |A - measured| ≤ z √V(A), V being Hanley
and McNeil's variance with both sample sizes replaced by their mean where one is subtracted. Unlike the
bootstrap, both stay honest at 1.000: fourteen pictures without a mistake are no proof. F1, which is no share,
has the bootstrap's percentiles, resampled within each label.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.measuring.metrics import image_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Interval = tuple[float, float]

_Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
_RESAMPLES = 1000


def wilson(hits: int, count: int) -> Interval:
    """The interval of a share.

    Args:
        hits: How many, of
        count: how many; at least one.
    """
    share, square = hits / count, _Z**2 / count
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == count else middle + half)


def auroc_interval(auroc: float, normals: int, anomalies: int) -> Interval:
    """The interval of an area under a ROC curve.

    Args:
        auroc: As measured.
        normals: How many normal pictures it was measured on.
        anomalies: How many anomalous ones.
    """

    def half_width(area: float) -> float:
        others = (normals + anomalies) / 2 - 1
        spread = 1 + others * (1 - area) / (2 - area) + others * area / (1 + area)
        return _Z * math.sqrt(area * (1 - area) * spread / (normals * anomalies))

    def edge(outside: float) -> float:
        """Bisects between the measured area, which is inside the interval, and 0 or 1."""
        inside = auroc
        for _ in range(50):
            middle = (inside + outside) / 2
            if abs(middle - auroc) <= half_width(middle):
                inside = middle
            else:
                outside = middle
        return inside

    return edge(0.0), edge(1.0)


def f1_interval(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> Interval:
    """The bootstrap's interval of F1; the same pictures give the same interval.

    Args:
        truth: Which pictures are anomalous; some are, some are not.
        called: Which were called so.
    """
    generator = np.random.default_rng(0)
    anomalies, normals = int(truth.sum()), int((~truth).sum())
    found = generator.binomial(anomalies, called[truth].mean(), _RESAMPLES)
    alarms = generator.binomial(normals, called[~truth].mean(), _RESAMPLES)
    values = 2 * found / (anomalies + found + alarms)
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def confidence_intervals(
    labels: Sequence[bool], scores: Sequence[float], threshold: float
) -> dict[str, Interval]:
    """The intervals of what `metrics.image_metrics` measures; what cannot be measured has none.

    Args:
        labels: True for each anomalous picture.
        scores: One for each picture.
        threshold: Above it a picture is called anomalous.
    """
    truth, called = np.asarray(labels, bool), np.asarray(scores, float) > threshold
    anomalies, normals = int(truth.sum()), int((~truth).sum())
    found, alarms = int((called & truth).sum()), int((called & ~truth).sum())
    intervals: dict[str, Interval] = {}
    if anomalies and normals:
        auroc = image_metrics(labels, scores, threshold).image_auroc
        if auroc is not None:
            intervals["image_auroc"] = auroc_interval(auroc, normals, anomalies)
        intervals["f1"] = f1_interval(truth, called)
    if found + alarms and anomalies:
        intervals["precision"] = wilson(found, found + alarms)
    if anomalies:
        intervals["recall"] = wilson(found, anomalies)
    if normals:
        intervals["false_alarm_rate"] = wilson(alarms, normals)
    return intervals
