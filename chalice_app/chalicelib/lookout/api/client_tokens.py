"""ClientToken: a call that is made again does its work once.

A token is kept where its call left its trace, in the same document and by the same write: there is no moment
at which one is known and the other is not. It counts for eight hours, as the service promised.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.errors import ConflictException
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.lookout.api.errors import ResourceType

ACTIVE = timedelta(hours=8)
_MOST = 500  # of one resource: its document stays small however busy a client is
TOKEN = "ClientToken"  # noqa: S105 - the name of a member

Tokens = dict[str, list[str]]


def is_known(
    tokens: Mapping[str, list[str]],
    operation: str,
    given: Mapping[str, Any],
    now: datetime,
    resource: tuple[str, ResourceType],
) -> bool:
    """Whether a call was made before.

    Args:
        tokens: What the resource remembers.
        operation: As in `CreateDataset`.
        given: Members of its input.
        now: The time.
        resource: Its id and type, for the error.

    Raises:
        ConflictException: The token was used for other input.
    """
    known = tokens.get(f"{operation} {given.get(TOKEN)}")
    if known is None or datetime.fromisoformat(known[1]) + ACTIVE < now:
        return False
    if known[0] != fingerprint(given):
        raise ConflictException(reused(operation, given), *resource)
    return True


def remember(
    tokens: Mapping[str, list[str]], operation: str, given: Mapping[str, Any], now: datetime
) -> Tokens:
    """The tokens with this call's among them, and without those that count no more."""
    active = {name: one for name, one in tokens.items() if datetime.fromisoformat(one[1]) + ACTIVE >= now}
    if TOKEN in given:
        active[f"{operation} {given[TOKEN]}"] = [fingerprint(given), timestamp(now)]
    return dict(list(active.items())[-_MOST:])


def reused(operation: str, given: Mapping[str, Any]) -> str:
    """What is wrong with a token that was used for other input, and what to do."""
    return (
        f"ClientToken {given[TOKEN]} was used for another call of {operation}: "
        "use a token of its own for each call."
    )


def fingerprint(given: Mapping[str, Any]) -> str:
    """Tells inputs apart, whatever their token."""
    others = {name: value for name, value in given.items() if name != TOKEN}
    text = json.dumps(others, sort_keys=True, default=lambda value: sha256(value).hexdigest())
    return sha256(text.encode()).hexdigest()
