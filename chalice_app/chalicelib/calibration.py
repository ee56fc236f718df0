"""From an anomaly score to a probability.

The score is a distance, so its logarithm is what is roughly normal. The probability that a picture is
anomalous is a logistic curve in the log-score through two points that training measured:

    p(s) = 1 / (1 + (t / s) ** k)        with k = ln 19 / ln(t / m)

- at the threshold `t`: p = 0.5 exactly, so that `p > 0.5` and `s > t` are the same statement;
- at the median `m` of the normal pictures (each scored as if it had not been trained on): p = 0.05.

Without labelled anomalies this is a convention, not a frequency: it orders pictures as the score does and
says how far from the threshold one is, measured in the spread of the normal pictures. With them, training
measures k itself, by logistic regression of the labels on the log-scores of pictures that the model had not
seen: where the threshold stands at equal costs, p is then the probability at equal numbers of both kinds.
"""

from __future__ import annotations

import math

P_AT_NORMAL_MEDIAN = 0.05
# Normals so alike that threshold and median meet would make a step of the curve: its steepness is bounded.
_MIN_LOG_SPREAD = math.log(1.05)
# Beyond this the logistic is 0 or 1 in double precision, and exp() would overflow.
_MAX_LOGIT = 700.0


def probability(
    score: float, threshold: float, normal_median: float, steepness: float | None = None
) -> float:
    """The probability that a picture with this score is anomalous.

    Args:
        score: Anomaly score, at least 0; infinity is the surest anomaly.
        threshold: The score above which a picture is anomalous, greater than 0.
        normal_median: Median score of normal pictures, greater than 0.
        steepness: k, greater than 0, where training measured it; None takes it from the normal median.

    Returns:
        Between 0 and 1, never falling as the score rises, 0.5 exactly at the threshold.

    Raises:
        ValueError: A value is NaN or out of range.
    """
    usable = steepness is None or 0 < steepness < math.inf
    if not (usable and score >= 0 and 0 < threshold < math.inf and 0 < normal_median < math.inf):
        message = (
            f"no probability for score {score}, threshold {threshold}, normal median {normal_median}, "
            f"steepness {steepness}"
        )
        raise ValueError(message)
    if score == 0:
        return 0.0
    if steepness is None:
        spread = max(math.log(threshold) - math.log(normal_median), _MIN_LOG_SPREAD)
        steepness = math.log(1 / P_AT_NORMAL_MEDIAN - 1) / spread
    logit = steepness * (math.log(score) - math.log(threshold))
    return 1 / (1 + math.exp(-max(-_MAX_LOGIT, min(_MAX_LOGIT, logit))))
