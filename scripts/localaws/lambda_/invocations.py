"""One execution of a function, from START to REPORT."""

from __future__ import annotations

import json
import math
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from localaws.lambda_.packages import interpreter_runtime
from localaws.lambda_.runtime_api import Answer, Invocation

if TYPE_CHECKING:
    from localaws.lambda_.functions import FunctionVersion
    from localaws.lambda_.pool import WorkerPool
    from localaws.lambda_.workers import Worker

RESPONSE_LIMIT = 6_291_556  # bytes of a synchronous response


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an execution came to.

    Attributes:
        payload: the handler's result or the description of the error, JSON.
        function_error: `Unhandled`, or None when all went well.
        executed_version: `$LATEST` or a published number.
        log_tail: last 4 KB of the execution's log.
    """

    payload: bytes
    function_error: str | None
    executed_version: str
    log_tail: bytes


class Executor:
    """Runs invocations on workers of a pool.

    Args:
        pool: where workers come from.
        init_seconds: how long a new worker may take to load its code before it is started once more, then
            within the
            function's own timeout, as on Lambda.
    """

    def __init__(self, pool: WorkerPool, init_seconds: float) -> None:
        self._pool = pool
        self._init_seconds = init_seconds

    def run(
        self,
        function: FunctionVersion,
        payload: bytes,
        *,
        arn: str,
        request_id: str,
        client_context: str = "",
        allowance: float | None = None,
    ) -> Outcome:
        """Runs the function once.

        Args:
            function: the version to run.
            payload: the event, JSON.
            arn: the ARN that was invoked, alias included.
            request_id: identifies the invocation, in logs and to the handler.
            client_context: the caller's context, JSON.
            allowance: seconds until it times out, if that is sooner than the function's own time-out.

        Raises:
            ThrottledError: no execution is allowed at this moment.
        """
        worker, cold = self._pool.acquire(function)
        try:
            worker.log.start_tail()
            left = float(function.timeout)
            init_ms = None
            if cold:
                worker, left, init_ms = self._initialise(worker, left)
            left = left if allowance is None else min(left, allowance)
            outcome = _execute(worker, payload, arn, request_id, client_context, left, init_ms)
        except BaseException:
            self._pool.discard(worker)
            raise
        self._pool.release(worker)
        return outcome

    def _initialise(self, worker: Worker, timeout: float) -> tuple[Worker, float, float | None]:
        """Waits for a new worker to load its code.

        Returns:
            The worker, the seconds left for the handler, the milliseconds that loading took.
        """
        worker.log.write(f"INIT_START Runtime Version: {interpreter_runtime()} (embedded AWS)")
        if not worker.wait_ready(self._init_seconds):
            took = f"{self._init_seconds * 1000:.2f} ms"
            worker.flush_output()
            worker.log.write(f"INIT_REPORT Init Duration: {took}\tPhase: init\tStatus: timeout")
            worker = self._pool.replace(worker)
            ready = worker.wait_ready(timeout)
            spent = time.monotonic() - worker.started
            return worker, timeout - spent if ready else 0.0, None
        worker.flush_output()
        return worker, timeout, (time.monotonic() - worker.started) * 1000


def _execute(
    worker: Worker,
    payload: bytes,
    arn: str,
    request_id: str,
    client_context: str,
    allowance: float,
    init_ms: float | None,
) -> Outcome:
    function, log = worker.function, worker.log
    log.write(f"START RequestId: {request_id} Version: {function.version}")
    started = time.monotonic()
    invocation = Invocation(
        request_id, payload, arn, time.time() + allowance, _trace_header(), client_context
    )
    answer = worker.invoke(invocation, allowance) if allowance > 0 else None
    duration_ms = (time.monotonic() - started) * 1000
    memory = worker.peak_memory_mb() or function.memory
    status = ""
    if answer is None and worker.alive:
        status = "\tStatus: timeout"
        duration_ms = function.timeout * 1000.0
    if answer is None or answer.kind == "init-error":
        worker.kill()
    worker.flush_output()
    result, error = _judge(answer, worker, request_id, timed_out=bool(status))
    log.write(
        f"END RequestId: {request_id}",
        _report(request_id, function, duration_ms, memory, init_ms)
        + (status or ("\tStatus: error" if error else "")),
    )
    return Outcome(result, error, function.version, log.tail())


def _judge(
    answer: Answer | None, worker: Worker, request_id: str, *, timed_out: bool
) -> tuple[bytes, str | None]:
    if timed_out:
        text = f"Task timed out after {worker.function.timeout:.2f} seconds"
        worker.log.write(f"{_timestamp()} {request_id} {text}")
        return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"), "Unhandled"
    if answer is None:
        text = f"RequestId: {request_id} Error: {worker.exit_reason()}"
        worker.log.write(text)
        return _error("Runtime.ExitError", text), "Unhandled"
    if answer.kind == "response" and len(answer.payload) <= RESPONSE_LIMIT:
        return answer.payload, None
    if answer.kind == "response":
        text = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
        return _error("Function.ResponseSizeTooLarge", text), "Unhandled"
    return answer.payload, "Unhandled"


def _report(
    request_id: str, function: FunctionVersion, duration_ms: float, memory: int, init_ms: float | None
) -> str:
    billed = math.ceil(duration_ms + (init_ms or 0.0))
    line = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {function.memory} MB\tMax Memory Used: {memory} MB"
    )
    return line + (f"\tInit Duration: {init_ms:.2f} ms" if init_ms is not None else "")


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _trace_header() -> str:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
