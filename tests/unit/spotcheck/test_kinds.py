"""How well kinds of anomaly are told apart, as `train`, `evaluate` and `detect` show it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support_kinds import anomaly, is_dent, mask_of, named_model
from support_models import normal_png, tiny_model
from typer.testing import CliRunner

from spotcheck.cli import app
from spotcheck.verdicts import named_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def write_anomalies(root: Path, split: str, seeds: Iterable[int]) -> None:
    for seed in seeds:
        kind = "dent" if is_dent(seed) else "scratch"
        write(root / split / kind / f"{seed}.png", anomaly(seed).read())
        write(root / "ground_truth" / kind / f"{seed}_mask.png", mask_of(seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells dents from scratches, and pictures that it has not seen; one dent is invisible."""
    root = tmp_path_factory.mktemp("kinds")
    write(root / "model.onnx", named_model().model)
    for seed in range(100, 104):
        write(root / f"data/test/good/{seed}.png", normal_png(seed))
    write_anomalies(root / "data", "test", range(300, 307))
    write(root / "data/test/dent/invisible.png", normal_png(120))
    return root


def test_evaluate_lists_the_names_that_each_kind_was_given(folder: Path) -> None:
    printed = run("evaluate", "--model", folder / "model.onnx", "--data", folder / "data", "--json")
    assert json.loads(printed)["kinds"] == {
        "dent": {"dent": 4, "scratch": 0, "anomaly": 0, "called normal": 1},
        "scratch": {"dent": 0, "scratch": 3, "anomaly": 0, "called normal": 0},
    }


def test_evaluate_prints_them_as_a_table_and_the_report_has_them(folder: Path) -> None:
    report = folder / "report.html"
    printed = run("evaluate", "--model", folder / "model.onnx", "--data", folder / "data", "--report", report)
    assert "names that they were given" in " ".join(printed.split())
    page = report.read_text()
    assert "Kinds of anomaly" in page
    assert (
        '<tr><th scope="row">dent</th><td class="good">4</td><td class="">0</td><td class="">0</td>'
        '<td class="bad">1</td></tr>' in page
    )


def test_the_model_card_says_what_is_left_unnamed(folder: Path) -> None:
    printed = " ".join(run("model-card", folder / "model.onnx").replace("│", " ").split())
    assert "where none of them fits" in printed
    assert "What looks like none of them is called anomaly" in printed


def test_predicted_masks_are_measured_by_kind_in_figures_table_and_report(folder: Path) -> None:
    given = ("evaluate", "--model", folder / "model.onnx", "--data", folder / "data")
    dent, scratch = json.loads(run(*given, "--json"))["pixel_kinds"]
    assert (dent["name"], dent["pictures"], scratch["name"], scratch["pictures"]) == ("dent", 4, "scratch", 3)
    report = folder / "masks.html"
    printed = run(*given, "--report", report)
    assert "average IoU" in printed
    assert f"{dent['average_iou']:.3f}" in printed
    assert f"<td>{dent['average_iou']:.3f}</td>" in report.read_text()


def test_a_model_that_tells_no_kinds_apart_has_no_such_table(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "tiny.onnx", tiny_model())
    printed = run("evaluate", "--model", tmp_path / "tiny.onnx", "--data", folder / "data", "--json")
    assert json.loads(printed)["kinds"] == {}


def test_without_a_test_split_the_cross_validated_names_count(tmp_path: Path) -> None:
    for seed in range(16):
        write(tmp_path / f"data/train/good/{seed}.png", normal_png(seed))
    write_anomalies(tmp_path / "data", "train", range(200, 212))
    printed = run("train", "--data", tmp_path / "data", "--output", tmp_path / "m.onnx", "--fast", "--json")
    summary = json.loads(printed)
    assert summary["decisions"]["labels"]["used"]
    assert summary["evaluation"]["kinds"] == summary["decisions"]["kinds"]["confusion"]
    assert sum(summary["evaluation"]["kinds"]["dent"].values()) == 6
    card = run("model-card", tmp_path / "m.onnx")
    assert "dent" in card
    assert "masks" in card


def test_detect_names_what_it_finds_and_how_much_of_the_picture_that_is(folder: Path) -> None:
    picture = folder / "data/test/scratch/301.png"
    (verdict,) = json.loads(run("detect", "--model", folder / "model.onnx", "--json", picture))
    assert verdict["regions"][0]["name"] == "scratch"
    largest = max(verdict["kinds"], key=lambda kind: kind["area"])
    assert largest["name"] == "scratch"
    assert 0.01 < largest["area"] < 0.8
    assert "scratch" in run("detect", "--model", folder / "model.onnx", picture).split("301.png")[1]


def test_kinds_are_listed_by_area_and_what_has_no_name_is_not() -> None:
    found = [{"name": "dent", "area": 0.1}, {"name": "scratch", "area": 0.2}]
    assert named_kinds({"kinds": found}) == "scratch, dent"
    assert named_kinds({"kinds": [{"name": "anomaly", "area": 0.1}]}) == ""
    assert named_kinds({}) == ""
