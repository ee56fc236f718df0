"""Puts the API together from a function's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chalicelib import clients
from chalicelib.documents import Documents
from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
from chalicelib.lookout.api.dataset_jobs import DatasetJobs
from chalicelib.lookout.api.dataset_store import DatasetStore
from chalicelib.lookout.api.datasets import Datasets
from chalicelib.lookout.api.detection import Detection
from chalicelib.lookout.api.front import LookoutFront
from chalicelib.lookout.api.jobs import JobRunner, Jobs
from chalicelib.lookout.api.manifest_source import ManifestSource
from chalicelib.lookout.api.model_store import ModelStore
from chalicelib.lookout.api.models import ModelOperations
from chalicelib.lookout.api.names import Names
from chalicelib.lookout.api.projects import Projects
from chalicelib.lookout.api.service import LookoutService
from chalicelib.lookout.api.tags import Tags
from chalicelib.registry import ModelRegistry
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    store = ModelStore(documents, registry, names)
    models, tags = ModelOperations(projects, store), Tags(documents, store, names)
    detection = Detection(projects, store, registry_of_version, settings.limits, telemetry)
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
    return JobRunner({**datasets.jobs()})


def jobs_of(environment: Mapping[str, str]) -> Jobs:
    """What starts jobs: the functions that `JOB_FUNCTION` and `TRAIN_FUNCTION` name."""
    return Jobs(clients.lambda_(), environment.get("JOB_FUNCTION", ""), environment.get("TRAIN_FUNCTION", ""))
