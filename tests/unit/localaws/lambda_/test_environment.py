"""Environment variables that Lambda takes or refuses."""

from __future__ import annotations

from localaws.lambda_.environment import LIMIT_BYTES, complaint, measured


def test_ordinary_variables_are_taken() -> None:
    assert complaint({"PROJECT_NAME": "cells", "AWS_LAMBDA_EXEC_WRAPPER": "x"}) is None


def test_reserved_names_are_refused_by_name() -> None:
    said = complaint({"AWS_REGION": "x", "LAMBDA_TASK_ROOT": "y", "FINE": "z"})

    assert said is not None
    assert said.endswith("Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT")


def test_the_limit_counts_names_values_and_their_json() -> None:
    room = LIMIT_BYTES - len(measured({"A": ""}))

    assert complaint({"A": "x" * room}) is None
    assert "exceeded the 4KB limit" in str(complaint({"A": "x" * (room + 1)}))
