"""The pool: warm workers are used again, and their number is bounded."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from localaws.exceptions import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.lambda_.functions import FunctionVersion
    from localaws.lambda_.workers import Worker

RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"


class WorkerPool:
    """Lends workers to invocations.

    A worker serves the one version and configuration it was started for. When all places are taken, the
    idle worker unused for longest makes room; when none is idle, the caller waits.

    Args:
        places: workers alive at once.
        start: starts a worker for a function.
        patience: seconds a caller waits for a place before it is throttled.
    """

    def __init__(
        self, places: int, start: Callable[[FunctionVersion], Worker], *, patience: float = 60.0
    ) -> None:
        self._places = places
        self._start = start
        self._patience = patience
        self._changed = threading.Condition()
        self._idle: OrderedDict[Worker, None] = OrderedDict()  # unused for longest first
        self._busy: dict[Worker, None] = {}
        self._starting = 0
        self._running: Counter[str] = Counter()  # executions by function ARN
        self._kept: dict[str, int] = {}  # workers to keep although idle, by worker key
        self._closed = False

    @property
    def size(self) -> int:
        """Workers alive."""
        with self._changed:
            return self._taken()

    def acquire(self, function: FunctionVersion, patience: float | None = None) -> tuple[Worker, bool]:
        """Lends a worker, warm if there is one.

        Args:
            function: whose.
            patience: seconds to wait for a place; without, the pool's.

        Returns:
            The worker, and whether it was started for this call. Give it back with `release` or `discard`.

        Raises:
            ThrottledError: the function's reserved concurrency is used up, or no place came free in time.
        """
        with self._changed:
            self._check_reserved(function)
            self._running[function.arn] += 1
            try:
                worker, victim = self._find_place(function, self._patience if patience is None else patience)
            except BaseException:
                self._leave(function)
                raise
        if victim:
            victim.kill()
        if worker:
            return worker, False
        return self._start_worker(function), True

    def acquire_up_to(self, count: int, function: FunctionVersion) -> list[Worker]:
        """Lends so many workers of a function, or as many as there are places.

        Only for the first a place is waited for: whoever would make room for more may be waiting for these.
        """
        borrowed: list[Worker] = []
        with suppress(ThrottledError):
            while len(borrowed) < count:
                borrowed.append(self.acquire(function, 0.0 if borrowed else None)[0])
        return borrowed

    def replace(self, worker: Worker) -> Worker:
        """Ends a borrowed worker and lends a new one of the same function in its place."""
        worker.kill()
        with self._changed:
            del self._busy[worker]
            self._starting += 1
        return self._start_worker(worker.function)

    def release(self, worker: Worker) -> None:
        """Takes a worker back, to be used again."""
        with self._changed:
            if worker.alive and not self._closed:
                del self._busy[worker]
                self._idle[worker] = None
                self._leave(worker.function)
                return
        self.discard(worker)

    def discard(self, worker: Worker) -> None:
        """Takes a worker back and ends it."""
        worker.kill()
        with self._changed:
            self._busy.pop(worker, None)
            self._leave(worker.function)

    def keep(self, function: FunctionVersion, count: int) -> None:
        """Keeps so many workers of a function alive however long they are idle."""
        with self._changed:
            self._kept[function.worker_key] = count

    def retire(self, worker: Worker, *, keep: bool = True) -> None:
        """Ends a worker if it is idle and, with `keep`, not among those to keep."""
        with self._changed:
            key = worker.function.worker_key
            alike = sum(other.function.worker_key == key for other in self._idle)
            if worker not in self._idle or (keep and alike <= self._kept.get(key, 0)):
                return
            del self._idle[worker]
            self._changed.notify_all()
        worker.kill()

    def retire_function(self, arn: str) -> None:
        """Ends the idle workers of a function that was changed or deleted."""
        with self._changed:
            stale = [worker for worker in self._idle if worker.function.arn == arn]
        for worker in stale:
            self.retire(worker, keep=False)

    def kill(self, log_stream: str) -> None:
        """Ends the process of the worker with a log stream; who borrowed it finds out."""
        with self._changed:
            found = [worker for worker in (*self._busy, *self._idle) if worker.log.name == log_stream]
        for worker in found:
            worker.kill()

    def close(self) -> None:
        """Ends every worker, busy or idle, and lends no more."""
        with self._changed:
            self._closed = True
            workers = [*self._idle, *self._busy]
            self._changed.notify_all()
        for worker in workers:
            worker.kill()

    def _check_reserved(self, function: FunctionVersion) -> None:
        reserved = function.reserved_concurrency
        if reserved is not None and self._running[function.arn] >= reserved:
            raise ThrottledError(RESERVED_LIMIT)

    def _find_place(self, function: FunctionVersion, patience: float) -> tuple[Worker | None, Worker | None]:
        """A warm worker, or a place for a new one and the idle worker that must leave for it."""
        arrived = self._changed.wait_for(
            lambda: self._closed or self._idle or self._taken() < self._places, patience
        )
        if self._closed or not arrived:
            raise ThrottledError(ACCOUNT_LIMIT)
        for worker in reversed(self._idle):
            if worker.function.worker_key == function.worker_key and worker.alive:
                del self._idle[worker]
                self._busy[worker] = None
                return worker, None
        self._starting += 1
        if self._taken() <= self._places:
            return None, None
        victim, _ = self._idle.popitem(last=False)
        return None, victim

    def _start_worker(self, function: FunctionVersion) -> Worker:
        try:
            worker = self._start(function)
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._leave(function)
            raise
        with self._changed:
            self._starting -= 1
            self._busy[worker] = None
            closed = self._closed
        if closed:
            worker.kill()
        return worker

    def _taken(self) -> int:
        return len(self._idle) + len(self._busy) + self._starting

    def _leave(self, function: FunctionVersion) -> None:
        self._running[function.arn] -= 1
        self._changed.notify_all()
