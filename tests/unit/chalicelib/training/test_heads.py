"""The judges that learn are what their formulas say: solved another, slower way they are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import minimize

from chalicelib.training.heads import (
    Linear,
    Moments,
    fit_against_others,
    fit_discriminant,
    fit_logistic,
    fit_ridge,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rows(count: int, width: int, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    return generator.normal(3, 2, (count, width)) * np.arange(1, width + 1)


LABELS = np.arange(20) >= 15


def test_the_dual_ridge_is_the_primal_one() -> None:
    values = rows(20, 40)
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / (spread + 1e-3 * spread.mean() + 1e-9) / np.sqrt(40)
    design = np.column_stack([scaled, np.ones(20)])
    weight = np.where(LABELS, 0.5 / 5, 0.5 / 15) * 20
    # The bias is penalised, too, as the "+ 1" in the kernel has it.
    normal_equations = design.T @ (design * weight[:, None]) + np.eye(41)
    solution = np.linalg.solve(normal_equations, design.T @ (weight * np.where(LABELS, 1, -1)))
    np.testing.assert_allclose(fit_ridge(values, LABELS)(values), design @ solution, atol=1e-9)


def test_values_against_others_are_those_of_examples_left_out_brought_to_one_and_minus_one() -> None:
    """Brute force: twenty fits without one example each, on features scaled by one deviation."""
    values = rows(20, 40)
    values[LABELS, :20] += 100
    fitted = fit_against_others(values, LABELS, 10.0)
    spread = values.var(axis=0).mean() ** 0.5
    scaled = (values - values.mean(axis=0)) / (spread + 1e-3 * spread + 1e-9) / np.sqrt(40)
    design = np.column_stack([scaled, np.ones(20)])
    weight = np.where(LABELS, 0.5 / 5, 0.5 / 15) * 20
    wanted = np.where(LABELS, 1.0, -1.0)

    def solved(used: NDArray[np.bool_]) -> NDArray[np.float64]:
        weighted = design[used] * weight[used, None]
        result: NDArray[np.float64] = np.linalg.solve(
            design[used].T @ weighted + 10 * np.eye(41), weighted.T @ wanted[used]
        )
        return result

    unseen = np.array([design[one] @ solved(np.arange(20) != one) for one in range(20)])
    own, others = unseen[LABELS].mean(), unseen[~LABELS].mean()
    expected = (design @ solved(np.ones(20, bool)) - (own + others) / 2) / ((own - others) / 2)
    np.testing.assert_allclose(fitted(values), expected, atol=1e-9)


def test_what_examples_do_not_show_is_evidence_of_nothing() -> None:
    """A feature in which they hardly differ must not be magnified: an unseen kind may differ in just that."""
    values = np.random.default_rng(0).normal(size=(20, 40))
    values[:, 39] *= 1e-3
    values[LABELS, 0] += 10
    fitted = fit_against_others(values, LABELS, 10.0)
    unseen = np.zeros((1, 40))
    unseen[0, 0], unseen[0, 39] = values[:, 0].mean(), 1
    assert abs(fitted(unseen)[0] - fitted(unseen * (np.arange(40) < 39))[0]) < 0.01


def test_ridge_ranks_anomalies_first_where_they_can_be_told() -> None:
    values = rows(20, 40)
    values[LABELS, 7] += 100
    judged = fit_ridge(values, LABELS)(values)
    assert judged[LABELS].min() > judged[~LABELS].max()


def test_moments_of_parts_add_up_to_those_of_the_whole() -> None:
    patches = rows(30, 5).astype(np.float32)
    total = Moments.total_of([Moments.of(patches[:12]), Moments.of(patches[12:])])
    whole = Moments.of(patches)
    assert total.patches == whole.patches == 30
    np.testing.assert_allclose(total.products, whole.products, rtol=1e-5)
    np.testing.assert_allclose(total.total, whole.total, rtol=1e-6)


def test_the_discriminant_points_from_normal_to_anomalous_through_the_covariance() -> None:
    generator = np.random.default_rng(1)
    spreads = np.array([1.0, 1.0, 5.0])
    normal = (generator.normal(size=(4000, 3)) * spreads).astype(np.float32)
    anomalous = (generator.normal(size=(50, 3)) * spreads + [2, 0, 2]).astype(np.float32)
    weights = fit_discriminant(Moments.of(normal), anomalous, np.full(50, 1 / 50)).weights
    assert weights[0] > 5 * abs(weights[1])
    assert weights[0] > 5 * weights[2]  # a deviation of two means little where five are usual


def test_newtons_method_finds_the_minimum_of_the_logistic_loss() -> None:
    values = (rows(60, 4) / 10).astype(np.float32)
    labels = values[:, 0] + values[:, 2] > 1.2
    importance = np.linspace(1, 3, 60)

    def loss(weights: NDArray[np.float64]) -> float:
        signed = np.where(labels, -1, 1) * (values @ weights[:-1] + weights[-1])
        penalty = (weights[:-1] ** 2).sum() / 2
        return float(penalty + 0.003 * (importance * np.logaddexp(0, signed)).sum())

    expected = minimize(loss, np.zeros(5), tol=1e-10).x
    np.testing.assert_allclose(fit_logistic(values, labels, importance).weights, expected[:-1], atol=1e-4)


@pytest.mark.parametrize("gap", [10.0, 1e6])
def test_the_logistic_converges_where_the_classes_are_far_apart(gap: float) -> None:
    values = np.array([[-gap], [gap]] * 20, np.float32)
    labels = np.array([False, True] * 20)
    judged = fit_logistic(values, labels, np.full(40, 1000.0))(values)
    assert np.isfinite(judged).all()
    assert judged[1] > judged[0]


def test_a_judge_of_standardised_features_becomes_one_of_raw_features() -> None:
    values = rows(6, 3)
    mean, scale = values.mean(axis=0), 1 / values.std(axis=0)
    judge = Linear(np.array([1.0, -2.0, 0.5]), 0.25)
    np.testing.assert_allclose(judge.before(mean, scale)(values), judge((values - mean) * scale))
