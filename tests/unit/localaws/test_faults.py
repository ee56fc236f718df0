"""Which calls, deliveries and attempts a fault plan hits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from localaws.exceptions import FaultPlanError
from localaws.faults import Faults, Plan, Rule, read_plan

if TYPE_CHECKING:
    from pathlib import Path


def hits(faults: Faults, count: int = 1000) -> list[bool]:
    """Whether each of so many calls of S3 by a function is hit."""
    return [bool(faults.on_call("s3", "GetObject", "/b/k", function=True)) for _ in range(count)]


def test_nothing_is_hit_without_a_plan() -> None:
    assert not any(hits(Faults()))


def test_a_rule_hits_its_share() -> None:
    assert 70 < sum(hits(Faults(Plan(1, (Rule(kind="error", rate=0.1),))))) < 130


def test_the_same_seed_hits_the_same_ones() -> None:
    rules = (Rule(kind="error", rate=0.3),)
    assert hits(Faults(Plan(7, rules))) == hits(Faults(Plan(7, rules)))
    assert hits(Faults(Plan(7, rules))) != hits(Faults(Plan(8, rules)))


@pytest.mark.parametrize(
    "rule",
    [
        Rule(kind="error", rate=1, service="dynamodb"),
        Rule(kind="error", rate=1, operation="PutObject"),
        Rule(kind="error", rate=1, resource="/other/*"),
        Rule(kind="duplicate", rate=1),
        Rule(kind="timeout", rate=1),
    ],
)
def test_a_rule_leaves_alone_what_it_is_not_about(rule: Rule) -> None:
    assert not any(hits(Faults(Plan(0, (rule,))), 3))


def test_only_functions_are_hit_unless_a_rule_is_for_everyone() -> None:
    for callers, expected in (("functions", []), ("everyone", ["reset"])):
        faults = Faults(Plan(0, (Rule(kind="reset", rate=1, callers=callers),)))
        found = faults.on_call("s3", "GetObject", "/b/k", function=False)
        assert [hit.kind for hit in found] == expected


def test_several_rules_can_hit_one_call() -> None:
    faults = Faults(Plan(0, (Rule(kind="late", rate=1, seconds=2), Rule(kind="error", rate=1))))
    late, error = faults.on_call("s3", "GetObject", "/b/k", function=True)
    assert (late.kind, error.kind) == ("late", "error")
    assert 0 <= late.seconds < 2


def test_deliveries_and_attempts_have_rules_of_their_own() -> None:
    rules = (Rule(kind="duplicate", rate=1, service="s3"), Rule(kind="refuse", rate=1, resource="*:live"))
    faults = Faults(Plan(0, rules))
    assert [hit.kind for hit in faults.on_delivery("s3", "arn:f:live")] == ["duplicate"]
    assert faults.on_delivery("events", "arn:f:live") == []
    assert [hit.kind for hit in faults.on_attempt("arn:f:live")] == ["refuse"]
    assert faults.on_attempt("arn:f") == []


def test_status_counts_by_kind_and_a_new_plan_begins_again() -> None:
    faults = Faults(Plan(0, (Rule(kind="error", rate=1),)))
    hits(faults, 3)
    status = faults.status()
    assert (status["injected"], status["seen"]) == ({"error": 3}, {"calls": 3})
    assert status["rules"][0]["kind"] == "error"
    faults.replace(Plan())
    assert faults.status()["injected"] == {}


def test_a_plan_is_read_from_json(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"seed": 3, "rules": [{"kind": "throttle", "rate": 0.1, "service": "s3"}]}))
    assert read_plan(file) == Plan(3, (Rule(kind="throttle", rate=0.1, service="s3"),))
    assert read_plan(None) == Plan()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no json", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"rules": [{"kind": "gremlin", "rate": 1}]}', "no kind 'gremlin'"),
        ('{"rules": [{"kind": "error", "rate": 2}]}', "between 0 and 1"),
        ('{"rules": [{"kind": "error", "rate": 1, "colour": "red"}]}', "no colour"),
        ('{"rules": [{"kind": "error"}]}', "rate"),
        ('{"rules": [{"kind": "error", "rate": 1, "callers": "nobody"}]}', "functions or everyone"),
    ],
)
def test_a_plan_that_cannot_be_read_says_why(text: str, complaint: str) -> None:
    with pytest.raises(FaultPlanError, match=complaint):
        Plan.from_json(text)


def test_a_plan_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FaultPlanError, match="No such file"):
        read_plan(tmp_path / "none.json")
