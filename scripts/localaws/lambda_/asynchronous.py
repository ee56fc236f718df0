"""Asynchronous invocation: Lambda's queue of events, its retries, and what becomes of events that fail.

Behaviour: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html. A function
    error is tried twice more, after one and two minutes; a throttle is tried again for as long as the event
    may live, after 1 s growing to 5 min. Then the event goes to the on-failure destination and the
    dead-letter queue, or is dropped.
"""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.exceptions import FunctionGoneError, ThrottledError
from localaws.lambda_ import destinations, functions
from localaws.lambda_.destinations import InvocationRecord
from localaws.lambda_.pool import ACCOUNT_LIMIT

if TYPE_CHECKING:
    from localaws.faults import Faults
    from localaws.lambda_.functions import FunctionName
    from localaws.lambda_.invocations import Executor, Outcome

RETRY_WAITS = (60.0, 120.0)  # seconds after the first and second function error
MAX_THROTTLE_WAIT = 300.0


@dataclass(slots=True)
class Event:
    """One event on its way to a function.

    Attributes:
        target: the function, with the qualifier that was invoked.
        payload: the event, JSON.
        request_id: stays the same over all attempts, as on Lambda.
        accepted: seconds (`time.monotonic()`) at which it was accepted.
        errors: attempts that ended in a function error.
        throttles: attempts that were throttled.
        skipped: seconds of waiting that the retry scale saved: the event is older by them.
    """

    target: FunctionName
    payload: bytes
    request_id: str
    accepted: float = field(default_factory=time.monotonic)
    errors: int = 0
    throttles: int = 0
    skipped: float = 0.0

    def age(self) -> float:
        """Seconds since it was accepted, as they would be on AWS."""
        return time.monotonic() - self.accepted + self.skipped


class EventQueue:
    """Events waiting for their next attempt, and the threads that make the attempts.

    Args:
        executor: runs the functions.
        threads: attempts made at once.
        retry_scale: length of waits as a fraction of AWS's.
        faults: what goes wrong with attempts; nothing by default.
    """

    def __init__(
        self, executor: Executor, threads: int, retry_scale: float, faults: Faults | None = None
    ) -> None:
        self._executor = executor
        self._retry_scale = retry_scale
        self._faults = faults
        self._running = 0
        self._due: list[tuple[float, int, Event]] = []
        self._sequence = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        for number in range(threads):
            threading.Thread(target=self._work, name=f"events-{number}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """Events not yet taken up, or waiting for another attempt."""
        with self._changed:
            return len(self._due)

    @property
    def running(self) -> int:
        """Events of which an attempt is being made."""
        with self._changed:
            return self._running

    def put(self, event: Event, wait: float = 0.0) -> None:
        """Adds an event.

        Args:
            event: what to do.
            wait: seconds to wait on AWS; scaled here.
        """
        scaled = wait * self._retry_scale
        event.skipped += wait - scaled
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + scaled, next(self._sequence), event))
            self._changed.notify()

    def close(self) -> None:
        """Makes no more attempts."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while event := self._take():
            try:
                self._attempt(event)
            except FunctionGoneError as error:
                print(f"localaws: event dropped: {error}", file=sys.stderr)
            except Exception as error:  # noqa: BLE001  # one bad event must not stop the queue
                print(f"localaws: {event.target.arn}: {type(error).__name__}: {error}", file=sys.stderr)
            finally:
                with self._changed:
                    self._running -= 1

    def _take(self) -> Event | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._running += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None

    def _attempt(self, event: Event) -> None:
        function = functions.load(event.target)
        config = destinations.event_invoke_config(event.target)
        if event.age() > config.max_age:
            destinations.failed(event_record(event, "EventAgeExceeded", None, function.version), config)
            return
        if function.reserved_concurrency == 0:
            destinations.failed(event_record(event, "RetriesExhausted", None, function.version), config)
            return
        try:
            outcome = self._executor.run(
                function,
                event.payload,
                arn=event.target.arn,
                request_id=event.request_id,
                allowance=self._allowance(event.target.arn),
            )
        except ThrottledError:
            event.throttles += 1
            self.put(event, min(2.0 ** (event.throttles - 1), MAX_THROTTLE_WAIT))
            return
        if outcome.function_error is None:
            destinations.succeeded(event_record(event, "Success", outcome, function.version), config)
            return
        event.errors += 1
        if event.errors > config.max_retries or self._closed:
            destinations.failed(event_record(event, "RetriesExhausted", outcome, function.version), config)
            return
        self.put(event, RETRY_WAITS[event.errors - 1])

    def _allowance(self, arn: str) -> float | None:
        """Seconds that a fault leaves an attempt; None leaves it the function's time-out.

        Raises:
            ThrottledError: A fault: it may not run at this moment.
        """
        hits = self._faults.on_attempt(arn) if self._faults else []
        if any(hit.kind == "refuse" for hit in hits):
            raise ThrottledError(ACCOUNT_LIMIT)
        return min((hit.seconds for hit in hits if hit.kind == "timeout"), default=None)


def event_record(event: Event, condition: str, outcome: Outcome | None, version: str) -> InvocationRecord:
    """Describes an event whose processing has ended.

    Args:
        event: the event.
        condition: `Success`, `RetriesExhausted` or `EventAgeExceeded`.
        outcome: the last attempt's, None when no attempt was made this time.
        version: version that the event's qualifier names.
    """
    attempts = event.errors + (condition == "Success")
    return InvocationRecord(
        event.target, event.request_id, event.payload, condition, attempts, outcome, version
    )
