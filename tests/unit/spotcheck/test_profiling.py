"""`spotcheck profile` tells every stage of a verdict, for both kinds of files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support_models import normal_png, tiny_model
from support_pictures import jpeg_bytes, texture
from typer.testing import CliRunner

from chalicelib.detector import Detector
from chalicelib.exceptions import PictureRejectedError
from spotcheck.cli import app
from spotcheck.exceptions import InputError
from spotcheck.profiling import stage_medians

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ["read header", "decode", "resize", "inference", "regions", "heat map", "mask"]


@pytest.mark.parametrize("data", [normal_png(3), jpeg_bytes(texture(1, 800, 600))], ids=["png", "jpeg"])
def test_every_stage_has_its_time(data: bytes) -> None:
    times = stage_medians(Detector.load(tiny_model()), data, rounds=2)
    assert list(times) == STAGES
    assert all(value >= 0 for value in times.values())


def test_a_file_that_can_never_be_judged_is_rejected_with_the_reason() -> None:
    with pytest.raises(PictureRejectedError, match="truncated"):
        stage_medians(Detector.load(tiny_model()), normal_png(3)[:-20], rounds=1)


def test_the_command_names_a_file_that_can_never_be_judged(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(tiny_model())
    (tmp_path / "a.txt").write_text("no picture")
    arguments = ["profile", str(tmp_path / "a.txt"), "--model", str(tmp_path / "model.onnx")]
    with pytest.raises(InputError, match=r"a\.txt cannot be judged: The file is text"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_the_command_prints_a_table_or_json(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(tiny_model())
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(texture(1, 800, 600)))
    arguments = ["profile", str(tmp_path / "a.jpg"), "--model", str(tmp_path / "model.onnx"), "--rounds", "2"]
    table = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "800 × 600" in table  # noqa: RUF001 - the sign that people know
    assert all(stage in table for stage in STAGES)
    values = json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert list(values) == ["load model", "first verdict", *STAGES]
