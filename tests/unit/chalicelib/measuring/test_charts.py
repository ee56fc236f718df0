"""The charts show what was measured, in the right place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from chalicelib.measuring.charts import histogram, precision_recall, roc

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
@example([1.05], 1.05)  # whose logarithms, by NumPy and by math, are not quite the same
def test_any_scores_fit_into_the_chart(scores: list[float], threshold: float) -> None:
    chart = histogram([index % 2 == 0 for index in range(len(scores))], scores, threshold)
    assert 0 < chart.threshold < 1
    assert chart.ticks
    assert all(0 <= place <= 1 for place, _ in chart.ticks)
    assert sum(bar.normals + bar.anomalies for bar in chart.bars) == len(scores)
    for bar in chart.bars:
        assert 0 <= bar.left <= bar.left + bar.width <= 1.001
        assert max(bar.normal_height, bar.anomaly_height) <= 1


PICTURES = st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=2, max_size=40).filter(
    lambda pictures: {True, False} == {label for label, _ in pictures}
)


@given(PICTURES)
def test_curves_and_areas_are_scikit_learns_whatever_ties_there_are(pictures: list[tuple[bool, int]]) -> None:
    labels, scores = [label for label, _ in pictures], [float(score) for _, score in pictures]
    ours = roc(labels, scores, 5)
    alarms, found, _ = roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(ours.points, np.column_stack([alarms, found]), atol=1e-4)
    assert ours.area == pytest.approx(roc_auc_score(labels, scores))
    ours = precision_recall(labels, scores, 5)
    precision, recall, _ = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(ours.points, np.column_stack([recall, precision])[::-1], atol=1e-4)
    assert ours.area == pytest.approx(average_precision_score(labels, scores))


def test_however_far_scores_are_from_the_threshold_their_axis_can_be_read() -> None:
    for threshold in (1e-3, 1e-9, 1e-30):
        ticks = histogram([False, True], [40.0, 60.0], threshold).ticks
        assert 3 <= len(ticks) <= 12
