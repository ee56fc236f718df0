"""What is wrong with a set of pictures is found, named, and comes with what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter
from support_models import normal_png
from support_pictures import encoded, jpeg_bytes, png_bytes, scratched, texture
from typer.testing import CliRunner

from chalicelib.framing import LETTERBOX, Framing
from spotcheck.checks import Finding, check_labels, check_pictures
from spotcheck.cli import app
from spotcheck.datasets import read_dataset
from spotcheck.survey import survey

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve normal pictures to train on, and a test split: nothing wrong but that they are few."""
    for seed in range(12):
        write(tmp_path / f"train/good/{seed:02}.png", stained_png(seed))
    write(tmp_path / "test/good/90.png", stained_png(90))
    write(tmp_path / "test/scratch/91.png", png_bytes(scratched(texture(91, 160, 120))))
    return tmp_path


def stained_png(seed: int) -> bytes:
    """A weave with stains of its own, as real parts have."""
    stains = np.random.default_rng(seed).normal(size=(6, 8)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(stains).resize((160, 120), Image.Resampling.BICUBIC))
    pixels = texture(seed, 160, 120) + 25 * smooth[..., None]
    return png_bytes(np.clip(pixels, 0, 255).astype(np.uint8))


def found(folder: Path, framing: Framing | None = None) -> dict[str, list[Finding]]:
    findings: dict[str, list[Finding]] = {}
    for finding in check_pictures(survey(read_dataset(folder)), framing):
        findings.setdefault(finding.check, []).append(finding)
    return findings


def test_a_tidy_set_is_only_too_small(folder: Path) -> None:
    findings = found(folder)
    assert set(findings) == {"too-few"}
    assert [finding.severity for finding in findings["too-few"]] == ["warning", "note", "note"]


def test_fewer_normals_than_training_takes_are_an_error(folder: Path) -> None:
    for seed in range(3):
        (folder / f"train/good/{seed:02}.png").unlink()
    assert found(folder)["too-few"][0].severity == "error"
    assert "9 normal pictures" in found(folder)["too-few"][0].message


def test_a_broken_picture_is_named_with_the_reason(folder: Path) -> None:
    write(folder / "train/good/broken.png", stained_png(50)[:-30])
    (finding,) = found(folder)["unreadable"]
    assert finding.files == ("train/good/broken.png",)
    assert "truncated" in finding.message


def test_copies_within_a_split_are_a_warning(folder: Path) -> None:
    write(folder / "train/good/copy.png", stained_png(3))
    (finding,) = found(folder)["duplicates"]
    assert finding.files == ("train/good/03.png", "train/good/copy.png")


def test_a_picture_in_training_and_test_is_an_error(folder: Path) -> None:
    write(folder / "test/good/copy.png", stained_png(3))
    (finding,) = found(folder)["leak"]
    assert (finding.severity, len(finding.files)) == ("error", 2)


def test_a_picture_under_both_labels_is_an_error(folder: Path) -> None:
    write(folder / "test/scratch/copy.png", stained_png(3))
    assert found(folder)["label-conflict"][0].severity == "error"


def test_a_part_photographed_twice_is_noticed_within_and_across_splits(folder: Path) -> None:
    image = Image.open(folder / "train/good/03.png")
    write(folder / "train/good/again.jpg", jpeg_bytes(np.asarray(image), quality=60))
    assert found(folder)["near-duplicates"][0].files == ("train/good/03.png", "train/good/again.jpg")
    write(folder / "test/good/again.jpg", jpeg_bytes(np.asarray(image), quality=50))
    assert len(found(folder)["near-leak"][0].files) == 3


def test_another_aspect_ratio_is_a_warning_and_another_size_a_note(folder: Path) -> None:
    write(folder / "train/good/square.png", png_bytes(texture(60, 120, 120)))
    write(folder / "train/good/large.png", png_bytes(texture(61, 320, 240)))
    findings = found(folder)
    assert findings["shapes"][0].files == ("train/good/square.png",)
    assert findings["sizes"][0].files == ("train/good/large.png",)
    assert "160 × 120" in findings["sizes"][0].message  # noqa: RUF001 - the sign that people know


@pytest.mark.parametrize("framing", [Framing(320, resize=LETTERBOX), Framing(320, tile=80)])
def test_what_keeps_the_ratio_of_the_sides_is_not_warned_of_another_one(
    folder: Path, framing: Framing
) -> None:
    write(folder / "train/good/square.png", png_bytes(texture(60, 120, 120)))
    findings = found(folder, framing)
    assert "shapes" not in findings
    assert findings["sizes"][0].files == ("train/good/square.png",)


def test_a_mask_of_another_shape_than_its_picture_is_a_warning_and_another_size_is_fine(folder: Path) -> None:
    write(folder / "ground_truth/scratch/91_mask.png", png_bytes(texture(60, 120, 160)))
    (finding,) = found(folder)["masks"]
    assert finding.files == ("test/scratch/91.png",)
    assert finding.message == "1 mask of another aspect ratio than the picture"
    write(folder / "ground_truth/scratch/91_mask.png", png_bytes(texture(60, 80, 60)))
    assert "masks" not in found(folder)


@pytest.mark.parametrize("normals", [0, 1])
def test_few_pictures_are_counted_as_people_count(folder: Path, normals: int) -> None:
    for seed in range(normals, 12):
        (folder / f"train/good/{seed:02}.png").unlink()
    word = "picture" if normals == 1 else "pictures"
    messages = [finding.message for finding in found(folder)["too-few"]]
    assert f"{normals} normal {word} to train on; at least 10 are needed" in messages
    assert "1 normal picture to test on: figures will be rough" in messages


def test_blur_and_exposure_stand_out_among_normal_pictures(folder: Path) -> None:
    image = Image.open(folder / "train/good/03.png")
    write(folder / "train/good/blurred.png", encoded(image.filter(ImageFilter.GaussianBlur(3)), "PNG"))
    write(folder / "train/good/dark.png", encoded(Image.eval(image, lambda level: level // 3), "PNG"))
    findings = found(folder)
    assert "train/good/blurred.png" in findings["blur"][0].files
    assert findings["exposure"][0].files == ("train/good/dark.png",)
    assert "darker" in findings["exposure"][0].message


def test_an_anomaly_may_look_odd(folder: Path) -> None:
    image = Image.open(folder / "train/good/03.png")
    write(folder / "test/burnt/dark.png", encoded(Image.eval(image, lambda level: level // 3), "PNG"))
    assert "exposure" not in found(folder)


NORMAL_SCORES = {f"n{index}": 10 + index / 10 for index in range(20)}


def test_a_normal_picture_that_scores_far_above_the_others_is_suspect() -> None:
    (finding,) = check_labels({**NORMAL_SCORES, "odd": 40.0, "odder": 50.0}, {})
    assert (finding.check, finding.files) == ("label-normal", ("odder", "odd"))


def test_an_anomaly_that_scores_below_most_normals_is_suspect() -> None:
    anomalies = {f"a{index}": 30.0 for index in range(19)}
    (finding,) = check_labels(NORMAL_SCORES, {**anomalies, "fine": 10.0})
    assert (finding.check, finding.files) == ("label-anomaly", ("fine",))


def test_where_scores_tell_nothing_no_label_is_blamed() -> None:
    (finding,) = check_labels(NORMAL_SCORES, {f"a{index}": 10 + index / 5 for index in range(10)})
    assert (finding.severity, finding.files) == ("note", ())


def test_the_command_finds_a_label_error_with_a_model_made_in_passing(tmp_path: Path) -> None:
    for seed in range(12):
        write(tmp_path / f"normal/{seed:02}.png", normal_png(seed))
    write(tmp_path / "normal/wrong.png", png_bytes(scratched(texture(40, 160, 120), size=0.5)))
    result = CliRunner().invoke(app, ["check", "--data", str(tmp_path), "--json"], catch_exceptions=False)
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert findings["label-normal"]["files"] == ["normal/wrong.png"]
    assert set(findings["label-normal"]) == {"check", "severity", "message", "files", "advice"}


def test_the_command_shows_people_a_line_a_finding(folder: Path) -> None:
    for number in range(5):
        write(folder / f"train/good/copy{number}.png", stained_png(number))
    arguments = ["check", "--data", str(folder), "--no-labels"]
    output = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert output.count("2 copies of one picture") == 3
    assert "2 more of the kind duplicates: --json lists all" in output
