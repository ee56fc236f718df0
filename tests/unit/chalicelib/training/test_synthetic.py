"""Learning from synthetic anomalies: what is no anomaly by distance alone, and never a loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support_models import normal_png
from support_pictures import png_bytes, scratched, texture

from chalicelib.detector import Detector
from chalicelib.framing import mask_text
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, synthetic, train
from chalicelib.training.numerics import auroc

CONFIG = TrainingConfig(project="weave", input_size=160)
NORMALS = [NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed)) for seed in range(12)]


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(NORMALS, CONFIG)


def test_the_metadata_tells_what_synthetic_anomalies_taught(trained: TrainedModel) -> None:
    metadata = Detector.load(trained.model).metadata
    assert metadata.method == "padim+synthetic"
    decision = metadata.decisions["synthetic"]
    assert decision["used"]
    assert decision["pictures"] == 60
    assert decision["image_auroc_with"] >= decision["image_auroc_without"]
    assert "Synthetic anomalies were told from normal pictures" in decision["reason"]
    assert not metadata.judged_by_labels


def test_a_model_can_do_without(trained: TrainedModel) -> None:
    alone = train(NORMALS, replace(CONFIG, synthetic=False))
    assert alone.metadata.method == "padim"
    assert "synthetic" not in alone.metadata.decisions
    assert len(trained.model) < len(alone.model) + 20_000


def test_unseen_scratches_are_told_from_unseen_normal_pictures(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    places = np.random.default_rng(0).uniform(0.05, 0.7, (10, 2))
    spoilt = [
        png_bytes(scratched(texture(seed, 160, 120), *place))
        for seed, place in enumerate(places.tolist(), start=300)
    ]
    passed = [normal_png(seed) for seed in range(100, 110)]
    found = np.array([detector.detect(read_picture(data)).score for data in (*passed, *spoilt)])
    assert auroc(found, np.arange(20) >= 10) == 1


def test_a_normal_picture_is_scored_as_one_that_was_not_trained_on(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    seen = [detector.detect(read_picture(normal_png(seed))).score for seed in range(12)]
    unseen = [detector.detect(read_picture(normal_png(seed))).score for seed in range(100, 116)]
    assert np.mean(trained.normal_scores) == pytest.approx(np.mean(unseen), rel=0.15)
    assert np.mean(seen) < np.mean(trained.normal_scores)


def test_the_same_pictures_in_any_order_give_the_same_bytes(trained: TrainedModel) -> None:
    assert train(NORMALS[::-1], CONFIG).model == trained.model


def test_where_it_does_not_help_the_distance_judges_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    without_and_with = iter((0.9, 0.8))
    monkeypatch.setattr(synthetic, "auroc", lambda *_: next(without_and_with))
    kept = train(NORMALS, CONFIG)
    assert kept.metadata.method == "padim"
    assert not kept.metadata.decisions["synthetic"]["used"]
    assert kept.metadata.decisions["synthetic"]["reason"].endswith("it judges alone.")


def test_only_what_counts_of_a_picture_is_planted_in() -> None:
    half = np.zeros((120, 160), np.uint8)
    half[:, 80:] = 255
    config = replace(CONFIG, mask=mask_text(png_bytes(np.repeat(half[..., None], 3, axis=2))))
    planted = synthetic._PlantedPictures(NORMALS, config.framing, config.grid)
    for picture in planted.named():
        picture.read()
    columns = planted.coverage.reshape(-1, 10, 10).max(axis=(0, 1))
    assert not columns[:5].any()
    assert columns[5:].all()
    assert (planted.coverage.max(axis=1) > 0).all()
