"""Puts the API together from a function's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chalicelib import clients
from chalicelib.documents import Documents
from chalicelib.lookout.api.detection import Detection
from chalicelib.lookout.api.front import LookoutFront
from chalicelib.lookout.api.jobs import JobRunner
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

    projects = Projects(documents, names)
    store = ModelStore(documents, registry, names)
    models, tags = ModelOperations(projects, store), Tags(documents, store, names)
    detection = Detection(projects, store, registry_of_version, settings.limits, telemetry)
    operations = {
        "CreateProject": projects.create,
        "DescribeProject": projects.describe,
        "ListProjects": projects.list,
        "DeleteProject": projects.delete,
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
    """
    del environment, function_arn, telemetry
    return JobRunner({})
