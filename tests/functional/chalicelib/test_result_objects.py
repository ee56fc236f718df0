"""Conditional writes to the results bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support_delivery import RESULTS

from chalicelib.result_objects import ResultsBucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from support_delivery import Stack

KEY = "results/image_inputs/cell.png.json"


def body(sequencer: str, uploaded_at: str = "2026-11-22T09:30:12.345Z", **more: Any) -> dict[str, Any]:
    """A result object, as much of it as its order needs."""
    record = {
        "request_id": "0" * 32,
        "date": "2026-11-22T10:00:00.000Z",
        "status": "REJECTED",
        "bucket": "images",
        "key": "image_inputs/cell.png",
        "image": "cell.png",
        "sequencer": sequencer,
        "uploaded_at": uploaded_at,
    }
    return {"Spotcheck": record | more}


@pytest.fixture
def bucket(stack: Stack) -> ResultsBucket:
    return ResultsBucket(stack.s3, RESULTS)


def before_next_put(client: Any, happen: Callable[[], object]) -> None:
    """Makes something happen between a client's decision to write and its writing, once."""
    happened = False

    def once(**_: object) -> None:
        nonlocal happened
        if not happened:
            happened = True
            happen()

    client.meta.events.register("before-call.s3.PutObject", once)


def test_the_first_history_of_a_version_stands(stack: Stack, bucket: ResultsBucket) -> None:
    first, second = body("01", reason="first"), body("01", reason="second")
    assert bucket.put_history("history/x.json", first) == first
    assert bucket.put_history("history/x.json", second) == first
    assert stack.result("history/x.json") == first


def test_the_newest_result_is_the_newest_versions_in_whatever_order_they_come(
    stack: Stack, bucket: ResultsBucket
) -> None:
    for sequencer in ("02", "03", "01", "03"):
        bucket.put_newest(KEY, body(sequencer))
    assert stack.result(KEY) == body("03")


def test_without_sequencers_the_later_upload_is_the_newer(stack: Stack, bucket: ResultsBucket) -> None:
    bucket.put_newest(KEY, body("", "2026-11-22T09:30:13.000Z"))
    bucket.put_newest(KEY, body("", "2026-11-22T09:30:12.000Z"))
    assert stack.result(KEY)["Spotcheck"]["uploaded_at"] == "2026-11-22T09:30:13.000Z"


@pytest.mark.parametrize(("other", "stands"), [("03", "03"), ("01", "02")])
@pytest.mark.parametrize("there", [[], ["00"]], ids=["first", "replacing"])
def test_the_newest_stands_when_two_are_written_at_once(
    stack: Stack, there: list[str], other: str, stands: str
) -> None:
    bucket = ResultsBucket(stack.s3, RESULTS)
    for sequencer in there:
        bucket.put_newest(KEY, body(sequencer))
    slow = boto3.client("s3")
    before_next_put(slow, lambda: bucket.put_newest(KEY, body(other)))
    ResultsBucket(slow, RESULTS).put_newest(KEY, body("02"))
    assert stack.result(KEY) == body(stands)


def test_a_result_that_is_deleted_meanwhile_is_written_anew(stack: Stack, bucket: ResultsBucket) -> None:
    bucket.put_newest(KEY, body("01"))
    slow = boto3.client("s3")
    puts = 0

    def delete_before_the_second(**_: object) -> None:
        nonlocal puts
        puts += 1
        if puts == 2:
            stack.s3.delete_object(Bucket=RESULTS, Key=KEY)

    slow.meta.events.register("before-call.s3.PutObject", delete_before_the_second)
    ResultsBucket(slow, RESULTS).put_newest(KEY, body("02"))
    assert stack.result(KEY) == body("02")


def test_a_conflict_that_s3_reports_is_tried_again(stack: Stack) -> None:
    s3 = boto3.client("s3")

    def conflict() -> None:
        error = {"Code": "ConditionalRequestConflict", "Message": "The conditional request cannot succeed"}
        raise ClientError({"Error": error}, "PutObject")  # type: ignore[typeddict-item]

    before_next_put(s3, conflict)
    assert ResultsBucket(s3, RESULTS).put_history("history/x.json", body("01")) == body("01")
    assert stack.result("history/x.json") == body("01")


@pytest.mark.parametrize("operation", ["put_history", "put_newest"])
def test_what_is_no_conflict_is_a_fault(stack: Stack, operation: str) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        getattr(ResultsBucket(stack.s3, "no-such-bucket"), operation)(KEY, body("01"))


def test_results_are_json_to_whoever_opens_them(stack: Stack, bucket: ResultsBucket) -> None:
    bucket.put_newest(KEY, body("01", reason="zu groß"))
    assert stack.s3.head_object(Bucket=RESULTS, Key=KEY)["ContentType"] == "application/json"
    assert "zu groß".encode() in stack.read(KEY)
