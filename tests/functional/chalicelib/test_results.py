"""The results table and the questions its indexes answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support_delivery import TABLE

from chalicelib.records import Record, Status
from chalicelib.results import ResultsTable

if TYPE_CHECKING:
    from support_delivery import Stack

DAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 22)  # noqa: DTZ001 - only its text is used


def record(number: int, **changes: Any) -> Record:
    """The record of that many seconds after midnight."""
    usual = Record(
        request_id=sha256(str(number).encode()).hexdigest()[:32],
        date=f"{(MIDNIGHT + timedelta(seconds=number)).isoformat()}.000Z",
        status=Status.JUDGED,
        bucket="images",
        key=f"image_inputs/{number}.png",
        image=f"{number}.png",
        is_anomalous=number % 3 == 0,
        confidence=0.75,
        score=1.0,
        threshold=2.0,
    )
    return replace(usual, **changes)


@pytest.fixture
def table(stack: Stack) -> ResultsTable:
    return ResultsTable(stack.dynamodb, TABLE, shards=4)


def filled(table: ResultsTable, count: int) -> list[Record]:
    """Puts that many records into the table; gives them newest first."""
    records = [record(number) for number in range(count)]
    for one in records:
        table.put_final(one)
    return records[::-1]


def test_a_record_is_read_as_it_was_written(table: ResultsTable) -> None:
    table.put_final(record(1))
    assert table.get(record(1).request_id) == record(1)


def test_what_is_not_there_is_none(table: ResultsTable) -> None:
    assert table.get("0" * 32) is None


def test_the_first_verdict_stands(table: ResultsTable) -> None:
    assert table.put_final(record(1))
    assert not table.put_final(record(1, is_anomalous=True))
    assert table.get(record(1).request_id) == record(1)


def test_a_verdict_takes_a_waiting_ones_place_and_not_the_other_way_round(table: ResultsTable) -> None:
    waiting = record(1, status=Status.WAITING, is_anomalous=None)
    assert table.put_waiting(waiting)
    assert not table.put_waiting(waiting)
    assert list(table.waiting()) == [waiting]
    assert table.put_final(record(1))
    assert not table.put_waiting(waiting)
    assert list(table.waiting()) == []


def test_newest_come_first_from_all_shards(table: ResultsTable) -> None:
    records = filled(table, 40)
    assert list(table.newest(since=DAY, until=DAY)) == records


def test_only_the_anomalous_can_be_asked_for(table: ResultsTable) -> None:
    records = filled(table, 12)
    found = list(table.newest(since=DAY, until=DAY, anomalous_only=True))
    assert found == [one for one in records if one.is_anomalous]


def test_days_follow_each_other_backwards_and_both_ends_belong(table: ResultsTable) -> None:
    days = [record(number * 86_400) for number in range(4)]
    for one in days:
        table.put_final(one)
    found = table.newest(since=DAY + timedelta(days=1), until=DAY + timedelta(days=2))
    assert list(found) == [days[2], days[1]]


def test_records_of_one_moment_are_all_there(table: ResultsTable) -> None:
    same = [record(number, date="2026-11-22T10:00:00.000Z") for number in range(8)]
    for one in same:
        table.put_final(one)
    found = list(table.newest(since=DAY, until=DAY))
    assert sorted(found, key=lambda one: one.request_id) == sorted(same, key=lambda one: one.request_id)


def test_every_page_of_an_answer_is_read(stack: Stack) -> None:
    dynamodb = boto3.resource("dynamodb")

    def small_pages(params: dict[str, Any], **_: object) -> None:
        params["Limit"] = 2

    dynamodb.meta.client.meta.events.register("provide-client-params.dynamodb.Query", small_pages)
    records = filled(ResultsTable(stack.dynamodb, TABLE, shards=2), 11)
    assert list(ResultsTable(dynamodb, TABLE, shards=2).newest(since=DAY, until=DAY)) == records


def test_results_of_one_image_name_come_newest_first(table: ResultsTable) -> None:
    same = [record(number, image="cell.png") for number in range(3)]
    for one in (*same, record(9)):
        table.put_final(one)
    assert list(table.of_image("cell.png")) == same[::-1]


def test_frames_of_a_video_come_in_its_order(table: ResultsTable) -> None:
    frames = [record(n, video="0f" * 16, frame=10 - n, seconds=5.0 * (10 - n)) for n in range(3)]
    for one in (*frames, record(9)):
        table.put_final(one)
    assert [one.frame for one in table.of_video("0f" * 16)] == [8, 9, 10]


def test_rows_that_the_notebook_wrote_are_found_among_ours(stack: Stack, table: ResultsTable) -> None:
    filled(table, 2)
    row = {
        "RequestID": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "Date": "Tue, 03 Aug 2021 14:05:09 GMT",
        "DetectAnomalyResult": "True",
        "Confidence": "0.97",
        "Image": "car.jpg",
    }
    stack.dynamodb.Table(TABLE).put_item(Item=row)
    (found,) = table.written_by_notebook()
    assert (found.image, found.is_anomalous, found.confidence) == ("car.jpg", True, 0.97)
    assert table.get(row["RequestID"]) == found


def test_what_is_no_failed_condition_is_a_fault(stack: Stack) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ResultsTable(stack.dynamodb, "no-such-table").put_final(record(1))
