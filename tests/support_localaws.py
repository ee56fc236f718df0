"""Tiny functions deployed to the embedded AWS, and waiting for what they do."""

from __future__ import annotations

import io
import itertools
import json
import sys
import time
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws import Running

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
PATIENCE = 20.0  # seconds a test waits for something that must happen

# Leaves each event it gets in the bucket `seen`, under the function's name.
RECORDER = """
import boto3, json, time
s3 = boto3.client("s3")
def handler(event, context):
    key = f"{context.function_name}/{context.aws_request_id}-{time.time_ns()}"
    s3.put_object(Bucket="seen", Key=key, Body=json.dumps(event))
"""
_numbers = itertools.count(1)


def zipped(source: str, name: str = "app.py") -> bytes:
    """A deployment zip with one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, source)
    return buffer.getvalue()


def eventually(get: Callable[[], Any]) -> Any:
    """Waits until `get` gives something true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if result := get():
            return result
        time.sleep(0.02)
    message = f"nothing came of {get}"
    raise AssertionError(message)


@dataclass
class Desk:
    """Clients of one embedded AWS, and short ways to deploy to it."""

    aws: Running
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.aws.client(service)
        return self.clients[service]

    def prepare(self) -> None:
        """Makes what every test uses: the functions' role and the bucket of the recorders."""
        self.client("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument="{}")
        self.client("s3").create_bucket(Bucket="seen")

    def name(self, word: str) -> str:
        return f"{word}-{next(_numbers)}"

    def deploy(self, source: str, **options: Any) -> str:
        """Creates a function from Python source with `handler`; gives its name."""
        name = self.name("function")
        options = {"Runtime": RUNTIME, "Handler": "app.handler", "Timeout": 10} | options
        self.client("lambda").create_function(
            FunctionName=name,
            Role="arn:aws:iam::123456789012:role/lambda",
            Code={"ZipFile": zipped(source)},
            **options,
        )
        return name

    def deploy_alias(self, source: str, **options: Any) -> str:
        """Creates a function, publishes it behind the alias `live`; gives the alias's ARN."""
        name = self.deploy(source, Publish=True, **options)
        alias = self.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        return str(alias["AliasArn"])

    def invoke(self, name: str, event: Any = None, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Invokes and waits: what the handler returned, and the whole answer."""
        payload = json.dumps(event if event is not None else {})
        answer = self.client("lambda").invoke(FunctionName=name, Payload=payload, **options)
        body = answer["Payload"].read()
        return json.loads(body) if body else None, answer

    def bucket(self) -> str:
        name = self.name("bucket")
        self.client("s3").create_bucket(Bucket=name)
        return name

    def queue(self) -> tuple[str, str]:
        """A new SQS queue: its URL and ARN."""
        name = self.name("queue")
        url = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def receive(self, url: str) -> dict[str, Any]:
        """Waits for a message."""

        def get() -> Any:
            answer = self.client("sqs").receive_message(
                QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=1
            )
            return answer.get("Messages")

        return dict(eventually(get)[0])

    def seen(self, name: str) -> list[Any]:
        """The events that a recorder has got so far."""
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket="seen", Prefix=f"{name}/").get("Contents", [])
        return [json.load(s3.get_object(Bucket="seen", Key=item["Key"])["Body"]) for item in found]

    def log_lines(self, name: str) -> list[str]:
        """Everything in a function's log group."""
        events = self.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [event["message"] for event in events]
