"""A record as a DynamoDB item, as JSON, and as the notebook once wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.anomalies import FoundKind, Region
from chalicelib.records import Record, Status, day_shard, timestamp

JUDGED = Record(
    request_id="0a1b2c3d" * 4,
    date="2026-11-22T10:00:00.123Z",
    status=Status.JUDGED,
    bucket="images",
    key="image_inputs/line 2/cell.png",
    image="cell.png",
    version_id="v1",
    etag="e",
    sequencer="01",
    uploaded_at="2026-11-22T09:59:59.000Z",
    project="cells",
    model_version="3",
    is_anomalous=True,
    confidence=0.875,
    probability=0.875,
    score=12.5,
    threshold=10.25,
    area=0.03125,
    regions=(
        Region(
            *(0.1, 0.2, 0.3, 0.4, 0.05, 1.5),
            polygon=((0.1, 0.2), (0.4, 0.2), (0.4, 0.6), (0.1, 0.6)),
            name="scratch",
        ),
    ),
    kinds=(FoundKind("scratch", 0.03125, "#23A436"),),
    width=640,
    height=480,
    heat_map_key="heatmaps/x.png",
    result_key="history/x.json",
    video="0f" * 16,
    frame=0,
    seconds=0.0,
    metadata={"camera-id": "7"},
    timings_ms={"get": 12.25},
)
REJECTED = Record(
    request_id="ffffffff" * 4,
    date="2026-11-22T10:00:00.000Z",
    status=Status.REJECTED,
    bucket="images",
    key="a",
    image="a",
    reason="The file is empty.",
)
WAITING = replace(REJECTED, status=Status.WAITING)


def test_regions_from_before_they_had_an_outline_are_read() -> None:
    old = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4, "area": 0.05, "severity": 1.5}
    assert Region.from_json(old).polygon == ()


def test_records_from_before_kinds_had_names_are_read() -> None:
    old = JUDGED.to_item(16)
    del old["Kinds"], old["Anomalies"][0]["name"]
    record = Record.from_item(old)
    assert record.kinds == ()
    assert record.regions[0].name == "anomaly"


# The order is the frozen interface of `spotcheck results --json`.
FROZEN = [
    "request_id", "date", "bucket", "key", "image", "status", "is_anomalous", "confidence", "score",
    "threshold", "reason", "video", "frame", "seconds", "model_version",
]  # fmt: skip


@pytest.mark.parametrize("record", [JUDGED, REJECTED, WAITING])
def test_an_item_reads_back_as_the_record(record: Record) -> None:
    stored = {name: TypeSerializer().serialize(value) for name, value in record.to_item(16).items()}
    item = {name: TypeDeserializer().deserialize(value) for name, value in stored.items()}
    assert Record.from_item(item) == record


@pytest.mark.parametrize("record", [JUDGED, REJECTED, WAITING])
def test_json_reads_back_as_the_record(record: Record) -> None:
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_json_begins_with_the_frozen_keys() -> None:
    assert list(JUDGED.to_json())[: len(FROZEN)] == FROZEN


def test_keys_of_a_later_version_are_left_alone() -> None:
    assert Record.from_json({**REJECTED.to_json(), "of_the_future": 1}) == REJECTED


def test_the_notebooks_attributes_keep_their_names_and_become_what_they_are() -> None:
    item = JUDGED.to_item(16)
    assert item["RequestID"] == JUDGED.request_id
    assert item["Date"] == "2026-11-22T10:00:00.123Z"
    assert item["DetectAnomalyResult"] is True
    assert item["Confidence"] == Decimal("0.875")
    assert item["Image"] == "cell.png"


def test_a_first_frame_keeps_its_zeros() -> None:
    item = JUDGED.to_item(16)
    assert (item["FrameIndex"], item["Seconds"]) == (0, Decimal(0))


def test_what_is_not_known_has_no_attribute() -> None:
    assert not {"Confidence", "DetectAnomalyResult", "VideoId", "Metadata"} & REJECTED.to_item(16).keys()


def test_only_anomalous_items_are_in_the_index_of_the_anomalous() -> None:
    assert JUDGED.to_item(16)["AnomalousDayShard"] == JUDGED.to_item(16)["DayShard"]
    assert "AnomalousDayShard" not in replace(JUDGED, is_anomalous=False).to_item(16)
    assert "AnomalousDayShard" not in REJECTED.to_item(16)


def test_only_waiting_items_are_in_the_index_of_the_waiting() -> None:
    assert WAITING.to_item(16)["WaitingDayShard"] == WAITING.to_item(16)["DayShard"]
    assert "WaitingDayShard" not in JUDGED.to_item(16)


def test_the_shard_comes_from_the_request_id() -> None:
    assert JUDGED.to_item(16)["DayShard"] == f"2026-11-22#{0x0A1B2C3D % 16:02d}"
    assert REJECTED.to_item(4)["DayShard"] == day_shard("2026-11-22", 3)


def test_the_sort_key_is_date_then_id() -> None:
    assert JUDGED.to_item(16)["DateId"] == f"{JUDGED.date}#{JUDGED.request_id}"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100))
def test_dynamodb_takes_every_finite_score(score: float) -> None:
    item = replace(JUDGED, score=score).to_item(16)
    assert TypeSerializer().serialize(item["Score"])
    assert float(item["Score"]) == (score if abs(score) > 1e-100 else 0)


def test_a_probability_too_small_for_dynamodb_is_none_at_all() -> None:
    assert replace(JUDGED, probability=9.86e-305).to_item(16)["Probability"] == 0


def test_a_waiting_record_is_not_final_and_the_others_are() -> None:
    assert not WAITING.is_final
    assert JUDGED.is_final
    assert REJECTED.is_final


def test_a_row_of_the_notebook_is_read() -> None:
    row = {
        "RequestID": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "Date": "Tue, 03 Aug 2021 14:05:09 GMT",
        "DetectAnomalyResult": "True",
        "Confidence": "0.9996867775917053",
        "Image": "car.jpg",
    }
    record = Record.from_item(row)
    assert record.request_id == row["RequestID"]
    assert record.date == "2021-08-03T14:05:09.000Z"
    assert record.status is Status.JUDGED
    assert record.is_anomalous is True
    assert record.confidence == 0.9996867775917053
    assert record.image == "car.jpg"


def test_a_damaged_row_of_the_notebook_is_read_as_far_as_it_goes() -> None:
    row = {"RequestID": "x", "Date": "yesterday", "DetectAnomalyResult": "False", "Confidence": "None"}
    record = Record.from_item(row)
    assert (record.date, record.is_anomalous, record.confidence) == ("yesterday", False, None)


def test_a_timestamp_is_utc_in_milliseconds() -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2026-11-22T10:00:00.123Z"
