"""The filters of ListDatasetEntries, and the places of its pages."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.lookout.api.dataset_entries import StoredEntry


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


def place(entry: StoredEntry) -> str:
    """Tells an entry from every other, shorter than its S3 URI."""
    return sha256(entry.source.encode()).hexdigest()[:32]
