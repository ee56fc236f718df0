"""Where normal ends: a threshold from the scores of normal pictures alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

# With fewer scores the empirical quantile hangs on one or two pictures, the largest of all.
_MIN_FOR_CONFORMAL = 60


class Threshold(NamedTuple):
    """A threshold, how it was found (`conformal` or `log-normal`), a warning where it is a rough guess."""

    value: float
    method: str
    warning: str | None


def choose_threshold(normal_scores: NDArray[np.float64], false_alarm_rate: float) -> Threshold:
    """The score that a further normal picture exceeds with at most the given probability.

    From 60 normals on, conformal prediction (Vovk et al. 2005; Lei et al. 2018): the k-th smallest of n
    scores, k = ⌈(n + 1)(1 - rate)⌉. It assumes nothing but that pictures come in no order. Below 60 normals,
    or where k exceeds n, the upper prediction limit of a log-normal: exp(mean + t · s · √(1 + 1/n)) of the
    log-scores, t from Student's distribution with n - 1 degrees of freedom.

    Args:
        normal_scores: Out-of-sample scores of normal pictures, at least two, greater than 0.
        false_alarm_rate: The probability, between 0 and 0.5.
    """
    count = len(normal_scores)
    rank = math.ceil((count + 1) * (1 - false_alarm_rate))
    if count >= _MIN_FOR_CONFORMAL and rank <= count:
        return Threshold(float(np.sort(normal_scores)[rank - 1]), "conformal", None)
    logs = np.log(normal_scores)
    quantile = float(stats.t.ppf(1 - false_alarm_rate, count - 1))
    value = math.exp(logs.mean() + quantile * logs.std(ddof=1) * math.sqrt(1 + 1 / count))
    needed = max(_MIN_FOR_CONFORMAL, math.ceil(1 / false_alarm_rate) - 1)
    warning = (
        f"The threshold is a rough estimate from {count} normal pictures; "
        f"with {needed} or more it is measured instead."
    )
    return Threshold(value, "log-normal", warning)
