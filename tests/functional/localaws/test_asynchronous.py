"""Asynchronous invocation: retries, and where an event ends that cannot be handled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support_localaws import RECORDER, eventually

if TYPE_CHECKING:
    from support_localaws import Desk

FAILS = RECORDER.replace(
    '    s3.put_object(Bucket="seen", Key=key, Body=json.dumps(event))\n',
    '    s3.put_object(Bucket="seen", Key=key, Body=json.dumps(event))\n    raise RuntimeError("always")\n',
)
FAILS_TWICE = """
import boto3, json
s3 = boto3.client("s3")
count = 0
def handler(event, context):
    global count
    count += 1
    key = f"{context.function_name}/{count}"
    s3.put_object(Bucket="seen", Key=key, Body=json.dumps(context.aws_request_id))
    if count < 3: raise RuntimeError("not yet")
"""


def on_failure(desk: Desk, name: str, queue_arn: str, qualifier: str = "$LATEST", **options: Any) -> None:
    desk.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        Qualifier=qualifier,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
        **options,
    )


def start(desk: Desk, name: str, event: Any) -> None:
    desk.invoke(name, event, InvocationType="Event")


def test_an_event_that_fails_is_tried_three_times_under_one_request_id(desk: Desk) -> None:
    name = desk.deploy(FAILS_TWICE)

    start(desk, name, {})

    attempts = eventually(lambda: len(found := desk.seen(name)) == 3 and found)
    assert len(set(attempts)) == 1


def test_after_the_last_attempt_the_event_goes_to_the_on_failure_destination(desk: Desk) -> None:
    arn = desk.deploy_alias(FAILS)
    name, (url, queue_arn) = arn.split(":")[-2], desk.queue()
    on_failure(desk, name, queue_arn, "live")

    start(desk, arn, {"picture": 1})

    record = json.loads(desk.receive(url)["Body"])
    assert record["version"] == "1.0"
    assert record["timestamp"].endswith("Z")
    assert record["requestContext"] == {
        "requestId": record["requestContext"]["requestId"],
        "functionArn": arn,
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"picture": 1}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "1",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorMessage"] == "always"
    assert len(desk.seen(name)) == 3


def test_the_number_of_retries_is_the_configured_one(desk: Desk) -> None:
    name, (url, queue_arn) = desk.deploy(FAILS), desk.queue()
    on_failure(desk, name, queue_arn, MaximumRetryAttempts=0)

    start(desk, name, {})

    record = json.loads(desk.receive(url)["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["functionArn"].endswith(f":{name}:$LATEST")
    assert len(desk.seen(name)) == 1


def test_an_event_that_grows_too_old_is_given_up(desk: Desk) -> None:
    name, (url, queue_arn) = desk.deploy(FAILS), desk.queue()
    on_failure(desk, name, queue_arn, MaximumEventAgeInSeconds=60)

    start(desk, name, {})

    context = json.loads(desk.receive(url)["Body"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)


def test_the_configuration_of_another_qualifier_does_not_count(desk: Desk) -> None:
    arn = desk.deploy_alias(FAILS)
    name, (latest_url, latest), (live_url, live) = arn.split(":")[-2], desk.queue(), desk.queue()
    on_failure(desk, name, latest)
    on_failure(desk, name, live, "live")

    start(desk, arn, {})

    assert desk.receive(live_url)
    assert "Messages" not in desk.client("sqs").receive_message(QueueUrl=latest_url)


def test_a_dead_letter_queue_gets_the_event_as_it_came(desk: Desk) -> None:
    url, queue_arn = desk.queue()
    name = desk.deploy(FAILS, DeadLetterConfig={"TargetArn": queue_arn})

    start(desk, name, {"picture": 2})

    message = desk.receive(url)
    assert json.loads(message["Body"]) == {"picture": 2}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "always"
    assert set(message["MessageAttributes"]) == {"RequestID", "ErrorCode", "ErrorMessage"}


def test_a_success_goes_to_the_on_success_destination(desk: Desk) -> None:
    name, (url, queue_arn) = desk.deploy("def handler(event, context):\n    return 'well'\n"), desk.queue()
    desk.client("lambda").put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": queue_arn}}
    )

    start(desk, name, {})

    record = json.loads(desk.receive(url)["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == "well"


def test_a_stopped_function_sends_its_events_to_the_destination_untried(desk: Desk) -> None:
    name, (url, queue_arn) = desk.deploy(RECORDER), desk.queue()
    on_failure(desk, name, queue_arn)
    desk.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    start(desk, name, {})

    assert json.loads(desk.receive(url)["Body"])["requestContext"]["approximateInvokeCount"] == 0
    assert desk.seen(name) == []


def test_throttled_events_are_tried_again_until_there_is_room(desk: Desk) -> None:
    name = desk.deploy(RECORDER.replace("    key =", "    time.sleep(0.02)\n    key ="))
    desk.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)

    for number in range(4):
        start(desk, name, number)

    eventually(lambda: len(desk.seen(name)) >= 4)
    assert sorted(desk.seen(name)) == [0, 1, 2, 3]


def test_an_event_of_a_deleted_function_is_dropped(desk: Desk) -> None:
    name = desk.deploy(FAILS)
    start(desk, name, {})
    eventually(lambda: desk.seen(name))

    desk.client("lambda").delete_function(FunctionName=name)

    eventually(lambda: desk.aws.health()["lambda"]["queued"] == 0)
