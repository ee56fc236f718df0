"""Training, packaging and deleting on the deployed stack, through boto3's own client."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from support_deployed import GRANTED_BUCKET
from support_lookout import label, line, manifest_bytes
from support_lookout_client import lookout_client, refused
from support_pictures import png_bytes, scratched, texture

from chalicelib.lookout.evaluation import EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support_deployed import Deployed

PROJECT = "widgets"
SIDE = 96
PATIENCE = 300.0  # seconds: a training on a busy machine
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
OUTPUT = {"S3Location": {"Bucket": GRANTED_BUCKET, "Prefix": "evaluation"}}


@pytest.fixture(scope="module")
def lookout(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    deployed.client("s3").create_bucket(Bucket=GRANTED_BUCKET)
    with lookout_client(deployed, tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def widgets(deployed: Deployed, lookout: Any) -> Any:
    """The client; a project with datasets for training and testing in the user's bucket."""
    lookout.create_project(ProjectName=PROJECT)
    create_dataset(deployed, lookout, "train", normals=14)
    create_dataset(deployed, lookout, "test", normals=4, anomalies=4)
    return lookout


def create_dataset(
    deployed: Deployed,
    lookout: Any,
    kind: str,
    *,
    normals: int,
    anomalies: int = 0,
    project: str = PROJECT,
    missing: int = 0,
) -> None:
    s3, lines = deployed.client("s3"), []
    for place in range(normals + anomalies):
        pixels = texture(place + 100 * (kind == "test"), SIDE, SIDE)
        key = f"{project}/{kind}/{place:03}.png"
        body = png_bytes(pixels if place < normals else scratched(pixels))
        if place >= missing:
            s3.put_object(Bucket=GRANTED_BUCKET, Key=key, Body=body)
        lines.append(line(f"s3://{GRANTED_BUCKET}/{key}", label("normal" if place < normals else "anomaly")))
    key = f"{project}/{kind}.manifest"
    s3.put_object(Bucket=GRANTED_BUCKET, Key=key, Body=manifest_bytes(lines))
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": GRANTED_BUCKET, "Key": key}}}
    lookout.create_dataset(ProjectName=project, DatasetType=kind, DatasetSource=source)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        described = lookout.describe_dataset(ProjectName=project, DatasetType=kind)["DatasetDescription"]
        if described["Status"] == "CREATE_COMPLETE":
            return
        time.sleep(0.2)
    pytest.fail(f"no dataset: {described}")


def trained(lookout: Any, version: str, project: str = PROJECT) -> dict[str, Any]:
    """Waits for the end of a training, as programs written for Lookout for Vision do."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        described = lookout.describe_model(ProjectName=project, ModelVersion=version)["ModelDescription"]
        if described["Status"] != "TRAINING":
            return dict(described)
        time.sleep(0.5)
    pytest.fail(f"no end of the training: {described}")


@pytest.fixture(scope="module")
def model(widgets: Any) -> dict[str, Any]:
    """The first version, trained."""
    created = widgets.create_model(
        ProjectName=PROJECT,
        Description="first",
        OutputConfig=OUTPUT,
        ClientToken="once",
        Tags=[{"Key": "line", "Value": "7"}],
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert created["ModelMetadata"]["Status"] == "TRAINING"
    again = widgets.create_model(
        ProjectName=PROJECT,
        Description="first",
        OutputConfig=OUTPUT,
        ClientToken="once",
        Tags=[{"Key": "line", "Value": "7"}],
    )
    assert again["ModelMetadata"]["ModelVersion"] == created["ModelMetadata"]["ModelVersion"]
    return trained(widgets, created["ModelMetadata"]["ModelVersion"])


def set_faults(deployed: Deployed, *rules: dict[str, Any]) -> None:
    """Sets the faults that the embedded AWS makes."""
    body = json.dumps({"seed": 1, "rules": rules}).encode()
    DIRECT.open(urllib.request.Request(faults_of(deployed), body, method="PUT")).close()


def faults_made(deployed: Deployed) -> int:
    """How many were made since they were set."""
    with DIRECT.open(faults_of(deployed)) as answer:
        return int(sum(json.load(answer)["injected"].values()))


def faults_of(deployed: Deployed) -> str:
    return f"{deployed.client('s3').meta.endpoint_url}/_localaws/faults"


# ---------------------------------------------------------------- training


def test_a_project_is_trained_from_s3_and_described_with_its_metrics(
    deployed: Deployed, model: dict[str, Any]
) -> None:
    assert model["Status"] == "TRAINED", model
    assert model["StatusMessage"].startswith("Trained on 14 normal pictures, measured on 8.")
    assert model["Description"] == "first"
    assert model["OutputConfig"] == OUTPUT
    assert model["Performance"]["Recall"] == 1
    written = model["EvaluationResult"]
    body = deployed.client("s3").get_object(Bucket=written["Bucket"], Key=written["Key"])["Body"].read()
    result = EvaluationResult.from_bytes(body)
    assert (result.training_images, result.testing_images) == (14, 8)
    assert result.f1 == pytest.approx(model["Performance"]["F1Score"], rel=1e-6)
    listed = model["EvaluationManifest"]
    body = deployed.client("s3").get_object(Bucket=listed["Bucket"], Key=listed["Key"])["Body"].read()
    assert len(body.splitlines()) == 8


def test_what_was_trained_is_not_hosted_and_tells_its_tags(widgets: Any, model: dict[str, Any]) -> None:
    (listed,) = widgets.list_models(ProjectName=PROJECT)["Models"]
    assert (listed["ModelVersion"], listed["Status"]) == (model["ModelVersion"], "TRAINED")
    response = refused(
        widgets.detect_anomalies,
        ProjectName=PROJECT,
        ModelVersion=model["ModelVersion"],
        Body=png_bytes(texture(1, SIDE, SIDE)),
        ContentType="image/png",
    )
    assert response["Error"]["Code"] == "ConflictException"
    tags = widgets.list_tags_for_resource(ResourceArn=model["ModelArn"])["Tags"]
    assert tags == [{"Key": "line", "Value": "7"}]


def test_a_training_without_pictures_enough_fails_with_the_reason(deployed: Deployed, lookout: Any) -> None:
    lookout.create_project(ProjectName="lost")
    create_dataset(deployed, lookout, "train", normals=12, project="lost", missing=4)
    created = lookout.create_model(ProjectName="lost", OutputConfig=OUTPUT)["ModelMetadata"]
    described = trained(lookout, created["ModelVersion"], "lost")
    assert described["Status"] == "TRAINING_FAILED"
    assert "8 could be read" in described["StatusMessage"]
    assert "is not there" in described["StatusMessage"]


def test_a_trainer_that_is_killed_is_followed_by_lambdas_retry(
    deployed: Deployed, widgets: Any, model: dict[str, Any]
) -> None:
    del model
    kill = {"kind": "kill", "rate": 1.0, "service": "s3", "operation": "PutObject"}
    set_faults(deployed, {**kill, "resource": "*/report.html"})
    created = widgets.create_model(ProjectName=PROJECT, OutputConfig=OUTPUT)["ModelMetadata"]
    deadline = time.monotonic() + PATIENCE
    killed = 0
    while not killed and time.monotonic() < deadline:
        time.sleep(0.2)
        killed = faults_made(deployed)
    set_faults(deployed)
    assert killed
    assert trained(widgets, created["ModelVersion"])["Status"] == "TRAINED"


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"ProjectName": "nobody"}, "ResourceNotFoundException", 404),
        ({"OutputConfig": {"S3Location": {"Bucket": "payroll"}}}, "AccessDeniedException", 403),
        ({"Description": "no spaces here"}, "ValidationException", 400),
        ({"OutputConfig": {"S3Location": {"Bucket": "no bucket"}}}, "ValidationException", 400),
    ],
)
def test_a_model_that_cannot_be_created_is_refused_as_the_service_did(
    widgets: Any, change: dict[str, Any], code: str, status: int
) -> None:
    response = refused(widgets.create_model, **{"ProjectName": PROJECT, "OutputConfig": OUTPUT, **change})
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


# ---------------------------------------------------------------- packaging and deleting


def test_a_trained_model_is_packaged_as_an_archive(
    deployed: Deployed, widgets: Any, model: dict[str, Any]
) -> None:
    component = {
        "S3OutputLocation": {"Bucket": GRANTED_BUCKET, "Prefix": "edge"},
        "ComponentName": "widgets",
        "TargetDevice": "jetson_xavier",
    }
    name = widgets.start_model_packaging_job(
        ProjectName=PROJECT,
        ModelVersion=model["ModelVersion"],
        Configuration={"Greengrass": component},
        Description="for the line",
    )["JobName"]
    deadline, job = time.monotonic() + PATIENCE, dict[str, Any]()
    while time.monotonic() < deadline and job.get("Status") not in {"SUCCEEDED", "FAILED"}:
        given = {"ProjectName": PROJECT, "JobName": name}
        job = widgets.describe_model_packaging_job(**given)["ModelPackagingDescription"]
        time.sleep(0.2)
    assert job["Status"] == "SUCCEEDED", job
    content = deployed.client("s3").get_object(Bucket=GRANTED_BUCKET, Key="edge/widgets-1.0.0.zip")["Body"]
    names = set(zipfile.ZipFile(io.BytesIO(content.read())).namelist())
    assert {"model.onnx", "metadata.json", "detect.py", "requirements.txt", "SHA256SUMS"} <= names
    (listed,) = widgets.list_model_packaging_jobs(ProjectName=PROJECT)["ModelPackagingJobs"]
    assert (listed["JobName"], listed["Status"]) == (name, "SUCCEEDED")
    response = refused(widgets.describe_model_packaging_job, ProjectName=PROJECT, JobName="never")
    assert response["ResourceType"] == "MODEL_PACKAGE_JOB"


def test_models_datasets_and_project_are_deleted(widgets: Any, model: dict[str, Any]) -> None:
    del model
    versions = [one["ModelVersion"] for one in widgets.list_models(ProjectName=PROJECT)["Models"]]
    assert refused(widgets.delete_project, ProjectName=PROJECT)["Error"]["Code"] == "ConflictException"
    for version in versions:
        answer = widgets.delete_model(ProjectName=PROJECT, ModelVersion=version)
        assert answer["ModelArn"].endswith(f":model/{PROJECT}/{version}")
    for kind in ("train", "test"):
        widgets.delete_dataset(ProjectName=PROJECT, DatasetType=kind)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        left = widgets.list_models(ProjectName=PROJECT)["Models"]
        datasets = widgets.describe_project(ProjectName=PROJECT)["ProjectDescription"]["Datasets"]
        if not left and not datasets:
            break
        time.sleep(0.2)
    widgets.delete_project(ProjectName=PROJECT)
    response = refused(widgets.describe_project, ProjectName=PROJECT)
    assert response["ResourceType"] == "PROJECT"
