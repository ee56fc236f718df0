"""`spotcheck redrive` killed at any point: what it leaves behind is enough for the next run."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from spotcheck import redrive
from spotcheck.dead_letters import SET_ASIDE, Queue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spotcheck.targets import Target

RESULTS, EVENTS = "results", 23
ARN = "arn:aws:lambda:us-east-1:123456789012:function:spotcheck-detect_image:live"
OPERATIONS = ["Invoke", "DeleteMessage", "PutObject"]


class Killed(BaseException):
    """Nothing of ours catches it: as SIGKILL, it ends the run where it is."""


@dataclass
class Stack:
    """A dead-letter queue, and a Lambda that notes what it is given."""

    outputs: dict[str, Any] = field(default_factory=dict)
    invoked: Counter[str] = field(default_factory=Counter)
    dies_at: tuple[str, int, str] | None = None
    seen: Counter[str] = field(default_factory=Counter)

    def client(self, name: str) -> Any:
        if name == "lambda":
            return self
        client = boto3.client(cast("Any", name))
        for moment in ("before-call", "after-call"):
            client.meta.events.register(moment, partial(self._on_call, moment))
        return client

    def invoke(self, *, Payload: str, **_: Any) -> None:  # noqa: N803 - boto3's own
        self.look("Invoke", "before-call")
        self.invoked[json.loads(Payload)["Records"][0]["s3"]["object"]["key"]] += 1
        self.look("Invoke", "after-call")

    def _on_call(self, moment: str, model: Any, **_: Any) -> None:
        self.look(model.name, moment)

    def look(self, operation: str, moment: str) -> None:
        self.seen[f"{operation} {moment}"] += 1
        if self.dies_at == (operation, self.seen[f"{operation} {moment}"], moment):
            raise Killed

    def left(self) -> int:
        return len(Queue(boto3.client("sqs"), self.outputs["dead_letter_queue_url"]))


def dead(key: str) -> str:
    record = {"eventSource": "aws:s3", "s3": {"bucket": {"name": "images"}, "object": {"key": key}}}
    return json.dumps({"requestContext": {"functionArn": ARN}, "requestPayload": {"Records": [record]}})


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(redrive, "Queue", partial(Queue, wait_seconds=0))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=RESULTS)
        # What a dead run had received comes back at once here, not after five minutes.
        at_once: Any = {"VisibilityTimeout": "0"}
        url = boto3.client("sqs").create_queue(QueueName="dead", Attributes=at_once)["QueueUrl"]
        for number in range(EVENTS):
            body = dead(f"{number}.png") if number % 7 else "poison"
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body)
        yield Stack(
            {
                "results_bucket": RESULTS,
                "dead_letter_queue_url": url,
                "function_names": {"detect_image": "spotcheck-detect_image"},
            }
        )


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_next_run_replays_what_a_killed_one_left(
    stack: Stack, operation: str, number: int, moment: str
) -> None:
    stack.dies_at = (operation, number, moment)
    with pytest.raises(Killed):
        redrive.run(cast("Target", stack), rate=1e6)
    stack.dies_at = None

    redrive.run(cast("Target", stack), rate=1e6)

    replayed = {f"{one}.png" for one in range(EVENTS) if one % 7}
    set_aside = boto3.client("s3").list_objects_v2(Bucket=RESULTS, Prefix=SET_ASIDE)
    assert stack.left() == 0
    assert set(stack.invoked) == replayed
    assert sum(stack.invoked.values()) <= len(replayed) + 1  # the one at which it died
    assert set_aside["KeyCount"] == 1  # poison, once however often it was seen
