"""The stress test shows what a model bears, and what it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support_models import normal_png, tiny_model
from support_pictures import png_bytes, scratched, texture
from typer.testing import CliRunner

from chalicelib.detector import Detector
from spotcheck.cli import app
from spotcheck.datasets import read_dataset
from spotcheck.stress import CONDITIONS, UNCHANGED, stress_test

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stress")
    for name in ("normal", "anomaly"):
        (root / "data" / name).mkdir(parents=True)
    for seed in range(100, 103):
        (root / f"data/normal/{seed}.png").write_bytes(normal_png(seed))
        (root / f"data/anomaly/{seed}.png").write_bytes(png_bytes(scratched(texture(seed, 160, 120))))
    (root / "data/normal/broken.png").write_bytes(normal_png(1)[:-20])
    (root / "model.onnx").write_bytes(tiny_model())
    return root


def test_what_leaves_the_pictures_alone_changes_nothing_and_white_paint_ruins_everything(
    folder: Path,
) -> None:
    results = stress_test(
        Detector.load(tiny_model()),
        read_dataset(folder / "data").train,
        conditions={"copied": np.copy, "painted white": lambda pixels: np.full_like(pixels, 255)},
    )
    plain, copied, white = results
    assert plain.condition == UNCHANGED
    assert (plain.images, plain.image_auroc, plain.recall, plain.false_alarm_rate) == (6, 1, 1, 0)
    assert (copied.image_auroc, copied.recall, copied.false_alarm_rate) == (1, 1, 0)
    assert (white.image_auroc, white.false_alarm_rate) == (0.5, 1)


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_keeps_the_size_and_changes_the_picture(name: str) -> None:
    pixels = texture(1, 301, 227)
    changed = CONDITIONS[name](pixels)
    assert (changed.shape, changed.dtype) == (pixels.shape, pixels.dtype)
    assert (changed != pixels).any()


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_does_the_same_again(name: str) -> None:
    pixels = texture(1, 64, 64)
    assert (CONDITIONS[name](pixels) == CONDITIONS[name](pixels)).all()


def test_a_shift_moves_to_the_lower_right() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[50, 50] = 255
    moved = CONDITIONS["shifted by 5%"](pixels)
    assert divmod(int(moved[..., 0].argmax()), 100) == (55, 55)


def test_the_command_lists_every_condition(folder: Path) -> None:
    arguments = [
        "evaluate",
        "--model",
        str(folder / "model.onnx"),
        "--data",
        str(folder / "data"),
        "--stress",
    ]
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    stress = json.loads(result.stdout)["stress"]
    assert [one["condition"] for one in stress] == [UNCHANGED, *CONDITIONS]
    assert set(stress[0]) == {"condition", "images", "image_auroc", "recall", "false_alarm_rate"}
