"""StartModelPackagingJob, DescribeModelPackagingJob, ListModelPackagingJobs.

Lookout for Vision made a component for AWS IoT Greengrass. A job makes an archive instead, which any machine
with Python runs; it says so in its status message, and has no component's ARN.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chalicelib.lookout.api import client_tokens
from chalicelib.lookout.api.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from chalicelib.lookout.api.packaging_jobs import PackagingJob, folder, key_of
from chalicelib.lookout.api.pages import page
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.documents import Documents
    from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
    from chalicelib.lookout.api.jobs import Jobs
    from chalicelib.lookout.api.model_store import ModelStore
    from chalicelib.lookout.api.projects import Projects

_OPERATION = "StartModelPackagingJob"
_WHOLE = {"TRAINED", "HOSTED", "STARTING_HOSTING", "STOPPING_HOSTING", "HOSTING_FAILED"}


class PackagingOperations:
    """A project's packaging jobs.

    Args:
        projects: Says which exist.
        models: Their versions.
        documents: Of the models bucket.
        jobs: Starts jobs.
        buckets: Where archives may go.
        now: The clock.
    """

    def __init__(
        self,
        projects: Projects,
        models: ModelStore,
        documents: Documents,
        jobs: Jobs,
        buckets: DatasetBuckets,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._projects = projects
        self._models = models
        self._documents = documents
        self._jobs = jobs
        self._buckets = buckets
        self._now = now

    def start(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Starts a job.

        Raises:
            AccessDeniedException: The archive's bucket is not open.
            ConflictException: There is a job of that name, the version is not trained, or the ClientToken
                was used for other input.
            ResourceNotFoundException: There is no such project or version.
            ValidationException: The configuration contradicts itself.
        """
        project = self._projects.require(given["ProjectName"])
        model = self._models.get(project, given["ModelVersion"])
        configuration = _checked(given["Configuration"]["Greengrass"], model.version)
        name = given.get("JobName") or _job_name(project, given)
        now = self._now()
        value = {
            "version": model.version,
            "configuration": {"Greengrass": configuration},
            "description": given.get("Description"),
            "status": "CREATED",
            "message": "The job is about to begin.",
            "created_at": timestamp(now),
            "updated_at": timestamp(now),
            "tokens": client_tokens.remember({}, _OPERATION, given, now),
        }
        bucket, key = PackagingJob(project, name, value).output()
        if (refusal := self._buckets.refusal(bucket, key)) is not None:
            message = f"S3OutputLocation cannot be used: {refusal}."
            raise AccessDeniedException(message)
        if model.status not in _WHOLE:
            message = f"Model version {model.version} of project {project} is {model.status}, not TRAINED."
            raise ConflictException(message, model.arn, "MODEL")
        if not self._documents.create(key_of(project, name), value):
            self._check_known(project, name, given)
        if self._require(project, name).value["status"] == "CREATED":
            self._jobs.start("package_model", project=project, name=name)
        return {"JobName": name}

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Tells of one job.

        Raises:
            ResourceNotFoundException: There is no such project or job.
        """
        project = self._projects.require(given["ProjectName"])
        return {"ModelPackagingDescription": self._require(project, given["JobName"]).description()}

    def list(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Lists a project's jobs, newest first.

        Raises:
            ResourceNotFoundException: There is no such project.
        """
        project = self._projects.require(given["ProjectName"])
        names = [
            key.removeprefix(folder(project)).removesuffix(".json")
            for key in self._documents.keys(folder(project))
        ]
        found = [job for name in names if (job := self._find(project, name)) is not None]
        found.sort(key=lambda job: (job.value["created_at"], job.name), reverse=True)
        jobs, token = page(found, lambda job: job.name, given.get("NextToken"), given.get("MaxResults"))
        return {"ModelPackagingJobs": [job.metadata() for job in jobs], "NextToken": token}

    def _check_known(self, project: str, name: str, given: Mapping[str, Any]) -> None:
        """Lets an earlier try of this very call pass."""
        tokens = self._require(project, name).value["tokens"]
        if client_tokens.is_known(tokens, _OPERATION, given, self._now(), (name, "MODEL_PACKAGE_JOB")):
            return
        message = f"Project {project} has a packaging job {name}: give this one another name."
        raise ConflictException(message, name, "MODEL_PACKAGE_JOB")

    def _find(self, project: str, name: str) -> PackagingJob | None:
        document = self._documents.get(key_of(project, name))
        return None if document is None else PackagingJob.of(project, name, document)

    def _require(self, project: str, name: str) -> PackagingJob:
        job = self._find(project, name)
        if job is None:
            message = f"Project {project} has no packaging job {name}."
            raise ResourceNotFoundException(message, name, "MODEL_PACKAGE_JOB")
        return job


def _checked(component: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The component's configuration with its version."""
    if ("TargetDevice" in component) == ("TargetPlatform" in component):
        message = "Give either TargetDevice or TargetPlatform, and not both."
        raise ValidationException(message)
    if "TargetDevice" in component and "CompilerOptions" in component:
        message = "CompilerOptions go with TargetPlatform: leave them out beside TargetDevice."
        raise ValidationException(message)
    return {"ComponentVersion": f"{version}.0.0", **component}


def _job_name(project: str, given: Mapping[str, Any]) -> str:
    """A name for a job that was given none: the same for another try of the same call."""
    token = given.get("ClientToken") or uuid4().hex
    return f"package-{sha256(f'{project} {token}'.encode()).hexdigest()[:16]}"
