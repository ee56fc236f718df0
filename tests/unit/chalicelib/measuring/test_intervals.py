"""Confidence intervals: known values, and honest where everything is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.measuring.intervals import auroc_interval, confidence_intervals, wilson


def test_wilsons_interval_of_the_literature() -> None:
    """Newcombe (1998), table I: 15 of 148 and 81 of 263."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)


def test_none_of_a_few_does_not_prove_never() -> None:
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.8389, 1), abs=1e-4)


def test_a_perfect_auroc_on_a_few_pictures_is_no_proof() -> None:
    low, high = auroc_interval(1.0, 14, 40)
    assert 0.85 < low < 0.99
    assert high == 1


def test_the_auroc_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Normal and anomalous scores one and a half standard deviations apart: the AUROC is Φ(1.5 / √2)."""
    generator, covered, true = np.random.default_rng(5), 0, 0.8556
    for _ in range(400):
        normal, anomalous = generator.normal(size=30), generator.normal(1.5, 1, 20)
        low, high = auroc_interval(float((anomalous[:, None] > normal).mean()), 30, 20)
        covered += low <= true <= high
    assert 0.92 < covered / 400 <= 1


@given(st.floats(0, 1), st.integers(1, 400), st.integers(1, 400))
def test_an_auroc_interval_holds_the_figure_and_stays_within_bounds(
    auroc: float, normals: int, anomalies: int
) -> None:
    low, high = auroc_interval(auroc, normals, anomalies)
    assert 0 <= low <= auroc <= high <= 1


def test_every_figure_that_can_be_measured_has_its_interval() -> None:
    labels = [False] * 30 + [True] * 20
    scores = [1.0] * 28 + [9.0] * 2 + [9.0] * 15 + [1.0] * 5
    intervals = confidence_intervals(labels, scores, 5)
    figures = {
        "image_auroc": 0.842,
        "f1": 30 / 37,
        "precision": 15 / 17,
        "recall": 0.75,
        "false_alarm_rate": 1 / 15,
    }
    assert set(intervals) == set(figures)
    for name, (low, high) in intervals.items():
        assert low < figures[name] < high, name


def test_normal_pictures_alone_have_an_interval_of_false_alarms_only() -> None:
    assert set(confidence_intervals([False] * 9, [1.0] * 9, 5)) == {"false_alarm_rate"}
    assert confidence_intervals([], [], 5) == {}
