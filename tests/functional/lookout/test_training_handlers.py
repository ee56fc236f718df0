"""The deployed handlers behind CreateModel, put together from their environment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from support_datasets import GRANTED, IMAGES, MODELS
from support_training import Training

import app
from chalicelib import clients
from chalicelib.lookout.evaluation import EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support_datasets import Service

KEPT = (app._telemetry, app._jobs, app._trainer, clients.s3, clients.s3_for_many, clients.lambda_)


@pytest.fixture
def cars(service: Service) -> Training:
    service.project()
    return Training(service)


@pytest.fixture
def lambda_(
    cars: Training, aws_session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    del cars  # it runs there
    environment = {
        "PROJECT_NAME": "spotcheck",
        "MODEL_VERSION": "",
        "OUTPUT_BUCKET": "spotcheck-results",
        "MODELS_BUCKET": MODELS,
        "RESULTS_TABLE": "results",
        "IMAGES_BUCKET": IMAGES,
        "DATASET_BUCKETS": GRANTED,
        "JOB_FUNCTION": "spotcheck-run_job",
        "DETECTION_FUNCTION": "spotcheck-detect_anomalies",
        "IMAGE_FUNCTION": "spotcheck-detect_image",
        "FRAME_FUNCTION": "spotcheck-detect_frame",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", aws_session)
    for kept in KEPT:
        kept.cache_clear()

    def run(name: str, event: dict[str, Any]) -> None:
        context = SimpleNamespace(
            aws_request_id="request",
            invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:spotcheck-{name}:live",
            get_remaining_time_in_millis=lambda: 900_000,
        )
        vars(app)[name](event, context)

    yield run
    for kept in KEPT:
        kept.cache_clear()


def test_what_createmodel_begins_is_trained_packaged_and_deleted_by_the_functions(
    cars: Training, lambda_: Callable[[str, dict[str, Any]], None]
) -> None:
    cars.dataset(12, 3)
    cars.create()
    (given,) = cars.trained
    lambda_("train_model", dict(zip(("project", "version"), given, strict=True)))
    described = cars.describe()
    assert described["Status"] == "TRAINED", described
    assert described["StatusMessage"].startswith("Trained on 12 normal and 3 anomalous pictures")
    assert EvaluationResult.from_bytes(cars.output("EvaluationResult-cars-1.json")).testing_images == 15

    component = {
        "S3OutputLocation": {"Bucket": GRANTED},
        "ComponentName": "cars",
        "TargetDevice": "jetson_xavier",
    }
    name = cars.packaging.start(
        {"ProjectName": "cars", "ModelVersion": "1", "Configuration": {"Greengrass": component}}
    )["JobName"]
    lambda_("run_job", cars.jobs.started.pop())
    job = cars.packaging.describe({"ProjectName": "cars", "JobName": name})["ModelPackagingDescription"]
    assert job["Status"] == "SUCCEEDED", job

    cars.operations.delete({"ProjectName": "cars", "ModelVersion": "1"})
    lambda_("run_job", cars.jobs.started.pop())
    assert cars.models.all("cars") == []
