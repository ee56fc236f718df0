"""The Terraform configuration as its own tools see it: formatted, valid, tested, checkov content.

All tools start at once, each test waits for its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from spotcheck.terraform_cli import ROOT, find_terraform, provider_environment
from spotcheck.tools import tool

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = ROOT / "terraform"
SUITES = sorted(path.name for path in (CONFIGURATION / "tests").glob("*.tftest.hcl"))

Done = subprocess.CompletedProcess[str]


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> Done:
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def terraform_environment(data_dir: Path) -> dict[str, str]:
    """No credentials: nothing here may need an AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))}
    added = provider_environment(os.environ) | {"TF_DATA_DIR": str(data_dir)}
    return {name: value for name, value in (kept | added).items() if value}


def run_checkov(folder: Path) -> Done:
    # --skip-download: its own rules are enough, and the test needs no network.
    options = ("--framework", "terraform", "--skip-download", "--compact", "--output", "json")
    return run(tool("checkov", "checkov"), "--directory", folder, *options, cwd=folder)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Done]]]:
    terraform = find_terraform()
    # A copy, so that neither a backend for AWS nor the state of a deployment is touched.
    folder = tmp_path_factory.mktemp("configuration")
    for path in CONFIGURATION.glob("*.tf"):
        if path.name != "backend_override.tf":
            shutil.copy(path, folder)
    environment = terraform_environment(folder / ".terraform")
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        formatted = pool.submit(
            run, terraform, "fmt", "-check", "-diff", "-recursive", cwd=CONFIGURATION, environment=environment
        )
        checked = pool.submit(run_checkov, folder)
        shutil.copytree(CONFIGURATION / "tests", folder / "tests")
        init = run(terraform, "init", "-input=false", "-no-color", cwd=folder, environment=environment)
        assert init.returncode == 0, init.stderr

        def submit(*arguments: str) -> Future[Done]:
            return pool.submit(run, terraform, *arguments, cwd=folder, environment=environment)

        yield {"fmt": formatted, "checkov": checked, "validate": submit("validate", "-no-color")} | {
            suite: submit("test", "-no-color", f"-filter=tests/{suite}") for suite in SUITES
        }


Wait = Callable[[str], Done]


@pytest.fixture
def wait(tools: dict[str, Future[Done]]) -> Wait:
    return lambda name: tools[name].result()


def test_the_configuration_is_formatted(wait: Wait) -> None:
    assert wait("fmt").returncode == 0, wait("fmt").stdout


def test_the_configuration_is_valid(wait: Wait) -> None:
    assert wait("validate").returncode == 0, wait("validate").stdout + wait("validate").stderr


@pytest.mark.parametrize("suite", SUITES)
def test_terraforms_own_tests_pass(wait: Wait, suite: str) -> None:
    done = wait(suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 passed" not in done.stdout


def test_checkov_finds_nothing(wait: Wait) -> None:
    report = json.loads(wait("checkov").stdout)
    failed = {f"{check['check_id']} {check['resource']}" for check in report["results"]["failed_checks"]}
    assert failed == set()
    assert report["summary"]["passed"] > 20


def test_every_checkov_skip_says_why(wait: Wait) -> None:
    skipped = json.loads(wait("checkov").stdout)["results"]["skipped_checks"]
    unexplained = [
        check["check_id"] for check in skipped if len(check["check_result"]["suppress_comment"]) < 20
    ]
    assert unexplained == []


def test_no_provider_but_aws_is_needed() -> None:
    declared = "\n".join(path.read_text(encoding="utf-8") for path in CONFIGURATION.glob("*.tf"))
    kinds = re.findall(r'^(?:resource|data) "([a-z0-9]+)_', declared, re.MULTILINE)
    assert set(kinds) == {"aws"}
    assert re.findall(r'^ +source += "([a-z]+/[a-z]+)"', declared, re.MULTILINE) == ["hashicorp/aws"]
