"""A ClientToken tells a call that is made again from a new one, for eight hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.lookout.api.client_tokens import Tokens, is_known, remember
from chalicelib.lookout.api.errors import ConflictException

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
GIVEN = {"ClientToken": "t-1", "ProjectName": "cars", "Changes": b"{}"}


def known(tokens: Tokens, operation: str = "Update", now: datetime = NOW, **changes: Any) -> bool:
    return is_known(tokens, operation, {**GIVEN, **changes}, now, ("cars", "PROJECT"))


def test_the_same_call_is_known() -> None:
    tokens = remember({}, "Update", GIVEN, NOW)
    assert known(tokens)
    assert not known({})


def test_another_token_or_operation_is_another_call() -> None:
    tokens = remember({}, "Update", GIVEN, NOW)
    assert not known(tokens, ClientToken="t-2")
    assert not known(tokens, "Delete")


@pytest.mark.parametrize("changes", [{"Changes": b"[]"}, {"ProjectName": "Cars"}, {"More": {"a": 1}}])
def test_the_same_token_with_other_input_is_a_conflict(changes: dict[str, Any]) -> None:
    tokens = remember({}, "Update", GIVEN, NOW)
    with pytest.raises(ConflictException, match="t-1 was used for another call of Update") as error:
        known(tokens, **changes)
    assert error.value.resource_id == "cars"


def test_the_order_of_members_means_nothing() -> None:
    tokens = remember({}, "Update", dict(reversed(GIVEN.items())), NOW)
    assert known(tokens)


def test_after_eight_hours_a_token_is_new() -> None:
    tokens = remember({}, "Update", GIVEN, NOW)
    assert known(tokens, now=NOW + timedelta(hours=8))
    assert not known(tokens, now=NOW + timedelta(hours=8, seconds=1))


def test_old_tokens_are_forgotten_and_of_many_the_newest_are_kept() -> None:
    tokens = remember({}, "Update", GIVEN, NOW)
    assert not remember(tokens, "Update", {}, NOW + timedelta(hours=9))
    for number in range(600):
        tokens = remember(tokens, "Update", {"ClientToken": str(number)}, NOW)
    assert len(tokens) == 500
    assert is_known(tokens, "Update", {"ClientToken": "599"}, NOW, ("cars", "PROJECT"))


def test_a_call_without_a_token_is_never_known() -> None:
    tokens = remember({}, "Update", {}, NOW)
    assert not is_known(tokens, "Update", {}, NOW, ("cars", "PROJECT"))
