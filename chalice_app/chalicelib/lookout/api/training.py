"""CreateModel and DeleteModel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api import client_tokens
from chalicelib.lookout.api.dataset_import import MOST_KINDS, kinds_of_masks, too_many_kinds
from chalicelib.lookout.api.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from chalicelib.lookout.training.book import Training, TrainingStatus, entries_key, folder
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.documents import Documents
    from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
    from chalicelib.lookout.api.dataset_records import DatasetRecord
    from chalicelib.lookout.api.dataset_store import DatasetStore
    from chalicelib.lookout.api.jobs import Jobs
    from chalicelib.lookout.api.model_store import ModelStore
    from chalicelib.lookout.api.projects import Projects
    from chalicelib.lookout.training.book import TrainingBook
    from chalicelib.registry import ModelRegistry

LEAST_NORMALS = 10
"""The documents of Lookout for Vision asked for 20 in a single dataset, and for anomalies, too."""

_HOSTED = {"HOSTED", "STARTING_HOSTING", "STOPPING_HOSTING", "SYSTEM_UPDATING"}
_OPERATION = "CreateModel"


class TrainingOperations:
    """Begins trainings, and deletes what came of them.

    Args:
        projects: Says which exist.
        models: Their versions.
        book: Of trainings.
        datasets: What is trained on.
        documents: Of the models bucket.
        registry: Makes a project's registry.
        jobs: Starts the trainer and the deleting.
        buckets: Where `OutputConfig` may lead.
        most_images: How many labelled pictures the trainer gets through in its time.
        now: The clock.
    """

    def __init__(
        self,
        projects: Projects,
        models: ModelStore,
        book: TrainingBook,
        datasets: DatasetStore,
        documents: Documents,
        registry: Callable[[str], ModelRegistry],
        jobs: Jobs,
        buckets: DatasetBuckets,
        most_images: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._projects = projects
        self._models = models
        self._book = book
        self._datasets = datasets
        self._documents = documents
        self._registry = registry
        self._jobs = jobs
        self._buckets = buckets
        self._most_images = most_images
        self._now = now

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begins to train a version on what the datasets hold at this moment.

        `KmsKeyId` is told by DescribeModel and encrypts nothing: the service encrypted its copies of the
        pictures with it, and here none outlives the training (docs/lookout-migration.md).

        Raises:
            AccessDeniedException: `OutputConfig` leads to a bucket that is not open.
            ConflictException: A dataset is being changed, or the ClientToken was used for other input.
            ResourceNotFoundException: There is no such project, or it has no training dataset.
            ServiceQuotaExceededException: There are more pictures than can be trained on in the cloud, or the
                masks name more kinds of anomaly than a project may have.
            ValidationException: There are too few normal pictures, or a tag's key comes twice.
        """
        project = self._projects.require(given["ProjectName"])
        self._check_output(given)
        tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}
        if len(tags) < len(given.get("Tags", ())):
            message = "A tag's key comes twice: give each key once."
            raise ValidationException(message)
        version = self._known_version(project, given) or self._take_version(project, given)
        if self._datasets.read_file(entries_key(project, version, "train")) is not None:
            if tags:
                self._documents.create(f"{folder(project, version)}tags.json", tags)
            self._book.create(project, version, self._first_word(given))
            training = self._book.find(project, version)
            if training and training.status is TrainingStatus.TRAINING and not training.attempts:
                self._jobs.train(project, version)
        return {"ModelMetadata": self._models.get(project, version).members()}

    def delete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begins to delete a version: any but one that runs or is being trained, as the service did.

        One whose hosting failed does not run, unless its project's uploads are still judged with it.

        Raises:
            ConflictException: It is hosted, judges uploads, or is being trained.
            ResourceNotFoundException: There is no such project or version.
        """
        project = self._projects.require(given["ProjectName"])
        model = self._models.get(project, given["ModelVersion"])
        if model.status in _HOSTED:
            message = f"Model version {model.version} of project {project} is {model.status}: stop it first."
            raise ConflictException(message, model.arn, "MODEL")
        if model.status == "HOSTING_FAILED" and self._registry(project).pointed_at() == model.version:
            message = (
                f"Model version {model.version} of project {project} is {model.status}, and the project's "
                "uploads are judged with it: stop it first."
            )
            raise ConflictException(message, model.arn, "MODEL")
        if model.status == TrainingStatus.TRAINING:
            message = f"Model version {model.version} of project {project} is being trained: wait."
            raise ConflictException(message, model.arn, "MODEL")
        self._book.delete(project, model.version)
        self._jobs.start("delete_model", project=project, version=model.version)
        return {"ModelArn": model.arn}

    def _check_output(self, given: Mapping[str, Any]) -> None:
        location = given["OutputConfig"]["S3Location"]
        prefix = location.get("Prefix", "")
        key = f"{prefix.rstrip('/')}/EvaluationResult" if prefix else "EvaluationResult"
        if (refusal := self._buckets.refusal(location["Bucket"], key)) is not None:
            message = f"OutputConfig cannot be used: {refusal}."
            raise AccessDeniedException(message)

    def _known_version(self, project: str, given: Mapping[str, Any]) -> str | None:
        """The version that an earlier try of this very call took."""
        document = self._documents.get(_tokens_key(project))
        known = document.value if document else {"tokens": {}, "versions": {}}
        resource = (project, "PROJECT")
        if client_tokens.is_known(known["tokens"], _OPERATION, given, self._now(), resource):  # type: ignore[arg-type]
            return str(known["versions"][given["ClientToken"]])
        return None

    def _take_version(self, project: str, given: Mapping[str, Any]) -> str:
        """A version with a copy of the entries that it is trained on, and the token that it answers."""
        entries = {
            dataset.dataset_type: list(self._datasets.stored_entries(project, dataset.dataset_type))
            for dataset in self._checked_datasets(project)
        }
        # Two datasets that were made at the same moment did not see each other's kinds.
        kinds = kinds_of_masks(entry for stored in entries.values() for entry in stored)
        if len(kinds) > MOST_KINDS:
            raise ServiceQuotaExceededException(too_many_kinds(len(kinds)), project, "PROJECT")
        version = self._registry(project).claim()
        for dataset_type, stored in entries.items():
            self._datasets.put_entries(entries_key(project, version, dataset_type), stored)
        if "ClientToken" not in given:
            return version
        key, taken = _tokens_key(project), version

        def remember(known: dict[str, Any]) -> dict[str, Any] | None:
            nonlocal taken
            now = self._now()
            if client_tokens.is_known(known["tokens"], _OPERATION, given, now, (project, "PROJECT")):
                taken = known["versions"][given["ClientToken"]]
                return None
            tokens = client_tokens.remember(known["tokens"], _OPERATION, given, now)
            active = {name.partition(" ")[2] for name in tokens}
            versions = {**known["versions"], given["ClientToken"]: version}
            return {
                "tokens": tokens,
                "versions": {token: number for token, number in versions.items() if token in active},
            }

        empty: dict[str, Any] = {"tokens": {}, "versions": {}}
        while self._documents.change(key, remember) is None:
            if self._documents.create(key, remember(empty) or empty):
                break
        return taken

    def _checked_datasets(self, project: str) -> list[DatasetRecord]:
        """The datasets to train on and to measure on, if they can be."""
        datasets = self._datasets.all(project)
        train = next((dataset for dataset in datasets if dataset.dataset_type == "train"), None)
        if train is None:
            message = f"Project {project} has no training dataset: call CreateDataset first."
            raise ResourceNotFoundException(message, f"{project}/train", "DATASET")
        for dataset in datasets:
            if not dataset.is_ready:
                message = (
                    f"The {dataset.dataset_type} dataset of project {project} is {dataset.status}: wait "
                    "until that is done."
                )
                raise ConflictException(message, dataset.resource_id, "DATASET")
        if train.images.normal < LEAST_NORMALS:
            message = (
                f"The training dataset of project {project} has {train.images.normal} pictures labelled "
                f"normal: at least {LEAST_NORMALS} are needed, better 60 or more."
            )
            raise ValidationException(message)
        images = sum(dataset.images.labeled for dataset in datasets)
        if images > self._most_images:
            message = (
                f"The datasets of project {project} have {images} labelled pictures, and training in the "
                f"cloud gets through {self._most_images} in a Lambda function's fifteen minutes. Take fewer, "
                "or train at the desk: `spotcheck train --data ...`, then `spotcheck publish`."
            )
            raise ServiceQuotaExceededException(message, project, "PROJECT")
        return datasets

    def _first_word(self, given: Mapping[str, Any]) -> Training:
        location = given["OutputConfig"]["S3Location"]
        return Training(
            TrainingStatus.TRAINING,
            created_at=timestamp(self._now()),
            message="The training is about to begin.",
            bucket=location["Bucket"],
            prefix=location.get("Prefix", ""),
            description=given.get("Description"),
            kms_key_id=given.get("KmsKeyId"),
        )


class ModelRemoval:
    """The job `delete_model`.

    Args:
        documents: Of the models bucket.
        book: Of trainings.
        forget: Takes hosting and warmth from a version that has or had them.
    """

    def __init__(self, documents: Documents, book: TrainingBook, forget: Callable[[str, str], None]) -> None:
        self._documents = documents
        self._book = book
        self._forget = forget

    def run(self, project: str, version: str) -> None:
        """Removes every file of a version that is being deleted; its number stays taken.

        First goes what a start or stop that failed left of its hosting, last the document that says that it
        is being deleted: a job that is killed is done again from the beginning.
        """
        training = self._book.find(project, version)
        if training is None or training.status is not TrainingStatus.DELETING:
            return
        self._forget(project, version)
        place = folder(project, version)
        kept = {f"{place}claimed", f"{place}training.json"}
        for key in [key for key in self._documents.keys(place) if key not in kept]:
            self._documents.delete(key)
        self._documents.delete(f"{place}training.json")


def _tokens_key(project: str) -> str:
    return f"projects/{project}/trainings.json"
