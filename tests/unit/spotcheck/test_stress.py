"""The stress test shows what a model bears, and what it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.text import Text
from support_models import normal_png, tiny_model
from support_pictures import png_bytes, scratched, texture
from typer.testing import CliRunner

from chalicelib.detector import Detector
from spotcheck.cli import app
from spotcheck.datasets import read_dataset
from spotcheck.stress import CONDITIONS, UNCHANGED, StressResult, stress_dict, stress_table, stress_test

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table
    from typer.testing import Result


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


PLAIN = StressResult(UNCHANGED, 6, 1.0, 0.9, 0.0)
BLURRED = StressResult("blurred", 6, 0.75, 0.9, 0.5)
DARK = StressResult("dark", 6, 0.85, None, 0.3)
OTHER = [PLAIN, StressResult("blurred", 6, 0.5, 0.9, 0.875), StressResult("dark", 6, None, None, 0.3)]


def cells(table: Table) -> list[list[str]]:
    """Those of each row, with the markup of their colours."""
    return [[str(cell) for cell in row] for row in zip(*(one.cells for one in table.columns), strict=True)]


def printed(table: Table) -> list[list[str]]:
    """The same without colours."""
    return [[Text.from_markup(cell).plain for cell in row] for row in cells(table)]


def test_the_last_row_is_the_mean_of_all_conditions_but_the_pictures_as_they_are() -> None:
    rows = printed(stress_table([PLAIN, BLURRED, DARK]))
    assert rows[0] == ["as they are", "1.000", "0.900", "0.000"]
    assert rows[-1] == ["mean under stress", "0.800", "0.900", "0.400"]


def test_against_another_model_two_columns_show_by_how_much_figures_are_higher() -> None:
    rows = printed(stress_table([PLAIN, BLURRED, DARK], OTHER))
    assert [[row[2], row[-1]] for row in rows] == [
        ["+0.000", "+0.000"],
        ["+0.250", "-0.375"],
        ["-", "+0.000"],
        ["+0.300", "-0.188"],
    ]


def test_what_the_other_model_does_worse_is_green_and_better_is_red() -> None:
    better = cells(stress_table([PLAIN, BLURRED], OTHER[:2]))[1]
    assert [better[2], better[-1]] == ["[green]+0.250[/]", "[green]-0.375[/]"]
    worse = cells(stress_table(OTHER[:2], [PLAIN, BLURRED]))[1]
    assert [worse[2], worse[-1]] == ["[red]-0.250[/]", "[red]+0.375[/]"]


def test_as_json_each_condition_has_the_other_models_figures_and_the_differences() -> None:
    _, blurred, dark = stress_dict([PLAIN, BLURRED, DARK], OTHER)
    assert blurred["against"] == {
        "image_auroc": 0.5,
        "recall": 0.9,
        "false_alarm_rate": 0.875,
        "image_auroc_difference": 0.25,
        "false_alarm_rate_difference": -0.375,
    }
    assert dark["against"]["image_auroc_difference"] is None


def evaluate(folder: Path, *options: str) -> Result:
    arguments = ["evaluate", "--model", str(folder / "model.onnx"), "--data", str(folder / "data")]
    return CliRunner().invoke(app, [*arguments, *options], catch_exceptions=False)


def test_the_command_lists_every_condition(folder: Path) -> None:
    stress = json.loads(evaluate(folder, "--stress", "--json").stdout)["stress"]
    assert [one["condition"] for one in stress] == [UNCHANGED, *CONDITIONS]
    assert set(stress[0]) == {"condition", "images", "image_auroc", "recall", "false_alarm_rate"}


def test_a_model_against_itself_is_neither_better_nor_worse(folder: Path) -> None:
    result = evaluate(folder, "--stress", "--json", "--against", str(folder / "model.onnx"))
    stress = json.loads(result.stdout)["stress"]
    assert [one["condition"] for one in stress] == [UNCHANGED, *CONDITIONS]
    assert {one["against"]["image_auroc_difference"] for one in stress} == {0}
    assert {one["against"]["false_alarm_rate_difference"] for one in stress} == {0}


def test_pictures_that_the_other_model_knows_are_told(folder: Path) -> None:
    (folder / "data/normal/known.png").write_bytes(normal_png(3))
    result = evaluate(folder, "--stress", "--against", str(folder / "model.onnx"))
    (folder / "data/normal/known.png").unlink()
    told = " ".join(result.output.split())
    assert "warning: the model was trained on 1 of these pictures" in told
    assert "warning: the other model was trained on 1 of these pictures" in told


def test_against_without_stress_is_an_error(folder: Path) -> None:
    result = evaluate(folder, "--against", str(folder / "model.onnx"))
    assert result.exit_code == 2
    assert "say --stress, too" in " ".join(result.output.replace("│", " ").split())
