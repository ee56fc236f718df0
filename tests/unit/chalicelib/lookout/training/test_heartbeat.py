"""A trainer's sign of life, and the end of its time."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import ClientError

from chalicelib.exceptions import TrainingError, TrainingSupersededError
from chalicelib.lookout.training.heartbeat import LAST_SECONDS, HeartBeat

FAST = 0.005
PATIENCE = 10.0


class Listener:
    """Hears what is said, and says when it has heard enough."""

    def __init__(self, *answers: Exception | None) -> None:
        self.heard: list[str] = []
        self.answers = list(answers)
        self.enough = threading.Event()

    def __call__(self, message: str) -> None:
        self.heard.append(message)
        if not self.answers:
            self.enough.set()
            return
        if (answer := self.answers.pop(0)) is not None:
            raise answer


def never(message: str) -> str:
    pytest.fail(f"there was time: {message}")


def test_it_speaks_while_the_trainer_computes() -> None:
    listener = Listener(None, None)
    with HeartBeat(listener, lambda: 900.0, never, every=FAST) as beat:
        beat.tell("Training: 3 of 9 pictures.")
        assert listener.enough.wait(PATIENCE)
    assert set(listener.heard) == {"Training: 3 of 9 pictures."}


def test_a_word_that_is_not_written_is_said_again() -> None:
    lost = ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "PutObject")
    listener = Listener(lost)
    with HeartBeat(listener, lambda: 900.0, never, every=FAST) as beat:
        beat.tell("Training.")
        assert listener.enough.wait(PATIENCE)
    assert listener.heard[:2] == ["Training."] * 2


def test_a_trainer_that_was_taken_over_from_is_told_at_its_next_word() -> None:
    stopped = threading.Event()

    def say(message: str) -> None:
        stopped.set()
        raise TrainingSupersededError(message)

    with HeartBeat(say, lambda: 900.0, never, every=FAST) as beat:
        beat.tell("Training.")
        assert stopped.wait(PATIENCE)
        with pytest.raises(TrainingSupersededError):
            wait_for_an_end(beat)


def test_a_trainer_whose_time_is_over_is_told_once_and_stopped() -> None:
    reasons: list[str] = []

    def out_of_time(message: str) -> str:
        reasons.append(message)
        return f"too late: {message}"

    beat = HeartBeat(lambda _: None, lambda: LAST_SECONDS - 1, out_of_time, every=FAST)
    with beat, pytest.raises(TrainingError, match="too late: Training"):
        wait_for_an_end(beat)
    assert len(reasons) == 1


def wait_for_an_end(beat: HeartBeat) -> None:
    for _ in range(2000):
        beat.tell("Training.")
        threading.Event().wait(FAST)
    pytest.fail("nothing stopped the trainer")
