"""EventBridge rules start functions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from support_localaws import RECORDER, eventually

if TYPE_CHECKING:
    from support_localaws import Desk


def rule(desk: Desk, source: str, arn: str, state: str = "ENABLED", **target: Any) -> None:
    events = desk.client("events")
    events.put_rule(Name=f"rule-{source}", EventPattern=json.dumps({"source": [source]}), State=state)
    events.put_targets(Rule=f"rule-{source}", Targets=[{"Id": "function", "Arn": arn, **target}])


def put(desk: Desk, source: str) -> None:
    detail = json.dumps({"jobId": "1", "status": "COMPLETE"})
    entry = {"Source": source, "DetailType": "MediaConvert Job State Change", "Detail": detail}
    desk.client("events").put_events(Entries=[entry])


def test_a_matching_event_starts_the_function_with_the_whole_event(desk: Desk) -> None:
    arn = desk.deploy_alias(RECORDER)
    rule(desk, "spotcheck.whole", arn)

    put(desk, "spotcheck.other")
    put(desk, "spotcheck.whole")

    (event,) = eventually(lambda: desk.seen(arn.split(":")[-2]))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "MediaConvert Job State Change",
        "source": "spotcheck.whole",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [],
        "detail": {"jobId": "1", "status": "COMPLETE"},
    }


def test_a_target_with_an_input_of_its_own_gets_that(desk: Desk) -> None:
    name = desk.deploy(RECORDER)
    rule(desk, "spotcheck.input", f"arn:aws:lambda:us-east-1:123456789012:function:{name}", Input='{"a": 1}')

    put(desk, "spotcheck.input")

    assert eventually(lambda: desk.seen(name)) == [{"a": 1}]


def test_a_disabled_rule_starts_nothing(desk: Desk) -> None:
    name = desk.deploy(RECORDER)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    rule(desk, "spotcheck.off", arn, state="DISABLED", Input='"off"')
    rule(desk, "spotcheck.on", arn, Input='"on"')

    put(desk, "spotcheck.off")
    put(desk, "spotcheck.on")

    assert eventually(lambda: desk.seen(name)) == ["on"]


def test_an_event_for_a_missing_function_goes_to_the_targets_dead_letter_queue(desk: Desk) -> None:
    url, queue_arn = desk.queue()
    arn = "arn:aws:lambda:us-east-1:123456789012:function:gone:live"
    rule(desk, "spotcheck.gone", arn, DeadLetterConfig={"Arn": queue_arn})

    put(desk, "spotcheck.gone")

    message = desk.receive(url)
    assert json.loads(message["Body"])["source"] == "spotcheck.gone"
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == arn
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "ResourceNotFoundException"


def test_a_queue_as_target_still_gets_its_events(desk: Desk) -> None:
    url, queue_arn = desk.queue()
    rule(desk, "spotcheck.queue", queue_arn)

    put(desk, "spotcheck.queue")

    assert json.loads(desk.receive(url)["Body"])["detail"]["status"] == "COMPLETE"
