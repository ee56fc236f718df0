"""Folders of pictures are understood as people arrange them, and what is not understood is said."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support_pictures import jpeg_bytes, png_bytes, texture

from spotcheck.datasets import read_dataset
from spotcheck.exceptions import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.measuring.pictures import Dataset

JPEG, PNG = jpeg_bytes(texture(0, 64, 64)), png_bytes(texture(0, 64, 64))


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG if name.endswith("png") else JPEG)
    return root


def counts(dataset: Dataset) -> tuple[int, int, int, int]:
    """Normal and anomalous pictures of the training split, then of the test split."""
    train = Counter(picture.is_anomalous for picture in dataset.train)
    test = Counter(picture.is_anomalous for picture in dataset.test)
    return train[False], train[True], test[False], test[True]


MVTEC = (
    *("train/good/000.png", "train/good/001.png", "test/good/000.png", "test/scratch/000.png"),
    *("test/bent_lead/000.png", "ground_truth/scratch/000_mask.png"),
)
KAGGLE = (
    *("data1a/training/00-damage/0001.JPEG", "data1a/training/01-whole/0001.jpg"),
    *("data1a/training/01-whole/0002.jpg", "data1a/validation/00-damage/0001.JPEG"),
    "data1a/validation/01-whole/0001.jpg",
)


def test_mvtec_layout(tmp_path: Path) -> None:
    dataset = read_dataset(make(tmp_path, *MVTEC))
    assert counts(dataset) == (2, 0, 1, 2)
    assert dataset.skipped == ()
    masks = {picture.name: picture.mask for picture in dataset.test}
    assert masks == {
        "test/bent_lead/000.png": None,
        "test/good/000.png": None,
        "test/scratch/000.png": tmp_path / "ground_truth/scratch/000_mask.png",
    }


def test_a_training_folder_with_masks_is_a_kind_of_anomaly(tmp_path: Path) -> None:
    make(
        tmp_path, "train/good/0.png", "train/dent/1.png", "train/other/2.png", "ground_truth/dent/1_mask.png"
    )
    dataset = read_dataset(tmp_path)
    assert [(picture.name, picture.mask is not None) for picture in dataset.anomalies] == [
        ("train/dent/1.png", True)
    ]
    assert [item.name for item in dataset.skipped] == ["train/other/"]


def test_mvtec_layout_without_a_test_split(tmp_path: Path) -> None:
    assert counts(read_dataset(make(tmp_path, "train/good/000.png"))) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("normal", "anomaly"),
    [
        ("normal", "anomaly"),
        ("Normal", "Anomaly"),
        ("GOOD", "BAD"),
        ("good", "defective"),
        ("01-whole", "00-damage"),
        ("1_undamaged", "2 damaged"),
    ],
)
def test_labelled_folders(tmp_path: Path, normal: str, anomaly: str) -> None:
    make(tmp_path, f"{normal}/a.png", f"{normal}/b.jpg", f"{anomaly}/c.jpg")
    assert counts(read_dataset(tmp_path)) == (2, 1, 0, 0)


def test_labelled_folders_without_anomalies(tmp_path: Path) -> None:
    assert counts(read_dataset(make(tmp_path, "normal/a.png"))) == (1, 0, 0, 0)


@pytest.mark.parametrize("folder", [".", "data1a"])
def test_kaggles_car_damage_set_as_downloaded(tmp_path: Path, folder: str) -> None:
    dataset = read_dataset(make(tmp_path, *KAGGLE) / folder)
    assert counts(dataset) == (2, 1, 1, 1)
    assert dataset.root == tmp_path / "data1a"
    assert [picture.name for picture in dataset.normals] == [
        "training/01-whole/0001.jpg",
        "training/01-whole/0002.jpg",
    ]


def test_kaggles_other_sets_beside_it_do_not_matter(tmp_path: Path) -> None:
    make(tmp_path, *KAGGLE, "data2a/training/00-front/1.jpg", "data3a/training/01-minor/1.jpg")
    assert read_dataset(tmp_path).root == tmp_path / "data1a"


def test_one_split_of_it_alone(tmp_path: Path) -> None:
    assert counts(read_dataset(make(tmp_path, *KAGGLE) / "data1a/training")) == (2, 1, 0, 0)


def test_a_folder_around_a_folder_does_not_matter(tmp_path: Path) -> None:
    assert counts(read_dataset(make(tmp_path, "cars/v2/normal/a.png").parent / tmp_path.name)) == (1, 0, 0, 0)


def test_pictures_in_folders_below_a_label_count(tmp_path: Path) -> None:
    dataset = read_dataset(make(tmp_path, "normal/monday/a.png", "normal/tuesday/a.png"))
    assert [picture.name for picture in dataset.train] == ["normal/monday/a.png", "normal/tuesday/a.png"]


def test_validation_and_test_are_one_split(tmp_path: Path) -> None:
    make(tmp_path, "train/good/a.png", "val/good/b.png", "test/bad/c.png")
    assert counts(read_dataset(tmp_path)) == (1, 0, 1, 1)


def test_the_bytes_tell_a_picture_and_not_the_name(tmp_path: Path) -> None:
    make(tmp_path, "normal/a", "normal/b.txt")
    (tmp_path / "normal/c.jpg").write_bytes(b"GIF89a......")
    (tmp_path / "normal/d.jpg").write_bytes(b"")
    (tmp_path / "normal/notes.md").write_text("Taken on Monday.")
    dataset = read_dataset(tmp_path)
    assert [picture.name for picture in dataset.train] == ["normal/a", "normal/b.txt"]
    assert {item.name: item.reason for item in dataset.skipped} == {
        "normal/c.jpg": "The file is a GIF, not a JPEG or PNG picture.",
        "normal/d.jpg": "The file is empty.",
        "normal/notes.md": "The file is text, not a JPEG or PNG picture.",
    }


def test_what_file_managers_leave_behind_is_not_mentioned(tmp_path: Path) -> None:
    make(tmp_path, "normal/a.png", "normal/.DS_Store", "normal/Thumbs.db", "__MACOSX/normal/._a.png")
    assert read_dataset(tmp_path).skipped == ()


def test_folders_and_pictures_that_no_label_covers_are_named(tmp_path: Path) -> None:
    make(tmp_path, "train/good/a.png", "train/unsure/b.png", "train/c.png", "raw/d.png")
    assert {item.name: item.reason for item in read_dataset(tmp_path).skipped} == {
        "raw/": "The folder's name tells neither normal nor anomalous.",
        "train/unsure/": "The folder's name tells neither normal nor anomalous.",
        "train/c.png": "The picture is in no labelled folder.",
    }


def test_a_mask_beside_a_picture_is_its_mask_and_no_picture(tmp_path: Path) -> None:
    make(tmp_path, "normal/a.png", "anomaly/b.jpg", "anomaly/b-mask.png", "anomaly/lonely-mask.png")
    masks = {picture.name: picture.mask for picture in read_dataset(tmp_path).anomalies}
    assert masks == {"anomaly/b.jpg": tmp_path / "anomaly/b-mask.png", "anomaly/lonely-mask.png": None}


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        read_dataset(tmp_path / "none")


@pytest.mark.parametrize("names", [(), ("a.png",), ("monday/a.png",), ("train/monday/a.png",)])
def test_a_folder_without_labels_is_an_error_that_lists_the_accepted_layouts(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    with pytest.raises(DatasetError, match=r"(?s)tells normal from anomalous.*MVTec.*labelled folders"):
        read_dataset(make(tmp_path, *names))


def test_several_sets_in_one_folder_are_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cables, screws"):
        read_dataset(make(tmp_path, "cables/train/good/a.png", "screws/train/good/a.png"))


def test_labelled_folders_without_a_picture_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "normal").mkdir()
    with pytest.raises(DatasetError, match="no JPEG or PNG picture"):
        read_dataset(tmp_path)


def test_the_folders_name_tells_the_kind_of_anomaly(tmp_path: Path) -> None:
    folders = {
        "broken_large": ("brokenLarge",),
        "dent+scratch": ("dent", "scratch"),
        "defect": (),
        "good": (),
    }
    names = {
        f"test/{folder}/{inner}": kinds for folder, kinds in folders.items() for inner in ("a.png", "2/b.png")
    }
    found = {one.name: one.kinds for one in read_dataset(make(tmp_path, *names)).test}
    assert found == names


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, names of files are text")
def test_a_file_whose_name_is_no_text_has_one_that_models_and_reports_can_hold(tmp_path: Path) -> None:
    make(tmp_path, "normal/a.png")
    (tmp_path / os.fsdecode(b"normal/b\xff.png")).write_bytes(PNG)
    (tmp_path / os.fsdecode(b"normal/c\xff.png")).write_bytes(b"no picture")
    dataset = read_dataset(tmp_path)
    assert [picture.name for picture in dataset.train] == ["normal/a.png", r"normal/b\udcff.png"]
    assert dataset.train[1].path.read_bytes() == PNG
    assert [item.name for item in dataset.skipped] == [r"normal/c\udcff.png"]
