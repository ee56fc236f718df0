"""Puts the API together from a function's environment."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib import clients
from chalicelib.detector import Detector
from chalicelib.documents import Documents
from chalicelib.lookout.api.answered_calls import AnsweredCalls
from chalicelib.lookout.api.concurrency import Concurrency
from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
from chalicelib.lookout.api.dataset_jobs import DatasetJobs
from chalicelib.lookout.api.dataset_store import DatasetStore
from chalicelib.lookout.api.datasets import Datasets
from chalicelib.lookout.api.detection import Detection
from chalicelib.lookout.api.detectors import Detectors
from chalicelib.lookout.api.front import LookoutFront
from chalicelib.lookout.api.hosting import HostingOperations
from chalicelib.lookout.api.hosting_book import HostingBook
from chalicelib.lookout.api.hosting_jobs import HostingJobs
from chalicelib.lookout.api.hosting_state import HostedModels, HostingState
from chalicelib.lookout.api.jobs import Deadline, JobRunner, Jobs
from chalicelib.lookout.api.manifest_source import ManifestSource
from chalicelib.lookout.api.model_store import ModelStore, Published
from chalicelib.lookout.api.models import ModelOperations
from chalicelib.lookout.api.names import Names
from chalicelib.lookout.api.packaging import PackagingOperations
from chalicelib.lookout.api.packaging_jobs import ModelPackaging
from chalicelib.lookout.api.projects import Projects
from chalicelib.lookout.api.service import LookoutService
from chalicelib.lookout.api.tags import Tags
from chalicelib.lookout.api.training import ModelRemoval, TrainingOperations
from chalicelib.lookout.api.warmth import HostedFunctions, Warmth
from chalicelib.lookout.packaging.archive import model_archive
from chalicelib.lookout.training.book import TrainingBook
from chalicelib.lookout.training.entries import TrainingEntries
from chalicelib.registry import ModelRegistry
from chalicelib.release import Release
from chalicelib.results import ResultsTable
from chalicelib.settings import HostingSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.lookout.api.service import Operation
    from chalicelib.lookout.training.trainer import CloudTrainer
    from chalicelib.telemetry import Telemetry


def front(environment: Mapping[str, str], function_arn: str, telemetry: Telemetry) -> LookoutFront:
    """What answers the API's routes.

    Args:
        environment: Of the function.
        function_arn: Of the function: tells account and region.
        telemetry: Logs and metrics.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    answered = operations(environment, function_arn, telemetry)
    calls = AnsweredCalls(_documents(Settings.from_environment(environment)))
    return LookoutFront(LookoutService(answered, telemetry.fault, calls))


def operations(
    environment: Mapping[str, str], function_arn: str, telemetry: Telemetry
) -> dict[str, Operation]:
    """What answers each operation; see `front`."""
    settings = Settings.from_environment(environment)
    names, documents = Names.of_function(function_arn), _documents(settings)
    registry, book, trainings = _registries(settings), HostingBook(documents), TrainingBook(documents)
    jobs, buckets = _jobs(environment), DatasetBuckets.from_environment(environment)

    def pinned(project: str) -> str | None:
        return settings.model_version if project == settings.project else None

    state = HostingState(book, registry)
    stored = _datasets(settings)
    projects = Projects(documents, names, stored)
    store = ModelStore(documents, names, [Published(documents), trainings, state])
    models, tags = ModelOperations(projects, store), Tags(documents, store, names)
    datasets = Datasets(projects, stored, jobs, buckets)
    training = TrainingOperations(
        projects,
        store,
        trainings,
        stored,
        documents,
        registry,
        jobs,
        buckets,
        settings.most_training_images,
    )
    packaging = PackagingOperations(projects, store, documents, jobs, buckets)
    hosting = HostingOperations(projects, store, book, jobs, pinned)
    hosted = HostedModels(projects, store, state)
    detection = Detection(hosted, detectors(settings), settings.limits, telemetry)
    return {
        "CreateProject": projects.create,
        "DescribeProject": projects.describe,
        "ListProjects": projects.list,
        "DeleteProject": projects.delete,
        "CreateDataset": datasets.create,
        "DescribeDataset": datasets.describe,
        "DeleteDataset": datasets.delete,
        "ListDatasetEntries": datasets.entries,
        "UpdateDatasetEntries": datasets.update,
        "CreateModel": training.create,
        "DeleteModel": training.delete,
        "StartModelPackagingJob": packaging.start,
        "DescribeModelPackagingJob": packaging.describe,
        "ListModelPackagingJobs": packaging.list,
        "DescribeModel": models.describe,
        "ListModels": models.list,
        "StartModel": hosting.start,
        "StopModel": hosting.stop,
        "DetectAnomalies": detection.detect,
        "TagResource": tags.tag,
        "UntagResource": tags.untag,
        "ListTagsForResource": tags.list,
    }


def job_runner(environment: Mapping[str, str]) -> JobRunner:
    """What `run_job` calls: everything that outlasts a request, but training.

    Args:
        environment: Of the function.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    settings, deadline = Settings.from_environment(environment), Deadline()
    documents = _documents(settings)
    hosting = _hosting_jobs(environment, deadline)
    datasets = DatasetJobs(
        _datasets(settings), ManifestSource(clients.s3()), DatasetBuckets.from_environment(environment)
    )
    packaging = ModelPackaging(clients.s3(), documents, _registries(settings), model_archive)
    return JobRunner(
        {
            **datasets.jobs(),
            "start_model": hosting.start,
            "stop_model": hosting.stop,
            "delete_model": ModelRemoval(documents, TrainingBook(documents), hosting.forget).run,
            "package_model": packaging.run,
        },
        deadline,
    )


def trainer(environment: Mapping[str, str], function_arn: str, telemetry: Telemetry) -> CloudTrainer:
    """What `train_model` calls.

    Args:
        environment: Of the function.
        function_arn: Of the function: tells account and region.
        telemetry: Logs and metrics.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    # Only train_model has the layer with onnx.
    from chalicelib.lookout.training.pictures import PictureSource  # noqa: PLC0415
    from chalicelib.lookout.training.trainer import CloudTrainer  # noqa: PLC0415

    settings = Settings.from_environment(environment)
    buckets = DatasetBuckets.from_environment(environment)
    return CloudTrainer(
        clients.s3(),
        TrainingBook(_documents(settings)),
        TrainingEntries(_datasets(settings)),
        PictureSource(clients.s3_for_many(), settings.limits, buckets.refusal),
        _registries(settings),
        Names.of_function(function_arn),
        telemetry,
    )


@cache
def detectors(settings: Settings) -> Detectors:
    """The models that this execution environment has loaded for DetectAnomalies."""
    return Detectors(_registries(settings))


def _hosting_jobs(environment: Mapping[str, str], deadline: Deadline) -> HostingJobs:
    settings, functions = (
        Settings.from_environment(environment),
        HostingSettings.from_environment(environment),
    )
    book = HostingBook(_documents(settings))
    uploads = {"detect_image": functions.images, "detect_frame": functions.frames}
    hosted = HostedFunctions(functions.detection, tuple(uploads.values()), settings.project)

    def invoke(handler: str, event: dict[str, Any]) -> None:
        clients.lambda_().invoke(
            FunctionName=uploads[handler],
            Qualifier="live",
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )

    def release() -> Release:
        table = ResultsTable(clients.dynamodb(), settings.results_table, shards=settings.shards)
        return Release(table, invoke, rate=functions.release_rate)

    return HostingJobs(
        book=book,
        registry=_registries(settings),
        check=Detector.load,
        warmth=Warmth(book, Concurrency(clients.lambda_()), hosted),
        release=release,
        jobs=_jobs(environment),
        deadline=deadline,
        project=settings.project,
    )


def _documents(settings: Settings) -> Documents:
    return Documents(clients.s3(), settings.models_bucket)


def _datasets(settings: Settings) -> DatasetStore:
    return DatasetStore(clients.s3(), settings.models_bucket)


def _jobs(environment: Mapping[str, str]) -> Jobs:
    return Jobs(clients.lambda_(), environment.get("JOB_FUNCTION", ""), environment.get("TRAIN_FUNCTION", ""))


def _registries(settings: Settings) -> Callable[[str], ModelRegistry]:
    @cache
    def registry(project: str) -> ModelRegistry:
        pinned = settings.model_version if project == settings.project else None
        return ModelRegistry(clients.s3(), settings.models_bucket, project, pinned_version=pinned)

    return registry
