"""The runbook is true: it has a section for each alarm, and every command in it runs."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support_films import film
from support_models import normal_png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support_deployed import Deployed

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = list(
    dict.fromkeys(line for block in BLOCK.findall(RUNBOOK.read_text()) for line in block.splitlines() if line)
)


@pytest.fixture(scope="module")
def desk(
    pipeline: Deployed,
    model_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """A folder with the files that the commands name; the stack is as it was afterwards."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(model_file, folder / "model.onnx")
    (folder / "clip.mp4").write_bytes(film(folder))
    (folder / "picture.png").write_bytes(normal_png(71))
    for name, prefix, bucket in (
        ("picture.png", "image_inputs/", "images_bucket"),
        ("clip.mp4", "video_inputs/", "videos_bucket"),
    ):
        pipeline.client("s3").upload_file(str(folder / name), pipeline.outputs[bucket], f"{prefix}{name}")
    yield folder
    assert pipeline.spotcheck("up", "--detach").returncode == 0


def test_every_alarm_has_a_section(deployed: Deployed) -> None:
    found = deployed.client("cloudwatch").describe_alarms()["MetricAlarms"]
    handlers = "|".join(deployed.outputs["function_names"])
    names = {re.sub(rf"-({handlers})$", "", alarm["AlarmName"].removeprefix("spotcheck-")) for alarm in found}
    sections = set(re.findall(r"^## ([a-z-]+)$", RUNBOOK.read_text(), re.MULTILINE))
    assert names == sections


def test_every_command_is_ours() -> None:
    assert [command for command in COMMANDS if not command.startswith("spotcheck ")] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_runs(
    pipeline: Deployed, desk: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(desk)
    done = pipeline.spotcheck(*shlex.split(command)[1:])
    assert done.returncode == 0, done.stdout + done.stderr
