"""A new execution environment loads what it needs for its work, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHALICE_APP = Path(__file__).resolve().parents[3] / "chalice_app"


def modules_after(program: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after running a program."""
    script = f"import json, sys\n{program}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHALICE_APP, capture_output=True, check=True, text=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def of_packaging() -> set[str]:
    return modules_after("import app")


@pytest.fixture(scope="module")
def of_judging() -> set[str]:
    return modules_after("import app, chalicelib.wiring")


@pytest.mark.parametrize("heavy", ["boto3", "numpy", "PIL", "onnxruntime", "aws_lambda_powertools"])
def test_packaging_the_handlers_loads_nothing_heavy(of_packaging: set[str], heavy: str) -> None:
    assert heavy not in of_packaging


@pytest.mark.parametrize(
    "foreign",
    ["chalicelib.training", "chalicelib.measuring", "onnx", "scipy", "spotcheck", "localaws", "moto"],
)
def test_the_way_to_a_verdict_never_meets(of_judging: set[str], foreign: str) -> None:
    assert "chalicelib.judging" in of_judging
    assert foreign not in of_judging
