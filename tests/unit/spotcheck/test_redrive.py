"""Replaying dead letters: at a rate, a bounded number of times, and never losing one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.events import REPLAYS
from spotcheck.dead_letters import Message
from spotcheck.redrive import Redriver

HANDLERS = {"spotcheck-detect_image": "detect_image"}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:spotcheck-detect_image:live"


def message(number: int = 0, tries: int = 0) -> Message:
    event = {"Records": [], "number": number} | ({REPLAYS: tries} if tries else {})
    answer = {"errorType": "JudgingError", "errorMessage": "SlowDown"}
    body = {"requestContext": {"functionArn": ARN}, "requestPayload": event, "responsePayload": answer}
    return Message(json.dumps(body), None, str(number))


class Desk:
    """Takes what the redriver does, and a clock that only sleeping moves."""

    def __init__(self, refusal: str | None = None, rate: float = 10.0) -> None:
        self.invoked: list[tuple[str, Any]] = []
        self.aside: dict[str, Any] = {}
        self.now = 0.0
        self.refusal = refusal
        self.redriver = Redriver(
            self.invoke,
            self.aside.__setitem__,
            HANDLERS,
            rate=rate,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def invoke(self, handler: str, payload: str) -> None:
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "Invoke")
        self.invoked.append((handler, json.loads(payload)))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_an_event_is_replayed_to_its_handler_and_may_then_be_deleted() -> None:
    desk = Desk()
    assert desk.redriver.message(message(1))
    assert desk.invoked == [("detect_image", {"Records": [], "number": 1, REPLAYS: 1})]
    assert desk.redriver.summary.replayed == {"detect_image": 1}


def test_the_errors_that_were_met_are_told_with_an_example_each() -> None:
    desk = Desk()
    for number in range(3):
        desk.redriver.message(message(number))
    (failure,) = desk.redriver.summary.to_dict()["failures"]
    assert failure == {
        "handler": "detect_image",
        "error": "JudgingError: SlowDown",
        "example": "Records=[] number=0",
        "count": 3,
    }


def test_events_are_replayed_at_the_rate() -> None:
    desk = Desk(rate=4)
    for number in range(5):
        desk.redriver.message(message(number))
    assert desk.now == pytest.approx(1.0)


def test_an_event_that_lambda_does_not_take_now_stays_in_the_queue() -> None:
    desk = Desk("TooManyRequestsException")
    assert not desk.redriver.message(message())
    assert desk.aside == {}
    assert len(desk.redriver.summary.left) == 1


def test_an_event_that_lambda_never_takes_is_set_aside() -> None:
    desk = Desk("ResourceNotFoundException")
    assert desk.redriver.message(message())
    (kept,) = desk.aside.values()
    assert "Lambda refuses it" in kept["reason"]


def test_an_event_that_failed_after_three_replays_is_set_aside_with_its_reason() -> None:
    desk = Desk()
    assert desk.redriver.message(message(7, tries=2))
    assert desk.redriver.message(message(7, tries=3))
    assert [event[REPLAYS] for _, event in desk.invoked] == [3]
    (kept,) = desk.aside.values()
    assert kept["reason"] == "replayed 3 times, and failed again: JudgingError: SlowDown"
    assert (kept["handler"], kept["event"]) == ("detect_image", {"Records": [], "number": 7})


def test_a_message_that_is_no_event_is_set_aside_as_it_is() -> None:
    desk = Desk()
    assert desk.redriver.message(Message("no json", None, "1"))
    (kept,) = desk.aside.values()
    assert (kept["body"], kept["reason"]) == ("no json", "the message is no JSON")


def test_setting_aside_twice_keeps_one() -> None:
    desk = Desk()
    for _ in range(2):
        desk.redriver.message(message(7, tries=3))
    assert len(desk.aside) == 1
