"""CloudWatch Logs has what functions print, between Lambda's own lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support_localaws import Desk

SPEAKS = """
import logging, sys
logging.getLogger().setLevel("INFO")
print("loading")
def handler(event, context):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    logging.info("as a record")
    if event: raise ValueError("wrong")
"""


def test_an_invocations_lines_stand_between_start_and_report(any_client: Desk) -> None:
    name = any_client.deploy(SPEAKS)

    _, answer = any_client.invoke(name)

    request = answer["ResponseMetadata"]["RequestId"]
    lines = any_client.log_lines(name)
    assert lines[0].startswith("INIT_START Runtime Version: ")
    assert lines[1:5] == ["loading", f"START RequestId: {request} Version: $LATEST", "to stdout", "to stderr"]
    assert re.fullmatch(rf"\[INFO\]\t[\dT:.-]+Z\t{request}\tas a record", lines[5])
    assert lines[6] == f"END RequestId: {request}"
    assert re.match(
        rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: [\d.]+ ms$",
        lines[7],
    )


def test_an_exception_is_logged_as_one_event(any_client: Desk) -> None:
    name = any_client.deploy(SPEAKS)

    any_client.invoke(name, {"fail": True})

    (error,) = [line for line in any_client.log_lines(name) if line.startswith("[ERROR] ValueError: wrong")]
    assert "Traceback (most recent call last):" in error


def test_a_worker_has_one_stream(desk: Desk) -> None:
    name = desk.deploy(SPEAKS)

    for _ in range(3):
        desk.invoke(name)

    streams = desk.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    (stream,) = streams
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])


def test_a_configured_log_group_is_used(desk: Desk) -> None:
    name = desk.deploy(SPEAKS, LoggingConfig={"LogGroup": "/shared"})

    desk.invoke(name)

    assert desk.client("logs").describe_log_streams(logGroupName="/shared")["logStreams"]
