"""Training from end to end: deterministic, honest about what it skipped, clear about what it lacks."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from support_models import NORMALS, normal_png, tiny_model
from support_pictures import png_bytes, texture, truncated

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError, TrainingError
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train, with_metrics

CONFIG = TrainingConfig(project="weave", input_size=160)


def named(seed: int) -> NamedPicture:
    return NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed))


def unreadable() -> bytes:
    raise PermissionError(13, "Permission denied")


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    broken = NamedPicture.of_bytes("broken.png", truncated(normal_png(0)))
    return train([broken, NamedPicture("secret.png", unreadable), *map(named, range(12))], CONFIG)


def test_the_metadata_says_what_the_model_is_and_was_made_of(trained: TrainedModel) -> None:
    metadata = Detector.load(trained.model).metadata
    assert metadata == trained.metadata
    assert (metadata.project, metadata.normals, metadata.input_size, metadata.grid) == ("weave", 12, 160, 10)
    assert metadata.config["ridge"] == 0.03
    assert metadata.backbone == "efficientnet-lite2"
    assert metadata.libraries["onnxruntime"]
    first = metadata.training_images[0]
    assert (first.name, first.sha256) == ("weave-00.png", hashlib.sha256(normal_png(0)).hexdigest())


def test_pictures_that_cannot_be_read_are_skipped_and_named(trained: TrainedModel) -> None:
    assert {image.name: image.reason for image in trained.metadata.skipped} == {
        "broken.png": "The PNG is truncated: it ends before the picture does.",
        "secret.png": "The file cannot be read: Permission denied.",
    }


def test_few_normals_come_with_a_warning(trained: TrainedModel) -> None:
    assert "12 normal pictures" in trained.metadata.warnings[0]


def test_the_same_pictures_in_any_order_give_the_same_bytes(trained: TrainedModel) -> None:
    broken = NamedPicture.of_bytes("broken.png", truncated(normal_png(0)))
    again = train([*map(named, reversed(range(12))), broken, NamedPicture("secret.png", unreadable)], CONFIG)
    assert hashlib.sha256(again.model).digest() == hashlib.sha256(trained.model).digest()


def test_a_training_picture_scores_lower_than_its_leave_one_out_score(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    in_sample = [detector.detect(read_picture(normal_png(seed))).score for seed in range(12)]
    assert (np.array(in_sample) < trained.normal_scores).all()
    assert np.median(trained.normal_scores) == pytest.approx(trained.metadata.normal_median)


def test_metrics_travel_in_the_model(trained: TrainedModel) -> None:
    measured = with_metrics(trained, {"image_auroc": 0.9})
    assert Detector.load(measured.model).metadata.metrics == {"image_auroc": 0.9}


def test_progress_counts_every_picture() -> None:
    calls: list[tuple[int, int]] = []
    train(list(map(named, range(10))), CONFIG, lambda done, total: calls.append((done, total)))
    assert calls == [(done, 10) for done in range(1, 11)]


def test_too_few_pictures_are_refused_with_what_was_skipped() -> None:
    broken = NamedPicture.of_bytes("broken.png", b"")
    with pytest.raises(TrainingError, match=r"at least 10 normal pictures.* 9 could be read.*broken\.png"):
        train([broken, *map(named, range(9))], CONFIG)


def test_no_pictures_are_refused() -> None:
    with pytest.raises(TrainingError, match="0 could be read"):
        train([], CONFIG)


def test_one_picture_many_times_is_refused() -> None:
    same = png_bytes(texture(0))
    with pytest.raises(TrainingError, match="All pictures are the same"):
        train([NamedPicture.of_bytes(f"{copy}.png", same) for copy in range(10)], CONFIG)


def test_the_model_for_other_tests_is_a_real_one() -> None:
    assert Detector.load(tiny_model()).metadata.normals == NORMALS


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"project": ""}, "name"),
        ({"project": "-cars"}, "name"),
        ({"project": "a/b"}, "name"),
        ({"false_alarm_rate": 0}, "false-alarm rate"),
        ({"false_alarm_rate": 0.5}, "false-alarm rate"),
        ({"input_size": 330}, "does not divide"),
        ({"grid": 9}, "does not divide"),
        ({"ridge": 0}, "ridge"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        TrainingConfig(**values)  # type: ignore[arg-type]
