"""What the messages of the dead-letter queue say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.events import REPLAYS, ObjectVersion, s3_event
from chalicelib.identity import request_id_of
from spotcheck.dead_letters import Queue, read
from spotcheck.exceptions import DeadLetterError

HANDLERS = {f"spotcheck-{name}": name for name in ("detect_image", "on_video_job", "run_job")}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:spotcheck-{}:live"
VERSION = ObjectVersion("images", "image_inputs/a b.png", "v1", "e", "01", 3, "2026-11-22T10:00:00.000Z")
JOB = {
    "detail-type": "MediaConvert Job State Change",
    "detail": {"userMetadata": {"spotcheck-video-id": "0f"}},
}


def wrapped(event: dict[str, Any], function: str = "detect_image", **more: Any) -> str:
    """As Lambda sends it to the on-failure destination."""
    context = {"functionArn": ARN.format(function), "condition": "RetriesExhausted"}
    return json.dumps({"version": "1.0", "requestContext": context, "requestPayload": event, **more})


def test_lambda_wraps_the_event_and_says_what_went_wrong() -> None:
    answer = {"errorType": "JudgingError", "errorMessage": "SlowDown"}
    letter = read(wrapped(s3_event(VERSION), responsePayload=answer), None, HANDLERS)
    assert letter.handler == "detect_image"
    assert letter.event == s3_event(VERSION)
    assert letter.error == "JudgingError: SlowDown"
    assert letter.uploads() == [request_id_of(VERSION)]
    assert letter.tries == 0


def test_an_event_that_never_ran_has_the_condition_as_its_error() -> None:
    assert read(wrapped(s3_event(VERSION)), None, HANDLERS).error == "RetriesExhausted"


def test_eventbridge_sends_the_event_as_it_is_and_names_the_target() -> None:
    letter = read(json.dumps(JOB), ARN.format("on_video_job"), HANDLERS)
    assert (letter.handler, letter.event, letter.uploads()) == ("on_video_job", JOB, ["0f"])


def test_a_replayed_event_counts_its_replays() -> None:
    first = read(wrapped(s3_event(VERSION)), None, HANDLERS)
    again = read(wrapped(json.loads(first.payload)), None, HANDLERS)
    assert (again.tries, again.event) == (1, first.event)
    assert json.loads(again.payload)[REPLAYS] == 2
    assert again.identity == first.identity


def test_a_job_of_the_api_is_about_no_upload_and_counts_its_replays_too() -> None:
    job = {"job": "create_dataset", "project": "cars", "detail_type": None}
    first = read(wrapped(job, "run_job"), None, HANDLERS)
    again = read(wrapped(json.loads(first.payload), "run_job"), None, HANDLERS)
    assert (first.handler, first.event, first.uploads()) == ("run_job", job, [])
    assert (again.tries, again.event, again.identity) == (1, job, first.identity)


@pytest.mark.parametrize(
    ("event", "function", "subject"),
    [
        (s3_event(VERSION), "detect_image", "image_inputs/a b.png"),
        (JOB, "on_video_job", "0f"),
        ({"job": "create_dataset", "project": "cars"}, "run_job", "job=create_dataset project=cars"),
        ({"Records": [7]}, "detect_image", "an event of no known shape"),
        ({"detail": {}}, "on_video_job", "a job of no video of ours"),
    ],
)
def test_a_person_is_told_what_it_is_about(event: dict[str, Any], function: str, subject: str) -> None:
    assert read(wrapped(event, function), None, HANDLERS).subject == subject


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no json", "no JSON"),
        ("[1]", "no event"),
        (json.dumps(JOB), "for nobody"),
        (wrapped(JOB, "somebody_elses"), "no function of this stack"),
    ],
)
def test_what_is_no_event_of_this_stack_says_why(body: str, reason: str) -> None:
    with pytest.raises(DeadLetterError, match=reason):
        read(body, None, HANDLERS)


@pytest.mark.parametrize("event", [{"Records": 7}, {"detail": None}, {}])
def test_an_event_of_no_known_shape_is_about_no_upload(event: dict[str, Any]) -> None:
    assert read(wrapped(event), None, HANDLERS).uploads() == []


class Sqs:
    """Hands every message out once, until its visibility is given back."""

    def __init__(self, bodies: list[str]) -> None:
        self.visible = bodies
        self.hidden: list[str] = []

    def receive_message(self, **_: Any) -> dict[str, Any]:
        taken, self.visible = self.visible[:1], self.visible[1:]
        self.hidden += taken
        return {"Messages": [{"Body": body, "ReceiptHandle": body} for body in taken]} if taken else {}

    def change_message_visibility(self, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.hidden.remove(ReceiptHandle)
        self.visible.append(ReceiptHandle)

    def delete_message(self, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.hidden.remove(ReceiptHandle)


def test_a_look_at_the_queue_leaves_every_message_in_it() -> None:
    sqs = Sqs(["one", "two", "three"])
    assert [message.body for message in Queue(sqs, "url").peek()] == ["one", "two", "three"]
    assert (sorted(sqs.visible), sqs.hidden) == (["one", "three", "two"], [])


def test_a_look_that_is_broken_off_leaves_them_too() -> None:
    sqs = Sqs(["one", "two", "three"])
    looking = Queue(sqs, "url").peek()
    next(looking)
    looking.close()  # type: ignore[attr-defined]
    assert sorted(sqs.visible) == ["one", "three", "two"]


def test_a_message_that_is_deleted_is_gone() -> None:
    sqs, queue = (sqs := Sqs(["one"])), Queue(sqs, "url")
    for message in queue.messages():
        queue.delete(message)
    assert (sqs.visible, sqs.hidden) == ([], [])
