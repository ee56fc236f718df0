"""`spotcheck import-lookout --upload`: an export becomes a project with datasets, by the API's own code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support_datasets import IMAGES, MODELS
from support_lookout import COLOURS, label, line, manifest_bytes, mask, mask_png, write_export
from support_pictures import png_bytes, texture
from typer.testing import CliRunner

from spotcheck import targets
from spotcheck.cli import app
from spotcheck.exceptions import StackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support_datasets import Service


class Lambda:
    """Runs jobs as Lambda would, when they are asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def invoke(self, **request: Any) -> None:
        """Does the job."""
        assert request["FunctionName"] == "spotcheck-run_job"
        self._service.runner.run(json.loads(request["Payload"]))


@pytest.fixture
def import_lookout(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs the command against the stack on moto."""
    outputs = {
        "region": "us-east-1",
        "project_name": "spotcheck",
        "models_bucket": MODELS,
        "images_bucket": IMAGES,
        "function_names": {"run_job": "spotcheck-run_job"},
    }
    clients = {"s3": service.s3, "lambda": Lambda(service)}
    monkeypatch.setattr(targets.Target, "client", lambda _, name: clients[name])
    monkeypatch.setattr(targets, "local_target", lambda: targets.Target("local", outputs, "123456789012"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Any:
        given = ["import-lookout", *map(str, arguments), "--upload", "--local"]
        return CliRunner().invoke(app, given, catch_exceptions=False)

    return run


def entries(service: Service, split: str, project: str = "cars") -> list[dict[str, Any]]:
    return [json.loads(entry.text) for entry in service.store.stored_entries(project, split)]


def content(service: Service, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return service.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_an_export_becomes_a_project_with_both_datasets(
    service: Service, tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    result = import_lookout(write_export(tmp_path / "export"), "--project", "cars")
    assert result.exit_code == 0, result.output
    assert "train dataset of project cars: 17 pictures: 12 normal, 4 anomalous" in result.output
    for split in ("train", "test"):
        described = service.describe(split)
        assert described["Status"] == "CREATE_COMPLETE"
        assert described["ImageStats"] == {"Total": 17, "Labeled": 16, "Normal": 12, "Anomaly": 4}
        for entry, given in zip(
            entries(service, split),
            (tmp_path / "export" / "datasets" / f"{split}.manifest").read_text().splitlines(),
            strict=True,
        ):
            old = json.loads(given)["source-ref"].partition("/widgets/")[2]
            assert content(service, entry["source-ref"]) == (tmp_path / "export" / old).read_bytes()
    assert (tmp_path / "lookout-cars" / "train" / "good").is_dir()


def test_masks_come_along_in_their_colours_and_lines_keep_the_rest(
    service: Service, tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    export = write_export(tmp_path / "export", splits=("train",))
    assert import_lookout(export, "--project", "cars").exit_code == 0
    (first, *_) = [one for one in entries(service, "train") if "anomaly-mask-ref" in one]
    assert first["anomaly-mask-ref"].startswith(f"s3://{IMAGES}/datasets/cars/train/masks/")
    assert content(service, first["anomaly-mask-ref"]) == mask_png((COLOURS["scratch"], 55, 15))
    given = json.loads((export / "datasets" / "train.manifest").read_text().splitlines()[12])
    assert {**first, "source-ref": "", "anomaly-mask-ref": ""} == {
        **given,
        "source-ref": "",
        "anomaly-mask-ref": "",
    }


def test_a_normal_pictures_mask_stays_behind(
    service: Service, tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(texture()))
    one = line("s3://old/x/a.png", label("normal"), mask("s3://old/x/dummy.png"))
    (tmp_path / "train.manifest").write_bytes(manifest_bytes([one]))
    result = import_lookout(tmp_path, "--project", "cars", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (entry,) = entries(service, "train")
    assert set(entry) == {"source-ref", "anomaly-label", "anomaly-label-metadata"}


def test_lines_that_are_left_out_are_not_uploaded(
    service: Service, tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(texture()))
    lines = [line(f"s3://old/x/{name}.png", label("normal")) for name in ("a", "missing")]
    (tmp_path / "train.manifest").write_bytes(manifest_bytes(lines))
    result = import_lookout(tmp_path, "--project", "cars", "--output", tmp_path / "out", "--skip-problems")
    assert result.exit_code == 0, result.output
    assert [one["source-ref"].rpartition("/")[2] for one in entries(service, "train")] == ["a.png"]


def test_a_project_that_is_there_keeps_its_other_dataset(
    service: Service, tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    service.project()
    service.create(kind="test")
    export = write_export(tmp_path / "export", splits=("train",))
    assert import_lookout(export, "--project", "cars").exit_code == 0
    assert [record.dataset_type for record in service.store.all("cars")] == ["train", "test"]


def test_a_dataset_that_is_there_is_not_touched_and_nothing_is_uploaded(
    service: Service, tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    service.project()
    service.create()
    with pytest.raises(StackError, match=r"project cars has a train dataset already: delete it first"):
        import_lookout(write_export(tmp_path / "export"), "--project", "cars")
    assert service.describe()["ImageStats"]["Total"] == 0
    assert "Contents" not in service.s3.list_objects_v2(Bucket=IMAGES)


def test_a_name_that_no_project_may_have_is_an_error(
    tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    with pytest.raises(StackError, match="projectName"):
        import_lookout(write_export(tmp_path / "export"), "--project", "my cars")
