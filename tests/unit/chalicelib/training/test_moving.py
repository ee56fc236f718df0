"""A threshold is moved without training anew, and what it no longer is worth is forgotten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support_models import normal_png, tiny_model

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError
from chalicelib.pictures import read_picture
from chalicelib.training.graph import with_metadata
from chalicelib.training.moving import move_threshold
from chalicelib.training.threshold import choose_threshold, cost_threshold, fit_logistic_curve

MODEL = tiny_model()


def test_only_the_threshold_moves() -> None:
    picture = read_picture(normal_png(100))
    before = Detector.load(MODEL).detect(picture)
    moved, metadata = move_threshold(MODEL, value=before.score * 0.9)
    after = Detector.load(moved).detect(picture)
    assert after.score == before.score
    assert after.threshold == metadata.threshold == before.score * 0.9
    assert after.is_anomalous
    assert after.probability > 0.5
    assert metadata.threshold_method == "set by hand"


def test_the_expected_false_alarms_come_from_held_out_scores() -> None:
    scores = Detector.load(MODEL).metadata.normal_scores
    _, metadata = move_threshold(MODEL, value=float(np.median(scores)))
    assert metadata.false_alarm_rate == pytest.approx(0.5)


def test_a_lower_false_alarm_rate_gives_a_higher_threshold() -> None:
    thresholds = [move_threshold(MODEL, false_alarm_rate=rate)[1].threshold for rate in (0.2, 0.05, 0.01)]
    assert thresholds == sorted(thresholds)
    original = Detector.load(MODEL).metadata
    assert thresholds[1] == pytest.approx(original.threshold, rel=1e-5)


def test_figures_measured_at_the_old_threshold_are_forgotten() -> None:
    masks = [{"name": "dent", "f1": 0.3}]  # a pixel is predicted where the heat map passes the threshold
    metrics = {"image_auroc": 0.9, "recall": 0.8, "pixel_kinds": masks}
    metadata = replace(Detector.load(MODEL).metadata, metrics=metrics)
    _, moved = move_threshold(with_metadata(MODEL, metadata), value=50)
    assert moved.metrics == {"image_auroc": 0.9}


@pytest.mark.parametrize("move", [{"value": 50.0}, {"false_alarm_rate": 0.2}])
def test_what_was_wrong_with_the_old_threshold_is_forgotten_and_no_other_warning(
    move: dict[str, float],
) -> None:
    scores = np.geomspace(40, 60, 20)
    costs = cost_threshold(fit_logistic_curve(scores, scores), scores, 1, 10).warning
    rough = choose_threshold(scores, 0.05).warning
    assert costs
    assert rough
    other = "The mask of 1.png was not used: it is black."
    metadata = replace(Detector.load(MODEL).metadata, warnings=(other, costs, rough))
    _, moved = move_threshold(with_metadata(MODEL, metadata), **move)
    assert moved.warnings[0] == other
    assert not {costs, rough} & set(moved.warnings)


def test_the_same_move_gives_the_same_bytes() -> None:
    assert move_threshold(MODEL, value=50)[0] == move_threshold(MODEL, value=50)[0]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"value": 1, "false_alarm_rate": 0.1},
        {"value": 0},
        {"value": float("inf")},
        {"false_alarm_rate": 0.7},
    ],
)
def test_what_cannot_work_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        move_threshold(MODEL, **arguments)


def test_a_rate_for_a_model_that_kept_no_scores_is_refused() -> None:
    old = with_metadata(MODEL, replace(Detector.load(MODEL).metadata, normal_scores=()))
    with pytest.raises(ConfigurationError, match="train it anew"):
        move_threshold(old, false_alarm_rate=0.1)
