"""An export in S3 becomes the same dataset folder as one at home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from support_lookout import label, line, manifest_bytes, write_export
from typer.testing import CliRunner

from chalicelib.exceptions import ManifestError
from spotcheck import targets
from spotcheck.cli import app
from spotcheck.datasets import read_dataset
from spotcheck.exceptions import InputError, TargetError
from spotcheck.import_lookout import open_export
from spotcheck.lookout_dataset import Imported, import_export

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="my-bucket")
        yield client


def upload(s3: Any, folder: Path, prefix: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "my-bucket", prefix + path.relative_to(folder).as_posix())


def taken(source: str, output: Path) -> Imported:
    return import_export(open_export(source), output)


@pytest.mark.parametrize("uri", ["s3://my-bucket/exports/widgets", "s3://my-bucket/exports/widgets/"])
def test_an_export_below_a_prefix(s3: Any, tmp_path: Path, uri: str) -> None:
    upload(s3, write_export(tmp_path / "export"), "exports/widgets/")
    s3.put_object(Bucket="my-bucket", Key="exports/widgets-of-others/train.manifest", Body=b"nonsense")
    taken(uri, tmp_path / "out")
    dataset = read_dataset(tmp_path / "out")
    assert (len(dataset.normals), len(dataset.anomalies), len(dataset.test)) == (12, 4, 16)
    assert sum(picture.mask is not None for picture in dataset.test) == 3


def test_one_manifest(s3: Any, tmp_path: Path) -> None:
    upload(s3, write_export(tmp_path / "export"), "exports/widgets/")
    imported = taken("s3://my-bucket/exports/widgets/datasets/test.manifest", tmp_path / "out")
    assert [split.name for split in imported.splits] == ["test"]


def test_the_consoles_pictures_lie_elsewhere(s3: Any, tmp_path: Path) -> None:
    """The manifest itself says where: pictures below the prefix come first, then the bucket that it names."""
    s3.create_bucket(Bucket="photographs")
    s3.put_object(Bucket="photographs", Key="2022/ä b.png", Body=b"picture")
    manifest = manifest_bytes([line("s3://photographs/2022/ä b.png", label("normal"))])
    key = "datasets/p/train/manifests/output/output.manifest"
    s3.put_object(Bucket="my-bucket", Key=key, Body=manifest)
    taken("s3://my-bucket/datasets/p", tmp_path / "out")
    assert (tmp_path / "out/train/good/ä b.png").read_bytes() == b"picture"


def test_a_picture_that_is_gone_is_a_problem_with_its_line(s3: Any, tmp_path: Path) -> None:
    manifest = manifest_bytes([line("s3://my-bucket/x/gone.png", label("normal"))])
    s3.put_object(Bucket="my-bucket", Key="x/train.manifest", Body=manifest)
    with pytest.raises(
        ManifestError, match=r"train.manifest line 1: s3://my-bucket/x/gone.png cannot be read"
    ):
        taken("s3://my-bucket/x", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bucket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"s3://no-such-bucket/x/ cannot be listed .* check the name"):
        taken("s3://no-such-bucket/x", tmp_path / "out")


def test_more_than_one_page_of_objects(s3: Any, tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", splits=["train"])
    upload(s3, export, "x/")
    for number in range(1001):
        s3.put_object(Bucket="my-bucket", Key=f"x/a/{number}", Body=b"")
    assert taken("s3://my-bucket/x", tmp_path / "out").splits[0].normals == 12


def test_the_command_says_where_it_reads(s3: Any, tmp_path: Path) -> None:
    upload(s3, write_export(tmp_path / "export", splits=["train"]), "widgets/")
    arguments = ["import-lookout", "s3://my-bucket/widgets", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "target: S3 at https://s3" in result.stderr
    assert "--project widgets" in result.stdout


def test_local_reads_from_the_embedded_aws(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(s3, write_export(tmp_path / "export", splits=["train"]), "widgets/")
    here = targets.Target("local", {"project_name": "p", "region": "us-east-1"}, targets.LOCAL_ACCOUNT)
    monkeypatch.setattr(targets, "local_target", lambda: here)
    imported = import_export(open_export("s3://my-bucket/widgets", local=True), tmp_path / "out")
    assert imported.splits[0].normals == 12


def test_local_needs_the_embedded_aws_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = targets.local_target
    monkeypatch.setattr(targets, "local_target", lambda: nowhere(tmp_path))
    with pytest.raises(TargetError, match="the embedded AWS does not run"):
        open_export("s3://my-bucket/widgets", local=True)
