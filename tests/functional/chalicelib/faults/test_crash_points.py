"""Whatever happens between two side effects, an upload ends with one outcome, the same everywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_delivery import RESULTS, TABLE, FixedDetector, FixedModels, Killed, Stack, deliver, killed

from chalicelib.exceptions import JudgingError
from chalicelib.records import Record, Status, timestamp

if TYPE_CHECKING:
    from chalicelib.events import ObjectVersion

JUDGED_WRITES = ["PutObject", "PutObject", "PutObject", "PutItem"]  # heat map, history, newest, item
REJECTED_WRITES = ["PutObject", "PutObject", "PutItem"]  # history, newest, item


def normal_model(version: str = "2") -> FixedModels:
    return FixedModels(version, FixedDetector(anomalous=False))


def the_outcome(stack: Stack, version: ObjectVersion) -> Record:
    """The upload's one record, after a look at whether every place tells the same."""
    (item,) = stack.items()
    record = Record.from_item(item)
    newest = f"results/{version.key}.json"
    for key in (str(record.result_key), newest):
        assert Record.from_json(stack.result(key)["Spotcheck"]) == record
        assert stack.writes_of(key) == 1
    if record.status is Status.JUDGED:
        assert stack.writes_of(str(record.heat_map_key)) == 1
        assert str(record.heat_map_key).endswith(f"/{record.model_version}.png")
    return record


def test_side_effects_come_in_this_order(stack: Stack, picture: bytes) -> None:
    judged, rejected = stack.upload("a.png", picture), stack.upload("b.png", b"no picture")
    with stack.at_write(0, killed) as writes:
        deliver(stack.judge(), judged)
        assert writes == JUDGED_WRITES
        deliver(stack.judge(), rejected)
        assert writes == JUDGED_WRITES + REJECTED_WRITES


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, len(JUDGED_WRITES) + 1))
def test_a_redelivery_completes_what_a_dead_function_began(
    stack: Stack, picture: bytes, write: int, *, after: bool
) -> None:
    version = stack.upload(content=picture, metadata={"camera-id": "7"})
    with stack.at_write(write, killed, after=after), pytest.raises(Killed):
        deliver(stack.judge(), version)
    deliver(stack.judge(), version)
    the_outcome(stack, version)
    assert stack.state() == state_of_a_clean_run(stack, version)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, len(REJECTED_WRITES) + 1))
def test_a_redelivery_completes_a_rejection(stack: Stack, write: int, *, after: bool) -> None:
    version = stack.upload(content=b"no picture", metadata={"camera-id": "7"})
    with stack.at_write(write, killed, after=after), pytest.raises(Killed):
        deliver(stack.judge(), version)
    deliver(stack.judge(), version)
    the_outcome(stack, version)
    assert stack.state() == state_of_a_clean_run(stack, version)


def test_a_record_that_comes_hours_late_reopens_the_totals_of_its_day_first(
    stack: Stack, picture: bytes
) -> None:
    version = stack.upload(content=picture)
    with stack.at_write(4, killed), pytest.raises(Killed):  # the verdict stands, its record is missing
        deliver(stack.judge(), version)
    hours_later = stack.now() + timedelta(hours=6)
    with stack.at_write(0, killed) as writes:
        deliver(stack.judge(now=lambda: hours_later), version)
    assert writes[-2:] == ["PutObject", "PutItem"]
    (record,) = map(Record.from_item, stack.items())
    reopened = stack.result(f"totals/{record.date[:10]}.json")
    assert record.date < timestamp(hours_later - timedelta(hours=5))
    assert reopened["hours"] == {}


def test_retries_may_die_too_one_write_further_each(stack: Stack, picture: bytes) -> None:
    version = stack.upload(content=picture)
    for write in range(1, len(JUDGED_WRITES) + 1):
        with stack.at_write(write, killed), pytest.raises(Killed):
            deliver(stack.judge(), version)
    deliver(stack.judge(), version)
    the_outcome(stack, version)
    assert stack.state() == state_of_a_clean_run(stack, version)


@pytest.mark.parametrize("write", range(1, len(JUDGED_WRITES) + 1))
def test_a_fault_at_any_write_is_raised_and_a_retry_repairs_it(
    stack: Stack, picture: bytes, write: int
) -> None:
    version = stack.upload(content=picture)

    def fail() -> None:
        message = "the network"
        raise OSError(message)

    with stack.at_write(write, fail), pytest.raises(JudgingError, match="the network"):
        deliver(stack.judge(), version)
    deliver(stack.judge(), version)
    assert the_outcome(stack, version).is_anomalous


@pytest.mark.parametrize("write", range(1, len(JUDGED_WRITES) + 1))
def test_two_deliveries_at_once_leave_one_verdict(stack: Stack, picture: bytes, write: int) -> None:
    version = stack.upload(content=picture)
    rival = stack.rival()
    with stack.at_write(write, lambda: _ignore(deliver(rival, version))):
        (mine,) = deliver(stack.judge(), version)
    assert the_outcome(stack, version) == mine


@pytest.mark.parametrize("write", range(1, len(JUDGED_WRITES) + 1))
def test_two_deliveries_at_once_under_two_models_leave_the_first_verdict(
    stack: Stack, picture: bytes, write: int
) -> None:
    version = stack.upload(content=picture)
    rival = stack.rival(normal_model())
    with stack.at_write(write, lambda: _ignore(deliver(rival, version))):
        (mine,) = deliver(stack.judge(), version)
    record = the_outcome(stack, version)
    assert record == mine
    history_was_written = write > 2
    assert record.model_version == ("1" if history_was_written else "2")
    assert record.is_anomalous is history_was_written


@pytest.mark.parametrize("write", range(1, len(JUDGED_WRITES) + 1))
def test_a_model_published_between_two_tries_changes_no_verdict_that_was_written(
    stack: Stack, picture: bytes, write: int
) -> None:
    version = stack.upload(content=picture)
    with stack.at_write(write, killed), pytest.raises(Killed):
        deliver(stack.judge(), version)
    deliver(stack.judge(normal_model()), version)
    record = the_outcome(stack, version)
    assert record.model_version == ("1" if write > 2 else "2")


def test_a_verdict_that_was_written_outlives_the_picture(stack: Stack, picture: bytes) -> None:
    version = stack.upload(content=picture)
    with stack.at_write(3, killed), pytest.raises(Killed):
        deliver(stack.judge(), version)
    stack.s3.delete_object(Bucket=version.bucket, Key=version.key, VersionId=str(version.version_id))
    (record,) = deliver(stack.judge(), version)
    assert record.status is Status.JUDGED
    assert the_outcome(stack, version) == record


@pytest.mark.parametrize("write", range(1, len(JUDGED_WRITES) + 1))
@pytest.mark.parametrize("order", ["older first", "newer first"])
def test_two_versions_at_once_leave_the_newer_one_as_the_newest(
    stack: Stack, picture: bytes, write: int, order: str
) -> None:
    older, newer = stack.upload(content=picture), stack.upload(content=picture)
    one, other = (older, newer) if order == "older first" else (newer, older)
    rival = stack.rival(normal_model())
    with stack.at_write(write, lambda: _ignore(deliver(rival, other))):
        deliver(stack.judge(), one)
    assert stack.result(f"results/{older.key}.json")["Spotcheck"]["version_id"] == newer.version_id
    assert {item["VersionId"] for item in stack.items()} == {older.version_id, newer.version_id}
    assert len([key for key in stack.objects() if key.startswith("history/")]) == 2


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_conflict_with_another_write_under_way_is_tried_again(
    stack: Stack, picture: bytes, write: int
) -> None:
    version = stack.upload(content=picture)
    conflict = {"Error": {"Code": "ConditionalRequestConflict", "Message": "in progress"}}

    def refuse() -> None:
        raise ClientError(conflict, "PutObject")  # type: ignore[arg-type]

    with stack.at_write(write, refuse):
        deliver(stack.judge(), version)
    assert the_outcome(stack, version).is_anomalous


@pytest.mark.parametrize("read", ["HeadObject", "GetObject"])
def test_a_fault_while_looking_at_what_is_there_is_raised(stack: Stack, picture: bytes, read: str) -> None:
    version = stack.upload(content=picture)
    deliver(stack.judge(), version)
    stack.dynamodb.Table(TABLE).delete_item(Key={"RequestID": stack.items()[0]["RequestID"]})
    slow_down = {"Error": {"Code": "SlowDown", "Message": "Please reduce your request rate."}}

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if RESULTS in params["url"]:
            raise ClientError(slow_down, read)  # type: ignore[arg-type]

    stack.s3.meta.events.register(f"before-call.s3.{read}", refuse)
    with pytest.raises(JudgingError, match="SlowDown"):
        deliver(stack.judge(), version)


def state_of_a_clean_run(stack: Stack, version: ObjectVersion) -> Any:
    """What one undisturbed delivery of the version leaves."""
    stack.forget_results()
    deliver(stack.judge(), version)
    return stack.state()


def _ignore(_: object) -> None:
    """Makes a call one that gives nothing."""
