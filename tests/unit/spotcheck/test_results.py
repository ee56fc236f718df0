"""Results: newest first, since when, and new ones as they come."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chalicelib.records import Record, Status
from spotcheck.results import arrivals, parse_since, select

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def record(number: int, when: str, *, anomalous: bool = False, status: Status = Status.JUDGED) -> Record:
    return Record(
        request_id=str(number),
        date=when,
        status=status,
        bucket="images",
        key=f"image_inputs/{number}.jpg",
        image=f"{number}.jpg",
        is_anomalous=anomalous if status is Status.JUDGED else None,
    )


class FakeTable:
    """Answers like `ResultsTable`, from a list."""

    def __init__(self, *records: Record) -> None:
        self.records = list(records)

    def newest(self, *, since: date, until: date, anomalous_only: bool = False) -> Iterator[Record]:
        days = (since.isoformat(), until.isoformat())
        found = [one for one in self.records if days[0] <= one.date[:10] <= days[1]]
        found = [one for one in found if one.is_anomalous or not anomalous_only]
        return iter(sorted(found, key=lambda one: one.date, reverse=True))

    def of_image(self, image: str) -> Iterator[Record]:
        return iter([one for one in self.records if one.image == image])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", "2026-11-22T11:58:30+00:00"),
        ("30m", "2026-11-22T11:30:00+00:00"),
        ("12h", "2026-11-22T00:00:00+00:00"),
        ("7d", "2026-11-15T12:00:00+00:00"),
        ("2026-11-20", "2026-11-20T00:00:00+00:00"),
        ("2026-11-20T08:00:00+01:00", "2026-11-20T08:00:00+01:00"),
    ],
)
def test_since_is_a_duration_a_date_or_a_time(text: str, moment: str) -> None:
    assert parse_since(text, NOW).isoformat() == moment


@pytest.mark.parametrize("text", ["yesterday", "5", "h", "-2d", "2026-13-01"])
def test_since_refuses_anything_else(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither"):
        parse_since(text, NOW)


def ids(rows: Any) -> list[str]:
    return [row["request_id"] for row in rows]


def test_results_begin_at_the_moment_asked_for_not_at_its_day() -> None:
    table = FakeTable(record(1, "2026-11-22T09:00:00.000Z"), record(2, "2026-11-22T11:00:00.000Z"))
    assert ids(select(table, datetime(2026, 11, 22, 10, tzinfo=UTC))) == ["2"]


def test_only_anomalous_ones_when_asked() -> None:
    table = FakeTable(
        record(1, "2026-11-22T09:00:00.000Z"), record(2, "2026-11-22T08:00:00.000Z", anomalous=True)
    )
    assert ids(select(table, datetime(2026, 11, 22, tzinfo=UTC), anomalous_only=True)) == ["2"]


def test_results_of_an_image_are_of_any_day_newest_first() -> None:
    old, new = record(7, "2025-01-01T00:00:00.000Z"), record(7, "2026-11-22T00:00:00.000Z")
    rows = list(select(FakeTable(old, new, record(8, new.date)), NOW, image="7.jpg"))
    assert [row["date"] for row in rows] == [new.date, old.date]


def test_following_gives_each_new_record_once_oldest_first() -> None:
    table = FakeTable(record(1, "2026-11-22T09:00:00.000Z"))
    sleeps = 0

    def sleep(_: float) -> None:
        nonlocal sleeps
        sleeps += 1
        table.records += [
            record(3, "2026-11-22T09:00:02.000Z"),
            record(2, "2026-11-22T09:00:01.000Z"),
        ]

    found = arrivals(table, "2026-11-22T09:00:00.000Z", {("1", "JUDGED")}, sleep=sleep)
    assert ids(islice(found, 2)) == ["2", "3"]


def test_following_shows_a_waiting_upload_again_when_it_has_its_verdict() -> None:
    table = FakeTable(record(1, "2026-11-22T09:00:00.000Z", status=Status.WAITING))

    def sleep(_: float) -> None:
        table.records = [record(1, "2026-11-22T09:05:00.000Z")]

    found = arrivals(table, "2026-11-22T09:00:00.000Z", set(), sleep=sleep)
    assert [row["status"] for row in islice(found, 2)] == ["WAITING", "JUDGED"]
