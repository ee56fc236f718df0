"""What a dataset's document says, and what is to be read in one that nobody finished."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.documents import Document
from chalicelib.exceptions import ConfigurationError
from chalicelib.lookout.api.contract import service_model
from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
from chalicelib.lookout.api.dataset_records import FAILURES, JOB_SECONDS, READY, DatasetRecord

MOMENT = "2026-11-25T21:00:00.000Z"


def record(status: str, age: float = 0.0) -> DatasetRecord:
    images = {"total": 3, "labeled": 2, "normal": 1, "anomaly": 1, "masked": 0}
    value: dict[str, Any] = {
        "identity": "i",
        "status": status,
        "message": "",
        "images": images,
        "entries": None,
    }
    value |= {"created_at": MOMENT, "updated_at": MOMENT, "job": {"id": "1"}, "tokens": {}}
    return DatasetRecord.of("cars", "train", Document(value, "etag", age))


@pytest.mark.parametrize("status", FAILURES)
def test_work_that_does_not_end_in_an_hour_has_failed(status: str) -> None:
    assert record(status, JOB_SECONDS).status == status
    late = record(status, JOB_SECONDS + 1)
    assert late.status == FAILURES[status]
    assert "try again" in late.message
    assert late.value["status"] == late.status


@pytest.mark.parametrize("status", sorted(READY | set(FAILURES.values())))
def test_what_has_ended_stays_as_it_is(status: str) -> None:
    assert record(status, JOB_SECONDS * 1000).status == status


def test_every_state_is_one_of_the_services() -> None:
    states = set(service_model().shape_for("DatasetStatus").metadata["enum"])
    assert READY | FAILURES.keys() | set(FAILURES.values()) <= states


def test_a_description_has_what_the_model_names() -> None:
    shape = service_model().shape_for("DatasetDescription")
    described = record("CREATE_COMPLETE").description()
    assert set(described) == set(shape.members)  # type: ignore[attr-defined]
    assert described["ImageStats"] == {"Total": 3, "Labeled": 2, "Normal": 1, "Anomaly": 1}


# ---------------------------------------------------------------- buckets


def test_buckets_come_from_the_environment() -> None:
    buckets = DatasetBuckets.from_environment({"IMAGES_BUCKET": "own", "DATASET_BUCKETS": "one,two"})
    assert buckets == DatasetBuckets("own", frozenset({"one", "two"}))
    assert DatasetBuckets.from_environment({"IMAGES_BUCKET": "own"}) == DatasetBuckets("own")


def test_without_the_stacks_own_bucket_nothing_works() -> None:
    with pytest.raises(ConfigurationError, match="IMAGES_BUCKET"):
        DatasetBuckets.from_environment({})


@pytest.mark.parametrize(
    ("bucket", "key", "refused"),
    [
        ("one", "any/key.png", False),
        ("own", "datasets/a.png", False),
        ("own", "image_inputs/a.png", True),
        ("own", "datasets", True),
        ("three", "datasets/a.png", True),
        (None, "a.png", True),
    ],
)
def test_pictures_lie_in_granted_buckets_or_in_their_place_of_our_own(
    bucket: str | None,
    key: str,
    refused: bool,  # noqa: FBT001
) -> None:
    told = DatasetBuckets("own", frozenset({"one"})).refusal(bucket, key)
    assert (told is not None) is refused
    if told:
        assert "s3://own/datasets/" in told
