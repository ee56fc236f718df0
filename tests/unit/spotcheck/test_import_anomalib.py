"""`spotcheck import-anomalib` as it is typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support_networks import anomalib_export, save
from support_pictures import png_bytes
from typer.testing import CliRunner

from spotcheck.cli import app
from spotcheck.publish import validate_model

if TYPE_CHECKING:
    from pathlib import Path


def part(seed: int, spot: float = 0) -> bytes:
    """A dark grey part, with a bright spot where asked for."""
    pixels = np.random.default_rng(seed).normal(60 + seed % 7, 6, (64, 64, 3))
    pixels[44:52, 8:16] += spot
    return png_bytes(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export as anomalib writes it, and a dataset."""
    save(anomalib_export(batch=2, score="(B,)"), tmp_path / "weights/onnx/model.onnx", external=True)
    for split, count in (("train/good", 12), ("test/good", 12), ("test/spot", 4)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for seed in range(count):
            data = part(seed + 100 * (split == "test/good"), 60 * (split == "test/spot"))
            (tmp_path / f"data/{split}/{seed:02}.png").write_bytes(data)
    return tmp_path


def run(folder: Path, *more: str) -> Any:
    arguments = ["import-anomalib", str(folder / "weights/onnx/model.onnx"), "--data", str(folder / "data")]
    arguments += ["--output", str(folder / "model.onnx"), *more]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_the_model_judges_evaluates_and_can_be_published(folder: Path) -> None:
    summary = json.loads(run(folder, "--json").stdout)
    assert summary["evaluation"]["image_auroc"] == 1
    assert summary["warnings"] == [
        "The threshold is a rough estimate from 12 normal pictures; with 60 or more it is measured instead."
    ]
    detector = validate_model(folder / "model.onnx")  # what `publish` asks of a model
    assert detector.metadata.training_images[0].name == "test/good/00.png"
    assert detector.metadata.metrics["image_auroc"] == 1
    arguments = ["evaluate", "--model", str(folder / "model.onnx"), "--data", str(folder / "data"), "--json"]
    figures = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)
    assert figures["recall"] == 1


def test_without_pictures_that_anomalib_has_not_seen_there_is_a_warning(folder: Path) -> None:
    for file in list((folder / "data/test/good").iterdir())[:5]:
        file.unlink()
    output = run(folder).output
    assert "it is too low" in " ".join(output.split())


def test_anomalibs_own_threshold_can_stay(folder: Path) -> None:
    summary = json.loads(run(folder, "--keep-threshold", "--project", "parts", "--json").stdout)
    assert (summary["threshold"], summary["threshold_method"]) == (1, "anomalib's own")
    assert summary["project"] == "parts"
