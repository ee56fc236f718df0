"""Events in the dead-letter queue: whose they were, what they are about, why they failed.

Two kinds arrive there. Lambda wraps an event that a function failed on
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html); EventBridge sends what it
could not hand over as it is, with the target in a message attribute
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html). An event is S3's, MediaConvert's,
or a job that the API began, which is about no upload.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from chalicelib.events import REPLAYS, as_first_sent
from spotcheck.exceptions import DeadLetterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spotcheck.targets import Target

SET_ASIDE = "set-aside/"
"""Prefix in the results bucket of events that no replay could mend."""

_HIDE_SECONDS = 60
_SUBJECT_LENGTH = 120
_BATCH = 10  # SQS's own limit


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One event that failed for good.

    Attributes:
        handler: The handler it was for, `detect_image`.
        event: What the handler got, without the count of replays.
        tries: How often it has been replayed.
        error: What the last attempt said.
    """

    handler: str
    event: dict[str, Any]
    tries: int
    error: str

    @property
    def identity(self) -> str:
        """The same for every failure of one event, however often it is replayed: 32 hexadecimal digits."""
        text = json.dumps([self.handler, self.event], sort_keys=True)
        return sha256(text.encode()).hexdigest()[:32]

    @property
    def payload(self) -> str:
        """The event of the next replay, JSON."""
        return json.dumps(self.event | {REPLAYS: self.tries + 1})

    @property
    def subject(self) -> str:
        """What it is about, for people: a key, a video's id, or the job with what it was given."""
        records = self.event.get("Records")
        if isinstance(records, list) and records:
            try:
                return unquote_plus(records[0]["s3"]["object"]["key"])
            except (KeyError, TypeError):
                return "an event of no known shape"
        if "detail" in self.event:
            return ", ".join(self.uploads()) or "a job of no video of ours"
        return " ".join(f"{name}={value}" for name, value in self.event.items())[:_SUBJECT_LENGTH]

    def uploads(self) -> list[str]:
        """Request ids of the uploads, or the video, that it is about."""
        from chalicelib.events import object_versions
        from chalicelib.exceptions import EventError
        from chalicelib.identity import request_id_of
        from chalicelib.video_jobs import VIDEO_ID_KEY

        if "Records" in self.event:
            try:
                return [request_id_of(version) for version in object_versions(self.event)]
            except EventError:
                return []
        detail = self.event.get("detail")
        video = detail.get("userMetadata", {}).get(VIDEO_ID_KEY) if isinstance(detail, dict) else None
        return [str(video)] if video else []


def read(body: str, target_arn: str | None, handlers: Mapping[str, str]) -> DeadLetter:
    """Takes a message of the queue apart.

    Args:
        body: Its body.
        target_arn: Its attribute `TARGET_ARN`, which EventBridge adds.
        handlers: The stack's handlers: function name to handler.

    Raises:
        DeadLetterError: It is no event, or for no function of this stack.
    """
    try:
        data = json.loads(body)
    except ValueError as error:
        message = "the message is no JSON"
        raise DeadLetterError(message) from error
    if not isinstance(data, dict):
        message = "the message is no event"
        raise DeadLetterError(message)
    wrapped = isinstance(data.get("requestPayload"), dict) and isinstance(data.get("requestContext"), dict)
    event = data["requestPayload"] if wrapped else data
    arn = data["requestContext"].get("functionArn") if wrapped else target_arn
    name = _function_name(arn)
    if name not in handlers:
        message = f"it is for {arn or 'nobody'}, which is no function of this stack"
        raise DeadLetterError(message)
    tries = event.get(REPLAYS)
    return DeadLetter(
        handler=handlers[name],
        event=as_first_sent(event),
        tries=tries if isinstance(tries, int) else 0,
        error=_error(data) if wrapped else "EventBridge could not hand it to the function",
    )


def handlers_of(target: Target) -> dict[str, str]:
    """Function name to handler, for the functions of a stack."""
    return {str(name): str(handler) for handler, name in target.outputs["function_names"].items()}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received and not deleted yet."""

    body: str
    target_arn: str | None
    receipt: str


class Queue:
    """The dead-letter queue.

    Args:
        sqs: boto3's client.
        url: The queue's.
        wait_seconds: How long a look at an empty queue takes; long enough, SQS asks all its servers.
    """

    def __init__(self, sqs: Any, url: str, wait_seconds: int = 2) -> None:  # noqa: ANN401 - boto3's client
        self._sqs = sqs
        self._url = url
        self._wait = wait_seconds

    def __len__(self) -> int:
        """About how many messages there are, those that somebody works on included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def messages(self, hide_seconds: int | None = None) -> Iterator[Message]:
        """Receives until the queue is empty; what is not deleted comes again later.

        Args:
            hide_seconds: How long nobody else sees a message; None takes the queue's own time.
        """
        hide = {} if hide_seconds is None else {"VisibilityTimeout": hide_seconds}
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
                WaitTimeSeconds=self._wait,
                MessageAttributeNames=["TARGET_ARN"],
                **hide,
            )
            if not (found := answer.get("Messages")):
                return
            for message in found:
                arn = message.get("MessageAttributes", {}).get("TARGET_ARN", {}).get("StringValue")
                yield Message(message["Body"], arn, message["ReceiptHandle"])

    def delete(self, message: Message) -> None:
        """Removes a message for good."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def peek(self) -> Iterator[Message]:
        """Shows every message once and leaves all of them in the queue."""
        seen: list[str] = []
        try:
            for message in self.messages(_HIDE_SECONDS):
                seen.append(message.receipt)
                yield message
        finally:
            for receipt in seen:
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0
                )


def _function_name(arn: object) -> str:
    """The name in `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`."""
    parts = str(arn).split(":")
    return parts[6] if len(parts) > 6 else ""


def _error(record: Mapping[str, Any]) -> str:
    answer = record.get("responsePayload")
    if isinstance(answer, dict) and answer.get("errorMessage"):
        return f"{answer.get('errorType', 'Error')}: {answer['errorMessage']}"
    return str(record["requestContext"].get("condition", "no reason given"))
