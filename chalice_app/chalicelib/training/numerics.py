"""The few numerical functions that NumPy lacks.

SciPy has them all, and would take nearly half of what a Lambda function with its layers may weigh.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALVINGS = 100


def expit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, 1 / (1 + exp(-x)), without overflow."""
    result: NDArray[np.float64] = np.exp(-np.logaddexp(0, -values))
    return result


def invert_lower(factor: NDArray[np.floating]) -> NDArray[np.float64]:
    """The inverse of a lower triangular matrix: exactly zero above the diagonal, too.

    Of the blocks ((A, 0), (B, C)) the inverse is ((A⁻¹, 0), (-C⁻¹ B A⁻¹, C⁻¹)), block by block down to single
    numbers.

    Args:
        factor: `(n, n)` without a zero on its diagonal.
    """
    size = len(factor)
    if size == 1:
        return (1 / factor).astype(np.float64)
    half = size // 2
    result = np.zeros(factor.shape)
    result[:half, :half] = invert_lower(factor[:half, :half])
    result[half:, half:] = invert_lower(factor[half:, half:])
    result[half:, :half] = -result[half:, half:] @ (factor[half:, :half] @ result[:half, :half])
    return result


def cosine_transform(size: int) -> NDArray[np.float64]:
    """The matrix `(size, size)` of the cosine transform (type II, not normalised): `C @ x` transforms x."""
    frequencies, places = np.mgrid[0:size, 0:size]
    matrix: NDArray[np.float64] = 2 * np.cos(np.pi * frequencies * (2 * places + 1) / (2 * size))
    return matrix


def student_quantile(degrees: int, probability: float) -> float:
    """What Student's t exceeds with the probability `1 - probability`.

    For whole degrees of freedom the distribution is a finite sum of positive terms in the angle
    atan(t / √degrees) (Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4); its
    inverse is found by bisection.

    Args:
        degrees: Of freedom, 1 or more.
        probability: 0.5 or more, and less than 1.
    """
    wanted = 2 * probability - 1
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _student_within(degrees, middle) < wanted:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _student_within(degrees: int, angle: float) -> float:
    """The probability that |t| is below √degrees tan(angle)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = degrees % 2
    term, total = (cosine, 0.0) if is_odd else (1.0, 0.0)
    for step in range(1 + is_odd, degrees, 2):
        total += term
        term *= step / (step + 1) * cosine**2
    return 2 / math.pi * (angle + sine * total) if is_odd else sine * total


def auroc(values: NDArray[np.float64], is_anomalous: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often an anomaly scores above a normal picture, ties counting half."""
    normal = np.sort(values[~is_anomalous])
    anomalous = values[is_anomalous]
    below = np.searchsorted(normal, anomalous, "left") + np.searchsorted(normal, anomalous, "right")
    return float(below.mean() / 2 / len(normal))
