"""Pictures of an export are found by the end of their keys, and never mixed up."""

from __future__ import annotations

from chalicelib.lookout.entries import Location
from spotcheck.locating import locate


def found(keys: list[str], files: list[str]) -> dict[str, str]:
    located = locate([Location("my-bucket", key) for key in keys], files)
    return {location.key: file for location, file in located.items()}


def test_below_a_folder_that_replaces_the_prefix() -> None:
    assert found(["exports/p/train/images/a/1.png"], ["train/images/a/1.png"]) == {
        "exports/p/train/images/a/1.png": "train/images/a/1.png"
    }


def test_below_a_folder_that_stands_around_the_export() -> None:
    assert found(["p/images/1.png", "p/images/2.png"], ["home/p/images/1.png", "home/p/images/2.png"]) == {
        "p/images/1.png": "home/p/images/1.png",
        "p/images/2.png": "home/p/images/2.png",
    }


def test_pictures_of_one_name_in_two_folders() -> None:
    keys = ["x/train/normal/1.png", "x/train/anomaly/1.png"]
    files = ["test/anomaly/1.png", "test/normal/1.png", "train/anomaly/1.png", "train/normal/1.png"]
    assert found(keys, files) == dict(zip(keys, ["train/normal/1.png", "train/anomaly/1.png"], strict=True))


def test_a_training_picture_is_never_a_test_picture() -> None:
    assert found(["x/train/images/1.png", "x/train/images/2.png"], ["test/images/1.png"]) == {}


def test_a_normal_picture_is_never_an_anomalous_one() -> None:
    assert found(["x/normal/1.png"], ["anomaly/1.png"]) == {}


def test_a_name_that_only_one_file_has_is_enough() -> None:
    assert found(["x/normal/a.png", "y/anomaly/b.png"], ["a.png", "b.png"]) == {
        "x/normal/a.png": "a.png",
        "y/anomaly/b.png": "b.png",
    }


def test_a_name_that_two_keys_have_is_not() -> None:
    keys = ["x/one/1.png", "x/two/1.png", "x/one/2.png", "x/one/3.png"]
    assert "x/two/1.png" not in found(keys, ["one/1.png", "one/2.png", "one/3.png"])


def test_what_is_not_there_is_not_found() -> None:
    assert found(["x/1.png"], ["x/2.png"]) == {}
