"""Scratches and dents on real car bodies: whether they are told apart as the documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.anomalies import kinds_of_folder
from chalicelib.detector import Detector
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train

CAR_PANEL = Path(__file__).resolve().parents[6] / "shared/data/car_panel"
pytestmark = pytest.mark.skipif(
    not CAR_PANEL.is_dir(), reason="needs the folder of real car bodies beside the project: ../shared/data"
)
NORMALS = 100


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    normals = sorted((CAR_PANEL / "train/good").iterdir())[:NORMALS]
    anomalies = [path for path in sorted((CAR_PANEL / "test").rglob("*.jpg")) if path.parent.name != "good"]
    return train(
        [NamedPicture.of_file(path) for path in normals],
        TrainingConfig(project="cars", method="patchcore"),
        anomalies=[
            NamedPicture.of_file(
                path,
                mask=CAR_PANEL / f"ground_truth/{path.parent.name}/{path.stem}_mask.png",
                kinds=kinds_of_folder(path.parent.name),
            )
            for path in anomalies
        ],
    )


def test_scratches_and_dents_are_told_apart_and_the_one_broken_part_stays_unnamed(
    trained: TrainedModel,
) -> None:
    metadata, decision = trained.metadata, trained.metadata.decisions["kinds"]
    assert [kind.name for kind in metadata.kinds] == ["dent", "scratch", "anomaly"]
    assert metadata.with_masks
    assert decision["parts"] == {"broken": 1, "dent": 16, "scratch": 138}
    assert decision["unnamed"] == ["broken"]
    assert decision["accuracy"] >= 0.65


def test_a_damaged_panel_is_named(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    scratches = sorted((CAR_PANEL / "test/scratch").iterdir())
    found = [detector.detect(read_picture(path.read_bytes())) for path in scratches[:40]]
    names = [one.regions[0].name for one in found if one.is_anomalous]
    assert len(names) >= 15
    assert names.count("scratch") / len(names) > 0.6
