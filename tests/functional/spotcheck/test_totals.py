"""Exact totals: whoever counted before, and whatever changes a closed hour, they are those of the records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from support_delivery import TABLE, make_table

from chalicelib.day_totals import DayTotals
from chalicelib.documents import Documents
from chalicelib.records import Record, Status, timestamp
from chalicelib.results import ResultsTable
from chalicelib.video_table import VideoTable
from spotcheck.totals import Counting, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spotcheck.targets import Target

BUCKET, SHARDS = "results", 4
DAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Stack:
    """The parts of a target that counting needs."""

    outputs: dict[str, Any] = field(
        default_factory=lambda: {"results_table": TABLE, "results_bucket": BUCKET, "index_shards": SHARDS}
    )
    reads: Counter[str] = field(default_factory=Counter)
    client: Callable[[str], Any] = field(default_factory=lambda: cache(boto3.client))
    resource: Callable[[str], Any] = field(default_factory=lambda: cache(boto3.resource))

    def results_table(self) -> ResultsTable:
        return ResultsTable(self.resource("dynamodb"), TABLE, shards=SHARDS)

    def video_table(self) -> VideoTable:
        return VideoTable(self.resource("dynamodb"), TABLE, shards=SHARDS)

    @property
    def days(self) -> DayTotals:
        return DayTotals(Documents(self.client("s3"), BUCKET))

    def put(
        self, number: int, hours: float, *, anomalous: bool = False, status: Status = Status.JUDGED
    ) -> None:
        """A record with a verdict so many hours after midnight."""
        record = Record(
            request_id=f"{number:032x}",
            date=timestamp(MIDNIGHT + timedelta(hours=hours)),
            status=status,
            bucket="images",
            key=f"image_inputs/{number}.png",
            image=f"{number}.png",
            version_id="1",
            etag="e",
            sequencer="01",
            uploaded_at=timestamp(MIDNIGHT),
            project="cells",
            is_anomalous=anomalous if status is Status.JUDGED else None,
            model_version="1" if status is Status.JUDGED else None,
        )
        table = self.results_table()
        assert table.put_waiting(record) if status is Status.WAITING else table.put_final(record)

    def count(self, at: float, **options: Any) -> Totals:
        """The day's totals, counted so many hours after midnight."""
        now = MIDNIGHT + timedelta(hours=at)
        return Counting(cast("Target", self), now=now, **options).count(DAY, DAY)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        make_table(boto3.resource("dynamodb"))
        yield Stack()


def test_pictures_anomalies_and_rejected_ones_are_counted_by_model_version(stack: Stack) -> None:
    stack.put(1, 3)
    stack.put(2, 4, anomalous=True)
    stack.put(3, 5, status=Status.REJECTED)
    totals = stack.count(at=30)
    assert (totals.images, totals.anomalies, totals.invalid) == (2, 1, 1)
    assert totals.by_version == {"1": Counter(images=2, anomalies=1)}


def test_only_hours_that_ended_an_hour_ago_are_closed(stack: Stack) -> None:
    stack.put(1, 3.5)
    stack.count(at=4.9)
    assert set(stack.days.get("2026-11-22").hours) == {"00", "01", "02"}
    stack.count(at=5)
    assert set(stack.days.get("2026-11-22").hours) == {"00", "01", "02", "03"}


def test_closed_hours_are_not_read_again(stack: Stack) -> None:
    stack.put(1, 3)
    stack.count(at=30)
    stack.client("dynamodb").delete_item(TableName=TABLE, Key={"RequestID": {"S": f"{1:032x}"}})
    assert stack.count(at=31).images == 1
    assert stack.count(at=31, recount=True).images == 0
    assert stack.count(at=32).images == 0


def test_a_record_that_comes_late_is_counted_once_its_day_is_reopened(stack: Stack) -> None:
    stack.put(1, 3)
    assert stack.count(at=30).images == 1
    stack.days.reopen_if_late(timestamp(MIDNIGHT + timedelta(hours=4)), MIDNIGHT + timedelta(hours=30))
    stack.put(2, 4)
    assert stack.count(at=31).images == 2


def test_a_record_of_now_reopens_nothing(stack: Stack) -> None:
    stack.count(at=5)
    stack.days.reopen_if_late(timestamp(MIDNIGHT + timedelta(hours=5)), MIDNIGHT + timedelta(hours=5.2))
    assert stack.days.get("2026-11-22").hours


def test_a_day_that_was_reopened_is_not_written_for_an_hour(stack: Stack) -> None:
    """Until then the record for which it was reopened may still be on its way."""
    stack.days.reopen("2026-11-22")
    stack.count(at=30)
    assert stack.days.get("2026-11-22").hours == {}


def test_a_count_that_began_before_the_day_was_reopened_is_not_written(stack: Stack) -> None:
    before = stack.days.get("2026-11-22")
    stack.days.reopen("2026-11-22")
    assert not stack.days.put("2026-11-22", {"00": Totals().to_hour()}, before)
    stack.days.reopen("2026-11-22")
    assert stack.days.get("2026-11-22").hours == {}


def test_of_two_counts_at_once_one_is_written(stack: Stack) -> None:
    first, second = stack.days.get("2026-11-22"), stack.days.get("2026-11-22")
    assert stack.days.put("2026-11-22", {"00": Totals().to_hour()}, first)
    assert not stack.days.put("2026-11-22", {"01": Totals().to_hour()}, second)


def test_an_upload_that_waits_is_counted_as_waiting_until_it_is_judged(stack: Stack) -> None:
    stack.put(1, 3, status=Status.WAITING)
    assert (stack.count(at=30).waiting, stack.count(at=30).images) == (1, 0)
    stack.put(1, 30.5)
    assert stack.count(at=31).waiting == 0


PICTURES = st.lists(st.tuples(st.floats(0, 23.99), st.booleans()), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pictures=PICTURES, looks=st.lists(st.floats(0, 40), max_size=4))
def test_whenever_somebody_looks_in_between_the_last_count_is_that_of_the_records(
    stack: Stack, pictures: list[tuple[float, bool]], looks: list[float]
) -> None:
    """Verdicts come in the order of their time; looks fall between them."""
    for page in stack.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", []):
        stack.client("s3").delete_object(Bucket=BUCKET, Key=page["Key"])
    for item in stack.resource("dynamodb").Table(TABLE).scan()["Items"]:
        stack.resource("dynamodb").Table(TABLE).delete_item(Key={"RequestID": item["RequestID"]})
    verdicts = [(at, "put", anomalous) for at, anomalous in pictures]
    happenings = sorted([*verdicts, *((at, "look", False) for at in looks)])
    for number, (at, what, anomalous) in enumerate(happenings):
        if what == "put":
            stack.put(number, at, anomalous=anomalous)
        else:
            stack.count(at=at)
    totals = stack.count(at=48)
    assert (totals.images, totals.anomalies) == (len(pictures), sum(anomalous for _, anomalous in pictures))
