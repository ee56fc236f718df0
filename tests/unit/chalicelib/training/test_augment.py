"""Learning from altered copies of the normal pictures: other light and focus are no anomaly any more."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from support_models import normal_png
from support_networks import convolutional_network, save
from support_pictures import png_bytes, scratched, texture, truncated

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError, TrainingError
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train
from chalicelib.training.altering import blurred, brighter
from chalicelib.training.backbone_file import read_backbone
from chalicelib.training.moving import move_threshold
from chalicelib.training.threshold import choose_threshold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

CONFIG = TrainingConfig(project="weave", input_size=160, augment=True)
NORMALS = [NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed)) for seed in range(12)]
BROKEN = NamedPicture.of_bytes("a-broken.png", truncated(normal_png(0)))


def scratch_png(seed: int) -> bytes:
    left, top = 0.05 + 0.65 * np.random.default_rng(seed).random(2)
    return png_bytes(scratched(texture(seed, 160, 120), left, top))


ANOMALIES = [NamedPicture.of_bytes(f"scratch-{seed}.png", scratch_png(seed)) for seed in range(200, 204)]


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train([*NORMALS, BROKEN], CONFIG)


@pytest.fixture(scope="module")
def plain() -> TrainedModel:
    return train(NORMALS, replace(CONFIG, augment=False))


def alarms(trained: TrainedModel, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> int:
    """How many of ten unseen normal pictures are called anomalous after a change."""
    detector = Detector.load(trained.model)
    pictures = [png_bytes(change(texture(seed, 160, 120))) for seed in range(100, 110)]
    return sum(detector.detect(read_picture(data)).is_anomalous for data in pictures)


def test_the_metadata_lists_what_was_given_and_tells_of_the_copies(trained: TrainedModel) -> None:
    metadata = Detector.load(trained.model).metadata
    assert metadata.normals == 12
    assert [image.name for image in metadata.training_images] == [picture.name for picture in NORMALS]
    assert metadata.config["augment"]
    assert metadata.decisions["augment"]["copies"] == 24
    assert metadata.decisions["groups"] == {"pictures": 12, "parts": 12, "told_by": "looks"}


def test_training_makes_no_copies_unless_told_to(plain: TrainedModel) -> None:
    assert not TrainingConfig().augment
    assert "augment" not in plain.metadata.decisions
    assert len(plain.metadata.normal_scores) == 12


def test_a_picture_that_cannot_be_read_is_told_once(trained: TrainedModel) -> None:
    assert [image.name for image in trained.metadata.skipped] == ["a-broken.png"]


def test_copies_do_not_make_ten_pictures_out_of_nine() -> None:
    with pytest.raises(TrainingError, match="9 could be read"):
        train(NORMALS[:9], CONFIG)


def test_the_same_picture_ten_times_does_not_become_a_training_set_by_being_altered() -> None:
    same = [NamedPicture.of_bytes(f"{copy}.png", normal_png(0)) for copy in range(10)]
    with pytest.raises(TrainingError, match="All pictures are the same"):
        train(same, CONFIG)


def test_the_same_pictures_in_any_order_give_the_same_bytes(trained: TrainedModel) -> None:
    assert train([BROKEN, *NORMALS[::-1]], CONFIG).model == trained.model


@pytest.mark.parametrize(
    "change", [partial(blurred, share=0.005), partial(brighter, factor=0.85)], ids=["blurred", "darker"]
)
def test_what_was_learnt_from_is_no_alarm_any_more(
    trained: TrainedModel, plain: TrainedModel, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    assert alarms(plain, change) >= 5
    assert alarms(trained, change) <= 1


def test_scratches_are_found_as_before(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    found = [detector.detect(read_picture(scratch_png(seed))) for seed in range(300, 306)]
    assert all(one.is_anomalous for one in found)


def test_a_picture_and_its_copies_are_held_out_together(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    seen = [detector.detect(read_picture(normal_png(seed))).score for seed in range(12)]
    unseen = [detector.detect(read_picture(normal_png(seed))).score for seed in range(100, 116)]
    assert np.mean(trained.normal_scores) == pytest.approx(np.mean(unseen), rel=0.15)
    assert np.mean(seen) < np.mean(trained.normal_scores)


def test_the_threshold_is_set_by_copies_too_and_can_be_moved(trained: TrainedModel) -> None:
    metadata = trained.metadata
    assert len(metadata.normal_scores) == 36
    assert trained.normal_scores == metadata.normal_scores[:12]
    expected = choose_threshold(np.array(metadata.normal_scores), 0.05)
    assert metadata.threshold == pytest.approx(expected.value)
    _, moved = move_threshold(trained.model, false_alarm_rate=0.2)
    assert moved.threshold < metadata.threshold
    assert len(moved.normal_scores) == 36
    for warnings in (metadata.warnings, moved.warnings):
        (warning,) = warnings
        assert "12 normal pictures" in warning


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_with_labels_by_either_method(method: Literal["padim", "patchcore"]) -> None:
    config = replace(CONFIG, method=method)
    labelled = train(NORMALS, config, anomalies=ANOMALIES)
    metadata = labelled.metadata
    assert len(labelled.normal_scores) == 12
    assert [image.name for image in metadata.anomaly_images] == [picture.name for picture in ANOMALIES]
    assert len(metadata.anomaly_scores) == 4
    assert metadata.decisions["groups"]["pictures"] == 16
    assert max(labelled.normal_scores) < min(labelled.anomaly_scores)
    again = train(NORMALS[::-1], config, anomalies=ANOMALIES[::-1])
    assert again.model == labelled.model


def test_in_eight_bits() -> None:
    metadata = train(NORMALS, replace(CONFIG, int8=True)).metadata
    assert (metadata.normals, len(metadata.normal_scores)) == (12, 36)


def test_with_a_network_of_the_users_own(tmp_path: Path) -> None:
    path = save(convolutional_network(), tmp_path / "net.onnx")
    path.with_suffix(".toml").write_text('taps = ["stage1", "stage2"]\n')
    metadata = train(NORMALS, CONFIG.with_backbone(read_backbone(path))).metadata
    assert (metadata.backbone, metadata.normals, len(metadata.normal_scores)) == ("net", 12, 36)


def test_pictures_of_one_part_keep_together_with_all_their_copies() -> None:
    pictures = [
        NamedPicture.of_bytes(f"part{seed // 2}-{seed % 2}.png", normal_png(seed)) for seed in range(12)
    ]
    decision = train(pictures, replace(CONFIG, group=r"part(\d+)")).metadata.decisions["groups"]
    assert decision == {"pictures": 12, "parts": 6, "told_by": r"names (part(\d+))"}


def test_the_method_is_chosen_on_the_pictures_as_they_are() -> None:
    many = [NamedPicture.of_bytes(f"weave-{seed:02}.png", normal_png(seed)) for seed in range(24)]
    with_copies, without = (
        train(many, replace(CONFIG, synthetic=False, augment=augment)).metadata.decisions["method"]
        for augment in (True, False)
    )
    assert with_copies["by"] == "trial"
    assert with_copies == without


def test_in_tiles_copies_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="leave out --augment or --tile"):
        TrainingConfig(tile=80, augment=True)


def test_what_held_out_pictures_show_is_told_of_those_that_were_given() -> None:
    white = png_bytes(np.full((120, 160, 3), 255, np.uint8))
    masked = [replace(picture, read_mask=lambda: white) for picture in ANOMALIES]
    assert len(train(NORMALS, CONFIG, anomalies=masked).kind_maps) == 16
