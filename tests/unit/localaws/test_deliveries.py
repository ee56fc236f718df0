"""What becomes of an event's delivery under faults."""

from __future__ import annotations

import json

from localaws.deliveries import Delivery, disturbed
from localaws.faults import Hit

S3 = json.dumps({"Records": [{"eventTime": "2026-11-22T10:00:00.500Z"}]}).encode()


def test_without_a_fault_an_event_is_delivered_once_and_at_once() -> None:
    assert disturbed(S3, []) == [Delivery(S3)]


def test_a_duplicate_is_the_same_event_later() -> None:
    assert disturbed(S3, [Hit("duplicate", 7)]) == [Delivery(S3), Delivery(S3, 7)]


def test_a_reordered_event_is_held_back() -> None:
    assert disturbed(S3, [Hit("reorder", 5)]) == [Delivery(S3, 5)]


def test_a_skewed_clock_stamps_both_copies_of_an_event_alike() -> None:
    first, second = disturbed(S3, [Hit("skew", 60), Hit("duplicate", 1)])
    assert json.loads(first.payload)["Records"][0]["eventTime"] == "2026-11-22T09:59:00.500Z"
    assert first.payload == second.payload


def test_eventbridge_has_its_time_in_the_envelope() -> None:
    (delivery,) = disturbed(b'{"time": "2026-11-22T10:00:00Z", "detail": {}}', [Hit("skew", 60)])
    assert json.loads(delivery.payload) == {"time": "2026-11-22T09:59:00Z", "detail": {}}
