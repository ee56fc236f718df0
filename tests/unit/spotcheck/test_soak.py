"""The soak's load and faults: repeatable, and of every kind."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.exceptions import PictureRejectedError
from chalicelib.pictures import read_picture
from localaws.faults import KINDS, Plan
from spotcheck import soak
from spotcheck.soak_load import broken, clip, faults, load, picture


def test_a_seed_gives_the_same_load_every_time() -> None:
    assert list(load(200, 1, "p")) == list(load(200, 1, "p"))
    assert list(load(200, 1, "p")) != list(load(200, 2, "p"))


def test_the_load_has_pictures_broken_files_videos_and_keys_uploaded_again() -> None:
    pieces = list(load(1000, 1, "p"))
    keys = Counter(piece.key for piece in pieces)
    again = sum(keys.values()) - len(keys)
    unlucky = sum("unlucky" in piece.key for piece in pieces)
    damaged = sum(piece.content in {broken(kind) for kind in range(3)} for piece in pieces)
    assert sum(piece.is_video for piece in pieces) == 10
    assert 100 < again < 200
    assert 20 < unlucky < 80
    assert 60 < damaged < 140


def test_its_pictures_are_pictures_and_its_broken_files_are_not() -> None:
    assert read_picture(picture(0)).width == 160
    assert clip(0)[4:8] == b"ftyp"
    for kind in range(3):
        with pytest.raises(PictureRejectedError):
            read_picture(broken(kind))


def test_every_kind_of_fault_is_made_at_once() -> None:
    import json

    rules = Plan.from_json(json.dumps({"rules": faults(outage=True)})).rules
    assert {rule.kind for rule in rules} == KINDS
    assert sum(rule.rate for rule in rules if rule.kind == "duplicate") >= 0.1
    assert sum(rule.rate for rule in rules if (rule.kind, rule.service) == ("error", "*")) > 0.05
    assert "denied" not in {rule["kind"] for rule in faults(outage=False)}


def test_an_upload_is_overtaken_when_the_next_version_came_before_its_verdict() -> None:
    sent = [("a", "2", "10:02"), ("a", "1", "10:00"), ("a", "3", "10:06"), ("b", "1", "10:00")]
    verdicts = {("a", "1"): "10:03", ("a", "2"): "10:05", ("a", "3"): "10:09", ("b", "1"): "10:09"}
    assert soak.overtaken(sent, verdicts) == 1
    assert soak.overtaken(sent, {}) == 0


@pytest.mark.parametrize("name", ["lost", "duplicated", "wrong_version", "set_aside"])
def test_a_run_that_broke_a_promise_fails(name: str) -> None:
    good = {"lost": 0, "duplicated": 0, "wrong_version": 0, "set_aside": 0}
    assert not soak.broken(good)
    assert soak.broken(good | {name: 1})
