"""`spotcheck train` with a network of the user's, in tiles, in eight bits, and with broken pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support_models import normal_png
from support_networks import convolutional_network, save
from support_pictures import png_bytes, scratched, texture, truncated
from typer.testing import CliRunner

from chalicelib.detector import Detector
from chalicelib.exceptions import SpotcheckError
from spotcheck.cli import app

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A labelled folder, and beside it a network with what it says of itself."""
    for name in ("normal", "anomaly"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for seed in range(12):
        (tmp_path / f"data/normal/{seed:02}.png").write_bytes(normal_png(seed))
    for seed in (60, 61):
        data = png_bytes(scratched(texture(seed, 160, 120), 0.1 * (seed - 59)))
        (tmp_path / f"data/anomaly/{seed}.png").write_bytes(data)
    save(convolutional_network(), tmp_path / "net.onnx")
    (tmp_path / "net.toml").write_text('taps = ["stage1", "stage2"]\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n')
    return tmp_path


def train(folder: Path, *options: object) -> Any:
    arguments = ["train", "--data", folder / "data", "--output", folder / "model.onnx", *options, "--json"]
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_broken_picture_in_the_folder_is_reported_and_not_fatal(folder: Path) -> None:
    (folder / "data/normal/cut.png").write_bytes(truncated(normal_png(1)))
    summary = train(folder)
    assert summary["normals"] == 12
    assert summary["skipped"] == [
        {"name": "normal/cut.png", "reason": "The PNG is truncated: it ends before the picture does."}
    ]
    assert any("cut.png" in name for check in summary["checks"] for name in check["files"])


def test_a_network_of_the_users_own(folder: Path) -> None:
    assert train(folder, "--backbone", folder / "net.onnx")["evaluation"]["image_auroc"] == 1
    metadata = Detector.load(folder / "model.onnx").metadata
    assert (metadata.backbone, metadata.input_size) == ("net", 96)


def test_a_network_of_the_users_own_knows_no_presets(folder: Path) -> None:
    arguments = ["train", "--data", str(folder / "data"), "--backbone", str(folder / "net.onnx"), "--fast"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "grid in the TOML file" in " ".join(result.output.replace("│", " ").split())


def test_tiles(folder: Path) -> None:
    summary = train(folder, "--tile", 80, "--method", "padim")
    assert summary["evaluation"]["image_auroc"] == 1
    assert Detector.load(folder / "model.onnx").metadata.tile == 80


def test_a_letterbox_is_not_advised_to_who_has_one(folder: Path) -> None:
    (folder / "data/normal/wide.png").write_bytes(png_bytes(texture(70, 160, 80)))
    checks = train(folder, "--letterbox", "--method", "padim", "--no-synthetic")["checks"]
    assert "shapes" not in {check["check"] for check in checks}
    model, report = folder / "model.onnx", folder / "report.html"
    arguments = ["evaluate", "--model", model, "--data", folder / "data", "--report", report]
    assert CliRunner().invoke(app, list(map(str, arguments))).exit_code == 0
    assert "another size than" in report.read_text()
    assert "--letterbox" not in report.read_text()


def test_tiles_and_a_letterbox_are_an_error(folder: Path) -> None:
    with pytest.raises(SpotcheckError, match="no letterbox"):
        train(folder, "--tile", 80, "--letterbox")


def test_eight_bits(folder: Path) -> None:
    decision = train(folder, "--int8", "--method", "padim")["decisions"]["int8"]
    assert decision["correlation"] >= 0.9
    assert decision["megabytes_int8"] < decision["megabytes"]
    assert Detector.load(folder / "model.onnx").metadata.config["int8"]


def test_synthetic_anomalies_are_learnt_from_unless_told_otherwise(folder: Path) -> None:
    assert "synthetic" in train(folder)["decisions"]
    assert "synthetic" not in train(folder, "--no-synthetic")["decisions"]


def test_altered_copies_are_learnt_from_where_asked_to(folder: Path) -> None:
    summary = train(folder, "--augment", "--method", "padim")
    assert summary["normals"] == 12
    assert summary["decisions"]["augment"]["copies"] == 24
    assert summary["evaluation"]["normals"] == 12
    assert "augment" not in train(folder, "--method", "padim")["decisions"]


def test_where_the_model_cannot_be_written_is_told_before_training(folder: Path) -> None:
    (folder / "model.onnx").mkdir()
    (folder / "data").rename(folder / "elsewhere")
    with pytest.raises(SpotcheckError, match=r"model\.onnx cannot be written: it is a folder"):
        train(folder)


def test_where_the_report_cannot_be_written_is_told_before_training(folder: Path) -> None:
    (folder / "data").rename(folder / "elsewhere")
    with pytest.raises(SpotcheckError, match=r"net\.toml is a file and no folder"):
        train(folder, "--report", folder / "net.toml" / "report.html")


def test_what_an_alarm_costs_says_nothing_without_what_a_miss_costs(folder: Path) -> None:
    arguments = ["train", "--data", folder / "data", "--cost-alarm", 5]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2
    assert "say --cost-miss" in " ".join(result.output.replace("│", "").split())


@pytest.mark.parametrize("cost", ["0", "inf", "nan"])
def test_costs_are_positive_numbers(folder: Path, cost: str) -> None:
    with pytest.raises(SpotcheckError, match=rf"finite and greater than 0, not 1\.0 and {float(cost)}"):
        train(folder, "--cost-miss", cost)


def printed(folder: Path, *options: object) -> str:
    """What `spotcheck train` tells people, on both streams."""
    arguments = ["train", "--data", folder / "data", "--output", folder / "model.onnx", *options]
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_broken_picture_is_told_of_once_and_in_a_sentence(folder: Path) -> None:
    (folder / "data/normal/cut.png").write_bytes(truncated(normal_png(1)))
    output = printed(folder)
    assert "warning normal/cut.png cannot be read: The PNG is truncated: it ends before the pic" in output
    assert output.count("cut.png") == 1


def test_where_there_are_too_few_pictures_to_try_methods_people_are_told(folder: Path) -> None:
    assert "Fewer than 24 normal pictures are too few to try both methods: padim." in printed(folder)


def test_names_in_warnings_are_no_markup(folder: Path) -> None:
    (folder / "data/anomaly/[red]b.png").write_bytes(png_bytes(scratched(texture(62, 160, 120), 0.3)))
    (folder / "data/anomaly/[red]b-mask.png").write_bytes(b"no picture")
    assert "The mask of anomaly/[red]b.png was not used" in printed(folder)


def test_the_anomalies_learnt_from_are_counted_beside_the_normal_pictures(folder: Path) -> None:
    for seed in (62, 63, 64):
        data = png_bytes(scratched(texture(seed, 160, 120), 0.1 * (seed - 59)))
        (folder / f"data/anomaly/{seed}.png").write_bytes(data)
    output = printed(folder)
    learnt = Detector.load(folder / "model.onnx").metadata.judged_by_labels
    assert ("learnt from 12 normal pictures and 5 anomalous ones;" in output) == learnt
