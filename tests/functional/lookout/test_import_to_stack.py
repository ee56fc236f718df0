"""`spotcheck import-lookout --upload`: an export becomes a project with datasets, by the API's own code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support_datasets import IMAGES
from support_lookout import COLOURS, label, line, manifest_bytes, mask, mask_png, write_export
from support_pictures import png_bytes, texture
from typer.testing import CliRunner

from chalicelib.lookout.api.contract import HttpRequest, members_of
from chalicelib.lookout.api.errors import ApiError
from chalicelib.lookout.evaluation import EvaluationResult
from spotcheck import targets
from spotcheck.cli import app
from spotcheck.exceptions import InputError, LookoutApiError, StackError
from spotcheck.lookout_api import LookoutApi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support_datasets import Service


IN_PATH = {"projectName": "ProjectName", "datasetType": "DatasetType", "modelVersion": "ModelVersion"}
OLD = EvaluationResult("arn", "2025-10-30T10:00:00Z", 34, 16, 0.9, 0.9, 0.75, 0.6, 0.667)
NEW = EvaluationResult("arn", "2026-11-25T21:00:00Z", 17, 15, 0.99, 0.99, 1.0, 0.75, 0.857)


class Api:
    """The API over the service's own operations; a job is done as soon as it is started."""

    def __init__(self, service: Service) -> None:
        self._service = service
        projects, datasets = service.projects, service.datasets
        self._operations: dict[str, Callable[..., dict[str, Any]]] = {
            "CreateProject": projects.create,
            "DescribeProject": projects.describe,
            "CreateDataset": datasets.create,
            "DescribeDataset": datasets.describe,
            "CreateModel": self._create_model,
            "DescribeModel": self._describe_model,
        }
        self.trained: list[dict[str, Any]] = []

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Checks and answers a call, as the API does."""
        path = {name: members[key] for name, key in IN_PATH.items() if key in members}
        request = HttpRequest(path, {}, {}, json.dumps(members).encode())
        try:
            answer = self._operations[operation](members_of(operation, request))
        except ApiError as error:
            raise LookoutApiError(error.code, error.message) from error
        self._service.run()
        return answer

    def _create_model(self, given: dict[str, Any]) -> dict[str, Any]:
        self.trained.append(given)
        return {"ModelMetadata": {"ModelVersion": "1"}}

    def _describe_model(self, given: dict[str, Any]) -> dict[str, Any]:
        place = self.trained[-1]["OutputConfig"]["S3Location"]
        key = f"{place['Prefix']}EvaluationResult-{given['ProjectName']}-1.json"
        self._service.s3.put_object(Bucket=place["Bucket"], Key=key, Body=NEW.to_bytes())
        told = {"Status": "TRAINED", "EvaluationResult": {"Bucket": place["Bucket"], "Key": key}}
        return {"ModelDescription": told}


@pytest.fixture
def api(service: Service) -> Api:
    return Api(service)


@pytest.fixture
def import_lookout(
    service: Service, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs the command against the stack on moto."""
    outputs = {"region": "us-east-1", "project_name": "spotcheck", "images_bucket": IMAGES}
    monkeypatch.setattr(targets.Target, "client", lambda *_: service.s3)
    monkeypatch.setattr(targets, "local_target", lambda: targets.Target("local", outputs, "123456789012"))
    monkeypatch.setattr(LookoutApi, "of", lambda _: api)
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
    with pytest.raises(LookoutApiError, match="projectName"):
        import_lookout(write_export(tmp_path / "export"), "--project", "my cars")


def test_training_in_the_stack_shows_the_old_model_beside_the_new_one(
    tmp_path: Path, api: Api, import_lookout: Callable[..., Any]
) -> None:
    export = write_export(tmp_path / "export")
    (export / "EvaluationResult-widgets-3.json").write_bytes(OLD.to_bytes())
    result = import_lookout(export, "--train")
    assert result.exit_code == 0, result.output
    (asked,) = api.trained
    assert asked["ProjectName"] == "widgets"
    assert asked["OutputConfig"]["S3Location"]["Prefix"] == "datasets/widgets/output/"
    shown = " ".join(result.output.split())
    assert "F1 │ 0.667 │ 0.857" in shown
    assert "16 pictures │ 15 pictures" in shown
    assert "spotcheck model start --project widgets --version 1" in shown


def test_a_model_file_has_no_use_where_the_stack_keeps_the_model(
    tmp_path: Path, import_lookout: Callable[..., Any]
) -> None:
    with pytest.raises(InputError, match="leave --model out"):
        import_lookout(write_export(tmp_path / "export"), "--model", "x.onnx")
