"""What happens to an asynchronous event in the end: destinations and the dead-letter queue.

Shape of the record: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.locks import service_lock

if TYPE_CHECKING:
    from localaws.lambda_.functions import FunctionName
    from localaws.lambda_.invocations import Outcome

DEFAULT_RETRIES = 2
DEFAULT_MAX_AGE = 21_600.0


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """How asynchronous events of a function are handled.

    Attributes:
        max_retries: attempts after the first function error, 0 to 2.
        max_age: seconds an event may live.
        on_success: ARN of the destination of successes, or None.
        on_failure: ARN of the destination of failures, or None.
        dead_letter: ARN of the function's dead-letter queue or topic, or None.
    """

    max_retries: int = DEFAULT_RETRIES
    max_age: float = DEFAULT_MAX_AGE
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """An event whose processing has ended; see `asynchronous.event_record`."""

    target: FunctionName
    request_id: str
    payload: bytes
    condition: str
    attempts: int
    outcome: Outcome | None
    version: str

    def to_dict(self) -> dict[str, Any]:
        """The record as Lambda sends it to a destination."""
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.target.arn if self.target.qualifier else f"{self.target.arn}:$LATEST",
                "condition": self.condition,
                "approximateInvokeCount": self.attempts,
            },
            "requestPayload": json.loads(self.payload),
        }
        if self.outcome:
            response: dict[str, Any] = {"statusCode": 200, "executedVersion": self.outcome.executed_version}
            if self.outcome.function_error:
                response["functionError"] = self.outcome.function_error
            record["responseContext"] = response
            record["responsePayload"] = json.loads(self.outcome.payload)
        return record


def event_invoke_config(target: FunctionName) -> EventInvokeConfig:
    """Reads how events of a function (and qualifier) are handled, as Lambda's API was told."""
    from moto.awslambda.models import lambda_backends

    function = lambda_backends[target.account][target.region].get_function(target.name)
    configs = getattr(function, "event_invoke_configs", {})
    stored = configs.get(target.qualifier or "$LATEST")
    config = stored.config if stored else {}
    chosen = config.get("DestinationConfig") or {}
    dead_letter = getattr(function, "dead_letter_config", None) or {}
    return EventInvokeConfig(
        max_retries=config.get("MaximumRetryAttempts", DEFAULT_RETRIES),
        max_age=config.get("MaximumEventAgeInSeconds", DEFAULT_MAX_AGE),
        on_success=(chosen.get("OnSuccess") or {}).get("Destination"),
        on_failure=(chosen.get("OnFailure") or {}).get("Destination"),
        dead_letter=dead_letter.get("TargetArn"),
    )


def succeeded(record: InvocationRecord, config: EventInvokeConfig) -> None:
    """Sends a success where the function's configuration wants it."""
    if config.on_success:
        send(config.on_success, json.dumps(record.to_dict()))


def failed(record: InvocationRecord, config: EventInvokeConfig) -> None:
    """Sends a failure where the function's configuration wants it; without such a place it is dropped."""
    if config.on_failure:
        send(config.on_failure, json.dumps(record.to_dict()))
    if config.dead_letter:
        send(config.dead_letter, record.payload.decode(), _dead_letter_attributes(record))


def send(arn: str, body: str, attributes: dict[str, dict[str, str]] | None = None) -> None:
    """Sends a message to an SQS queue or SNS topic; as on AWS no caller hears of a failure, stderr does."""
    _, _, service, region, account, name = arn.split(":", 5)
    try:
        if service == "sqs":
            from moto.sqs.models import sqs_backends

            sqs_backends[account][region].send_message(name, body, message_attributes=attributes)
        elif service == "sns":
            from moto.sns.models import sns_backends

            with service_lock("sns"):
                sns_backends[account][region].publish(message=body, arn=arn)
        else:
            print(f"localaws: destinations of {service} are not emulated: {arn}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001  # on AWS, too, the sender never sees it
        print(f"localaws: could not deliver to {arn}: {type(error).__name__}: {error}", file=sys.stderr)


def text_attributes(values: dict[str, str]) -> dict[str, dict[str, str]]:
    """SQS message attributes of type String."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def _dead_letter_attributes(record: InvocationRecord) -> dict[str, dict[str, str]]:
    message = ""
    if record.outcome:
        answer = json.loads(record.outcome.payload)
        message = str(answer.get("errorMessage", "")) if isinstance(answer, dict) else ""
    attributes = text_attributes({"RequestID": record.request_id, "ErrorMessage": (message or "-")[:1024]})
    attributes["ErrorCode"] = {"DataType": "Number", "StringValue": "200" if record.outcome else "429"}
    return attributes
