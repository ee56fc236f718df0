"""`up`, `down` and `status`: what is started is stopped when it cannot be finished."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer

from spotcheck import embedded, packaging, stack, targets, up
from spotcheck.embedded import Server
from spotcheck.exceptions import StackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVER = Server(4711, "http://127.0.0.1:4999")
OUTPUTS = {"endpoint_url": SERVER.endpoint_url, "images_bucket": "images", "results_table": "results"}


class FakePlan:
    text = "Plan: 2 to add, 0 to change, 0 to destroy."

    def __init__(self, *, has_changes: bool) -> None:
        self.has_changes = has_changes


class FakeStack:
    """A stack that has changes to apply, or none, or fails."""

    def __init__(self, *, has_changes: bool = True, fails: bool = False) -> None:
        self.applied = 0
        self._has_changes = has_changes
        self._fails = fails

    def local(self, *_: Any, **__: Any) -> FakeStack:
        return self

    def init(self) -> None:
        if self._fails:
            msg = "terraform init failed"
            raise StackError(msg)

    def plan(self) -> FakePlan:
        return FakePlan(has_changes=self._has_changes)

    def apply(self, _: FakePlan, on_line: Callable[[str], None]) -> None:
        self.applied += 1
        on_line("aws_s3_bucket.this: Still creating... [10s elapsed]")
        on_line("aws_s3_bucket.this: Creation complete after 12s [id=images]")

    def outputs(self) -> dict[str, Any]:
        return OUTPUTS


class Machine:
    """What runs on this machine, without running it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, running: bool) -> None:
        self.server = SERVER if running else None
        self.stops = 0
        monkeypatch.setattr(embedded, "find_server", lambda *_: self.server)
        monkeypatch.setattr(embedded, "start_server", lambda *_: "process")
        monkeypatch.setattr(embedded, "await_server", lambda *_: SERVER)
        monkeypatch.setattr(embedded, "stop_server", self.stop)
        monkeypatch.setattr(packaging, "build", lambda: None)

    def stop(self, *_: Any) -> bool:
        self.stops += 1
        return True


def test_a_fresh_one_is_started_and_applied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine, fake = Machine(monkeypatch, running=False), FakeStack()
    monkeypatch.setattr(stack, "Stack", fake)
    said: list[str] = []
    standing = up.bring_up(0, state_dir=tmp_path, say=said.append)
    assert (standing.started, standing.changed, fake.applied) == (True, True, 1)
    assert targets.read_outputs(tmp_path) == OUTPUTS
    assert "applying the stack: 1 of 2" in said
    assert machine.stops == 0


def test_one_that_runs_is_applied_again_and_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Machine(monkeypatch, running=True)
    fake = FakeStack(has_changes=False)
    monkeypatch.setattr(stack, "Stack", fake)
    standing = up.bring_up(0, state_dir=tmp_path)
    assert (standing.started, standing.changed, fake.applied) == (False, False, 0)


@pytest.mark.parametrize(("running", "stops"), [(False, 1), (True, 0)])
def test_a_failure_stops_what_was_started_and_only_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, running: bool, stops: int
) -> None:
    machine = Machine(monkeypatch, running=running)
    monkeypatch.setattr(stack, "Stack", FakeStack(fails=True))
    with pytest.raises(StackError):
        up.bring_up(0, state_dir=tmp_path)
    assert machine.stops == stops


def test_status_of_nothing_is_json_too_and_exits_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Machine(monkeypatch, running=False)
    with pytest.raises(typer.Exit) as exited:
        up.status(json=True)
    assert exited.value.exit_code == 3
    assert json.loads(capsys.readouterr().out)["running"] is False


def test_status_env_is_export_lines_for_eval(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Machine(monkeypatch, running=True)
    monkeypatch.setattr(Server, "health", lambda _: {"pid": 4711})
    monkeypatch.setattr(targets, "read_outputs", lambda: OUTPUTS)
    up.status(env=True)
    assert capsys.readouterr().out.splitlines() == [
        "export AWS_ENDPOINT_URL=http://127.0.0.1:4999",
        "export AWS_ACCESS_KEY_ID=test",
        "export AWS_SECRET_ACCESS_KEY=test",
        "export AWS_REGION=us-east-1",
        "export AWS_DEFAULT_REGION=us-east-1",
    ]
