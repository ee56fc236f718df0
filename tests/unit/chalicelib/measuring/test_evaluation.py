"""A model measured on pictures: the figures, and what they were measured on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support_kinds import anomaly, mask_of
from support_models import normal_png, tiny_model
from support_pictures import png_bytes, scratched, texture

from chalicelib.detector import Detector
from chalicelib.measuring.evaluation import evaluate_dataset, evaluate_pictures
from chalicelib.measuring.metrics import PixelMetrics
from chalicelib.measuring.training import train_on
from chalicelib.training import TrainingConfig
from spotcheck.datasets import read_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FROZEN = (
    *("images", "image_auroc", "pixel_auroc", "pixel_aupro", "precision", "recall", "f1"),
    *("false_alarm_rate", "threshold", "latency_ms_p50", "latency_ms_p95"),
)


def scratch_png(seed: int) -> bytes:
    return png_bytes(scratched(texture(seed, 160, 120)))


def scratch_mask() -> bytes:
    before, after = texture(0, 160, 120), scratched(texture(0, 160, 120))
    return png_bytes(np.where((before != after).any(axis=2), 255, 0).astype(np.uint8))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(tiny_model(), threads=2)


@pytest.fixture(scope="module")
def mvtec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weave")
    for seed in range(12):
        write(root / f"train/good/{seed:03}.png", normal_png(seed))
    for seed in range(100, 106):
        write(root / f"test/good/{seed}.png", normal_png(seed))
        write(root / f"test/scratch/{seed}.png", scratch_png(seed))
        write(root / f"ground_truth/scratch/{seed}_mask.png", scratch_mask())
    return root


def test_every_figure_is_there_for_a_test_split_with_masks(detector: Detector, mvtec: Path) -> None:
    evaluation = evaluate_dataset(detector, read_dataset(mvtec))
    values = evaluation.to_dict()
    assert list(values)[: len(FROZEN)] == list(FROZEN)
    assert all(values[name] is not None for name in FROZEN)
    assert (evaluation.images, evaluation.normals, evaluation.anomalies) == (12, 6, 6)
    assert (evaluation.image_auroc, evaluation.recall) == (1, 1)
    assert evaluation.pixel_auroc is not None
    assert evaluation.pixel_auroc > 0.9
    assert evaluation.trained_on == 0


def test_pictures_that_the_model_was_trained_on_are_counted(detector: Detector, tmp_path: Path) -> None:
    for seed in (0, 1, 100):
        write(tmp_path / f"normal/{seed}.png", normal_png(seed))
    evaluation = evaluate_dataset(detector, read_dataset(tmp_path))
    assert (evaluation.trained_on, evaluation.images) == (2, 3)
    assert evaluation.image_auroc is None


def test_pictures_that_cannot_be_judged_are_named(detector: Detector, tmp_path: Path) -> None:
    write(tmp_path / "normal/a.png", normal_png(100))
    write(tmp_path / "normal/broken.png", normal_png(101)[:-20])
    evaluation = evaluate_dataset(detector, read_dataset(tmp_path))
    assert evaluation.images == 1
    assert [(item.name, item.reason) for item in evaluation.skipped] == [
        ("normal/broken.png", "The PNG is truncated: it ends before the picture does.")
    ]


def test_nothing_to_judge_gives_no_figures(detector: Detector) -> None:
    evaluation = evaluate_pictures(detector, (), "nothing")
    assert (evaluation.images, evaluation.latency_ms_p50, evaluation.image_auroc) == (0, None, None)


def test_training_measures_on_the_test_split(mvtec: Path) -> None:
    result = train_on(read_dataset(mvtec), TrainingConfig(input_size=160))
    assert result.evaluation is not None
    assert "test split" in result.evaluation.measured_on
    metrics = Detector.load(result.trained.model).metadata.metrics
    assert metrics["image_auroc"] == result.evaluation.image_auroc
    assert not any("latency" in name for name in metrics)


def test_without_a_test_split_normals_count_with_their_leave_one_out_scores(tmp_path: Path) -> None:
    for seed in range(12):
        write(tmp_path / f"normal/{seed:03}.png", normal_png(seed))
    write(tmp_path / "anomaly/a.png", scratch_png(50))
    result = train_on(read_dataset(tmp_path), TrainingConfig(input_size=160))
    assert result.evaluation is not None
    assert (result.evaluation.normals, result.evaluation.anomalies) == (12, 1)
    assert result.evaluation.trained_on == 0
    assert "trained on all others" in result.evaluation.measured_on
    expected = np.mean(np.array(result.trained.normal_scores) > result.trained.metadata.threshold)
    assert result.evaluation.false_alarm_rate == expected


def test_normals_alone_leave_nothing_to_measure(tmp_path: Path) -> None:
    for seed in range(10):
        write(tmp_path / f"normal/{seed:03}.png", normal_png(seed))
    assert train_on(read_dataset(tmp_path), TrainingConfig(input_size=160)).evaluation is None


def write_kinds(root: Path, split: str, seeds: range) -> None:
    """Dents and scratches with their masks in a folder of anomalies."""
    for seed in seeds:
        kind = anomaly(seed).kinds[0]
        write(root / f"{split}/{kind}/{seed}.png", anomaly(seed).read())
        write(root / f"ground_truth/{kind}/{seed}_mask.png", mask_of(seed))


@pytest.fixture(scope="module")
def two_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinds")
    for seed in range(16):
        write(root / f"train/good/{seed:03}.png", normal_png(seed))
    write_kinds(root, "train", range(200, 212))
    return root


def test_predicted_masks_are_measured_by_kind_on_the_test_split(two_kinds: Path, tmp_path: Path) -> None:
    root = tmp_path / "kinds"
    shutil.copytree(two_kinds, root)
    for seed in range(100, 104):
        write(root / f"test/good/{seed}.png", normal_png(seed))
    write_kinds(root, "test", range(300, 306))
    result = train_on(read_dataset(root), TrainingConfig(project="weave"))
    assert result.evaluation is not None
    dent, scratch = result.evaluation.pixel_kinds
    assert (dent.name, dent.pictures, scratch.name, scratch.pictures) == ("dent", 3, "scratch", 3)
    for kind in (dent, scratch):
        assert kind.precision is not None
        assert kind.recall > 0.9
        assert 0 < kind.average_iou < 1
        assert kind.f1 == pytest.approx(2 / (1 / kind.precision + 1 / kind.recall))
    metrics = result.trained.metadata.metrics
    assert [kind["name"] for kind in metrics["pixel_kinds"]] == ["dent", "scratch"]


def test_without_a_test_split_masks_are_predicted_by_models_that_had_not_seen_the_picture(
    two_kinds: Path,
) -> None:
    result = train_on(read_dataset(two_kinds), TrainingConfig(project="weave"))
    assert result.evaluation is not None
    assert result.trained.metadata.judged_by_labels
    scores = [*result.trained.normal_scores, *result.trained.anomaly_scores]
    shown = [bool(kind_map.any()) for kind_map in result.trained.kind_maps]
    assert shown == [score > result.trained.metadata.threshold for score in scores]
    dent, scratch = result.evaluation.pixel_kinds
    assert (dent.name, dent.pictures, scratch.name, scratch.pictures) == ("dent", 6, "scratch", 6)
    assert all(kind.recall > 0.9 and 0 < kind.average_iou < 1 for kind in (dent, scratch))


def test_without_masks_there_is_nothing_to_compare_predicted_masks_with(tmp_path: Path) -> None:
    for seed in range(12):
        write(tmp_path / f"normal/{seed:03}.png", normal_png(seed))
    for seed in range(50, 54):
        write(tmp_path / f"anomaly/{seed}.png", scratch_png(seed))
    result = train_on(read_dataset(tmp_path), TrainingConfig(input_size=160))
    assert result.evaluation is not None
    assert result.evaluation.pixel_kinds == ()
    assert result.trained.kind_maps == ()
    assert "pixel_kinds" not in result.trained.metadata.metrics


def test_pictures_seen_in_tiles_are_compared_with_masks_in_their_full_size(
    mvtec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = set()
    add = PixelMetrics.add

    def note(self: PixelMetrics, distances: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> None:
        shapes.add((distances.shape, None if mask is None else mask.shape))
        add(self, distances, mask)

    monkeypatch.setattr(PixelMetrics, "add", note)
    config = TrainingConfig(input_size=96, grid=6, method="padim", tile=96)
    evaluation = train_on(read_dataset(mvtec), config).evaluation
    assert shapes == {((120, 160), None), ((120, 160), (120, 160))}
    assert evaluation is not None
    assert evaluation.pixel_auroc is not None
    assert evaluation.pixel_auroc > 0.9


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (b"no picture", "the mask cannot be read (it is no PNG or JPEG picture)"),
        (png_bytes(np.zeros((120, 160), np.uint8)), "it is black"),
    ],
)
def test_a_picture_whose_mask_is_of_no_use_is_judged_without_it(
    detector: Detector, tmp_path: Path, mask: bytes, reason: str
) -> None:
    write(tmp_path / "test/good/1.png", normal_png(100))
    for seed in (200, 201):
        write(tmp_path / f"test/scratch/{seed}.png", scratch_png(seed))
    write(tmp_path / "ground_truth/scratch/200_mask.png", mask)
    write(tmp_path / "ground_truth/scratch/201_mask.png", scratch_mask())
    evaluation = evaluate_dataset(detector, read_dataset(tmp_path))
    assert (evaluation.normals, evaluation.anomalies) == (1, 2)
    (skipped,) = evaluation.skipped
    assert (skipped.name, skipped.reason) == ("test/scratch/200.png", f"Its mask was not used: {reason}.")
    (tmp_path / "ground_truth/scratch/200_mask.png").unlink()
    assert evaluation.pixel_auroc == evaluate_dataset(detector, read_dataset(tmp_path)).pixel_auroc


def test_the_dark_side_of_a_masks_blurred_edge_is_normal_as_in_training(
    detector: Detector, tmp_path: Path
) -> None:
    write(tmp_path / "test/good/1.png", normal_png(100))
    write(tmp_path / "test/scratch/200.png", scratch_png(200))
    mask = tmp_path / "ground_truth/scratch/200_mask.png"
    write(mask, scratch_mask())
    sharp = evaluate_dataset(detector, read_dataset(tmp_path)).pixel_auroc
    pixels = np.asarray(Image.open(mask))
    write(mask, png_bytes(np.where(pixels > 0, pixels, np.uint8(90))))
    assert evaluate_dataset(detector, read_dataset(tmp_path)).pixel_auroc == sharp
