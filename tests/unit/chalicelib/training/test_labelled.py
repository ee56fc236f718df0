"""Learning from labelled anomalies: it helps where it can, and never makes a model worse."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from support_models import normal_png
from support_pictures import png_bytes, scratched, texture

from chalicelib.detector import Detector
from chalicelib.exceptions import TrainingError
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, labelled, train
from chalicelib.training.numerics import auroc

CONFIG = TrainingConfig(project="weave", input_size=160)


def normal(seed: int) -> NamedPicture:
    return NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed))


def scratch_png(seed: int) -> bytes:
    place = np.random.default_rng(seed).random(2)
    left, top = 0.05 + 0.65 * place
    return png_bytes(scratched(texture(seed, 160, 120), left, top))


def anomaly(seed: int) -> NamedPicture:
    return NamedPicture.of_bytes(f"scratch-{seed:02}.png", scratch_png(seed))


NORMALS = [normal(seed) for seed in range(16)]
ANOMALIES = [anomaly(seed) for seed in range(200, 206)]


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(NORMALS, CONFIG, anomalies=ANOMALIES)


@pytest.fixture(scope="module")
def alone() -> TrainedModel:
    return train(NORMALS, CONFIG)


def test_the_metadata_tells_what_was_learnt_from(trained: TrainedModel) -> None:
    metadata = Detector.load(trained.model).metadata
    assert metadata == trained.metadata
    assert metadata.method == "padim+labels"
    assert (metadata.normals, len(metadata.anomaly_images)) == (16, 6)
    assert metadata.anomaly_images[0].sha256 == hashlib.sha256(scratch_png(200)).hexdigest()
    decision = metadata.decisions["labels"]
    assert decision["used"]
    assert decision["image_auroc_with_labels"] >= decision["image_auroc_without_labels"]
    assert len(trained.anomaly_scores) == 6


def test_unseen_anomalies_are_found_and_unseen_normal_pictures_pass(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    found = [detector.detect(read_picture(scratch_png(seed))) for seed in range(300, 306)]
    passed = [detector.detect(read_picture(normal_png(seed))) for seed in range(100, 110)]
    assert min(one.score for one in found) > max(one.score for one in passed)
    assert all(one.is_anomalous and one.regions for one in found)
    assert sum(one.is_anomalous for one in passed) <= 2


def test_the_same_pictures_in_any_order_give_the_same_bytes(trained: TrainedModel) -> None:
    again = train(NORMALS[::-1], CONFIG, anomalies=ANOMALIES[::-1])
    assert again.model == trained.model


def test_where_labels_do_not_help_the_model_is_the_one_without_them(
    monkeypatch: pytest.MonkeyPatch, alone: TrainedModel
) -> None:
    monkeypatch.setattr(labelled, "_compare", lambda *_: (False, {}))
    kept = train(NORMALS, CONFIG, anomalies=ANOMALIES)
    assert kept.metadata.method == "padim"
    assert not kept.metadata.decisions["labels"]["used"]
    assert kept.normal_scores == alone.normal_scores
    assert kept.metadata.threshold == alone.metadata.threshold
    assert any("without the labels is better" in warning for warning in kept.metadata.warnings)
    picture = read_picture(scratch_png(300))
    assert Detector.load(kept.model).detect(picture).score == Detector.load(alone.model).detect(picture).score


@pytest.mark.parametrize("seed", range(2))
def test_the_guard_keeps_whichever_is_better_on_pictures_not_seen(seed: int) -> None:
    """Normal pictures called anomalous: what is learnt from them is chance, and the guard has to notice."""
    wrong = [NamedPicture.of_bytes(f"wrong-{n}.png", normal_png(400 + 10 * seed + n)) for n in range(4)]
    decision = train(NORMALS[:12], CONFIG, anomalies=wrong).metadata.decisions["labels"]
    is_better = decision["image_auroc_with_labels"] >= decision["image_auroc_without_labels"]
    assert decision["used"] == is_better


def test_one_or_two_anomalies_shape_the_probability_and_nothing_else(alone: TrainedModel) -> None:
    few = train(NORMALS, CONFIG, anomalies=ANOMALIES[:2])
    assert few.metadata.method == "padim"
    assert few.metadata.threshold == alone.metadata.threshold
    assert few.metadata.steepness is not None
    assert any("too few to learn from" in warning for warning in few.metadata.warnings)
    assert len(few.anomaly_scores) == 2


def test_anomalies_that_cannot_be_read_are_skipped_and_named() -> None:
    broken = NamedPicture.of_bytes("broken.png", b"")
    trained = train(NORMALS, CONFIG, anomalies=[broken, *ANOMALIES[:3]])
    assert [image.name for image in trained.metadata.skipped] == ["broken.png"]
    assert len(trained.metadata.anomaly_images) == 3


def test_a_mask_that_cannot_be_read_is_told_and_done_without() -> None:
    masked = NamedPicture("m.png", lambda: scratch_png(210), lambda: b"no mask")
    trained = train(NORMALS, CONFIG, anomalies=[masked, *ANOMALIES[:2]])
    assert any("mask of m.png was not used" in warning for warning in trained.metadata.warnings)
    assert trained.metadata.decisions["labels"]["with_masks"] == 0


def test_dear_misses_lower_the_threshold_and_dear_alarms_raise_it() -> None:
    dear_miss, dear_alarm = (
        train(
            NORMALS[:10],
            TrainingConfig(input_size=160, cost_miss=miss, cost_alarm=alarm),
            anomalies=ANOMALIES[:1],
        ).metadata
        for miss, alarm in ((20, 1), (1, 20))
    )
    assert dear_miss.threshold_method == dear_alarm.threshold_method == "cost"
    assert dear_miss.threshold < dear_alarm.threshold
    above = [score > dear_alarm.threshold for score in dear_alarm.normal_scores]
    assert dear_alarm.false_alarm_rate == np.mean(above)


def test_costs_without_anomalies_are_refused() -> None:
    with pytest.raises(TrainingError, match="Costs need labelled anomalies"):
        train(NORMALS, TrainingConfig(input_size=160, cost_miss=2))


def test_pictures_of_one_part_are_held_out_together() -> None:
    config = TrainingConfig(input_size=160, group=r"-(\d)")  # weave-0x and weave-1x: two parts
    message = train(NORMALS[:13], TrainingConfig(input_size=160, group=r"(\d)\.png")).metadata.decisions
    assert message["groups"]["parts"] == 10
    with pytest.raises(TrainingError, match="Nearly all pictures show the same part"):
        train(NORMALS[:12], config)


def test_auroc_counts_ties_half() -> None:
    values = np.array([1.0, 2.0, 2.0, 3.0])
    assert auroc(values, np.array([False, False, True, True])) == pytest.approx(0.875)
