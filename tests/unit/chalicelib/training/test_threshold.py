"""The threshold keeps its promise: at most the false-alarm rate asked for, on pictures not seen."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.training.threshold import choose_threshold


def false_alarms(count: int, rate: float, *, heavy_tail: bool = False) -> float:
    """Mean share of unseen normals above the threshold, over many draws of `count` normals."""
    generator = np.random.default_rng(3)
    rates = []
    for _ in range(400):
        logs = generator.standard_t(3, 2000 + count) if heavy_tail else generator.normal(size=2000 + count)
        scores = np.exp(4 + 0.2 * logs)
        rates.append((scores[count:] > choose_threshold(scores[:count], rate).value).mean())
    return float(np.mean(rates))


@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_many_normals_give_the_false_alarm_rate_asked_for_whatever_their_distribution(rate: float) -> None:
    assert rate * 0.8 < false_alarms(99, rate, heavy_tail=True) < rate * 1.1


def test_few_log_normal_scores_give_about_the_false_alarm_rate_asked_for() -> None:
    assert 0.03 < false_alarms(30, 0.05) < 0.08


def test_from_sixty_normals_on_the_threshold_is_conformal() -> None:
    scores = np.arange(1.0, 61.0)
    threshold = choose_threshold(np.random.default_rng(0).permutation(scores), 0.05)
    assert (threshold.value, threshold.method, threshold.warning) == (58, "conformal", None)


def test_below_sixty_normals_the_threshold_comes_with_a_warning() -> None:
    threshold = choose_threshold(np.arange(1.0, 60.0), 0.05)
    assert threshold.method == "log-normal"
    assert threshold.warning is not None
    assert "59 normal pictures" in threshold.warning
    assert "60 or more" in threshold.warning


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
