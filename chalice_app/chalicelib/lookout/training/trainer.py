"""Trains one version of a model in the cloud: pictures from S3, the model into the registry."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.detector import Detector
from chalicelib.exceptions import TrainingError, TrainingSupersededError
from chalicelib.lookout.api.dataset_store import TYPES
from chalicelib.lookout.evaluation import file_name, manifest_name
from chalicelib.lookout.manifest import colors_of
from chalicelib.lookout.training.book import MOST_ATTEMPTS
from chalicelib.lookout.training.evaluation_files import evaluation_manifest, evaluation_result
from chalicelib.lookout.training.heartbeat import HeartBeat
from chalicelib.measuring.pictures import Dataset
from chalicelib.measuring.report import render_model_report
from chalicelib.measuring.training import evaluate_normals, train_on
from chalicelib.records import timestamp
from chalicelib.training import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mypy_boto3_s3 import S3Client

    from chalicelib.lookout.api.names import Names
    from chalicelib.lookout.entries import Entry
    from chalicelib.lookout.training.book import Training, TrainingBook
    from chalicelib.lookout.training.pictures import PictureSource
    from chalicelib.measuring.evaluation import Evaluation
    from chalicelib.measuring.pictures import Skipped
    from chalicelib.model_metadata import SkippedImage
    from chalicelib.registry import ModelRegistry
    from chalicelib.telemetry import Telemetry
    from chalicelib.training import TrainedModel

_REFUSED = {"AccessDenied", "403", "Forbidden", "NoSuchBucket"}
_MOST_NAMED = 3


class Made(NamedTuple):
    """A trained model, what was measured of it, and what took no part."""

    trained: TrainedModel
    evaluation: Evaluation
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One trainer's try at one version.

    Attributes:
        project: Whose.
        version: Which.
        run: Tells this try from every other.
        training: As it was taken on.
    """

    project: str
    version: str
    run: str
    training: Training


class CloudTrainer:
    """Trains versions; whatever happens to a trainer, a version comes to one end.

    Args:
        s3: S3 client, for the evaluation's files.
        book: Of trainings.
        entries: Gives the entries that a version is trained on (`train`) and measured on (`test`).
        pictures: Fetches them.
        registry: Makes a project's registry.
        names: Makes ARNs.
        telemetry: Logs.
        new_run: Names a run.
        now: The clock.
    """

    def __init__(
        self,
        s3: S3Client,
        book: TrainingBook,
        entries: Callable[[str, str, str], Iterable[Entry]],
        pictures: PictureSource,
        registry: Callable[[str], ModelRegistry],
        names: Names,
        telemetry: Telemetry,
        new_run: Callable[[], str] = lambda: uuid4().hex,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._s3 = s3
        self._book = book
        self._entries = entries
        self._pictures = pictures
        self._registry = registry
        self._names = names
        self._telemetry = telemetry
        self._new_run = new_run
        self._now = now

    def run(
        self, project: str, version: str, request: str, seconds_left: Callable[[], float] = lambda: 900.0
    ) -> None:
        """Trains a version, if nobody has and nobody does.

        Args:
            project: Whose.
            version: Which, from CreateModel.
            request: Lambda's id of the request: its retries have the same.
            seconds_left: How long the function still has.

        Raises:
            Exception: Whatever is no fault of the pictures: Lambda tries again. After the last try the
                version has failed.
        """
        run = self._new_run()
        training = self._book.begin(project, version, run, request)
        if training is None:
            self._telemetry.info(f"Nothing to train: version {version} of {project} is done or somebody's.")
            return
        attempt = Attempt(project, version, run, training)
        try:
            self._train(attempt, seconds_left)
        except TrainingSupersededError as error:
            self._telemetry.info(str(error))
        except TrainingError as error:
            self._book.fail(project, version, run, str(error))
        except Exception as error:
            self._telemetry.fault(f"Training version {version} of {project} failed")
            if training.attempts >= MOST_ATTEMPTS:
                reason = f"The training failed {training.attempts} times, at last with: {error}"
                self._book.fail(project, version, run, reason)
            raise

    def _train(self, attempt: Attempt, seconds_left: Callable[[], float]) -> None:
        def say(message: str) -> None:
            self._book.say(attempt.project, attempt.version, attempt.run, message)

        def out_of_time(message: str) -> str:
            reason = (
                f"The time was up before the training was done ({message}): take fewer pictures, or train at "
                "the desk (spotcheck train, spotcheck publish)."
            )
            # At once: the function may be killed before what is being computed comes to an end.
            self._book.fail(attempt.project, attempt.version, attempt.run, reason)
            return reason

        with HeartBeat(say, seconds_left, out_of_time) as beat, tempfile.TemporaryDirectory() as scratch:
            made, entries = self._make(attempt, beat, Path(scratch))
            ended_at = timestamp(self._now())
            beat.begin("Writing the evaluation.")
            self._write_evaluation(attempt, made, entries, ended_at)
            report = render_model_report(
                Detector.load(made.trained.model), made.trained.model, made.evaluation, []
            )
            message = summary(made)
            beat.tell(message)
            # The last word before the version exists: a trainer that was taken over from stops here.
            self._book.say(attempt.project, attempt.version, attempt.run, message, ended_at)
            self._registry(attempt.project).register(
                attempt.version,
                made.trained.model,
                {
                    "evaluation.json": json.dumps(made.evaluation.to_dict()).encode(),
                    "report.html": report.encode(),
                },
            )
        self._telemetry.info(message)

    def _make(self, attempt: Attempt, beat: HeartBeat, scratch: Path) -> tuple[Made, dict[str, Entry]]:
        """Fetches, trains and measures."""

        def telling(doing: str) -> Callable[[int, int], None]:
            return lambda done, of: beat.tell(f"{doing}: {done} of {of} pictures.")

        beat.begin("Fetching the pictures.")
        sets = {kind: list(self._entries(attempt.project, attempt.version, kind)) for kind in TYPES}
        fetched = {
            kind: self._pictures.fetch(entries, scratch / kind, telling("Fetching"))
            for kind, entries in sets.items()
        }
        skipped = (*fetched["train"].skipped, *fetched["test"].skipped)
        colors = colors_of([*sets["train"], *sets["test"]])
        dataset = Dataset(scratch, fetched["train"].pictures, fetched["test"].pictures, skipped, colors)
        _check_some(dataset)
        beat.begin("Training.")
        try:
            result = train_on(
                dataset,
                TrainingConfig(project=attempt.project),
                on_train=telling("Training"),
                on_evaluate=telling("Evaluating"),
            )
        except TrainingError as error:
            message = f"{error}{_told(skipped)}"
            raise TrainingError(message) from error
        evaluation = result.evaluation or evaluate_normals(dataset, result.trained)
        entries = {entry.source.key: entry for one in sets.values() for entry in one}
        return Made(result.trained, evaluation, skipped), entries

    def _write_evaluation(
        self, attempt: Attempt, made: Made, entries: dict[str, Entry], ended_at: str
    ) -> None:
        project, version, training = attempt.project, attempt.version, attempt.training
        arn = self._names.model_arn(project, version)
        metadata = made.trained.metadata
        model = {"model-arn": arn, "project-name": project, "model-version": version}
        files = {
            file_name(project, version): evaluation_result(
                made.evaluation, metadata, arn, ended_at
            ).to_bytes(),
            manifest_name(project, version): evaluation_manifest(
                made.evaluation, metadata, entries, model, ended_at
            ),
        }
        for name, content in files.items():
            try:
                self._s3.put_object(Bucket=training.bucket, Key=training.output_key(name), Body=content)
            except ClientError as error:
                if error_code(error) not in _REFUSED:
                    raise
                message = (
                    f"The evaluation cannot be written to s3://{training.bucket}/{training.output_key(name)} "
                    f"({error_code(error)}): name the bucket in the Terraform variable dataset_bucket_arns, "
                    "see that it exists, and call CreateModel again."
                )
                raise TrainingError(message) from error


def summary(made: Made) -> str:
    """What came of a training, in a sentence or two."""
    metadata = made.trained.metadata
    learnt = f"Trained on {metadata.normals} normal"
    learnt += f" and {len(metadata.anomaly_images)} anomalous" * bool(metadata.anomaly_images)
    told = _told([*made.skipped, *metadata.skipped, *made.evaluation.skipped])
    return f"{learnt} pictures, measured on {made.evaluation.images}.{told} Start the model to judge with it."


def _told(skipped: Sequence[Skipped | SkippedImage]) -> str:
    """Which pictures took no part, and why; empty where all did."""
    if not skipped:
        return ""
    named = "; ".join(f"{item.name}: {item.reason.rstrip('.')}" for item in skipped[:_MOST_NAMED])
    more = f"; and {len(skipped) - _MOST_NAMED} more" * (len(skipped) > _MOST_NAMED)
    return f" Not all could be used ({named}{more})."


def _check_some(dataset: Dataset) -> None:
    """Refuses a dataset of which no normal picture could be fetched, with the reason of the first."""
    if dataset.normals or not dataset.skipped:
        return
    first = dataset.skipped[0]
    message = f"No normal picture could be fetched; {first.name}: {first.reason}."
    raise TrainingError(message)
