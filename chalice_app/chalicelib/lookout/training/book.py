"""What is known of the training of each version: `projects/<project>/models/<n>/training.json`.

A trainer that takes a version on begins a *run* and writes every few seconds while it lives. Only the latest
run may write: a trainer that somebody else has taken over from finds that out at its next word. A version
exists once the registry has it (`model.json`), whatever stands here: that is one write, and so there is one
outcome, wherever a trainer is killed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from chalicelib.exceptions import TrainingSupersededError
from chalicelib.lookout.evaluation import file_name, manifest_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.documents import Documents

SILENT_SECONDS = 600.0
"""A trainer that has begun writes every few seconds, and Lambda tries again after one and two minutes."""

QUEUED_SECONDS = 6.5 * 3600
"""Lambda keeps an event that finds no room for six hours (`maximum_event_age_in_seconds`)."""

MOST_ATTEMPTS = 3
"""How often Lambda tries an event."""

_SILENT = (
    "The trainer stopped without a word, most likely for lack of memory: give train_model more of it "
    "(functions = { train_model = { memory_mb = ... } }), or train at the desk (spotcheck train, "
    "spotcheck publish). The log of train_model may say more."
)
_NEVER_BEGUN = (
    "The training found no room to begin within six hours: the account's Lambda concurrency is used up by "
    "others. Call CreateModel again."
)


class TrainingStatus(StrEnum):
    """States of a version before it exists, and while it is deleted."""

    TRAINING = "TRAINING"
    FAILED = "TRAINING_FAILED"
    DELETING = "DELETING"


@dataclass(frozen=True, slots=True)
class Training:
    """The training of one version.

    Attributes:
        status: Its state, as long as the registry does not have the version.
        created_at: When CreateModel was called, ISO 8601; None of a version that was never trained here.
        message: For people.
        bucket: Of `OutputConfig`.
        prefix: Of `OutputConfig`; where the evaluation's files go.
        description: Of the version.
        kms_key_id: As it was given.
        attempts: How often a trainer has begun.
        run: Of the trainer that is at work.
        request: Lambda's request that it serves; Lambda's own retries have the same.
        evaluated_at: When the evaluation ended, ISO 8601.
    """

    status: TrainingStatus
    created_at: str | None = None
    message: str = ""
    bucket: str = ""
    prefix: str = ""
    description: str | None = None
    kms_key_id: str | None = None
    attempts: int = 0
    run: str = ""
    request: str = ""
    evaluated_at: str | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `to_json` gave; keys that it does not know stay as they are."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        unknown = {name: value for name, value in data.items() if name not in known}
        return cls(**{**known, "status": TrainingStatus(known["status"]), "unknown": unknown})

    def to_json(self) -> dict[str, Any]:
        """As it is written."""
        values = asdict(self)
        return {**values.pop("unknown"), **values, "status": self.status.value}

    def seen(self, age: float) -> Training:
        """How it looks so many seconds after it was written: what no trainer works on any more has failed."""
        if self.status is not TrainingStatus.TRAINING:
            return self
        if self.attempts and age > SILENT_SECONDS:
            return replace(self, status=TrainingStatus.FAILED, message=_SILENT)
        if not self.attempts and age > QUEUED_SECONDS:
            return replace(self, status=TrainingStatus.FAILED, message=_NEVER_BEGUN)
        return self

    def members(self, project: str, version: str, *, is_registered: bool) -> dict[str, Any]:
        """The members of `ModelDescription` that are known."""
        details: dict[str, Any] = {"Description": self.description, "KmsKeyId": self.kms_key_id}
        if self.created_at:
            details["CreationTimestamp"] = datetime.fromisoformat(self.created_at)
        if self.bucket:
            details["OutputConfig"] = {"S3Location": {"Bucket": self.bucket, "Prefix": self.prefix or None}}
        if is_registered and self.status is not TrainingStatus.DELETING:
            if self.evaluated_at:
                details |= {
                    "StatusMessage": self.message,
                    "EvaluationManifest": self._output(manifest_name(project, version)),
                    "EvaluationResult": self._output(file_name(project, version)),
                    "EvaluationEndTimestamp": datetime.fromisoformat(self.evaluated_at),
                }
            return details
        return {**details, "Status": self.status.value, "StatusMessage": self.message}

    def output_key(self, name: str) -> str:
        """Where a file of the evaluation goes."""
        return f"{self.prefix.rstrip('/')}/{name}" if self.prefix.rstrip("/") else name

    def _output(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.output_key(name)}


class TrainingBook:
    """Reads and writes the training of versions.

    Args:
        documents: Of the models bucket.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def find(self, project: str, version: str) -> Training | None:
        """A version's training as it looks now; None where there was none."""
        document = self._documents.get(_key(project, version))
        return None if document is None else Training.from_json(document.value).seen(document.age)

    def members(self, project: str, version: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
        """What training knows of a version, as `ModelDescription` has it; empty where it knows nothing.

        A version that was registered since the registry was asked is shown as still in training: with its
        figures at the next look, and not as TRAINED without them.

        Args:
            project: Whose.
            version: Which.
            known: What the registry knew of it.
        """
        training = self.find(project, version)
        if training is None:
            return {}
        return training.members(project, version, is_registered=bool(known))

    def is_registered(self, project: str, version: str) -> bool:
        """Whether the registry has the version."""
        return self._documents.get(f"{folder(project, version)}model.json") is not None

    def create(self, project: str, version: str, training: Training) -> bool:
        """Writes the first word on a version; False when somebody has."""
        return self._documents.create(_key(project, version), training.to_json())

    def begin(self, project: str, version: str, run: str, request: str) -> Training | None:
        """Takes a version on.

        Args:
            project: Whose.
            version: Which.
            run: Tells this trainer from every other.
            request: Lambda's request. Only its own retry takes over from a trainer that has begun.

        Returns:
            The training; None where there is nothing to do: it is done, has failed, is gone, or another
            trainer is at it.
        """

        def take(training: Training) -> Training | None:
            if training.status is not TrainingStatus.TRAINING or self.is_registered(project, version):
                return None
            if training.attempts and training.request != request:
                return None
            return replace(training, attempts=training.attempts + 1, run=run, request=request)

        return self._change(project, version, take)

    def say(
        self, project: str, version: str, run: str, message: str, evaluated_at: str | None = None
    ) -> None:
        """Writes that the trainer lives and what it does.

        Args:
            project: Whose.
            version: Which.
            run: Of the trainer.
            message: For people.
            evaluated_at: When the evaluation ended, once it has.

        Raises:
            TrainingSupersededError: The version is no longer this trainer's.
        """

        def how(mine: Training) -> Training:
            return replace(mine, message=message, evaluated_at=evaluated_at or mine.evaluated_at)

        if self._as_run(project, version, run, how) is None:
            text = f"Model version {version} of project {project} is no longer this trainer's."
            raise TrainingSupersededError(text)

    def fail(self, project: str, version: str, run: str, reason: str) -> None:
        """Ends the training, if it still is this trainer's."""
        self._as_run(
            project,
            version,
            run,
            lambda mine: replace(mine, status=TrainingStatus.FAILED, message=reason),
        )

    def delete(self, project: str, version: str) -> None:
        """Writes that the version is being deleted, whatever stands there."""
        mark = Training(TrainingStatus.DELETING, message="The model is being deleted.")

        def how(training: Training) -> Training:
            return replace(training, status=mark.status, message=mark.message)

        while self._change(project, version, how) is None and not self.create(project, version, mark):
            pass

    def _as_run(
        self, project: str, version: str, run: str, how: Callable[[Training], Training]
    ) -> Training | None:
        def mine(training: Training) -> Training | None:
            alive = training.status is TrainingStatus.TRAINING and training.run == run
            return how(training) if alive else None

        return self._change(project, version, mine)

    def _change(
        self, project: str, version: str, how: Callable[[Training], Training | None]
    ) -> Training | None:
        """Changes what stands there, as it looks now; None when there is nothing, or `how` leaves it."""
        key = _key(project, version)
        while (document := self._documents.get(key)) is not None:
            training = how(Training.from_json(document.value).seen(document.age))
            if training is None:
                return None
            if self._documents.replace(key, training.to_json(), document.etag):
                return training
        return None


def folder(project: str, version: str) -> str:
    """Below which everything of a version lies."""
    return f"projects/{project}/models/{version}/"


def entries_key(project: str, version: str, dataset_type: str) -> str:
    """Where the entries lie that a version is trained on (`train`) or measured on (`test`)."""
    return f"{folder(project, version)}entries-{dataset_type}.jsonl"


def _key(project: str, version: str) -> str:
    return f"{folder(project, version)}training.json"
