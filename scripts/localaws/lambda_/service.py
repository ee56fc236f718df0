"""The Lambda that runs, put together: what moto's API and the event sources call."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

from localaws.lambda_.asynchronous import Event, EventQueue
from localaws.lambda_.functions import load
from localaws.lambda_.invocations import Executor
from localaws.lambda_.packages import PackageStore, interpreter_runtime
from localaws.lambda_.pool import WorkerPool
from localaws.lambda_.workers import Worker, default_runtime_client

if TYPE_CHECKING:
    from localaws.faults import Faults
    from localaws.lambda_.functions import FunctionName, FunctionVersion
    from localaws.lambda_.invocations import Outcome
    from localaws.settings import Settings

# 130 s, or the time-out if longer: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
_PROVISIONED_INIT_SECONDS = 130.0


class LambdaService:
    """Runs functions, synchronously and asynchronously.

    Args:
        settings: of the server.
        endpoint_url: where the server answers; workers are told.
        faults: what goes wrong with asynchronous attempts.
    """

    def __init__(self, settings: Settings, endpoint_url: str, faults: Faults) -> None:
        self._settings = settings
        self._endpoint_url = endpoint_url
        self._client = settings.runtime_client or default_runtime_client()
        self._packages = PackageStore(settings.state_dir / "lambda")
        self._pool = WorkerPool(settings.max_concurrency, self._start_worker)
        self._executor = Executor(self._pool, settings.init_seconds)
        self._events = EventQueue(self._executor, settings.max_concurrency, settings.retry_scale, faults)

    def invoke(self, target: FunctionName, payload: bytes, client_context: str = "") -> tuple[str, Outcome]:
        """Runs a function and waits: request id and outcome.

        Raises:
            FunctionGoneError: no such function, version or alias.
            ThrottledError: it may not run at this moment.
        """
        request_id = str(uuid.uuid4())
        outcome = self._executor.run(
            load(target), payload, arn=target.arn, request_id=request_id, client_context=client_context
        )
        return request_id, outcome

    def invoke_later(self, target: FunctionName, payload: bytes, wait: float = 0.0) -> str:
        """Accepts an event for a function and returns the request id at once.

        Args:
            target: the function.
            payload: the event, JSON.
            wait: seconds before the first attempt, scaled as the waits between attempts are.

        Raises:
            FunctionGoneError: no such function, version or alias.
        """
        load(target)
        event = Event(target, payload, str(uuid.uuid4()))
        self._events.put(event, wait)
        return event.request_id

    def keep_warm(self, target: FunctionName, count: int) -> None:
        """Starts workers of a function, waits until they are ready, and keeps them however long they idle.

        Args:
            target: the version or alias.
            count: how many, as far as there are places; 0 lets them go when idle.
        """
        function = dataclasses.replace(load(target), initialization="provisioned-concurrency")
        self._pool.keep(function, count)
        if count:
            self._pool.retire_function(function.arn)  # what was started on demand is never provisioned
        borrowed = self._pool.acquire_up_to(count, function)
        try:
            for worker in borrowed:
                worker.wait_ready(max(_PROVISIONED_INIT_SECONDS, function.timeout))
        finally:
            for worker in borrowed:
                self._pool.release(worker)

    def forget(self, arn: str) -> None:
        """Ends the warm workers of a function that was changed or deleted."""
        self._pool.retire_function(arn)

    def kill(self, log_stream: str) -> None:
        """Kills the worker that has a log stream, whatever it is doing: a fault."""
        self._pool.kill(log_stream)

    def status(self) -> dict[str, Any]:
        """How it is: for the health endpoint."""
        return {
            "client": self._client,
            "workers": self._pool.size,
            "queued": self._events.waiting,
            "running": self._events.running,
            "max_concurrency": self._settings.max_concurrency,
            "interpreter": interpreter_runtime(),
            "layer": f"used for {interpreter_runtime()}; else this interpreter's packages",
        }

    def close(self) -> None:
        """Ends every worker; makes no more attempts."""
        self._events.close()
        self._pool.close()

    def _start_worker(self, function: FunctionVersion) -> Worker:
        return Worker(
            function,
            self._packages,
            self._client,
            self._endpoint_url,
            self._settings.idle_seconds,
            self._pool.retire,
        )
