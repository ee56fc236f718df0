"""The charts show what was measured, in the right place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotcheck.charts import histogram, precision_recall, roc

LABELS = [False, False, False, False, True, True]
SCORES = [1.0, 2.0, 3.0, 6.0, 4.0, 9.0]


def test_the_roc_curve_passes_through_the_threshold() -> None:
    curve = roc(LABELS, SCORES, 5)
    assert curve.points[0] == (0, 0)
    assert curve.points[-1] == (1, 1)
    assert curve.at_threshold == (0.25, 0.5)
    assert curve.at_threshold in curve.points
    assert curve.area == pytest.approx(7 / 8)


def test_the_precision_recall_curve_passes_through_the_threshold() -> None:
    curve = precision_recall(LABELS, SCORES, 5)
    assert curve.at_threshold == (0.5, 0.5)
    assert curve.at_threshold in curve.points
    assert curve.points[-1][0] == 1


def test_where_nothing_is_called_anomalous_precision_counts_as_perfect() -> None:
    assert precision_recall(LABELS, SCORES, 50).at_threshold == (0, 1)


def test_the_histogram_counts_every_picture_once_on_its_side_of_the_threshold() -> None:
    chart = histogram(LABELS, SCORES, 5)
    assert sum(bar.normals for bar in chart.bars) == 4
    assert sum(bar.anomalies for bar in chart.bars) == 2
    assert sum(bar.anomalies for bar in chart.bars if bar.left > chart.threshold) == 1


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(1e-3, 1e5))
def test_any_scores_fit_into_the_chart(scores: list[float], threshold: float) -> None:
    chart = histogram([index % 2 == 0 for index in range(len(scores))], scores, threshold)
    assert 0 < chart.threshold < 1
    assert chart.ticks
    assert all(0 <= place <= 1 for place, _ in chart.ticks)
    assert sum(bar.normals + bar.anomalies for bar in chart.bars) == len(scores)
    for bar in chart.bars:
        assert 0 <= bar.left <= bar.left + bar.width <= 1.001
        assert max(bar.normal_height, bar.anomaly_height) <= 1
