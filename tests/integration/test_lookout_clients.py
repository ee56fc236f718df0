"""The API as deployed: the AWS CLI with the notebook's own commands, and `spotcheck model delete`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support_deployed import PATIENCE
from support_models import normal_png

from chalicelib.registry import ModelRegistry
from spotcheck.tools import tool

if TYPE_CHECKING:
    from pathlib import Path

    from support_deployed import Deployed

PROJECT = "Line-7"  # not the stack's own: its uploads go on being judged
VERSION = ("--project-name", PROJECT, "--model-version", "1")


@dataclass(frozen=True)
class Cli:
    """The AWS CLI in a shell that has evaluated what `lookout-env` and `status --env` print.

    Attributes:
        program: `aws`.
        environment: The shell's.
        folder: Where it is called.
    """

    program: Path
    environment: dict[str, str]
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), "lookoutvision", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def __call__(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def until(self, wanted: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while (found := self("describe-model", *VERSION)["ModelDescription"])["Status"] != wanted:
            assert time.monotonic() < deadline, found
        return dict(found)


def exported(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def line(pipeline: Deployed, model_file: Path) -> str:
    """A project of its own with two versions, neither of them started."""
    registry = ModelRegistry(pipeline.client("s3"), pipeline.outputs["models_bucket"], PROJECT)
    for _ in range(2):
        registry.register(registry.claim(), model_file.read_bytes(), {})
    return PROJECT


@pytest.fixture(scope="module")
def aws(pipeline: Deployed, line: str, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The AWS CLI, and a picture beside it."""
    del line
    try:
        program = tool("aws", "awscli")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the AWS CLI of requirements/awscli.txt can not be installed here: {error}")
    folder = tmp_path_factory.mktemp("aws")
    Image.open(io.BytesIO(normal_png(71))).convert("RGB").save(folder / "picture.jpg", quality=95)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    printed = exported(pipeline.spotcheck("status", "--env")) | exported(
        pipeline.spotcheck("lookout-env", "--folder", folder / "data")
    )
    return Cli(program, kept | printed, folder)


# ---------------------------------------------------------------- the AWS CLI


def test_the_aws_cli_has_the_command_only_by_what_lookout_env_prints(aws: Cli) -> None:
    environment = {name: value for name, value in aws.environment.items() if name != "AWS_DATA_PATH"}
    without = Cli(aws.program, environment, aws.folder).run("list-projects")
    assert without.returncode != 0
    assert "Invalid choice" in without.stderr


def test_the_aws_cli_lists_projects(aws: Cli) -> None:
    assert {PROJECT, "spotcheck"} <= {one["ProjectName"] for one in aws("list-projects")["Projects"]}


def test_the_aws_cli_starts_a_model_detects_with_it_and_stops_it(aws: Cli) -> None:
    assert aws("describe-model", *VERSION)["ModelDescription"]["Status"] == "TRAINED"
    assert aws("start-model", *VERSION, "--min-inference-units", "1") == {"Status": "STARTING_HOSTING"}
    assert aws.until("HOSTED")["MinInferenceUnits"] == 1
    picture = ("--content-type", "image/jpeg", "--body", "picture.jpg")
    found = aws("detect-anomalies", *VERSION, *picture)["DetectAnomalyResult"]
    assert found["Source"] == {"Type": "direct"}
    assert isinstance(found["IsAnomalous"], bool)
    assert 0.5 <= found["Confidence"] <= 1
    assert aws("stop-model", *VERSION) == {"Status": "STOPPING_HOSTING"}
    aws.until("TRAINED")


def test_the_aws_cli_tells_the_services_own_errors(aws: Cli) -> None:
    done = aws.run("stop-model", *VERSION)
    assert done.returncode != 0
    assert "(ConflictException) when calling the StopModel operation" in done.stderr


# ---------------------------------------------------------------- our own command


def test_the_command_deletes_a_version_and_no_other(pipeline: Deployed, line: str) -> None:
    deleted = pipeline.spotcheck("model", "delete", "--version", "1", "--project", line, "--json")
    assert deleted.returncode == 0, deleted.stderr
    assert json.loads(deleted.stdout) == {"ModelVersion": "1", "Status": "DELETED"}
    listed = json.loads(pipeline.spotcheck("model", "list", "--project", line, "--json").stdout)
    assert [one["ModelVersion"] for one in listed] == ["2"]


def test_what_is_hosted_is_not_deleted(pipeline: Deployed) -> None:
    done = pipeline.spotcheck("model", "delete", "--version", "1")
    assert done.returncode == 1
    assert "HOSTED" in done.stderr.splitlines()[-1]
