"""Work that outlasts a request: the API starts it, a function of its own does it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.lookout.api.errors import ThrottlingException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_lambda import LambdaClient


_REPLAYS = "spotcheckRedrives"  # what `spotcheck redrive` adds to an event that it replays


class Jobs:
    """Starts functions without waiting for them; Lambda queues, retries, and keeps what failed (on-failure).

    Args:
        lambda_client: Lambda client.
        function: Name of the function for jobs; started behind its alias `live`.
        trainer: Name of the function that trains.
    """

    def __init__(self, lambda_client: LambdaClient, function: str, trainer: str) -> None:
        self._lambda = lambda_client
        self._function = function
        self._trainer = trainer

    def start(self, job: str, **payload: str | int | None) -> None:
        """Starts a job; it may run more than once, as everything that Lambda queues.

        Args:
            job: A key of the runner's jobs.
            payload: What the job gets.

        Raises:
            ThrottlingException: Lambda takes no more events right now.
        """
        self._invoke(self._function, {"job": job, **payload})

    def train(self, project: str, version: str) -> None:
        """Starts the training of a model version.

        Raises:
            ThrottlingException: Lambda takes no more events right now.
        """
        self._invoke(self._trainer, {"project": project, "version": version})

    def _invoke(self, function: str, event: Mapping[str, Any]) -> None:
        try:
            self._lambda.invoke(
                FunctionName=function,
                Qualifier="live",
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except ClientError as error:
            if error_code(error) != "TooManyRequestsException":
                raise
            message = "Lambda takes no more events right now: try again in a second."
            raise ThrottlingException(message) from error


_PLANNED = 0.75  # of a job's time: the rest is for what comes after, and the alarm rings at four fifths


class Deadline:
    """How much time a job may still plan for.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = float("inf")

    def begin(self, seconds: float) -> None:
        """A job begins, and has so long."""
        self._end = self._clock() + _PLANNED * seconds

    @property
    def left(self) -> float:
        """Seconds; below 0 when the planned time is over, and the job should end."""
        return self._end - self._clock()


class JobRunner:
    """Does the jobs.

    Args:
        jobs: What does each kind of job; called with the payload's members by name.
        deadline: Told how long each may take.
    """

    def __init__(self, jobs: Mapping[str, Callable[..., None]], deadline: Deadline | None = None) -> None:
        self._jobs = jobs
        self._deadline = deadline or Deadline()

    def run(self, event: Mapping[str, Any], seconds: float = float("inf")) -> None:
        """Does one job.

        Args:
            event: What `Jobs.start` sent.
            seconds: How long it may take.

        Raises:
            KeyError: There is no such job.
        """
        self._deadline.begin(seconds)
        payload = {name: value for name, value in event.items() if name != _REPLAYS}
        self._jobs[payload.pop("job")](**payload)
