"""`spotcheck threshold` and `spotcheck model-card` as they are typed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support_models import tiny_model
from typer.testing import CliRunner

from chalicelib.detector import Detector
from chalicelib.exceptions import SpotcheckError
from chalicelib.training.graph import with_metadata
from spotcheck.cli import app

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny_model())
    return path


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_threshold_writes_the_moved_model_and_leaves_the_old_one(model: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.onnx"
    result = run("threshold", "--model", model, "--value", 123, "--output", moved, "--json")
    assert json.loads(result.stdout)["threshold"] == 123
    assert Detector.load(moved).metadata.threshold == 123
    assert model.read_bytes() == tiny_model()


def test_threshold_by_rate_tells_people_what_to_expect(model: Path, tmp_path: Path) -> None:
    result = run(
        "threshold", "--model", model, "--false-alarm-rate", 0.2, "--output", tmp_path / "moved.onnx"
    )
    assert "20.0%" in result.stdout.replace("\n", " ")


def test_threshold_of_a_missing_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpotcheckError, match="cannot be read"):
        run("threshold", "--model", tmp_path / "none.onnx", "--value", 1, "--output", tmp_path / "x.onnx")


@pytest.mark.parametrize(
    "verb", [["model-card"], ["threshold", "--value", 1, "--output", "x.onnx", "--model"]]
)
def test_an_error_about_a_model_names_its_file_and_what_to_do(model: Path, verb: list[object]) -> None:
    model.write_bytes(model.read_bytes()[:1_000_000])
    with pytest.raises(SpotcheckError, match=r"model\.onnx: .*ends in the middle.*copy it again, or train"):
        run(*verb, model)


def test_a_threshold_set_by_hand_is_no_estimate(model: Path, tmp_path: Path) -> None:
    assert "rough estimate" in run("model-card", model).stdout.replace("\n", " ")
    result = run("threshold", "--model", model, "--value", 30, "--output", tmp_path / "moved.onnx")
    assert "estimate" not in result.stdout


def test_model_card_says_what_the_model_is(model: Path) -> None:
    card = run("model-card", model).stdout
    for part in ("tiny", "padim+synthetic on", "24 normal pictures", "threshold", "onnxruntime"):
        assert part in card


def test_model_card_gives_figures_to_four_digits_whatever_they_are_in(model: Path) -> None:
    metrics = {"pixel_kinds": [{"name": "scratch", "f1": 0.3793487}]}
    metadata = replace(Detector.load(model).metadata, metrics=metrics)
    model.write_bytes(with_metadata(model.read_bytes(), metadata))
    assert "f1 0.3793" in run("model-card", model).stdout


def test_model_card_lists_nothing_that_says_nothing(model: Path) -> None:
    metrics = {"pixel_kinds": [{"name": "scratch", "precision": None, "recall": 0.0}]}
    decisions: dict[str, dict[str, object]] = {"kinds": {"parts": {}, "unnamed": [], "named": []}}
    metadata = replace(Detector.load(model).metadata, metrics=metrics, decisions=decisions)
    model.write_bytes(with_metadata(model.read_bytes(), metadata))
    card = run("model-card", model).stdout
    assert "None" not in card
    assert "False" not in card
    assert "decision: kinds" not in card
    assert "name scratch, recall 0" in card
    assert "int8: no" in " ".join(card.replace("│", "").split())


def test_model_card_gives_everything_as_json(model: Path) -> None:
    card = json.loads(run("model-card", model, "--json").stdout)
    assert len(card["sha256"]) == 64
    assert len(card["training_images"]) == len(card["normal_scores"]) == 24
