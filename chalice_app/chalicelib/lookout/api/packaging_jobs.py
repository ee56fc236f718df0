"""Packaging jobs: what is known of each (`projects/<project>/packaging/<job>.json`), and its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.exceptions import ModelInvalidError, ModelNotFoundError
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from chalicelib.documents import Document, Documents
    from chalicelib.registry import ModelEntry, ModelRegistry

JOB_SECONDS = 3600.0
"""How long a job may be under way: Lambda tries three times, each at most fifteen minutes, minutes apart."""

_REFUSED = {"AccessDenied", "403", "Forbidden", "NoSuchBucket"}
UNDER_WAY = {"CREATED", "RUNNING"}
_DEAD = "The work stopped without an end: start another job. The log of run_job may have the reason."


@dataclass(frozen=True, slots=True)
class PackagingJob:
    """A job as it stands.

    Attributes:
        project: Whose.
        name: The job's.
        value: Its document.
    """

    project: str
    name: str
    value: Mapping[str, Any]

    @classmethod
    def of(cls, project: str, name: str, document: Document) -> PackagingJob:
        """Reads a document; a job that nobody works on any more has failed."""
        value = document.value
        if value["status"] in UNDER_WAY and document.age > JOB_SECONDS:
            value = {**value, "status": "FAILED", "message": _DEAD}
        return cls(project, name, value)

    def metadata(self) -> dict[str, Any]:
        """The members of `ModelPackagingJobMetadata`."""
        return {
            "JobName": self.name,
            "ProjectName": self.project,
            "ModelVersion": self.value["version"],
            "ModelPackagingJobDescription": self.value["description"],
            "ModelPackagingMethod": "Archive",
            "Status": self.value["status"],
            "StatusMessage": self.value["message"],
            "CreationTimestamp": datetime.fromisoformat(self.value["created_at"]),
            "LastUpdatedTimestamp": datetime.fromisoformat(self.value["updated_at"]),
        }

    def description(self) -> dict[str, Any]:
        """The members of `ModelPackagingDescription`."""
        component = self.value["configuration"]["Greengrass"]
        output = {name: component[name] for name in ("ComponentName", "ComponentVersion")}
        return {
            **self.metadata(),
            "ModelPackagingConfiguration": self.value["configuration"],
            "ModelPackagingOutputDetails": (
                {"Greengrass": output} if self.value["status"] == "SUCCEEDED" else None
            ),
        }

    def output(self) -> tuple[str, str]:
        """Bucket and key of the archive."""
        component = self.value["configuration"]["Greengrass"]
        location = component["S3OutputLocation"]
        prefix = location.get("Prefix", "").rstrip("/")
        name = f"{component['ComponentName']}-{component['ComponentVersion']}.zip"
        return location["Bucket"], f"{prefix}/{name}" if prefix else name


class ModelPackaging:
    """The job `package_model`.

    Args:
        s3: S3 client.
        documents: Of the models bucket.
        registry: Makes a project's registry.
        archive: Puts a version and its ONNX file into an archive.
        now: The clock.
    """

    def __init__(
        self,
        s3: S3Client,
        documents: Documents,
        registry: Callable[[str], ModelRegistry],
        archive: Callable[[ModelEntry, bytes], bytes],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._s3 = s3
        self._documents = documents
        self._registry = registry
        self._archive = archive
        self._now = now

    def run(self, project: str, name: str) -> None:
        """Writes the archive, again if an earlier try did not come to its end.

        Raises:
            ClientError: S3 failed in a way that another try may mend.
        """
        document = self._documents.get(key_of(project, name))
        if document is None or document.value["status"] not in UNDER_WAY:
            return
        job = PackagingJob(project, name, document.value)
        bucket, key = job.output()
        self._say(job, "RUNNING", "The archive is being made.")
        try:
            registry = self._registry(project)
            entry = registry.entry(job.value["version"])
            content = self._archive(entry, registry.download(entry))
            self._s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/zip")
        except (ModelNotFoundError, ModelInvalidError) as error:
            self._say(job, "FAILED", str(error))
        except ClientError as error:
            if error_code(error) not in _REFUSED:
                raise
            reason = (
                f"s3://{bucket}/{key} cannot be written ({error_code(error)}): name the bucket in the "
                "Terraform variable dataset_bucket_arns, and see that it exists."
            )
            self._say(job, "FAILED", reason)
        else:
            made = (
                f"s3://{bucket}/{key} ({len(content) / 1e6:.1f} MB) is an archive for any machine with "
                "Python, and no Greengrass component: unpack it, see requirements.txt, run detect.py."
            )
            self._say(job, "SUCCEEDED", made)

    def _say(self, job: PackagingJob, status: str, message: str) -> None:
        def how(value: dict[str, Any]) -> dict[str, Any] | None:
            if value["status"] not in UNDER_WAY:
                return None
            return {**value, "status": status, "message": message, "updated_at": timestamp(self._now())}

        self._documents.change(key_of(job.project, job.name), how)


def folder(project: str) -> str:
    """Below which a project's packaging jobs lie."""
    return f"projects/{project}/packaging/"


def key_of(project: str, name: str) -> str:
    """Where a job's document lies."""
    return f"{folder(project)}{name}.json"
