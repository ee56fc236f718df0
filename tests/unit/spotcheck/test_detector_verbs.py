"""`spotcheck train`, `evaluate` and `detect` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support_models import normal_png, tiny_model
from support_pictures import png_bytes, scratched, texture
from typer.testing import CliRunner

from chalicelib.detector import Detector
from chalicelib.exceptions import SpotcheckError
from spotcheck.cli import app
from spotcheck.detect import heat_map_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a labelled folder and some loose files."""
    root = tmp_path_factory.mktemp("verbs")
    (root / "model.onnx").write_bytes(tiny_model())
    (root / "scratched.png").write_bytes(png_bytes(scratched(texture(100, 160, 120))))
    (root / "fine.png").write_bytes(normal_png(100))
    (root / "notes.txt").write_text("no picture")
    for name in ("normal", "anomaly"):
        (root / "data" / name).mkdir(parents=True)
    for seed in range(10):
        (root / f"data/normal/{seed}.png").write_bytes(normal_png(seed))
    (root / "data/anomaly/a.png").write_bytes((root / "scratched.png").read_bytes())
    (root / "data/normal/readme.txt").write_text("no picture")
    return root


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_detect_lists_a_verdict_for_each_file(folder: Path) -> None:
    files = [folder / name for name in ("scratched.png", "fine.png", "notes.txt")]
    verdicts = json.loads(run("detect", "--model", folder / "model.onnx", "--json", *files).stdout)
    keys = ["file", "status", "is_anomalous", "confidence", "score", "threshold", "reason", "heatmap"]
    keys += ["regions", "kinds"]
    assert [list(verdict) for verdict in verdicts] == [keys] * 3
    assert [verdict["file"] for verdict in verdicts] == list(map(str, files))
    assert [verdict["status"] for verdict in verdicts] == ["JUDGED", "JUDGED", "REJECTED"]
    assert [verdict["is_anomalous"] for verdict in verdicts] == [True, False, None]
    assert verdicts[2]["reason"] == "The file is text, not a JPEG or PNG picture."
    assert [len(verdict["regions"]) > 0 for verdict in verdicts] == [True, False, False]
    region = verdicts[0]["regions"][0]
    assert list(region) == ["left", "top", "width", "height", "area", "severity", "polygon", "name"]
    assert len(region["polygon"]) >= 4
    assert verdicts[0]["score"] > verdicts[0]["threshold"] > verdicts[1]["score"]


def test_detect_writes_heat_maps(folder: Path, tmp_path: Path) -> None:
    result = run(
        "detect",
        "--model",
        folder / "model.onnx",
        "--heatmap",
        tmp_path / "maps",
        "--json",
        folder / "fine.png",
    )
    (verdict,) = json.loads(result.stdout)
    assert verdict["heatmap"] == str(tmp_path / "maps/fine.png.heatmap.png")
    assert Path(verdict["heatmap"]).read_bytes().startswith(b"\x89PNG")


def test_detect_shows_people_a_table(folder: Path) -> None:
    output = run("detect", "--model", folder / "model.onnx", folder / "fine.png", folder / "notes.txt").stdout
    assert "Normal" in output
    assert "Rejected" in output


def test_scores_about_one_have_digits_enough_to_be_told_from_the_threshold(
    folder: Path, tmp_path: Path
) -> None:
    """As those of models that came from anomalib."""
    run("threshold", "--model", folder / "model.onnx", "--value", 1.0049, "--output", tmp_path / "one.onnx")
    output = run("detect", "--model", tmp_path / "one.onnx", folder / "fine.png").stdout
    assert "above a score of 1.005" in output


def test_detect_of_a_missing_file_is_an_error(folder: Path) -> None:
    with pytest.raises(SpotcheckError, match=r"none\.png cannot be read"):
        run("detect", "--model", folder / "model.onnx", folder / "fine.png", folder / "none.png")


def test_pictures_of_one_name_get_heat_maps_of_their_own() -> None:
    assert heat_map_names([Path("a/x.jpg"), Path("b/x.jpg"), Path("x.png")]) == [
        "x.jpg.heatmap.png",
        "x.jpg.2.heatmap.png",
        "x.png.heatmap.png",
    ]


def test_evaluate_prints_nothing_but_json(folder: Path) -> None:
    result = run("evaluate", "--model", folder / "model.onnx", "--data", folder / "data", "--json")
    figures = json.loads(result.stdout)
    assert figures["images"] == 11
    assert figures["recall"] == 1
    assert figures["pixel_auroc"] is None
    assert figures["trained_on"] == 10
    assert "trained on 10" in result.stderr


def test_evaluate_shows_people_a_table(folder: Path) -> None:
    assert (
        "image AUROC" in run("evaluate", "--model", folder / "model.onnx", "--data", folder / "data").stdout
    )


def test_evaluate_with_a_file_that_is_no_model_is_an_error(folder: Path) -> None:
    with pytest.raises(SpotcheckError, match="no ONNX model"):
        run("evaluate", "--model", folder / "notes.txt", "--data", folder / "data")


def test_train_says_what_it_understood_and_writes_the_model(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "made" / "model.onnx"
    result = run("train", "--data", folder / "data", "--output", output, "--project", "weave")
    assert "readme.txt" in result.stderr
    assert "10 normal pictures" in result.stdout.replace("\n", " ")
    assert "warning" in result.stdout
    assert "image AUROC" in result.stdout
    assert output.stat().st_size > 1_000_000


def test_train_prints_nothing_but_json(folder: Path, tmp_path: Path) -> None:
    result = run("train", "--data", folder / "data", "--output", tmp_path / "model.onnx", "--json")
    summary = json.loads(result.stdout)
    assert summary["normals"] == 10
    assert summary["evaluation"]["image_auroc"] == 1
    assert summary["skipped"][0]["name"] == "normal/readme.txt"


def test_what_of_the_picture_counts_travels_in_the_model(folder: Path, tmp_path: Path) -> None:
    mask, output = tmp_path / "mask.png", tmp_path / "model.onnx"
    mask.write_bytes(png_bytes(np.full((120, 160, 3), 255, np.uint8)))
    options = ["--letterbox", "--roi", "0.1,0,0.8,1", "--mask", mask]
    run("train", "--data", folder / "data", "--output", output, *options)
    metadata = Detector.load(output).metadata
    assert metadata.resize == "letterbox-bilinear"
    assert metadata.roi == (0.1, 0, 0.8, 1)
    assert metadata.mask


@pytest.mark.parametrize(
    ("options", "reason"),
    [(["--roi", "0.5,0,0.9,1"], "within the picture"), (["--mask", "none.png"], "No such")],
)
def test_framing_that_cannot_be_is_an_error(folder: Path, options: list[str], reason: str) -> None:
    with pytest.raises(SpotcheckError, match=reason):
        run("train", "--data", folder / "data", *options)


def test_train_into_a_folder_that_cannot_be_made_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SpotcheckError, match="cannot be written"):
        run("train", "--data", folder / "data", "--output", tmp_path / "file" / "model.onnx")
