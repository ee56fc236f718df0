"""Where normal ends: a threshold from the scores of normal pictures alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from numpy.typing import NDArray

# With fewer scores the empirical quantile hangs on one or two pictures, the largest of all.
_MIN_FOR_CONFORMAL = 60
# Interquartile range of the standard normal distribution.
_NORMAL_IQR = 1.349


class Threshold(NamedTuple):
    """A threshold, how it was found (`conformal` or `log-normal`), a warning where it is a rough guess."""

    value: float
    method: str
    warning: str | None


def choose_threshold(normal_scores: NDArray[np.float64], false_alarm_rate: float) -> Threshold:
    """The score that a further normal picture exceeds with at most the given probability.

    From 60 normals on, conformal prediction (Vovk et al. 2005; Lei et al. 2018): the k-th smallest of n
    scores, k = ⌈(n + 1)(1 - rate)⌉. It assumes nothing but that pictures come in no order. Below 60 normals,
    or where k exceeds n, the upper prediction limit of a log-normal: exp(m + t · s · √(1 + 1/n)), t from
    Student's distribution with n - 1 degrees of freedom, m the median of the log-scores and s their
    interquartile range over 1.349. Quartiles, and not mean and standard deviation, because one anomalous
    picture among thirty "normal" ones would otherwise hide all others.

    Args:
        normal_scores: Out-of-sample scores of normal pictures, at least two, greater than 0.
        false_alarm_rate: The probability, between 0 and 0.5.
    """
    count = len(normal_scores)
    rank = math.ceil((count + 1) * (1 - false_alarm_rate))
    if count >= _MIN_FOR_CONFORMAL and rank <= count:
        return Threshold(float(np.sort(normal_scores)[rank - 1]), "conformal", None)
    value = _log_normal_limit(np.log(normal_scores), false_alarm_rate)
    needed = max(_MIN_FOR_CONFORMAL, math.ceil(1 / false_alarm_rate) - 1)
    warning = (
        f"The threshold is a rough estimate from {count} normal pictures; "
        f"with {needed} or more it is measured instead."
    )
    return Threshold(value, "log-normal", warning)


def _log_normal_limit(logs: NDArray[np.float64], false_alarm_rate: float) -> float:
    count = len(logs)
    lower, median, upper = np.quantile(logs, (0.25, 0.5, 0.75))
    # Equal quartiles come from copies of one picture: then the other pictures tell the spread.
    spread = (upper - lower) / _NORMAL_IQR or logs.std(ddof=1)
    quantile = stdtrit(count - 1, 1 - false_alarm_rate)
    return math.exp(median + quantile * spread * math.sqrt(1 + 1 / count))
