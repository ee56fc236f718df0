"""`spotcheck import-lookout` makes a dataset folder of an export, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support_lookout import COLOURS, label, line, manifest_bytes, mask, mask_png, write_export
from support_pictures import jpeg_bytes, png_bytes, texture
from typer.testing import CliRunner

from chalicelib.exceptions import ManifestError, SpotcheckError
from chalicelib.lookout.evaluation import EvaluationResult, LabelMetrics
from chalicelib.training.masks import coverage_by_kind
from spotcheck.cli import app
from spotcheck.datasets import read_dataset
from spotcheck.exceptions import DatasetError, InputError, OutputError, TargetError
from spotcheck.exports import LocalExport
from spotcheck.import_lookout import open_export, print_comparison
from spotcheck.lookout_dataset import Imported, import_export

PNG = png_bytes(texture())
OLD = EvaluationResult("arn", "2025-10-30T10:00:00Z", 34, 16, 0.9, 0.9, 0.75, 0.6, 0.667)


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, ["import-lookout", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def taken(source: Path, output: Path, *, skip_problems: bool = False) -> Imported:
    return import_export(open_export(str(source)), output, skip_problems=skip_problems)


def problems(source: Path, output: Path) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        taken(source, output)
    assert not output.exists()
    assert [path.name for path in output.parent.iterdir() if path.name.startswith(".")] == []
    return [str(problem) for problem in caught.value.problems]


def small(root: Path, *lines: dict[str, Any], **files: bytes) -> Path:
    """A folder with a manifest, one normal picture a.png, and further files."""
    root.mkdir(exist_ok=True)
    (root / "a.png").write_bytes(PNG)
    for name, content in files.items():
        (root / f"{name}.png").write_bytes(content)
    first = line("s3://my-bucket/x/a.png", label("normal"))
    (root / "train.manifest").write_bytes(manifest_bytes([first, *lines]))
    return root


def masked(name: str, picture: str = "b") -> dict[str, Any]:
    return line(f"s3://my-bucket/x/{picture}.png", label("anomaly"), mask(f"s3://my-bucket/x/{name}.png"))


def test_an_export_becomes_a_dataset_folder(tmp_path: Path) -> None:
    output = tmp_path / "out"
    taken(write_export(tmp_path / "export"), output)
    dataset = read_dataset(output)
    assert (len(dataset.normals), len(dataset.anomalies)) == (12, 4)
    assert [item.name for item in dataset.skipped] == ["unlabelled/"]
    kinds = [picture.path.parent.name for picture in dataset.anomalies]
    assert sorted(kinds) == ["anomaly", "dent", "scratch", "scratch"]
    assert {picture.path.parent.name for picture in dataset.test} == {"anomaly", "dent", "good", "scratch"}
    for picture in (*dataset.train, *dataset.test):
        assert (picture.mask is not None) == (picture.path.parent.name in COLOURS)


def test_what_was_understood_is_counted(tmp_path: Path) -> None:
    imported = taken(write_export(tmp_path / "export"), tmp_path / "out")
    (train, test) = imported.splits
    assert (train.name, test.name) == ("train", "test")
    assert (train.normals, train.anomalies, train.masks, train.unlabelled) == (12, 4, 3, 1)
    assert train.kinds == {"scratch": 2, "dent": 1}
    assert imported.problems == ()


def test_masks_become_white_on_black(tmp_path: Path) -> None:
    taken(write_export(tmp_path / "export", splits=["train"]), tmp_path / "out")
    with Image.open(tmp_path / "out/ground_truth/dent/2-2_mask.png") as image:
        pixels = np.asarray(image)
    assert np.unique(pixels).tolist() == [0, 255]
    assert (pixels[15:35, 55:75] == 255).all()
    assert (pixels == 255).sum() == 400


def test_pictures_keep_their_bytes_and_manifests_their_lines(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", splits=["train"])
    taken(export, tmp_path / "out")
    before = (export / "train/images/photos/normal/5.png").read_bytes()
    assert (tmp_path / "out/train/good/5.png").read_bytes() == before
    assert (tmp_path / "out/train.manifest").read_bytes() == (export / "datasets/train.manifest").read_bytes()


def test_a_mask_with_two_kinds_of_anomaly(tmp_path: Path) -> None:
    both = mask_png((COLOURS["scratch"], 1, 1), (COLOURS["dent"], 40, 40))
    taken(small(tmp_path / "in", masked("m"), b=PNG, m=both), tmp_path / "out")
    assert (tmp_path / "out/train/dent+scratch/b.png").is_file()
    drawn = (tmp_path / "out/ground_truth/dent+scratch/b_mask.png").read_bytes()
    (anomaly,) = read_dataset(tmp_path / "out").anomalies
    assert anomaly.kinds == ("dent", "scratch")
    covered = coverage_by_kind(drawn, anomaly.kinds, 12)
    assert covered["dent"].reshape(12, 12)[6, 6] == 1
    assert covered["scratch"].reshape(12, 12)[1, 1] == 1
    assert not (covered["dent"] * covered["scratch"]).any()


def test_kinds_keep_the_colours_of_their_masks(tmp_path: Path) -> None:
    taken(write_export(tmp_path / "export"), tmp_path / "out")
    assert read_dataset(tmp_path / "out").colors == COLOURS


def test_a_kind_of_anomaly_called_good_is_not_taken_for_normal(tmp_path: Path) -> None:
    odd = line(
        "s3://my-bucket/x/b.png", label("anomaly"), mask("s3://my-bucket/x/m.png", {"good": "#112233"})
    )
    taken(small(tmp_path / "in", odd, b=PNG, m=mask_png(("#112233", 1, 1))), tmp_path / "out")
    (anomaly,) = read_dataset(tmp_path / "out").anomalies
    assert anomaly.path.parent.name == "anomaly-good"
    assert anomaly.mask


def test_a_normal_pictures_mask_is_not_needed(tmp_path: Path) -> None:
    dummy = line("s3://my-bucket/x/b.png", label("normal"), mask("s3://elsewhere/dummy.png"))
    assert taken(small(tmp_path / "in", dummy, b=PNG), tmp_path / "out").splits[0].normals == 2


def test_the_consoles_layout(tmp_path: Path) -> None:
    for split in ("train", "test"):
        folder = tmp_path / f"in/datasets/p/{split}/manifests/output"
        folder.mkdir(parents=True)
        lines = [line(f"s3://lookoutvision-us-east-1-0a1b2c/projects/p/{split}/1.png", label("normal"))]
        (folder / "output.manifest").write_bytes(manifest_bytes(lines))
        picture = tmp_path / f"in/projects/p/{split}/1.png"
        picture.parent.mkdir(parents=True)
        picture.write_bytes(png_bytes(texture(len(split))))
    imported = taken(tmp_path / "in", tmp_path / "out")
    assert [(split.name, split.normals) for split in imported.splits] == [("train", 1), ("test", 1)]
    assert (tmp_path / "out/test/good/1-2.png").read_bytes() == png_bytes(texture(4))


def test_awss_cookie_sample_with_its_paths(tmp_path: Path) -> None:
    for name, content in (
        ("training-images/anomaly-1.jpg", jpeg_bytes()),
        ("training-images/normal-1.jpg", jpeg_bytes()),
    ):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    (tmp_path / "in/mask-images").mkdir()
    (tmp_path / "in/mask-images/anomaly-1.png").write_bytes(mask_png(("#23A436", 1, 1)))
    cracked = mask("mask-images/anomaly-1.png", {"cracked": "#23A436"}, background=False)
    lines = [line("training-images/anomaly-1.jpg", label("anomaly"), cracked)]
    lines += [line("training-images/normal-1.jpg", label("normal"))]
    (tmp_path / "in/template.manifest").write_bytes(manifest_bytes(lines))
    taken(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out/train/cracked/anomaly-1.jpg").is_file()


def test_one_manifest_of_an_export(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export")
    imported = taken(export / "datasets/test.manifest", tmp_path / "out")
    assert [split.name for split in imported.splits] == ["test"]


@pytest.mark.parametrize("name", ["train.jsonl", "dataset.json"])
def test_a_manifest_may_have_another_ending(tmp_path: Path, name: str) -> None:
    export = small(tmp_path / "in")
    (export / "train.manifest").rename(export / name)
    (export / "EvaluationManifest-p-1.json").write_bytes((export / name).read_bytes())
    assert taken(export, tmp_path / "out").splits[0].normals == 1


def test_problems_are_told_by_line_and_nothing_is_written(tmp_path: Path) -> None:
    unknown = masked("m", "b")
    nothing = masked("n", "c")
    size = masked("s", "d")
    missing = line("s3://my-bucket/x/gone.png", label("normal"))
    lost_mask = masked("lost", "e")
    export = small(
        tmp_path / "in",
        *(unknown, nothing, size, missing, lost_mask, line("s3://other/x/a.png")),
        **{name: png_bytes(texture(seed)) for seed, name in enumerate("bcde")},
        m=mask_png(("#123456", 1, 1)),
        n=mask_png(),
        s=mask_png((COLOURS["dent"], 1, 1), side=64),
    )
    found = {text.split(": ")[0]: text for text in problems(export, tmp_path / "out")}
    assert sorted(found) == [f"train.manifest line {number}" for number in range(2, 8)]
    expected = {
        2: "the mask s3://my-bucket/x/m.png has colours that the line does not name (#123456)",
        3: "shows no anomaly, and the picture is labelled anomaly: draw it, or take the mask out",
        4: "has 64 x 64 pixels, its picture 96 x 96: make them alike",
        5: f"s3://my-bucket/x/gone.png is not below {export}: copy it there, or take the line out",
        6: "s3://my-bucket/x/lost.png is not below",
        7: "the picture is in bucket other, those before it are in my-bucket",
    }
    for number, message in expected.items():
        assert message in found[f"train.manifest line {number}"]


def test_lines_with_problems_can_be_left_out(tmp_path: Path) -> None:
    export = small(tmp_path / "in", line("s3://my-bucket/x/gone.png"), masked("m"), b=PNG, m=mask_png())
    imported = taken(export, tmp_path / "out", skip_problems=True)
    assert [problem.line for problem in imported.problems] == [2, 3]
    assert sorted(path.name for path in (tmp_path / "out/train").iterdir()) == ["good"]


def test_leaving_out_everything_is_an_error(tmp_path: Path) -> None:
    export = small(tmp_path / "in")
    (export / "a.png").unlink()
    with pytest.raises(ManifestError):
        taken(export, tmp_path / "out", skip_problems=True)


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    export = small(tmp_path / "in")
    with pytest.raises(OutputError, match="exists and is not empty: name another folder with --output"):
        taken(export, export)
    assert len(list(export.iterdir())) == 2


def test_no_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no manifest .* name the folder that the export script"):
        import_export(LocalExport(tmp_path), tmp_path / "out")


def test_two_manifests_of_one_split_are_an_error(tmp_path: Path) -> None:
    export = small(tmp_path / "in")
    (export / "training.manifest").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"two manifests of the train dataset \(train.manifest, training"):
        taken(export, tmp_path / "out")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder or manifest"):
        open_export(str(tmp_path / "nothing"))


def test_two_aws_at_once_are_an_error() -> None:
    with pytest.raises(TargetError, match="--local and --aws exclude each other"):
        open_export("s3://my-bucket/x", local=True, aws=True)


def test_the_command_says_what_it_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = run(write_export(tmp_path / "My Widgets", splits=["train"])).stdout
    rows = [text.split() for text in output.replace("│", " ").splitlines()]
    assert ["training", "12", "4", "3", "1"] in rows
    assert ["scratch", "2", "2"] in rows
    assert "spotcheck train --data lookout-My-Widgets --project My-Widgets --output My-Widgets.onnx" in output


def test_training_shows_the_old_model_beside_the_new_one(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export")
    for version, f1 in (("9", 0.1), ("10", 0.667)):
        old = EvaluationResult("arn", "", 1, 16, None, None, 0.75, 0.6, f1)
        (export / f"EvaluationResult-widgets-{version}.json").write_bytes(old.to_bytes())
    model = tmp_path / "widgets.onnx"
    output = run(export, "--output", tmp_path / "out", "--train", "--model", model).stdout
    assert model.is_file()
    rows = [text.replace("│", " ").split() for text in output.splitlines()]
    (f1,) = [row for row in rows if row[:2] == ["F1", "0.667"]]
    assert 0.5 < float(f1[2]) <= 1
    assert ["precision", "0.750"] in [row[:2] for row in rows]
    assert ["measured", "on", "16", "pictures", "16", "pictures"] in rows


def test_spotcheck_train_takes_a_manifest_as_it_is(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", splits=["train"])
    dataset = read_dataset(export / "datasets/train.manifest")
    assert (len(dataset.normals), len(dataset.anomalies), dataset.test) == (12, 4, ())
    assert dataset.normals[0].path == export / "train/images/photos/normal/0.png"
    reasons = {item.name: item.reason for item in dataset.skipped}
    assert reasons["train/images/photos/new/a.png"] == "The manifest gives it no label."
    kinds = [picture.kinds for picture in dataset.anomalies]
    assert kinds == [("scratch",), ("scratch",), ("dent",), ()]
    assert dataset.colors["scratch"] == COLOURS["scratch"]
    drawn = [picture.mask for picture in dataset.anomalies]
    assert drawn[3] is None
    assert drawn[2] is not None
    covered = coverage_by_kind(drawn[2].read_bytes(), ("dent",), 12)["dent"]
    assert covered.sum() == pytest.approx(20 * 20 / (96 * 96) * 144, rel=0.3)


def test_a_manifest_is_trained_on_with_the_masks_that_are_there(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", splits=["train"])
    (export / "train/masks/photos/anomaly/1.png").unlink()
    dataset = read_dataset(export / "datasets/train.manifest")
    assert [picture.mask is not None for picture in dataset.anomalies] == [True, False, True, False]
    reasons = {item.name: item.reason for item in dataset.skipped}
    assert "masks/photos/anomaly/1.png is not below" in reasons["train/images/photos/anomaly/1.png"]


def test_a_mask_of_a_manifest_has_to_fit_its_line(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", splits=["train"])
    (export / "train/masks/photos/anomaly/1.png").write_bytes(mask_png(("#fe0000", 5, 5)))
    with pytest.raises(ManifestError, match=r"train.manifest line 14: the mask .* has colours that the line"):
        read_dataset(export / "datasets/train.manifest")


def test_a_manifest_whose_pictures_are_missing_is_an_error(tmp_path: Path) -> None:
    export = small(tmp_path / "in", line("s3://my-bucket/x/gone.png"))
    with pytest.raises(
        SpotcheckError, match=r"train.manifest line 2: s3://my-bucket/x/gone.png is not below"
    ):
        read_dataset(export / "train.manifest")


COOKIES = Path(__file__).resolve().parents[4] / "shared/data/cookies"


@pytest.mark.skipif(not COOKIES.is_dir(), reason="the cookies of ../shared/data are not here")
def test_the_cookies_of_lookout_for_vision(tmp_path: Path) -> None:
    """A manifest as AWS's export script writes one, of the pictures that AWS gave with the service."""
    export = tmp_path / "cookies"
    bucket = "s3://my-bucket/exports/cookies"
    for split in ("train", "test"):
        lines = []
        for path in sorted((COOKIES / split).rglob("*.jpg")):
            key = f"{split}/images/{path.parent.name}/{path.name}"
            (export / key).parent.mkdir(parents=True, exist_ok=True)
            (export / key).write_bytes(path.read_bytes())
            attributes = [label("normal" if path.parent.name == "good" else "anomaly")]
            drawn = COOKIES / f"ground_truth/{path.parent.name}/{path.stem}_mask.png"
            if drawn.is_file():
                with Image.open(drawn) as image:
                    is_anomalous = np.asarray(image.convert("L")) > 0
                pixels = np.full((*is_anomalous.shape, 3), 255, np.uint8)
                pixels[is_anomalous] = (0x23, 0xA4, 0x36)
                mask_key = f"{split}/masks/{path.stem}.png"
                (export / mask_key).parent.mkdir(parents=True, exist_ok=True)
                (export / mask_key).write_bytes(png_bytes(pixels))
                attributes.append(mask(f"{bucket}/{mask_key}", {"cracked": "#23A436"}, background=False))
            lines.append(line(f"{bucket}/{key}", *attributes))
        (export / "datasets").mkdir(exist_ok=True)
        (export / f"datasets/{split}.manifest").write_bytes(manifest_bytes(lines))
    (export / "EvaluationResult-cookies-1.json").write_bytes(OLD.to_bytes())
    model = tmp_path / "cookies.onnx"
    output = run(export, "--output", tmp_path / "out", "--train", "--model", model).stdout
    dataset = read_dataset(tmp_path / "out")
    with_mask = [picture for picture in dataset.test if picture.mask]
    assert (len(dataset.normals), len(dataset.test), len(with_mask)) == (31, 54, 32)
    assert {picture.path.parent.name for picture in with_mask} == {"cracked"}
    assert "Lookout for Vision's model and the new one" in output


def test_of_models_that_learnt_from_masks_each_kind_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    labels = (LabelMetrics("deep scratch", 0.5, 0.6, 0.545, 0.41), LabelMetrics("hole", 0.5, 0.6, 0.321, 0.2))
    kinds = [{"name": "deepScratch", "f1": 0.678, "average_iou": 0.512}]
    print_comparison(replace(OLD, labels=labels), {"f1": 0.9, "pixel_kinds": kinds})
    rows = {row[0]: row[1:] for row in map(_cells, capsys.readouterr().out.splitlines()) if len(row) == 3}
    assert rows["deepScratch: F1"] == ["0.545", "0.678"]
    assert rows["deepScratch: average IoU"] == ["0.410", "0.512"]
    assert rows["hole: F1"] == ["0.321", "-"]


def _cells(line: str) -> list[str]:
    """What stands between the bars of a table's line."""
    return [cell.strip() for cell in line.replace("│", "|").strip("|").split("|")]
