"""A new execution environment loads what it needs for its work, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from localaws.lambda_.packages import RUNTIME_DISTRIBUTIONS
from spotcheck.licences import pins

ROOT = Path(__file__).resolve().parents[3]
CHALICE_APP = ROOT / "chalice_app"


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


@pytest.mark.parametrize("foreign", ["chalicelib.training", "chalicelib.measuring", "onnx", "jinja2"])
def test_the_api_never_meets_what_only_training_needs(foreign: str) -> None:
    modules = modules_after("import app, chalicelib.lookout.api.wiring")
    assert "chalicelib.lookout.api.training" in modules
    assert foreign not in modules


def test_training_needs_nothing_that_its_layers_do_not_have() -> None:
    """What is loaded comes from the zip, from the layers, or with AWS's own Python."""
    modules = modules_after(
        "import app, chalicelib.wiring, chalicelib.lookout.training.trainer, chalicelib.lookout.api.wiring\n"
        "from chalicelib.training import method, patchcore, labelled, efficientnet, graph, likeness, folds"
    )
    # certifi: botocore takes it where it is; the other adds data files to botocore.
    had = {"chalice", "spotcheck", "certifi", "botocore-a-la-carte-lookoutvision", *RUNTIME_DISTRIBUTIONS}
    for file in ("chalice_app/requirements.txt", "requirements/training.txt"):
        had |= {name.lower() for name, _ in pins(ROOT / file)}
    owners = packages_distributions()
    needed = {
        owner.lower().replace("_", "-")
        for name in modules
        for owner in owners.get(name.partition(".")[0], ())
        if not name.startswith("_")
    }
    assert {"numpy", "onnx", "jinja2"} <= needed
    assert needed <= had
