"""How integration tests wait: for what comes, not for what will never come."""

from __future__ import annotations

import pytest
from support_deployed import NotComingError, await_it, complaining


class Clock:
    """Time that only waiting passes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(clock: Clock, *, comes_at: float = 1e9, fails_at: float = 1e9) -> str:
    return await_it(
        "record",
        lambda: "here" if clock.now >= comes_at else None,
        lambda: "JudgingError: AccessDenied" if clock.now >= fails_at else None,
        60.0,
        clock=clock,
        sleep=clock.sleep,
    )


def test_what_comes_is_given_when_it_comes() -> None:
    clock = Clock()
    assert waited(clock, comes_at=10) == "here"
    assert clock.now < 11


def test_an_event_that_failed_for_good_is_not_waited_for() -> None:
    clock = Clock()
    with pytest.raises(NotComingError, match="failed for good: JudgingError: AccessDenied"):
        waited(clock, fails_at=5)
    assert clock.now < 10


def test_what_does_not_come_in_time_fails() -> None:
    with pytest.raises(NotComingError, match="no record after 60 s"):
        waited(Clock())


def test_the_last_lines_with_an_error_are_told() -> None:
    lines = ["START", *(f'{{"level":"ERROR","message":"{number}"}}' for number in range(9)), "END"]
    told = complaining("detect_image", lines)
    assert len(told) == 5
    assert told[-1] == 'detect_image: {"level":"ERROR","message":"8"}'
