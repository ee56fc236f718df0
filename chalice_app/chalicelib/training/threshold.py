"""Where normal ends: a threshold from the scores of normal pictures alone, or with labelled anomalies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.numerics import expit, student_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

# With fewer scores the empirical quantile hangs on one or two pictures, the largest of all.
_MIN_FOR_CONFORMAL = 60
# Interquartile range of the standard normal distribution.
_NORMAL_IQR = 1.349


# The steepest curve that so few labelled pictures can vouch for, and the flattest that is one.
_STEEPEST, _FLATTEST = 200.0, 0.1
_NEWTON_STEPS = 100
# A threshold that decides nothing is so many times beyond the scores.
_BEYOND = 1.5
# How each warning below begins.
_ROUGH, _ONE_SIDED = "The threshold is a rough estimate", "At these costs every picture is called"


class Threshold(NamedTuple):
    """A threshold, how it was found (`conformal`, `log-normal`, `cost`), a warning where it is a guess."""

    value: float
    method: str
    warning: str | None


def is_about_threshold(warning: str) -> bool:
    """Whether a model's warning is of the threshold that it has, and goes with it."""
    return warning.startswith((_ROUGH, _ONE_SIDED))


def choose_threshold(
    normal_scores: NDArray[np.float64], false_alarm_rate: float, pictures: int | None = None
) -> Threshold:
    """The score that a further normal picture exceeds with the given probability.

    From 60 normals on, conformal prediction (Vovk et al. 2005; Lei et al. 2018): a further score exceeds the
    k-th smallest of n with probability 1 - k / (n + 1), which assumes nothing but that pictures come in no
    order. Where k = (n + 1)(1 - rate) is no whole number, the threshold is between two scores, interpolated
    in their logarithms: always the upper one would give a rate of .038 with 78 pictures where .05 is asked
    for. Below 60 normals, or where k exceeds n, the upper prediction limit of a log-normal:
    exp(m + t · s · √(1 + 1/n)), t from
    Student's distribution with n - 1 degrees of freedom, m the median of the log-scores and s their
    interquartile range over 1.349. Quartiles, and not mean and standard deviation, because one anomalous
    picture among thirty "normal" ones would otherwise hide all others.

    Args:
        normal_scores: Out-of-sample scores of normal pictures, at least two, greater than 0.
        false_alarm_rate: The probability, between 0 and 0.5.
        pictures: How many pictures the scores are of, where altered copies of them have scores, too: those
            tell what light and focus do, and nothing of other parts. None where there are no copies.
    """
    given = pictures or len(normal_scores)
    needed = max(_MIN_FOR_CONFORMAL, math.ceil(1 / false_alarm_rate) - 1)
    warning = None
    if given < needed:
        warning = f"{_ROUGH} from {given} normal pictures; with {needed} or more it is measured instead."
    count = len(normal_scores)
    if count >= _MIN_FOR_CONFORMAL and (count + 1) * (1 - false_alarm_rate) <= count:
        # NumPy calls this rank Weibull's.
        logs = np.quantile(np.log(normal_scores), 1 - false_alarm_rate, method="weibull")
        return Threshold(float(np.exp(logs)), "conformal", warning)
    value = _log_normal_limit(np.log(normal_scores), false_alarm_rate)
    return Threshold(value, "log-normal", warning)


class LogisticCurve(NamedTuple):
    """p(s) = 1 / (1 + (even / s) ** steepness): one half where s is `even`."""

    even: float
    steepness: float


def fit_logistic_curve(
    normal_scores: NDArray[np.float64], anomaly_scores: NDArray[np.float64]
) -> LogisticCurve:
    """The probability of an anomaly at a score, when both kinds come equally often.

    Platt's logistic regression on the logarithm of the score ("Probabilistic Outputs for Support Vector
    Machines", 1999), each kind with half the weight. Its targets are not 0 and 1 but what n pictures of a
    kind can vouch for, 1 / (n + 2) from either end: this is what keeps the curve from becoming a step where
    the kinds do not overlap.

    Args:
        normal_scores: Scores of normal pictures by models that have not seen them, at least two.
        anomaly_scores: The same of anomalies, at least one.
    """
    logs = np.log(np.concatenate([normal_scores, anomaly_scores]))
    counts = (len(normal_scores), len(anomaly_scores))
    targets = np.repeat([1 / (counts[0] + 2), 1 - 1 / (counts[1] + 2)], counts)
    weights = np.repeat([0.5 / counts[0], 0.5 / counts[1]], counts)
    centre = float(np.median(np.log(normal_scores)))
    scale = float(np.log(normal_scores).std()) or 1.0
    design = np.column_stack([(logs - centre) / scale, np.ones(len(logs))])
    slope, bias = _newton(design, targets, weights)
    steepness = float(np.clip(slope / scale, _FLATTEST, _STEEPEST))
    if slope / scale <= _FLATTEST:  # the scores do not tell the kinds apart: half way between them
        medians = [np.median(np.log(scores)) for scores in (normal_scores, anomaly_scores)]
        return LogisticCurve(math.exp(float(np.mean(medians))), steepness)
    return LogisticCurve(math.exp(centre - scale * bias / slope), steepness)


def cost_threshold(
    curve: LogisticCurve, scores: NDArray[np.float64], cost_miss: float, cost_alarm: float
) -> Threshold:
    """The score above which a miss would cost more than an alarm, if both kinds came equally often.

    Where they do not, the costs have to be multiplied by how often each kind comes. Where the scores tell the
    kinds apart too little for such costs, or so few pictures cannot vouch for it, all are best called the
    same: the threshold then stays near the scores, which decides as much as one that no score can reach, and
    a warning says so.

    Args:
        curve: The probability of an anomaly.
        scores: Of pictures of both kinds, by models that have not seen them.
        cost_miss: What a missed anomaly costs.
        cost_alarm: What a false alarm costs.
    """
    lowest, highest = float(scores.min()), float(scores.max())
    shift = (math.log(cost_alarm) - math.log(cost_miss)) / curve.steepness
    wanted = math.log(curve.even) + shift
    value = math.exp(min(math.log(highest * _BEYOND), max(math.log(lowest / _BEYOND), wanted)))
    if lowest < value < highest:
        return Threshold(value, "cost", None)
    called = "anomalous" if value <= lowest else "normal"
    warning = (
        f"{_ONE_SIDED} {called}: the pictures are too few, or their scores tell "
        "normal from anomalous too little. Take costs that are closer to each other, or a false-alarm rate, "
        "or label more pictures."
    )
    return Threshold(value, "cost", warning)


def _newton(
    design: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and bias of the weighted logistic regression with soft targets."""
    values = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        expected = expit(design @ values)
        gradient = design.T @ (weights * (expected - targets))
        curvature = design.T @ (design * (weights * expected * (1 - expected))[:, None])
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        values = values - step * min(1.0, 1 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    return float(values[0]), float(values[1])


def _log_normal_limit(logs: NDArray[np.float64], false_alarm_rate: float) -> float:
    count = len(logs)
    lower, median, upper = np.quantile(logs, (0.25, 0.5, 0.75))
    # Equal quartiles come from copies of one picture: then the other pictures tell the spread.
    spread = (upper - lower) / _NORMAL_IQR or logs.std(ddof=1)
    quantile = student_quantile(count - 1, 1 - false_alarm_rate)
    return math.exp(median + quantile * spread * math.sqrt(1 + 1 / count))
