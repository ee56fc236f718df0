"""The threshold keeps its promise: the false-alarm rate asked for, on pictures not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chalicelib.training.threshold import choose_threshold, cost_threshold, fit_logistic_curve


def false_alarms(count: int, rate: float, *, heavy_tail: bool = False) -> float:
    """Mean share of unseen normals above the threshold, over many draws of `count` normals."""
    generator = np.random.default_rng(3)
    rates = []
    for _ in range(400):
        logs = generator.standard_t(3, 2000 + count) if heavy_tail else generator.normal(size=2000 + count)
        scores = np.exp(4 + 0.2 * logs)
        rates.append((scores[count:] > choose_threshold(scores[:count], rate).value).mean())
    return float(np.mean(rates))


@pytest.mark.parametrize("count", [60, 64, 78, 99, 250])
@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_many_normals_give_the_false_alarm_rate_asked_for_whatever_their_distribution(
    count: int, rate: float
) -> None:
    assert rate * 0.9 < false_alarms(count, rate, heavy_tail=True) < rate * 1.1


def test_few_log_normal_scores_give_about_the_false_alarm_rate_asked_for() -> None:
    assert 0.03 < false_alarms(30, 0.05) < 0.08


def test_from_sixty_normals_on_the_threshold_is_conformal() -> None:
    scores = np.arange(1.0, 61.0)
    threshold = choose_threshold(np.random.default_rng(0).permutation(scores), 0.05)
    assert 57 < threshold.value < 58
    assert (threshold.method, threshold.warning) == ("conformal", None)


def test_below_sixty_normals_the_threshold_comes_with_a_warning() -> None:
    threshold = choose_threshold(np.arange(1.0, 60.0), 0.05)
    assert threshold.method == "log-normal"
    assert threshold.warning is not None
    assert "59 normal pictures" in threshold.warning
    assert "60 or more" in threshold.warning


def test_altered_copies_have_a_say_in_the_threshold_and_do_not_make_few_pictures_many() -> None:
    scores = np.arange(1.0, 91.0)
    threshold = choose_threshold(scores, 0.05, pictures=30)
    assert threshold.value == choose_threshold(scores, 0.05).value
    assert "30 normal pictures" in (threshold.warning or "")
    assert choose_threshold(np.arange(1.0, 181.0), 0.05, pictures=60).warning is None


def test_a_rate_that_so_few_normals_cannot_show_is_estimated_with_a_warning() -> None:
    threshold = choose_threshold(np.arange(1.0, 81.0), 0.01)
    assert threshold.method == "log-normal"
    assert "99 or more" in (threshold.warning or "")


def test_one_anomalous_picture_among_few_normals_does_not_hide_the_others() -> None:
    scores = np.exp(np.random.default_rng(0).normal(4, 0.2, 30))
    spoilt = np.append(scores, scores.max() * 5)
    assert choose_threshold(spoilt, 0.05).value < choose_threshold(scores, 0.05).value * 1.1


def test_copies_of_one_picture_do_not_collapse_the_threshold() -> None:
    scores = np.array([50.0] * 20 + [60.0, 70.0])
    assert choose_threshold(scores, 0.05).value > 55


def labelled_scores(seed: int = 0, count: int = 400) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    generator = np.random.default_rng(seed)
    return np.exp(generator.normal(4, 0.2, count)), np.exp(generator.normal(4.4, 0.2, count))


def test_the_logistic_curve_is_calibrated_on_held_out_scores() -> None:
    curve = fit_logistic_curve(*labelled_scores())
    normals, anomalies = labelled_scores(seed=1, count=5000)
    scores = np.concatenate([normals, anomalies])
    expected = 1 / (1 + (curve.even / scores) ** curve.steepness)
    is_anomalous = np.arange(10_000) >= 5000
    for low in np.arange(0, 1, 0.2):
        among = (expected >= low) & (expected < low + 0.2)
        assert abs(is_anomalous[among].mean() - expected[among].mean()) < 0.1


def test_separated_kinds_give_a_curve_and_no_step() -> None:
    curve = fit_logistic_curve(np.linspace(40, 50, 30), np.array([90.0, 100.0, 110.0]))
    assert 50 < curve.even < 90
    assert curve.steepness < 50


def test_one_anomaly_is_enough_for_a_curve() -> None:
    curve = fit_logistic_curve(np.linspace(40, 50, 30), np.array([100.0]))
    assert 50 < curve.even < 100
    assert 0 < curve.steepness < 100


def test_anomalies_that_score_below_normal_pictures_still_give_a_rising_curve() -> None:
    curve = fit_logistic_curve(np.linspace(80, 90, 30), np.array([40.0, 50.0]))
    assert curve.steepness > 0
    assert 40 < curve.even < 90


@pytest.mark.parametrize(
    "normals", [np.full(30, 50.0), np.linspace(1e-6, 2e-6, 30), np.geomspace(1, 1e30, 30)]
)
def test_the_curve_is_finite_whatever_the_scores(normals: np.ndarray[Any, Any]) -> None:
    curve = fit_logistic_curve(normals, np.array([50.0, 1e34]))
    assert 0 < curve.even < np.inf
    assert 0 < curve.steepness < np.inf


def test_the_cost_threshold_is_where_the_expected_costs_meet() -> None:
    scores = labelled_scores()
    curve = fit_logistic_curve(*scores)
    threshold = cost_threshold(curve, np.concatenate(scores), cost_miss=9, cost_alarm=1).value
    probability = 1 / (1 + (curve.even / threshold) ** curve.steepness)
    assert probability == pytest.approx(0.1)
    assert cost_threshold(curve, np.concatenate(scores), 3, 3).value == pytest.approx(curve.even)


@pytest.mark.parametrize(("miss", "alarm", "word"), [(10, 1, "anomalous"), (1, 10, "normal")])
def test_where_scores_tell_too_little_for_the_costs_the_threshold_stays_near_them_and_warns(
    miss: float, alarm: float, word: str
) -> None:
    """Scores of both kinds spread alike: with a miss at ten alarms, all are best called anomalous."""
    scores = np.geomspace(40, 60, 20)
    threshold = cost_threshold(fit_logistic_curve(scores, scores * 1.001), scores, miss, alarm)
    assert 25 < threshold.value < 91
    assert ((scores > threshold.value) == (word == "anomalous")).all()
    assert threshold.warning is not None
    assert f"every picture is called {word}" in threshold.warning


def test_where_pictures_are_too_few_for_the_costs_the_warning_blames_not_the_scores_alone() -> None:
    """Seven anomalies vouch for 8 in 9 at the most; a false alarm at twenty misses asks for 20 in 21."""
    normal, anomalous = np.geomspace(10, 12, 20), np.geomspace(40, 50, 7)
    curve = fit_logistic_curve(normal, anomalous)
    threshold = cost_threshold(curve, np.concatenate([normal, anomalous]), cost_miss=1, cost_alarm=20)
    assert threshold.warning is not None
    assert "too few" in threshold.warning
    assert "label more" in threshold.warning
