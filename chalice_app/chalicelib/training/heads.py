"""Linear heads that learn from labelled anomalies: on whole pictures, and on single patches.

All three are closed-form or convex and small, weigh both classes alike however few the anomalies are, and
come back as plain weights, so that a graph computes them with one matrix product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.numerics import expit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LDA_RIDGE = 0.1
# Weight of the data against the penalty |w|² / 2 of the patch logistic, as a share: strong, because hard
# normal patches are few and chosen.
_LOGISTIC_WEIGHT = 0.003
_NEWTON_STEPS = 25
# Of the values of examples left out: a kind that cannot be told must not outshout those that can.
_LEAST_GAP = 0.1


class Linear(NamedTuple):
    """`weights @ x + bias`."""

    weights: NDArray[np.float64]
    bias: float

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """The value of each row `(…, features)`."""
        values = rows @ self.weights.astype(rows.dtype) + self.bias
        return values.astype(np.float64)

    def before(self, mean: NDArray[np.float64], scale: NDArray[np.float64]) -> Linear:
        """The same judge of features not yet standardised by `(x - mean) * scale`."""
        weights = self.weights * scale
        return Linear(weights, self.bias - float(weights @ mean))


def fit_ridge(rows: NDArray[np.float64], is_anomalous: NDArray[np.bool_], penalty: float = 1.0) -> Linear:
    """Class-balanced ridge regression of ±1 on standardised features, solved in its dual form.

    Args:
        rows: `(pictures, features)`; may have many more features than pictures.
        is_anomalous: `(pictures,)`, with both kinds among them.
        penalty: Of the squared weights, for features divided by the square root of their number.
    """
    dual = _Dual.of(rows, is_anomalous, penalty, rows.std(axis=0))
    return dual.linear(np.linalg.solve(dual.kernel, dual.wanted))


def fit_against_others(rows: NDArray[np.float64], is_kind: NDArray[np.bool_], penalty: float) -> Linear:
    """The same, scaled so that an unseen example of the kind has the value 1 on average, and any other -1.

    The value that the fit to all other examples gives one is y - a / diag(K⁻¹), where K a = y is the dual
    form (Cawley and Talbot, "Fast exact leave-one-out cross-validation of sparse least-squares support vector
    machines", 2004). The features' means and their deviation are those of all examples. One deviation serves
    all features: each by its own would magnify those in which the examples hardly differ, and what is of no
    kind at all may differ in just these.

    Args:
        rows: `(examples, features)`.
        is_kind: `(examples,)`, with both among them.
        penalty: As for `fit_ridge`.
    """
    dual = _Dual.of(rows, is_kind, penalty, np.full(rows.shape[1], rows.var(axis=0).mean() ** 0.5))
    inverse = np.linalg.inv(dual.kernel)
    solution = inverse @ dual.wanted
    unseen = dual.wanted - solution / np.diag(inverse)
    own, others = float(unseen[is_kind].mean()), float(unseen[~is_kind].mean())
    half = max((own - others) / 2, _LEAST_GAP)
    weights, bias = dual.linear(solution)
    return Linear(weights / half, (bias - (own + others) / 2) / half)


class _Dual(NamedTuple):
    """A class-balanced ridge regression in its dual form: `kernel @ solution = wanted`."""

    kernel: NDArray[np.float64]
    wanted: NDArray[np.float64]
    scaled: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        rows: NDArray[np.float64],
        is_positive: NDArray[np.bool_],
        penalty: float,
        spread: NDArray[np.float64],
    ) -> _Dual:
        """Of features that are divided by their `spread` first."""
        scale = 1 / ((spread + 1e-3 * spread.mean() + 1e-9) * np.sqrt(rows.shape[1]))
        mean = rows.mean(axis=0)
        scaled = rows - mean
        scaled *= scale
        positives = int(is_positive.sum())
        importance = np.where(is_positive, 0.5 / positives, 0.5 / (len(rows) - positives)) * len(rows)
        kernel = scaled @ scaled.T + 1 + np.diag(penalty / importance)
        return cls(kernel, np.where(is_positive, 1.0, -1.0), scaled, mean, scale)

    def linear(self, solution: NDArray[np.floating]) -> Linear:
        weights = self.scaled.T @ solution * self.scale
        return Linear(weights, float(solution.sum() - weights @ self.mean))


class Moments(NamedTuple):
    """Count, sum and sum of outer products of patches: what of normal patches a discriminant needs."""

    patches: int
    total: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def of(cls, patches: NDArray[np.float32]) -> Moments:
        """Of patches `(count, features)`."""
        return cls(len(patches), patches.sum(axis=0, dtype=np.float64), _float64(patches.T @ patches))

    @classmethod
    def total_of(cls, parts: Sequence[Moments]) -> Moments:
        """Of several sets of patches together."""
        totals, products = [part.total for part in parts], [part.products for part in parts]
        return cls(sum(part.patches for part in parts), np.sum(totals, axis=0), np.sum(products, axis=0))


def fit_discriminant(
    normal: Moments, anomalous: NDArray[np.float32], importance: NDArray[np.float64]
) -> Linear:
    """Fisher's linear discriminant of anomalous patches against normal ones.

    The covariance is the normal one, mixed with the anomalous one in the measure that its number of patches
    deserves (half at most), plus a ridge of a tenth of the mean variance.

    Args:
        normal: Of the normal patches, standardised.
        anomalous: `(patches, features)`.
        importance: `(patches,)`, each patch's share; sums to 1.
    """
    count, width = anomalous.shape
    normal_mean = normal.total / normal.patches
    covariance = normal.products / normal.patches - np.outer(normal_mean, normal_mean)
    mean = importance @ anomalous
    away = _float64(anomalous) - mean
    share = min(0.5, count / (count + 5 * width))
    ridge = _LDA_RIDGE * float(covariance.diagonal().mean())
    mixed = (1 - share) * covariance + share * (away * importance[:, None]).T @ away
    mixed[np.diag_indices(width)] += ridge
    return Linear(np.linalg.solve(mixed, mean - normal_mean), 0.0)


def fit_logistic(
    rows: NDArray[np.float32], is_anomalous: NDArray[np.bool_], importance: NDArray[np.float64]
) -> Linear:
    """Logistic regression with a penalty on the weights and none on the bias, by Newton's method.

    Minimises |w|² / 2 + c Σ importance · log-loss: a strictly convex problem with one solution. The bias is
    left out of what comes back: it would shift scores from fold to fold and rank no patch.

    Args:
        rows: `(samples, features)`, standardised.
        is_anomalous: `(samples,)`.
        importance: `(samples,)`; its sum says how much the data weigh against the penalty.
    """
    design = np.column_stack([rows, np.ones(len(rows))])  # in double precision, as the ones are
    penalty = np.append(np.ones(rows.shape[1]), 1e-9)
    importance = _LOGISTIC_WEIGHT * importance
    weights = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        expected = expit(design @ weights)
        gradient = design.T @ (importance * (expected - is_anomalous)) + penalty * weights
        curvature = design.T @ (design * (importance * expected * (1 - expected))[:, None]) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        # A full Newton step may overshoot where the curve is flat: bounded, it still converges.
        weights = weights - step * min(1.0, 10 / max(float(np.linalg.norm(step)), 1e-300))
        if np.abs(step).max() < 1e-8:
            break
    return Linear(weights[:-1], 0.0)


def _float64(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return values.astype(np.float64)
