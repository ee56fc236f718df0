"""Datasets on the deployed stack, through boto3's own client for Lookout for Vision."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_datasets import FOREIGN, IMAGES, lines
from support_deployed import GRANTED_BUCKET, PATIENCE
from support_lookout import label, line, manifest_bytes, mask, write_export
from support_lookout_client import lookout_client, refused

from chalicelib.lookout.entries import MAX_LINE
from chalicelib.lookout.evaluation import EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support_deployed import Deployed

TRAIN = {"ProjectName": "cars", "DatasetType": "train"}
OWN = IMAGES


@pytest.fixture(scope="module", autouse=True)
def _buckets(deployed: Deployed) -> None:
    for bucket in (GRANTED_BUCKET, FOREIGN):
        deployed.client("s3").create_bucket(Bucket=bucket)


@pytest.fixture(scope="module")
def lookout(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with lookout_client(deployed, tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture
def cars(lookout: Any) -> Iterator[Any]:
    """The client; there is a project `cars`, and afterwards none."""
    lookout.create_project(ProjectName="cars")
    yield lookout
    for dataset in lookout.describe_project(ProjectName="cars")["ProjectDescription"]["Datasets"]:
        if dataset["Status"] != "DELETE_IN_PROGRESS":
            lookout.delete_dataset(ProjectName="cars", DatasetType=dataset["DatasetType"])
        gone(lookout, dataset["DatasetType"])
    lookout.delete_project(ProjectName="cars")


def manifest(deployed: Deployed, content: bytes, bucket: str = "", key: str = "cars.manifest") -> Any:
    """Puts a manifest, by default where the stack has a place; gives the `DatasetSource` that names it."""
    place = {"Bucket": bucket or OWN, "Key": key if bucket else f"datasets/cars/{key}"}
    deployed.client("s3").put_object(**place, Body=content)
    return {"GroundTruthManifest": {"S3Object": place}}


def own(*names: str, of: str = "normal") -> bytes:
    """Lines of pictures in the stack's own place for them."""
    return lines(*names, of=of, bucket=OWN, folder="datasets/cars")


def settled(lookout: Any, kind: str = "train") -> dict[str, Any]:
    """Waits for the end of a dataset's job, as programs written for Lookout for Vision do."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = lookout.describe_dataset(ProjectName="cars", DatasetType=kind)["DatasetDescription"]
        if not answer["Status"].endswith("_IN_PROGRESS"):
            return dict(answer)
        time.sleep(0.2)
    pytest.fail(f"no end after {PATIENCE:.0f} s")


def gone(lookout: Any, kind: str = "train") -> None:
    """Waits for the end of a dataset."""
    with pytest.raises(lookout.exceptions.ResourceNotFoundException):
        settled(lookout, kind)


def made(lookout: Any, deployed: Deployed, content: bytes, **more: Any) -> dict[str, Any]:
    lookout.create_dataset(**TRAIN, DatasetSource=manifest(deployed, content), **more)
    return settled(lookout)


def status(answer: dict[str, Any]) -> int:
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def names(answer: dict[str, Any]) -> list[str]:
    return [json.loads(entry)["source-ref"].rpartition("/")[2] for entry in answer["DatasetEntries"]]


def test_a_dataset_lives_from_its_manifest_to_its_deletion(deployed: Deployed, lookout: Any) -> None:
    lookout.create_project(ProjectName="cars")
    drawn = line(
        f"s3://{OWN}/datasets/a1.png", label("anomaly"), mask(f"s3://{OWN}/datasets/m1.png", background=False)
    )
    content = own("n1.png", "n2.png") + manifest_bytes([drawn]) + own("u1.png", of="")
    created = lookout.create_dataset(**TRAIN, DatasetSource=manifest(deployed, content))
    assert status(created) == 202
    assert created["DatasetMetadata"]["Status"] == "CREATE_IN_PROGRESS"

    described = settled(lookout)
    assert described["Status"] == "CREATE_COMPLETE", described
    assert described["ImageStats"] == {"Total": 4, "Labeled": 3, "Normal": 2, "Anomaly": 1}
    (listed,) = lookout.describe_project(ProjectName="cars")["ProjectDescription"]["Datasets"]
    assert (listed["DatasetType"], listed["Status"]) == ("train", "CREATE_COMPLETE")

    updated = lookout.update_dataset_entries(**TRAIN, Changes=own("u1.png") + own("n3.png"))
    assert (status(updated), updated["Status"]) == (202, "UPDATE_IN_PROGRESS")
    assert settled(lookout)["Status"] == "UPDATE_COMPLETE"
    assert names(lookout.list_dataset_entries(**TRAIN)) == ["n1.png", "n2.png", "a1.png", "u1.png", "n3.png"]

    refusal = refused(lookout.delete_project, ProjectName="cars")
    assert refusal["Error"]["Code"] == "ConflictException"
    assert status(lookout.delete_dataset(**TRAIN)) == 202
    gone(lookout)
    lookout.delete_project(ProjectName="cars")
    pages = lookout.get_paginator("list_projects").paginate()
    assert "cars" not in [one["ProjectName"] for page in pages for one in page["Projects"]]


def test_entries_are_filtered_and_come_in_pages(deployed: Deployed, cars: Any) -> None:
    many = [f"n{number:03}.png" for number in range(120)]
    made(cars, deployed, own(*many) + own("a.png", of="anomaly") + own("u.png", of=""))
    pages = list(cars.get_paginator("list_dataset_entries").paginate(**TRAIN))
    assert [len(page["DatasetEntries"]) for page in pages] == [100, 22]
    assert [name for page in pages for name in names(page)] == [*many, "a.png", "u.png"]

    def chosen(**filters: Any) -> list[str]:
        return names(cars.list_dataset_entries(**TRAIN, **filters))

    assert chosen(Labeled=False) == ["u.png"]
    assert chosen(AnomalyClass="anomaly") == ["a.png"]
    assert chosen(SourceRefContains="n00", MaxResults=3) == many[:3]
    hour = timedelta(hours=1)
    assert chosen(AfterCreationDate=datetime.now(UTC) + hour) == []
    assert len(chosen(BeforeCreationDate=datetime.now(UTC) + hour, SourceRefContains="n01")) == 10


def test_a_page_of_the_longest_lines_comes_back_as_it_was_given(deployed: Deployed, cars: Any) -> None:
    def longest(number: int) -> str:
        start = f'{{"source-ref":"s3://{OWN}/datasets/{number}.png","note":"'
        return start + "\N{GRINNING FACE}" * (MAX_LINE - len(start) - 2) + '"}'

    given = [longest(number) for number in range(100)]
    made(cars, deployed, "\n".join(given).encode())
    assert cars.list_dataset_entries(**TRAIN)["DatasetEntries"] == given


def test_an_empty_dataset_is_there_at_once(cars: Any) -> None:
    created = cars.create_dataset(**TRAIN)
    assert (status(created), created["DatasetMetadata"]["Status"]) == (202, "CREATE_COMPLETE")
    assert cars.describe_dataset(**TRAIN)["DatasetDescription"]["ImageStats"]["Total"] == 0


def test_pictures_and_manifest_may_lie_in_a_bucket_that_is_granted(deployed: Deployed, cars: Any) -> None:
    cars.create_dataset(
        **TRAIN, DatasetSource=manifest(deployed, lines("a.png", bucket=GRANTED_BUCKET), GRANTED_BUCKET)
    )
    made_of = settled(cars)
    assert made_of["Status"] == "CREATE_COMPLETE", made_of
    assert made_of["ImageStats"]["Total"] == 1


def test_a_manifest_with_problems_fails_line_by_line_and_an_update_leaves_what_was(
    deployed: Deployed, cars: Any
) -> None:
    failed = made(cars, deployed, own("a.png") + b"{\n" + lines("b.png", bucket=FOREIGN))
    assert failed["Status"] == "CREATE_FAILED"
    assert "line 2: the line is not JSON" in failed["StatusMessage"]
    assert "line 3: " in failed["StatusMessage"]
    cars.delete_dataset(**TRAIN)
    gone(cars)
    made(cars, deployed, own("a.png"))
    cars.update_dataset_entries(**TRAIN, Changes=b"[]")
    failed = settled(cars)
    assert failed["Status"] == "UPDATE_FAILED_ROLLBACK_COMPLETE"
    assert failed["ImageStats"]["Total"] == 1


def test_what_is_refused_is_refused_as_the_service_did(deployed: Deployed, cars: Any) -> None:
    def code(call: Any, **given: Any) -> tuple[str, int]:
        answer = refused(call, **given)
        return answer["Error"]["Code"], status(answer)

    source = manifest(deployed, own("a.png"), FOREIGN)
    denied = refused(cars.create_dataset, **TRAIN, DatasetSource=source)
    assert (denied["Error"]["Code"], status(denied)) == ("AccessDeniedException", 403)
    assert "dataset_bucket_arns" in denied["Error"]["Message"]

    missing = refused(cars.describe_dataset, **TRAIN)
    assert (missing["Error"]["Code"], status(missing)) == ("ResourceNotFoundException", 404)
    assert (missing["ResourceId"], missing["ResourceType"]) == ("cars/train", "DATASET")
    assert code(cars.delete_dataset, **TRAIN) == ("ResourceNotFoundException", 404)
    assert code(cars.list_dataset_entries, **TRAIN) == ("ResourceNotFoundException", 404)
    assert code(cars.update_dataset_entries, **TRAIN, Changes=b"{}") == ("ResourceNotFoundException", 404)

    cars.create_dataset(**TRAIN)
    conflict = refused(cars.create_dataset, **TRAIN)
    assert (conflict["Error"]["Code"], status(conflict)) == ("ConflictException", 409)
    wrong = {"ProjectName": "cars", "DatasetType": "valid"}
    assert code(cars.create_dataset, **wrong) == ("ValidationException", 400)
    assert code(cars.describe_dataset, **wrong) == ("ValidationException", 400)
    assert code(cars.list_dataset_entries, **TRAIN, MaxResults=101) == ("ValidationException", 400)
    assert code(cars.list_dataset_entries, **TRAIN, AnomalyClass="odd") == ("ValidationException", 400)
    assert code(cars.list_dataset_entries, **TRAIN, NextToken="x") == ("ValidationException", 400)
    too_large = refused(cars.update_dataset_entries, **TRAIN, Changes=b" " * 4_500_001)
    assert too_large["Error"]["Code"] == "ValidationException"
    assert "several calls" in too_large["Error"]["Message"]


def test_what_lambda_takes_no_more_api_gateway_refuses(cars: Any) -> None:
    cars.create_dataset(**TRAIN)
    with pytest.raises(ClientError) as error:
        cars.update_dataset_entries(**TRAIN, Changes=b" " * 5_000_000)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_call_that_is_made_again_does_its_work_once(deployed: Deployed, cars: Any) -> None:
    source = manifest(deployed, own("a.png"))
    first = cars.create_dataset(**TRAIN, DatasetSource=source, ClientToken="once")["DatasetMetadata"]
    settled(cars)
    again = cars.create_dataset(**TRAIN, DatasetSource=source, ClientToken="once")["DatasetMetadata"]
    assert again["CreationTimestamp"] == first["CreationTimestamp"]
    other = manifest(deployed, own("b.png"), key="other.manifest")
    refusal = refused(cars.create_dataset, **TRAIN, DatasetSource=other, ClientToken="once")
    assert refusal["Error"]["Code"] == "ConflictException"


def test_jobs_that_come_twice_change_nothing(deployed: Deployed, cars: Any) -> None:
    made(cars, deployed, own("a.png"))
    s3, bucket = deployed.client("s3"), deployed.outputs["models_bucket"]
    key = "projects/cars/datasets/train/dataset.json"
    before = s3.get_object(Bucket=bucket, Key=key)
    work = json.loads(before["Body"].read())["job"]["id"]
    event = {"job": "create_dataset", "project": "cars", "dataset_type": "train", "work": work}
    function = f"{deployed.outputs['function_names']['run_job']}:live"
    answer = deployed.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert s3.head_object(Bucket=bucket, Key=key)["VersionId"] == before["VersionId"]


def test_a_manifest_that_is_not_there_fails_with_the_reason(cars: Any) -> None:
    nowhere = {"GroundTruthManifest": {"S3Object": {"Bucket": OWN, "Key": "datasets/nowhere.manifest"}}}
    cars.create_dataset(**TRAIN, DatasetSource=nowhere)
    failed = settled(cars)
    assert failed["Status"] == "CREATE_FAILED"
    assert f"s3://{OWN}/datasets/nowhere.manifest is not there" in failed["StatusMessage"]


def test_an_export_becomes_a_project_and_a_model_in_the_stack(
    deployed: Deployed, lookout: Any, tmp_path: Path
) -> None:
    export = write_export(tmp_path / "export")
    old = EvaluationResult("arn", "2025-10-30T10:00:00Z", 34, 16, 0.9, 0.9, 0.75, 0.6, 0.667)
    (export / "EvaluationResult-widgets-3.json").write_bytes(old.to_bytes())
    done = deployed.spotcheck(
        "import-lookout",
        export,
        "--project",
        "imported",
        "--upload",
        "--train",
        "--local",
        "--output",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    assert "train dataset of project imported: 17 pictures: 12 normal, 4 anomalous" in done.stdout
    for kind in ("train", "test"):
        described = lookout.describe_dataset(ProjectName="imported", DatasetType=kind)["DatasetDescription"]
        assert described["ImageStats"] == {"Total": 17, "Labeled": 16, "Normal": 12, "Anomaly": 4}
    model = lookout.describe_model(ProjectName="imported", ModelVersion="1")["ModelDescription"]
    assert model["Status"] == "TRAINED"
    assert f"0.667 │ {model['Performance']['F1Score']:.3f}" in " ".join(
        done.stdout.replace("│", " │ ").split()
    )

    lookout.delete_model(ProjectName="imported", ModelVersion="1")
    for kind in ("train", "test"):
        lookout.delete_dataset(ProjectName="imported", DatasetType=kind)
    until_deleted(lookout, "imported")


def until_deleted(lookout: Any, project: str) -> None:
    """Deletes a project as soon as what it held is gone."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            lookout.delete_project(ProjectName=project)
        except lookout.exceptions.ConflictException:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        else:
            return
