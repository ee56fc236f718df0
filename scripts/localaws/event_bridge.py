"""EventBridge rules that start functions, which moto's do not.

A rule's target is invoked asynchronously. What cannot be delivered to it (its function is gone) goes to the
target's own dead-letter queue: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html.
"""

# ruff: noqa: ANN401  # moto's events and targets are untyped dictionaries

from __future__ import annotations

import copy
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.exceptions import FunctionGoneError
from localaws.iam.encryption import key_of_queue, may_use_key
from localaws.lambda_.destinations import send, text_attributes
from localaws.notifications import deliver
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    InvokeLater = Callable[[str, str, str, bytes], object]

_MOTO_ONLY = frozenset({"ingestion-time", "event-bus-name"})


def install(invoke_later: InvokeLater) -> None:
    """Makes moto's rules start the functions among their targets, and disabled rules do nothing.

    Args:
        invoke_later: called with account, region, function ARN (alias included) and event (JSON); raises
            `FunctionGoneError` for a function that does not exist.
    """
    from moto.events.models import Rule

    send_to_others = Rule.send_to_targets

    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002
        if self.state == "DISABLED" or not self.event_pattern.matches_event(original_event):
            return
        for target in self.targets:
            if ":lambda:" in target["Arn"]:
                _start(self, target, event_for(target, original_event), invoke_later)
            else:
                alone = copy.copy(self)
                alone.targets = [target]
                # moto's transformer wants a package of its own, even when there is nothing to transform
                transform = transform_input and "InputTransformer" in target
                event: Any = original_event if transform else shaped(original_event, keep_time=True)
                send_to_others(alone, event, transform)

    replace(Rule, send_to_targets=send_to_targets)


def shaped(event: Any, *, keep_time: bool = False) -> dict[str, Any]:
    """The event as EventBridge delivers it.

    Args:
        event: moto's.
        keep_time: leave the time as the number that moto works with.
    """
    result = {name: value for name, value in event.items() if name not in _MOTO_ONLY}
    if not keep_time:
        result["time"] = _iso_seconds(result.get("time"))
    return result


def event_for(target: Any, event: Any) -> bytes:
    """What a function receives as a rule's target, JSON: the event, or what the target makes of it."""
    if "Input" in target:
        return str(target["Input"]).encode()
    result: Any = shaped(event)
    if transformer := target.get("InputTransformer"):
        from moto.events.utils import EventTemplateParser

        result = EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), result
        )
    return json.dumps(result).encode()


def _start(rule: Any, target: Any, payload: bytes, invoke_later: InvokeLater) -> None:
    def invoke() -> None:
        try:
            invoke_later(rule.account_id, rule.region_name, target["Arn"], payload)
        except FunctionGoneError as error:
            _undeliverable(rule, target, payload, error)

    deliver(invoke)


def _undeliverable(rule: Any, target: Any, payload: bytes, error: FunctionGoneError) -> None:
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        print(f"localaws: rule {rule.name}: {error}", file=sys.stderr)
        return
    attributes = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": "ResourceNotFoundException",
        "ERROR_MESSAGE": str(error),
    }
    if refusal := _key_refusal(rule, queue):
        print(f"localaws: rule {rule.name}: the dead-letter queue's key: {refusal}", file=sys.stderr)
        return
    send(queue, payload.decode(), text_attributes(attributes))


def _key_refusal(rule: Any, queue: str) -> str | None:
    """Why EventBridge may not encrypt for a queue; None when it may, or SQS does it with its own key."""
    key = key_of_queue(queue)
    if key is None:
        return None
    context = {"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account_id}
    actions = ("kms:GenerateDataKey", "kms:Decrypt")
    decisions = [may_use_key("events.amazonaws.com", action, key, context) for action in actions]
    return next((decision.reason for decision in decisions if not decision.allowed), None)


def _iso_seconds(value: float | str | None) -> str:
    try:
        moment = datetime.now(UTC) if value is None else datetime.fromtimestamp(float(value), UTC)
    except ValueError:
        return str(value)  # it is a text already
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
