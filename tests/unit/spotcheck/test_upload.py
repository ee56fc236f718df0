"""Uploads: names that never collide, metadata, and object versions that can be followed."""

from __future__ import annotations

from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chalicelib.identity import request_id
from spotcheck.exceptions import UploadError
from spotcheck.upload import Sender, as_prefix, name_files, parse_metadata

if TYPE_CHECKING:
    from pathlib import Path


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return [folder / name for name in names]


class FakeS3:
    """Keeps what is put into it."""

    def __init__(self, version: str | None = "v1") -> None:
        self.put: list[dict[str, Any]] = []
        self._version = version

    def put_object(self, **request: Any) -> dict[str, Any]:
        self.put.append(request)
        return {"VersionId": self._version} if self._version else {}

    def upload_file(self, path: str, bucket: str, key: str, **request: Any) -> None:
        self.put.append({"Body": path, "Bucket": bucket, "Key": key, **request})

    def head_object(self, **_: Any) -> dict[str, Any]:
        return {"VersionId": "in parts"}


def test_a_file_keeps_its_name(tmp_path: Path) -> None:
    paths = files(tmp_path, "a/one.jpg", "b/two.jpg")
    assert [name for name, _ in name_files(paths)] == ["one.jpg", "two.jpg"]


def test_a_folder_keeps_its_paths_and_leaves_hidden_files_out(tmp_path: Path) -> None:
    files(tmp_path, "line/cam1/x.png", "line/x.png", "line/.DS_Store", "line/.cache/y.png")
    assert [name for name, _ in name_files([tmp_path / "line"])] == ["cam1/x.png", "x.png"]


def test_equal_names_in_different_folders_do_not_overwrite_each_other(tmp_path: Path) -> None:
    paths = files(tmp_path, "mon/1.jpg", "tue/1.jpg", "tue/2.jpg")
    assert [name for name, _ in name_files(paths)] == ["mon/1.jpg", "tue/1.jpg", "tue/2.jpg"]


def test_a_file_given_twice_is_uploaded_once(tmp_path: Path) -> None:
    [path] = files(tmp_path, "1.jpg")
    assert len(name_files([path, tmp_path, tmp_path / "." / "1.jpg"])) == 1


def test_a_missing_file_stops_everything_before_the_first_upload(tmp_path: Path) -> None:
    [path] = files(tmp_path, "1.jpg")
    with pytest.raises(UploadError, match=r"2\.jpg: no such file"):
        name_files([path, tmp_path / "2.jpg"])


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="no files"):
        name_files([tmp_path])


def test_metadata_is_name_and_value_and_a_value_may_hold_an_equals_sign() -> None:
    assert parse_metadata(["camera-id=7", "note=a=b"]) == {"camera-id": "7", "note": "a=b"}


def test_metadata_beyond_ascii_is_encoded_as_s3_wants_it() -> None:
    encoded = parse_metadata(["line=Prüfstand"])["line"]
    assert encoded.isascii()
    assert str(make_header(decode_header(encoded))) == "Prüfstand"


@pytest.mark.parametrize("wrong", ["camera-id", "=7", " =7"])
def test_metadata_without_name_or_value_is_refused(wrong: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_metadata([wrong])


def test_a_prefix_gets_its_slash() -> None:
    assert as_prefix("image_inputs/line-3") == "image_inputs/line-3/"


@pytest.mark.parametrize("prefix", ["", "results/", "images/"])
def test_a_prefix_that_nothing_listens_to_is_refused(prefix: str) -> None:
    with pytest.raises(typer.BadParameter, match="image_inputs/"):
        as_prefix(prefix)


def test_an_upload_can_be_followed_by_its_version(tmp_path: Path) -> None:
    [path] = files(tmp_path, "1.jpg")
    s3 = FakeS3()
    upload = Sender(s3, "images", "image_inputs/", {"camera-id": "7"}).send(("mon/1.jpg", path))
    assert s3.put[0]["Key"] == upload.key == "image_inputs/mon/1.jpg"
    assert s3.put[0]["Metadata"] == {"camera-id": "7"}
    assert s3.put[0]["ContentType"] == "image/jpeg"
    assert upload.request_id == request_id("images", "image_inputs/mon/1.jpg", "v1")


def test_a_large_file_goes_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(9 * 2**20)
    upload = Sender(FakeS3(), "images", "image_inputs/").send(("large.png", path))
    assert upload.version_id == "in parts"


def test_a_bucket_without_versions_is_refused(tmp_path: Path) -> None:
    [path] = files(tmp_path, "1.jpg")
    with pytest.raises(UploadError, match="not versioned"):
        Sender(FakeS3(version=None), "images", "image_inputs/").send(("1.jpg", path))


def test_a_file_that_vanished_is_an_upload_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"gone\.jpg: not uploaded"):
        Sender(FakeS3(), "images", "image_inputs/").send(("gone.jpg", tmp_path / "gone.jpg"))
