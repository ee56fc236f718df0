"""ListDatasetEntries: its filters, and its pages.

An update replaces lines in their place and adds others at the end: a page begins after so many lines,
whatever was changed meanwhile, and no line before it is looked at again.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.errors import ValidationException
from chalicelib.lookout.api.pages import LARGEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chalicelib.lookout.api.dataset_entries import StoredEntry


def page_of_entries(
    entries: Callable[[int], Iterator[StoredEntry]], identity: str, given: Mapping[str, Any]
) -> tuple[list[StoredEntry], str | None]:
    """One page of the entries that satisfy every filter.

    Args:
        entries: All of them from a place on.
        identity: Of the dataset: a token counts for no other.
        given: Members of `ListDatasetEntriesRequest`.

    Returns:
        The entries, and the next page's token; None on the last page.

    Raises:
        ValidationException: The token is none that this dataset gave.
    """
    start = _place(given.get("NextToken"), identity)
    numbered = enumerate(entries(start), start=start + 1)
    wanted = ((number, entry) for number, entry in numbered if is_wanted(entry, given))
    found = list(islice(wanted, given.get("MaxResults") or LARGEST_PAGE))
    has_more = next(wanted, None) is not None
    token = base64.b64encode(f"{identity} {found[-1][0]}".encode()).decode() if has_more else None
    return [entry for _, entry in found], token


def _place(token: str | None, identity: str) -> int:
    """How many lines come before a page."""
    if token is None:
        return 0
    try:
        whose, _, place = base64.b64decode(token, validate=True).decode().partition(" ")
    except (binascii.Error, ValueError):
        whose, place = "", ""
    if whose != identity or not place.isdecimal():
        message = "NextToken is none that this dataset gave, or the dataset is gone: list from the beginning."
        raise ValidationException(message)
    return int(place)


def is_wanted(entry: StoredEntry, given: Mapping[str, Any]) -> bool:
    """Whether an entry satisfies every filter that is given.

    Args:
        entry: One of the dataset's.
        given: Members of `ListDatasetEntriesRequest`.
    """
    labeled, class_name = given.get("Labeled"), given.get("AnomalyClass")
    created, part = datetime.fromisoformat(entry.created_at), given.get("SourceRefContains")
    before, after = given.get("BeforeCreationDate"), given.get("AfterCreationDate")
    return (
        (labeled is None or labeled == (entry.label is not None))
        and class_name in {None, entry.label}
        and (part is None or part in entry.source)
        and (before is None or created < _aware(before))
        and (after is None or created > _aware(after))
    )


def _aware(moment: datetime) -> datetime:
    """A date without zone is in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
