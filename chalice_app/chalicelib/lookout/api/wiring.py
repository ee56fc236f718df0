"""Puts the API together from a function's environment."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib import clients
from chalicelib.detector import Detector
from chalicelib.documents import Documents
from chalicelib.lookout.api.concurrency import Concurrency
from chalicelib.lookout.api.detection import Detection
from chalicelib.lookout.api.detectors import Detectors
from chalicelib.lookout.api.front import LookoutFront
from chalicelib.lookout.api.hosting import HostingOperations
from chalicelib.lookout.api.hosting_book import HostingBook
from chalicelib.lookout.api.hosting_jobs import HostingJobs
from chalicelib.lookout.api.hosting_state import HostedModels, HostingState
from chalicelib.lookout.api.jobs import Deadline, JobRunner, Jobs
from chalicelib.lookout.api.model_store import ModelStore, Published
from chalicelib.lookout.api.models import ModelOperations
from chalicelib.lookout.api.names import Names
from chalicelib.lookout.api.projects import Projects
from chalicelib.lookout.api.service import LookoutService
from chalicelib.lookout.api.tags import Tags
from chalicelib.lookout.api.warmth import HostedFunctions, Warmth
from chalicelib.registry import ModelRegistry
from chalicelib.release import Release
from chalicelib.results import ResultsTable
from chalicelib.settings import HostingSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.lookout.api.service import Operation
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
    return LookoutFront(LookoutService(answered, telemetry.fault))


def operations(
    environment: Mapping[str, str], function_arn: str, telemetry: Telemetry
) -> dict[str, Operation]:
    """What answers each operation; see `front`."""
    settings = Settings.from_environment(environment)
    names, documents = Names.of_function(function_arn), _documents(settings)
    registry, book = _registries(settings), HostingBook(documents)

    def pinned(project: str) -> str | None:
        return settings.model_version if project == settings.project else None

    state = HostingState(book, registry)
    projects = Projects(documents, names)
    store = ModelStore(documents, names, [Published(documents), state])
    models, tags = ModelOperations(projects, store), Tags(documents, store, names)
    hosting = HostingOperations(projects, store, book, _jobs(environment), pinned)
    hosted = HostedModels(projects, store, state)
    detection = Detection(hosted, detectors(settings), settings.limits, telemetry)
    return {
        "CreateProject": projects.create,
        "DescribeProject": projects.describe,
        "ListProjects": projects.list,
        "DeleteProject": projects.delete,
        "DescribeModel": models.describe,
        "ListModels": models.list,
        "StartModel": hosting.start,
        "StopModel": hosting.stop,
        "DetectAnomalies": detection.detect,
        "TagResource": tags.tag,
        "UntagResource": tags.untag,
        "ListTagsForResource": tags.list,
    }


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
    deadline = Deadline()
    hosting = _hosting_jobs(environment, deadline)
    return JobRunner({"start_model": hosting.start, "stop_model": hosting.stop}, deadline)


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


def _jobs(environment: Mapping[str, str]) -> Jobs:
    return Jobs(clients.lambda_(), environment.get("JOB_FUNCTION", ""), environment.get("TRAIN_FUNCTION", ""))


def _registries(settings: Settings) -> Callable[[str], ModelRegistry]:
    @cache
    def registry(project: str) -> ModelRegistry:
        pinned = settings.model_version if project == settings.project else None
        return ModelRegistry(clients.s3(), settings.models_bucket, project, pinned_version=pinned)

    return registry
