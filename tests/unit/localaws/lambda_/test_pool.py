"""The pool lends warm workers, never too many."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from localaws.exceptions import ThrottledError
from localaws.lambda_.functions import Archive, FunctionVersion
from localaws.lambda_.pool import WorkerPool


def function(name: str, **options: Any) -> FunctionVersion:
    plain = FunctionVersion(
        account="1",
        region="r",
        name=name,
        version="1",
        arn=f"arn:{name}",
        handler="app.handler",
        runtime="python3.13",
        architecture="x86_64",
        timeout=3,
        memory=128,
        environment={},
        code=Archive("digest", b""),
        layers=(),
        log_group="g",
        reserved_concurrency=None,
    )
    return replace(plain, **options)


@dataclass(eq=False)
class FakeWorker:
    function: FunctionVersion
    alive: bool = True

    def kill(self) -> None:
        self.alive = False


def pool(places: int, patience: float = 0.0) -> WorkerPool:
    return WorkerPool(places, cast("Any", FakeWorker), patience=patience)


def test_a_released_worker_is_lent_again() -> None:
    workers = pool(2)
    first, cold = workers.acquire(function("a"))
    workers.release(first)

    second, cold_again = workers.acquire(function("a"))

    assert second is first
    assert (cold, cold_again) == (True, False)


def test_a_worker_serves_only_the_configuration_it_was_started_for() -> None:
    workers = pool(2)
    first, _ = workers.acquire(function("a"))
    workers.release(first)

    second, cold = workers.acquire(function("a", environment={"COLOUR": "red"}))

    assert second is not first
    assert cold


def test_a_dead_worker_is_not_lent() -> None:
    workers = pool(2)
    first, _ = workers.acquire(function("a"))
    workers.release(first)
    first.kill()

    assert workers.acquire(function("a"))[0] is not first


def test_a_busy_worker_is_lent_to_nobody_else() -> None:
    workers = pool(2)

    assert workers.acquire(function("a"))[0] is not workers.acquire(function("a"))[0]


def test_when_all_places_are_busy_callers_are_throttled_in_the_end() -> None:
    workers = pool(1)
    workers.acquire(function("a"))

    with pytest.raises(ThrottledError) as caught:
        workers.acquire(function("b"))

    assert caught.value.reason == "ConcurrentInvocationLimitExceeded"


def test_a_waiting_caller_gets_the_place_that_comes_free() -> None:
    workers = pool(1, patience=10)
    first, _ = workers.acquire(function("a"))
    got: list[Any] = []
    waiting = threading.Thread(target=lambda: got.append(workers.acquire(function("b"))[0]))
    waiting.start()

    workers.release(first)
    waiting.join()

    assert got[0].function.name == "b"
    assert not first.alive


def test_of_several_workers_at_once_only_the_first_is_waited_for() -> None:
    workers = pool(2, patience=60)
    workers.acquire(function("who asks for them, and waits"))
    began = time.monotonic()

    got = workers.acquire_up_to(3, function("a"))

    assert len(got) == 1
    assert time.monotonic() - began < 10


def test_several_workers_are_as_many_as_there_are_places() -> None:
    workers = pool(5)
    workers.acquire(function("a"))

    assert len(workers.acquire_up_to(3, function("b"))) == 3
    assert workers.acquire_up_to(3, function("c")) != []
    assert workers.acquire_up_to(3, function("d")) == []


def test_the_idle_worker_unused_for_longest_makes_room() -> None:
    workers = pool(2)
    (old, _), (young, _) = workers.acquire(function("a")), workers.acquire(function("b"))
    workers.release(old)
    workers.release(young)

    workers.acquire(function("c"))

    assert (old.alive, young.alive) == (False, True)
    assert workers.size == 2


def test_reserved_concurrency_counts_all_versions_of_a_function() -> None:
    workers = pool(5)
    workers.acquire(function("a", reserved_concurrency=1))

    with pytest.raises(ThrottledError) as caught:
        workers.acquire(function("a", version="2", reserved_concurrency=1))

    assert caught.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_discarding_gives_the_place_and_the_reservation_back() -> None:
    workers = pool(1)
    limited = function("a", reserved_concurrency=1)
    first, _ = workers.acquire(limited)

    workers.discard(first)

    assert not first.alive
    assert workers.acquire(limited)[0].alive


def test_a_worker_that_cannot_start_takes_no_place() -> None:
    def fail(_: FunctionVersion) -> Any:
        raise OSError

    workers = WorkerPool(1, fail, patience=0)
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011  # whatever the start raised
            workers.acquire(function("a"))

    assert workers.size == 0


def test_idle_workers_that_are_to_be_kept_are_not_retired() -> None:
    workers = pool(2)
    workers.keep(function("a"), 1)
    (first, _), (second, _) = workers.acquire(function("a")), workers.acquire(function("a"))
    workers.release(first)
    workers.release(second)

    workers.retire(first)
    workers.retire(second)

    assert (first.alive, second.alive) == (False, True)


def test_a_deleted_functions_idle_workers_end() -> None:
    workers = pool(2)
    workers.keep(function("a"), 1)
    (first, _), (other, _) = workers.acquire(function("a")), workers.acquire(function("b"))
    workers.release(first)
    workers.release(other)

    workers.retire_function("arn:a")

    assert (first.alive, other.alive) == (False, True)


def test_closing_ends_every_worker_and_lends_no_more() -> None:
    workers = pool(3)
    (idle, _), (busy, _) = workers.acquire(function("a")), workers.acquire(function("b"))
    workers.release(idle)

    workers.close()

    assert (idle.alive, busy.alive) == (False, False)
    with pytest.raises(ThrottledError):
        workers.acquire(function("a"))
