"""Puts the API together from a function's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chalicelib import clients
from chalicelib.documents import Documents
from chalicelib.lookout.api.current_model import CurrentModel
from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
from chalicelib.lookout.api.dataset_jobs import DatasetJobs
from chalicelib.lookout.api.dataset_store import DatasetStore
from chalicelib.lookout.api.datasets import Datasets
from chalicelib.lookout.api.detection import Detection
from chalicelib.lookout.api.front import LookoutFront
from chalicelib.lookout.api.jobs import JobRunner, Jobs
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
from chalicelib.lookout.packaging.archive import model_archive
from chalicelib.lookout.training.book import TrainingBook
from chalicelib.lookout.training.entries import TrainingEntries
from chalicelib.registry import ModelRegistry
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    settings = Settings.from_environment(environment)
    s3, names = clients.s3(), Names.of_function(function_arn)
    documents = Documents(s3, settings.models_bucket)

    @cache
    def registry(project: str) -> ModelRegistry:
        pinned = settings.model_version if project == settings.project else None
        return ModelRegistry(s3, settings.models_bucket, project, pinned_version=pinned)

    def registry_of_version(project: str, version: str) -> ModelRegistry:
        return ModelRegistry(s3, settings.models_bucket, project, pinned_version=version)

    datasets = DatasetStore(s3, settings.models_bucket)
    projects = Projects(documents, names, datasets)
    buckets = DatasetBuckets.from_environment(environment)
    dataset_operations = Datasets(projects, datasets, jobs_of(environment), buckets)
    book = TrainingBook(documents)
    store = ModelStore(documents, names, [Published(documents), book, CurrentModel(registry)])
    models, tags = ModelOperations(projects, store), Tags(documents, store, names)
    detection = Detection(projects, store, registry_of_version, settings.limits, telemetry)
    jobs = jobs_of(environment)
    training = TrainingOperations(
        projects, store, book, datasets, documents, registry, jobs, buckets, settings.most_training_images
    )
    packaging = PackagingOperations(projects, store, documents, jobs, buckets)
    operations = {
        "CreateProject": projects.create,
        "DescribeProject": projects.describe,
        "ListProjects": projects.list,
        "DeleteProject": projects.delete,
        "CreateDataset": dataset_operations.create,
        "DescribeDataset": dataset_operations.describe,
        "DeleteDataset": dataset_operations.delete,
        "ListDatasetEntries": dataset_operations.entries,
        "UpdateDatasetEntries": dataset_operations.update,
        "CreateModel": training.create,
        "DeleteModel": training.delete,
        "StartModelPackagingJob": packaging.start,
        "DescribeModelPackagingJob": packaging.describe,
        "ListModelPackagingJobs": packaging.list,
        "DescribeModel": models.describe,
        "ListModels": models.list,
        "DetectAnomalies": detection.detect,
        "TagResource": tags.tag,
        "UntagResource": tags.untag,
        "ListTagsForResource": tags.list,
    }
    return LookoutFront(LookoutService(operations, telemetry.fault))


def job_runner(environment: Mapping[str, str], function_arn: str, telemetry: Telemetry) -> JobRunner:
    """What `run_job` calls: everything that outlasts a request, but training.

    Args:
        environment: Of the function.
        function_arn: Of the function: tells account and region.
        telemetry: Logs and metrics.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    del function_arn, telemetry
    settings = Settings.from_environment(environment)
    s3 = clients.s3()
    datasets = DatasetJobs(
        DatasetStore(s3, settings.models_bucket),
        ManifestSource(s3),
        DatasetBuckets.from_environment(environment),
    )
    documents = Documents(s3, settings.models_bucket)

    def registry(project: str) -> ModelRegistry:
        return ModelRegistry(s3, settings.models_bucket, project)

    return JobRunner(
        {
            **datasets.jobs(),
            "delete_model": ModelRemoval(documents, TrainingBook(documents)).run,
            "package_model": ModelPackaging(s3, documents, registry, model_archive).run,
        }
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
    from chalicelib.lookout.training.pictures import PictureSource  # noqa: PLC0415 - onnx is in one layer only
    from chalicelib.lookout.training.trainer import CloudTrainer  # noqa: PLC0415

    settings = Settings.from_environment(environment)
    s3 = clients.s3()
    return CloudTrainer(
        s3,
        TrainingBook(Documents(s3, settings.models_bucket)),
        TrainingEntries(DatasetStore(s3, settings.models_bucket)),
        PictureSource(
            clients.s3_for_many(), settings.limits, DatasetBuckets.from_environment(environment).refusal
        ),
        lambda project: ModelRegistry(s3, settings.models_bucket, project),
        Names.of_function(function_arn),
        telemetry,
    )


def jobs_of(environment: Mapping[str, str]) -> Jobs:
    """What starts jobs: the functions that `JOB_FUNCTION` and `TRAIN_FUNCTION` name."""
    return Jobs(clients.lambda_(), environment.get("JOB_FUNCTION", ""), environment.get("TRAIN_FUNCTION", ""))
