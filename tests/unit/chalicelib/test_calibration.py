"""A score's probability: an anchor at the threshold, one at the median normal, and never nonsense."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.calibration import probability

positive = st.floats(min_value=sys.float_info.min, max_value=sys.float_info.max, allow_nan=False)
score = st.floats(min_value=0, allow_nan=False)


@given(threshold=positive, median=positive)
def test_it_is_one_half_exactly_at_the_threshold(threshold: float, median: float) -> None:
    assert probability(threshold, threshold, median) == 0.5


def test_it_is_five_percent_at_the_median_normal() -> None:
    assert probability(50, 80, 50) == pytest.approx(0.05)


@given(scores=st.tuples(score, score), threshold=positive, median=positive)
def test_it_never_falls_as_the_score_rises(
    scores: tuple[float, float], threshold: float, median: float
) -> None:
    low, high = (probability(value, threshold, median) for value in sorted(scores))
    assert 0 <= low <= high <= 1


@given(value=score, threshold=positive, median=positive)
def test_it_is_above_one_half_only_above_the_threshold(value: float, threshold: float, median: float) -> None:
    result = probability(value, threshold, median)
    assert not (result > 0.5 and value <= threshold)
    assert not (result < 0.5 and value >= threshold)


def test_extreme_scores_give_certainty_and_never_nan() -> None:
    assert probability(0, 80, 50) == 0
    assert probability(sys.float_info.max, 80, 50) == pytest.approx(1)
    assert probability(math.inf, 80, 50) == pytest.approx(1)


def test_normals_that_are_all_alike_still_give_a_curve() -> None:
    assert 0.5 < probability(80.01, 80, 80) < 0.6


@pytest.mark.parametrize(
    ("value", "threshold", "median"),
    [(math.nan, 80, 50), (-1, 80, 50), (60, 0, 50), (60, math.inf, 50), (60, 80, 0), (60, math.nan, 50)],
)
def test_values_that_no_model_gives_are_refused(value: float, threshold: float, median: float) -> None:
    with pytest.raises(ValueError, match="no probability"):
        probability(value, threshold, median)
