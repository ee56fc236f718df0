"""A customer's whole way through Lookout for Vision, on the deployed stack: all operations of the service."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support_deployed import GRANTED_BUCKET
from support_lookout import label, line, manifest_bytes, mask, mask_png
from support_lookout_client import lookout_client, refused
from support_pictures import png_bytes, scratched, texture

from chalicelib.lookout.evaluation import EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.model import OperationModel
    from support_deployed import Deployed

PROJECT = "lifecycle"
SIDE = 96
GREEN = "#2ca02c"
PATIENCE = 300.0  # seconds: a training on a busy machine
OUTPUT = {"S3Location": {"Bucket": GRANTED_BUCKET, "Prefix": "lifecycle/output"}}


@pytest.fixture
def answered() -> set[str]:
    """The operations that the deployed API has answered with success."""
    return set()


@pytest.fixture
def lookout(
    deployed: Deployed, answered: set[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    deployed.client("s3").create_bucket(Bucket=GRANTED_BUCKET)
    with lookout_client(deployed, tmp_path_factory.mktemp("data")) as client:

        def note(response_dict: dict[str, Any], operation_model: OperationModel, **_: Any) -> None:
            if response_dict["status_code"] < 300:
                answered.add(operation_model.name)

        client.meta.events.register("before-parse.lookoutvision", note)
        yield client


def until(look: Callable[[], dict[str, Any]], *wanted: str) -> dict[str, Any]:
    """What is described, once its state is one of those wanted."""
    deadline = time.monotonic() + PATIENCE
    while (found := look())["Status"] not in wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def put_picture(deployed: Deployed, kind: str, seed: int, *, is_anomalous: bool = False) -> dict[str, Any]:
    """A picture in the user's bucket, an anomalous one with its mask; gives its manifest line."""
    pixels, key = texture(seed, SIDE, SIDE), f"lifecycle/{kind}/{seed:03}"
    files = {f"{key}.png": png_bytes(scratched(pixels) if is_anomalous else pixels)}
    attributes = [label("anomaly" if is_anomalous else "normal")]
    if is_anomalous:
        files[f"{key}-mask.png"] = mask_png((GREEN, 52, 14))
        attributes.append(mask(f"s3://{GRANTED_BUCKET}/{key}-mask.png"))
    for name, content in files.items():
        deployed.client("s3").put_object(Bucket=GRANTED_BUCKET, Key=name, Body=content)
    return line(f"s3://{GRANTED_BUCKET}/{key}.png", *attributes)


def make_datasets(deployed: Deployed, lookout: Any) -> None:
    """A training dataset from a manifest; a test dataset that is empty at first."""

    def dataset(kind: str) -> dict[str, Any]:
        described = lookout.describe_dataset(ProjectName=PROJECT, DatasetType=kind)
        return dict(described["DatasetDescription"])

    lines = [put_picture(deployed, "train", seed) for seed in range(12)]
    lines += [put_picture(deployed, "train", seed, is_anomalous=True) for seed in range(500, 508)]
    key = "lifecycle/train.manifest"
    deployed.client("s3").put_object(Bucket=GRANTED_BUCKET, Key=key, Body=manifest_bytes(lines))
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": GRANTED_BUCKET, "Key": key}}}
    lookout.create_dataset(ProjectName=PROJECT, DatasetType="train", DatasetSource=source)
    lookout.create_dataset(ProjectName=PROJECT, DatasetType="test")
    changes = [put_picture(deployed, "test", seed) for seed in range(100, 103)]
    changes += [put_picture(deployed, "test", seed, is_anomalous=True) for seed in range(150, 153)]
    lookout.update_dataset_entries(
        ProjectName=PROJECT, DatasetType="test", Changes=manifest_bytes(changes), ClientToken="changes-1"
    )
    for kind, count in (("train", 20), ("test", 6)):
        until(lambda kind=kind: dataset(kind), "CREATE_COMPLETE", "UPDATE_COMPLETE")  # type: ignore[misc]
        listed = lookout.list_dataset_entries(ProjectName=PROJECT, DatasetType=kind)["DatasetEntries"]
        assert len(listed) == count
    response = refused(
        lookout.update_dataset_entries,
        ProjectName=PROJECT,
        DatasetType="test",
        Changes=manifest_bytes(changes[:1]),
        ClientToken="changes-1",
    )
    assert response["Error"]["Code"] == "ConflictException"


def train(deployed: Deployed, lookout: Any) -> dict[str, Any]:
    """A version, which has learnt from masks; its evaluation tells how well its own fit."""
    version = lookout.create_model(ProjectName=PROJECT, OutputConfig=OUTPUT)["ModelMetadata"]["ModelVersion"]

    def model() -> dict[str, Any]:
        return dict(lookout.describe_model(ProjectName=PROJECT, ModelVersion=version)["ModelDescription"])

    described = until(model, "TRAINED", "TRAINING_FAILED")
    assert described["Status"] == "TRAINED", described
    place = described["EvaluationResult"]
    body = deployed.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read()
    (scratch,) = EvaluationResult.from_bytes(body).labels
    assert scratch.name == "scratch"
    assert 0 < (scratch.iou or 0) <= 1
    assert set(json.loads(body)["AggregatedEvaluationResults"]["Metrics"]["PixelAnomalyClassMetrics"][0]) == {
        *("Precision", "Recall", "F1Score", "AIOU", "ClassName")
    }
    return described


def detect(lookout: Any, version: str) -> None:
    """The version is started, judges a picture in the full shape, and is stopped."""
    model = {"ProjectName": PROJECT, "ModelVersion": version}
    lookout.start_model(**model, MinInferenceUnits=1)
    until(lambda: dict(lookout.describe_model(**model)["ModelDescription"]), "HOSTED")
    body = png_bytes(scratched(texture(900, SIDE, SIDE)))
    found = lookout.detect_anomalies(**model, Body=body, ContentType="image/png")["DetectAnomalyResult"]
    assert found["IsAnomalous"] is True
    assert [one["Name"] for one in found["Anomalies"]] == ["background", "scratch"]
    lookout.stop_model(**model)
    until(lambda: dict(lookout.describe_model(**model)["ModelDescription"]), "TRAINED")


def package(lookout: Any, version: str) -> None:
    """The version becomes an archive."""
    component = {
        "S3OutputLocation": {"Bucket": GRANTED_BUCKET, "Prefix": "lifecycle/edge"},
        "ComponentName": "lifecycle",
        "TargetDevice": "jetson_xavier",
    }
    job = lookout.start_model_packaging_job(
        ProjectName=PROJECT, ModelVersion=version, Configuration={"Greengrass": component}
    )["JobName"]

    def described() -> dict[str, Any]:
        answer = lookout.describe_model_packaging_job(ProjectName=PROJECT, JobName=job)
        return dict(answer["ModelPackagingDescription"])

    assert until(described, "SUCCEEDED", "FAILED")["Status"] == "SUCCEEDED"
    listed = lookout.list_model_packaging_jobs(ProjectName=PROJECT)["ModelPackagingJobs"]
    assert [one["JobName"] for one in listed] == [job]


def tag(lookout: Any, arn: str) -> None:
    """A tag comes and goes."""
    lookout.tag_resource(ResourceArn=arn, Tags=[{"Key": "line", "Value": "7"}])
    assert lookout.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "line", "Value": "7"}]
    lookout.untag_resource(ResourceArn=arn, TagKeys=["line"])
    assert lookout.list_tags_for_resource(ResourceArn=arn)["Tags"] == []


def clear_up(lookout: Any, version: str) -> None:
    """Version, datasets and project go."""
    lookout.delete_model(ProjectName=PROJECT, ModelVersion=version)
    for kind in ("train", "test"):
        lookout.delete_dataset(ProjectName=PROJECT, DatasetType=kind)

    def left() -> dict[str, Any]:
        models = lookout.list_models(ProjectName=PROJECT)["Models"]
        datasets = lookout.describe_project(ProjectName=PROJECT)["ProjectDescription"]["Datasets"]
        return {"Status": "there" if models or datasets else "gone"}

    until(left, "gone")
    gone = [lookout.delete_project(ProjectName=PROJECT, ClientToken="gone-1") for _ in range(2)]
    assert gone[0]["ProjectArn"] == gone[1]["ProjectArn"]


def test_every_operation_of_the_service_is_answered_on_the_way_through_a_project(
    deployed: Deployed, lookout: Any, answered: set[str]
) -> None:
    lookout.create_project(ProjectName=PROJECT, ClientToken="project-1")
    response = refused(lookout.create_project, ProjectName=f"{PROJECT}-2", ClientToken="project-1")
    assert response["Error"]["Code"] == "ConflictException"
    assert PROJECT in {one["ProjectName"] for one in lookout.list_projects()["Projects"]}
    make_datasets(deployed, lookout)
    model = train(deployed, lookout)
    detect(lookout, model["ModelVersion"])
    package(lookout, model["ModelVersion"])
    tag(lookout, model["ModelArn"])
    clear_up(lookout, model["ModelVersion"])
    operations = set(lookout.meta.service_model.operation_names)
    assert len(operations) == 22
    assert answered == operations
