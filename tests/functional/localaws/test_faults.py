"""Faults on a running server: switched at run time, met by functions and not by clients."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from support_localaws import RECORDER, eventually

import localaws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support_localaws import Desk

FIRST_ONLY = 40  # a seed with which a rate of a half hits the first of five, and no other
CALLER = """
import boto3
from botocore.config import Config
once = Config(retries={"total_max_attempts": 1})
def handler(event, context):
    client = boto3.client("s3", config=once)
    try:
        client.put_object(Bucket="seen", Key=f"{context.function_name}/1", Body=b"")
    except Exception as error:
        return type(error).__name__ + " " + str(error)
    return "ok"
"""


def put_plan(desk: Desk, *rules: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    body = json.dumps({"seed": seed, "rules": rules}).encode()
    request = urllib.request.Request(f"{desk.aws.endpoint_url}/_localaws/faults", data=body, method="PUT")
    with urllib.request.urlopen(request) as answer:
        return dict(json.load(answer))


def status(desk: Desk) -> dict[str, Any]:
    with urllib.request.urlopen(f"{desk.aws.endpoint_url}/_localaws/faults") as answer:
        return dict(json.load(answer))


@pytest.fixture
def faulty(desk: Desk) -> Iterator[Desk]:
    """The server; its faults end with the test."""
    yield desk
    put_plan(desk)


@pytest.fixture
def subscribed(faulty: Desk) -> tuple[str, str]:
    """A bucket whose uploads start a recorder: bucket and function."""
    arn, bucket = faulty.deploy_alias(RECORDER), faulty.bucket()
    name = arn.split(":")[-2]
    faulty.client("lambda").add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    faulty.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    return bucket, name


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("throttle", "SlowDown"),
        ("error", "InternalError"),
        ("clock", "RequestTimeTooSkewed"),
        ("reset", "Connection was closed before"),
    ],
)
def test_a_function_meets_the_fault_and_a_client_does_not(faulty: Desk, kind: str, said: str) -> None:
    name = faulty.deploy(CALLER)
    put_plan(faulty, {"kind": kind, "rate": 1, "service": "s3", "operation": "PutObject"})

    assert said in faulty.invoke(name)[0]

    faulty.client("s3").put_object(Bucket="seen", Key="client", Body=b"")
    assert status(faulty)["injected"] == {kind: 1}


READER = """
import boto3
from botocore.config import Config
once = Config(retries={"total_max_attempts": 1})
def handler(event, context):
    body = boto3.client("s3", config=once).get_object(Bucket="seen", Key="long")["Body"]
    try:
        return len(body.read())
    except Exception as error:
        return type(error).__name__
"""


def test_a_body_can_be_cut_and_the_reader_notices(faulty: Desk) -> None:
    name = faulty.deploy(READER)
    faulty.client("s3").put_object(Bucket="seen", Key="long", Body=bytes(100_000))
    put_plan(faulty, {"kind": "cut", "rate": 1, "service": "s3", "operation": "GetObject"})

    assert faulty.invoke(name)[0] in {"IncompleteReadError", "ResponseStreamingError"}

    put_plan(faulty)
    assert faulty.invoke(name)[0] == 100_000


def test_an_answer_can_be_lost_after_the_service_did_its_part(faulty: Desk) -> None:
    name = faulty.deploy(CALLER)
    put_plan(faulty, {"kind": "lost-answer", "rate": 1, "service": "s3"})

    assert "Connection was closed before" in faulty.invoke(name)[0]
    assert faulty.client("s3").head_object(Bucket="seen", Key=f"{name}/1")


@pytest.mark.parametrize(("kind", "written"), [("kill", False), ("kill-after", True)])
def test_a_worker_is_killed_in_mid_invocation(faulty: Desk, kind: str, written: bool) -> None:  # noqa: FBT001
    name = faulty.deploy(CALLER)
    put_plan(faulty, {"kind": kind, "rate": 1, "service": "s3"})

    payload, answer = faulty.invoke(name)

    assert answer["FunctionError"] == "Unhandled"
    assert "signal: killed" in payload["errorMessage"]
    found = faulty.client("s3").list_objects_v2(Bucket="seen", Prefix=f"{name}/")
    assert bool(found["KeyCount"]) is written


def test_an_upload_is_delivered_twice(faulty: Desk, subscribed: tuple[str, str]) -> None:
    bucket, name = subscribed
    put_plan(faulty, {"kind": "duplicate", "rate": 1, "service": "s3"})

    faulty.client("s3").put_object(Bucket=bucket, Key="twice", Body=b"")

    first, second = eventually(lambda: len(found := faulty.seen(name)) == 2 and found)
    assert first == second


@pytest.mark.parametrize("kind", ["refuse", "timeout"])
def test_an_attempt_that_is_refused_or_times_out_is_made_again(
    faulty: Desk, subscribed: tuple[str, str], kind: str
) -> None:
    bucket, name = subscribed
    rule = {"kind": kind, "rate": 0.5, "seconds": 0.001, "resource": f"*:{name}:live"}
    put_plan(faulty, rule, seed=FIRST_ONLY)

    faulty.client("s3").put_object(Bucket=bucket, Key="again", Body=b"")

    eventually(lambda: faulty.seen(name))
    assert status(faulty)["injected"] == {kind: 1}
    assert status(faulty)["seen"]["attempts"] == 2


def test_a_plan_that_cannot_be_read_is_refused(faulty: Desk) -> None:
    with pytest.raises(HTTPError, match="400") as caught:
        put_plan(faulty, {"kind": "gremlin", "rate": 1})
    assert "no kind 'gremlin'" in caught.value.read().decode()


def test_a_server_can_begin_with_faults(tmp_path: Path) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text('{"seed": 9, "rules": [{"kind": "error", "rate": 0.5}]}')
    with (
        localaws.running(tmp_path / "state", faults=plan) as aws,
        urllib.request.urlopen(f"{aws.endpoint_url}/_localaws/faults") as answer,
    ):
        assert json.load(answer)["seed"] == 9
