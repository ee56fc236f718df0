"""Uploads: names that never collide, metadata, and object versions that can be followed."""

from __future__ import annotations

from dataclasses import replace
from email.header import decode_header, make_header
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
from support_clips import make_clip
from support_videos import video

from chalicelib.identity import request_id
from chalicelib.videos import VideoStatus
from spotcheck import targets
from spotcheck.exceptions import UploadError
from spotcheck.upload import Sender, as_prefix, name_files, parse_metadata, upload

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.videos import Video


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


# ---------------------------------------------------------------- videos


class FakeTarget:
    """A stack whose videos are as the test says, and whose S3 keeps what is put into it."""

    def __init__(self, seen: Video | None) -> None:
        self.s3 = FakeS3()
        self.outputs = {"images_bucket": "images", "videos_bucket": "videos"}
        self._seen = seen

    def client(self, _: str) -> FakeS3:
        return self.s3

    def video_table(self) -> Any:
        return SimpleNamespace(get=lambda _: self._seen)

    def results_table(self) -> Any:
        return SimpleNamespace(get=lambda _: None, of_video=lambda _: [])


def upload_with(monkeypatch: pytest.MonkeyPatch, target: FakeTarget, *paths: Path, wait: bool = True) -> None:
    monkeypatch.setattr(targets, "resolve", lambda **_: target)
    upload(list(paths), wait=wait, timeout=0.0, video_timeout=0.0)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "film.mp4", frames=2)


def test_a_video_goes_into_its_own_bucket_and_a_picture_into_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clip: Path
) -> None:
    [picture] = files(tmp_path, "part.jpg")
    target = FakeTarget(None)
    upload_with(monkeypatch, target, clip, picture, wait=False)
    assert {(put["Bucket"], put["Key"]) for put in target.s3.put} == {
        ("videos", "video_inputs/film.mp4"),
        ("images", "image_inputs/part.jpg"),
    }


def test_a_video_with_a_verdict_is_printed(
    monkeypatch: pytest.MonkeyPatch, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = replace(video(), status=VideoStatus.JUDGED, is_anomalous=False, confidence=0.9)
    upload_with(monkeypatch, FakeTarget(judged), clip)
    assert "video_inputs/car.mp4  Normal  confidence 0.900" in capsys.readouterr().out


def test_a_video_that_can_never_be_judged_has_its_reason_and_is_no_failure_of_the_command(
    monkeypatch: pytest.MonkeyPatch, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = replace(video(), status=VideoStatus.ERROR, reason="MediaConvert error 1010")
    upload_with(monkeypatch, FakeTarget(failed), clip)
    assert "MediaConvert error 1010" in capsys.readouterr().out


@pytest.mark.parametrize("seen", [None, video()], ids=["never taken in", "not in time"])
def test_a_video_without_a_verdict_in_time_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, clip: Path, seen: Video | None
) -> None:
    with pytest.raises(typer.Exit) as ended:
        upload_with(monkeypatch, FakeTarget(seen), clip)
    assert ended.value.exit_code == 1
