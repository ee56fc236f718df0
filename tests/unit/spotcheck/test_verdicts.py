"""Following uploads to their verdicts, and showing them."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from chalicelib.measuring.texts import number
from spotcheck.exceptions import UploadError
from spotcheck.verdicts import (
    Outcome,
    Upload,
    clock_time,
    line,
    seconds_to_verdict,
    send_and_follow,
    verdict_text,
)


def record(status: str = "JUDGED", **more: Any) -> dict[str, Any]:
    return {
        "request_id": "1",
        "date": "2026-11-22T10:00:02.500Z",
        "uploaded_at": "2026-11-22T10:00:01.000Z",
        "key": "image_inputs/[red]1.jpg",
        "status": status,
        "is_anomalous": True if status == "JUDGED" else None,
        "confidence": 0.98 if status == "JUDGED" else None,
        "score": 12.5 if status == "JUDGED" else None,
        "reason": None,
        **more,
    }


def send(name: str) -> Upload:
    return Upload("images", name, "v1", name, time.monotonic())


def test_every_upload_gets_its_outcome() -> None:
    outcomes = list(send_and_follow(["a", "b", "c"], send, lambda _: record()))
    assert sorted(outcome.source for outcome in outcomes) == ["a", "b", "c"]
    assert all(outcome.has_result for outcome in outcomes)


def test_a_verdict_that_comes_later_is_waited_for() -> None:
    asked: Counter[str] = Counter()

    def find(name: str) -> dict[str, Any] | None:
        asked[name] += 1
        return record() if asked[name] == 3 else None

    [outcome] = send_and_follow(["a"], send, find)
    assert outcome.has_result
    assert asked["a"] == 3


def test_an_upload_without_a_record_in_time_has_no_result() -> None:
    [outcome] = send_and_follow(["a"], send, lambda _: None, timeout=0.0)
    assert outcome.upload is not None
    assert not outcome.has_result


def test_a_failed_upload_does_not_stop_the_others() -> None:
    def send_some(name: str) -> Upload:
        if name == "b":
            msg = "b: not uploaded"
            raise UploadError(msg)
        return send(name)

    outcomes = {one.source: one for one in send_and_follow("abc", send_some, lambda _: record())}
    assert outcomes["b"].error == "b: not uploaded"
    assert [name for name, one in outcomes.items() if one.has_result] != []
    assert not outcomes["b"].has_result


def test_no_more_uploads_than_allowed_are_without_a_result() -> None:
    open_now: set[str] = set()
    most = 0

    def send_counted(name: str) -> Upload:
        nonlocal most
        open_now.add(name)
        most = max(most, len(open_now))
        return send(name)

    def find(name: str) -> dict[str, Any]:
        open_now.discard(name)
        return record()

    list(send_and_follow("abcdefgh", send_counted, find, in_flight=2))
    assert most <= 2


def test_waiting_for_a_model_is_no_result() -> None:
    assert not Outcome("a", send("a"), record("WAITING")).has_result
    assert Outcome("a", send("a"), record("REJECTED")).has_result


def test_seconds_to_the_verdict_are_between_aws_own_times() -> None:
    assert seconds_to_verdict(record()) == 1.5
    assert seconds_to_verdict(record("WAITING")) is None
    assert seconds_to_verdict(record(uploaded_at="")) is None


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (record(), "Anomalous"),
        (record(is_anomalous=False), "Normal"),
        (record("REJECTED"), "rejected"),
        (record("WAITING"), "waiting"),
        (None, "no result"),
    ],
)
def test_a_verdict_in_a_word(shown: dict[str, Any] | None, text: str) -> None:
    assert verdict_text(shown).plain == text


def test_a_key_that_looks_like_markup_is_shown_as_it_is() -> None:
    assert "[red]1.jpg" in line(record(), 1.5).plain


def test_a_rejection_shows_its_reason_and_no_score() -> None:
    text = line(record("REJECTED", reason="The file is empty."), None).plain
    assert "The file is empty." in text
    assert "score" not in text


def test_a_date_that_is_none_is_shown_as_it_is() -> None:
    assert clock_time("Tue, 3 Nov 2020") == "Tue, 3 Nov 2020"
    assert clock_time(None) == "-"
    assert number(None, ".2f") == "-"
