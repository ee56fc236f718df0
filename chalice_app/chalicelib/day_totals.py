"""Totals of hours that are over, so that nobody counts their records again.

`totals/<day>.json` in the results bucket holds the totals of a day's closed hours. Whoever counts writes them
(`spotcheck dashboard`), never the path of a verdict. An hour is closed one hour after it has ended: by then
every verdict of it has its record, because no function runs that long. Two things change a closed hour all
the same: a redelivery that finds a verdict whose record a crash had prevented, and `spotcheck forget`. Both
reopen the day before they do it, and a day that was reopened is not written again for an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.documents import Documents

CLOSED_AFTER = timedelta(hours=1)
_LATE = CLOSED_AFTER / 2  # a record as old as this may be of an hour that is closed before it is written

Hour = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """What is known of a day's closed hours.

    Attributes:
        hours: Totals by hour, `00` to `23`.
        etag: Of what was read; None where nothing was.
        may_be_written: False for an hour after the day was reopened.
    """

    hours: dict[str, Hour]
    etag: str | None
    may_be_written: bool


class DayTotals:
    """Keeps the totals of closed hours.

    Args:
        documents: Of the results bucket.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, day: str) -> Day:
        """What is known of a UTC day (`2026-11-23`)."""
        document = self._documents.get(_key(day))
        if document is None:
            return Day({}, None, may_be_written=True)
        hours = document.value["hours"]
        settled = bool(hours) or document.age >= CLOSED_AFTER.total_seconds()
        return Day(hours, document.etag, may_be_written=settled)

    def put(self, day: str, hours: dict[str, Hour], read: Day) -> bool:
        """Writes closed hours, unless somebody wrote or reopened the day since it was read.

        Args:
            day: UTC day.
            hours: All that is known of it.
            read: What `get` gave before the counting.
        """
        if not read.may_be_written:
            return False
        if read.etag is None:
            return self._documents.create(_key(day), {"hours": hours})
        return self._documents.replace(_key(day), {"hours": hours}, read.etag)

    def reopen(self, day: str) -> None:
        """Forgets a day's totals: records of closed hours are about to change."""
        self._documents.put(_key(day), {"hours": {}, "reopened": datetime.now(UTC).isoformat()})

    def reopen_if_late(self, date: str, now: datetime) -> None:
        """Forgets a day's totals when a record of then is written only now.

        Args:
            date: The record's, ISO 8601 UTC.
            now: When it is written.
        """
        if now - datetime.fromisoformat(date) > _LATE:
            self.reopen(date[:10])


def _key(day: str) -> str:
    return f"totals/{day}.json"
