"""EventBridge rules that start functions, which moto's do not.

A rule's target is invoked asynchronously. What cannot be delivered to it (its function is gone) goes to the target's
own dead-letter queue: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html.
"""

from __future__ import annotations

import copy
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.exceptions import FunctionGoneError
from localaws.lambda_.destinations import send, text_attributes
from localaws.notifications import deliver

if TYPE_CHECKING:
    from collections.abc import Callable

InvokeLater = "Callable[[str, str, str, bytes], object]"


def install(invoke_later: Callable[[str, str, str, bytes], object]) -> None:
    """Makes moto's rules start the functions among their targets.

    Args:
        invoke_later: called with account, region, function ARN (alias included) and event (JSON); raises
            `FunctionGoneError` for a function that does not exist.
    """
    from moto.events.models import Rule

    send_to_others = Rule.send_to_targets

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002
        if self.state == "DISABLED" or not self.event_pattern.matches_event(original_event):
            return
        functions = [target for target in self.targets if ":lambda:" in target["Arn"]]
        for target in functions:
            payload = event_for(target, original_event)
            deliver(lambda target=target, payload=payload: _invoke(self, target, payload, invoke_later))
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target not in functions]
        if others.targets:
            send_to_others(others, original_event, transform_input)

    Rule.send_to_targets = send_to_targets


def event_for(target: dict[str, Any], event: Any) -> bytes:
    """What a target receives: the event as EventBridge shapes it, or what the target makes of it."""
    from moto.events.utils import EventTemplateParser

    shaped = {name: value for name, value in event.items() if name not in ("ingestion-time", "event-bus-name")}
    shaped["time"] = _iso_seconds(shaped.get("time"))
    if "Input" in target:
        return str(target["Input"]).encode()
    transformer = target.get("InputTransformer") or {}
    result = EventTemplateParser.parse(
        input_template=transformer.get("InputTemplate"),
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=shaped,
    )
    return json.dumps(result).encode()


def _invoke(
    rule: Any, target: dict[str, Any], payload: bytes, invoke_later: Callable[[str, str, str, bytes], object]
) -> None:
    try:
        invoke_later(rule.account_id, rule.region_name, target["Arn"], payload)
    except FunctionGoneError as error:
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
        send(queue, payload.decode(), text_attributes(attributes))


def _iso_seconds(value: Any) -> str:
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        return value
    moment = datetime.fromtimestamp(float(value), UTC) if value else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
