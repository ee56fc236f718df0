"""anomalib's export becomes a model of ours, whichever shapes it has, calibrated on the user's pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from onnx import numpy_helper
from support_networks import (
    IMAGE_THRESHOLD,
    anomalib_export,
    convolutional_network,
    save,
)
from support_pictures import png_bytes

from chalicelib import onnx_file
from chalicelib.detector import Detector
from chalicelib.exceptions import ModelInvalidError, TrainingError
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel
from chalicelib.training.anomalib import Calibration, import_anomalib
from chalicelib.training.foreign import load_foreign
from chalicelib.training.moving import move_threshold

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

SHAPES = [("batch", "(B,1)"), (2, "(B,)"), (1, "(B,)"), (2, "(B,1)")]


def part(seed: int, spot: float = 0) -> bytes:
    """A dark grey part of 64 pixels, with a bright spot at the lower left where asked for."""
    pixels = np.random.default_rng(seed).normal(60 + seed % 7, 6, (64, 64, 3))
    pixels[44:52, 8:16] += spot
    return png_bytes(np.clip(pixels, 0, 255).astype(np.uint8))


def named(prefix: str, count: int, spot: float = 0) -> list[NamedPicture]:
    return [NamedPicture.of_bytes(f"{prefix}{seed:02}", part(seed, spot)) for seed in range(count)]


def imported(tmp_path: Path, export: onnx.ModelProto, *, anomalies: int = 0, **how: object) -> TrainedModel:
    foreign = load_foreign(save(export, tmp_path / "model.onnx", external=True))
    calibration = Calibration(**{"project": "parts", **how})  # type: ignore[arg-type]
    return import_anomalib(foreign, "model", named("n", 70), named("a", anomalies, 60), calibration)


def scores_by_anomalib(export: onnx.ModelProto, data: bytes) -> float:
    """What the export itself gives, asked as anomalib asks it."""
    pixels = read_picture(data).pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
    session = onnxruntime.InferenceSession(export.SerializeToString())
    return float(session.run(["pred_score"], {"input": np.repeat(pixels, 2, axis=0)})[0].reshape(-1)[0])


@pytest.mark.parametrize(("batch", "score"), SHAPES)
def test_every_shape_becomes_one_file_that_finds_the_spot(
    tmp_path: Path, batch: int | str, score: str
) -> None:
    trained = imported(tmp_path, anomalib_export(batch=batch, score=score))
    for file in tmp_path.iterdir():
        file.unlink()
    onnx_file.check(trained.model)
    detector = Detector.load(trained.model)
    assert not detector.detect(read_picture(part(200))).is_anomalous
    found = detector.detect(read_picture(part(200, spot=60)))
    assert found.is_anomalous
    worst = found.regions[0]
    assert worst.left <= 12 / 64 <= worst.left + worst.width
    assert worst.top <= 48 / 64 <= worst.top + worst.height
    assert worst.area < 0.2


def test_a_score_is_anomalibs_own_on_a_scale_that_is_greater_than_zero(tmp_path: Path) -> None:
    export = anomalib_export(batch=2, score="(B,)")
    detector = Detector.load(imported(tmp_path, export).model)
    for spot in (40, 60, 80, 100):
        theirs = scores_by_anomalib(export, part(7, spot))
        assert 0.05 < theirs < 0.95
        assert detector.detect(read_picture(part(7, spot))).score == pytest.approx(
            math.exp(theirs - 0.5), rel=1e-4
        )


def test_scores_that_anomalib_clips_are_still_told_apart(tmp_path: Path) -> None:
    export = anomalib_export()
    for tensor in export.graph.initializer:
        if tensor.name.endswith("_range"):
            tensor.CopyFrom(numpy_helper.from_array(np.array(0.01, np.float32), tensor.name))
    assert scores_by_anomalib(export, part(7, 90)) == scores_by_anomalib(export, part(7, 150)) == 1
    detector = Detector.load(imported(tmp_path, export).model)
    less, more = (detector.detect(read_picture(part(7, spot))).score for spot in (90, 150))
    assert less < more < math.inf


def test_the_threshold_comes_from_the_normal_pictures(tmp_path: Path) -> None:
    trained = imported(tmp_path, anomalib_export(), false_alarm_rate=0.1)
    metadata = trained.metadata
    assert (metadata.method, metadata.threshold_method, metadata.normals) == ("anomalib", "conformal", 70)
    detector = Detector.load(trained.model)
    alarms = [detector.detect(read_picture(part(seed))).is_anomalous for seed in range(70)]
    assert sum(alarms) == 7  # the threshold lies between the 63rd and the 64th of 70 scores
    assert metadata.normal_scores[0] == pytest.approx(detector.detect(read_picture(part(0))).score, rel=1e-5)


def test_anomalibs_own_threshold_can_stay(tmp_path: Path) -> None:
    trained = imported(tmp_path, anomalib_export(), keeps_threshold=True)
    assert (trained.metadata.threshold, trained.metadata.threshold_method) == (1, "anomalib's own")
    detector = Detector.load(trained.model)
    at = (IMAGE_THRESHOLD - 66 / 255) * 255  # how bright a spot reaches it, on a part of seed 6
    assert not detector.detect(read_picture(part(6, at - 12))).is_anomalous
    assert detector.detect(read_picture(part(6, at + 12))).is_anomalous


def test_its_threshold_moves_as_that_of_any_model(tmp_path: Path) -> None:
    trained = imported(tmp_path, anomalib_export())
    _, metadata = move_threshold(trained.model, false_alarm_rate=0.2)
    assert metadata.threshold < trained.metadata.threshold


def test_anomalies_shape_the_probability(tmp_path: Path) -> None:
    metadata = imported(tmp_path, anomalib_export(), anomalies=5).metadata
    assert metadata.steepness is not None
    assert len(metadata.anomaly_scores) == len(metadata.anomaly_images) == 5


def test_an_export_of_any_size_needs_to_be_told_its_size(tmp_path: Path) -> None:
    export = anomalib_export(sides=("height", "width"))
    with pytest.raises(TrainingError, match="--size 256"):
        imported(tmp_path, export)
    assert imported(tmp_path, export, size=64).metadata.input_size == 64


def test_a_size_that_the_export_does_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="64 by 64"):
        imported(tmp_path, anomalib_export(), size=256)


def test_pictures_that_are_no_squares_are_taken(tmp_path: Path) -> None:
    trained = imported(tmp_path, anomalib_export(sides=(64, 128)))
    assert trained.metadata.input_size == 128
    found = Detector.load(trained.model).detect(read_picture(part(200, spot=60)))
    assert found.is_anomalous
    assert found.regions[0].left <= 12 / 64 <= found.regions[0].left + found.regions[0].width


def test_scores_without_normalisation_stay_as_they_are(tmp_path: Path) -> None:
    trained = imported(tmp_path, anomalib_export(clipped=False))
    score = Detector.load(trained.model).detect(read_picture(part(6, 60))).score
    assert score == pytest.approx(126 / 255, rel=0.1)


def test_the_same_export_and_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (imported(tmp_path / name, anomalib_export()) for name in "ab")
    assert one.model == other.model


def test_any_other_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalidError, match="no export of anomalib 2: it gives logits"):
        imported(tmp_path, convolutional_network())


def test_too_few_normal_pictures_are_refused(tmp_path: Path) -> None:
    foreign = load_foreign(save(anomalib_export(), tmp_path / "model.onnx"))
    with pytest.raises(TrainingError, match="At least 10 normal pictures"):
        import_anomalib(foreign, "model", named("n", 9), (), Calibration())
