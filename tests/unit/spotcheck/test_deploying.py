"""What deploy and destroy ask, refuse and do, with Terraform and AWS stood in for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from spotcheck import choosing, deploying, emptying, packaging, smoke
from spotcheck.choosing import architecture_of, choose_stack
from spotcheck.cli import app
from spotcheck.exceptions import PreflightError, SmokeError, StackError, TargetError
from spotcheck.preflight import Finding
from spotcheck.stack import Plan
from spotcheck.targets import Target

if TYPE_CHECKING:
    from pathlib import Path

OUTPUTS: dict[str, Any] = {"results_table": "t", "region": "eu-west-1", "project_name": "p"}


class FakeStack:
    """A stack that notes what is done to it."""

    def __init__(self, tmp_path: Path, kind: str = "aws", *, has_changes: bool = True) -> None:
        self.kind = kind
        self.folder = tmp_path
        self.variables: dict[str, str] = {}
        self.has_changes = has_changes
        self.done: list[str] = []

    def init(self) -> None:
        self.done.append("init")

    def exists(self) -> bool:
        return True

    def plan(self, *, destroy: bool = False) -> Plan:
        self.done.append("plan to destroy" if destroy else "plan")
        return Plan(self.has_changes, "Plan: 47 to add.", self.folder / "plan", destroy)

    def changes(self, _: Plan) -> dict[str, Any]:
        return {"planned_values": {"outputs": {"region": {"value": "eu-west-1"}}}, "resource_changes": []}

    def apply(self, _: Plan, on_line: Any = None) -> None:
        self.done.append("apply")
        on_line("aws_s3_bucket.this: Creation complete after 1s")

    def outputs(self) -> dict[str, Any]:
        return OUTPUTS


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeStack:
    stack = FakeStack(tmp_path)
    monkeypatch.setattr(deploying, "choose_stack", lambda **_: stack)
    monkeypatch.setattr(packaging, "build", lambda _: None)
    monkeypatch.setattr(deploying, "aws_identity", lambda: ("123456789012", "eu-west-1"))
    monkeypatch.setattr(smoke, "send_smoke_picture", lambda _: smoke.SmokeResult("JUDGED", 1.0))
    monkeypatch.setattr("spotcheck.preflight.run_checks", lambda *_: [])
    monkeypatch.setattr(Target, "client", lambda *_: None)
    monkeypatch.setattr(emptying, "held_data", lambda *_: [])
    monkeypatch.setattr(emptying, "lift_protection", lambda *_: stack.done.append("lift protection"))
    monkeypatch.setattr(emptying, "empty_buckets", lambda *_: stack.done.append("empty"))
    return stack


def run(*arguments: str, answer: str = "") -> Any:
    return CliRunner().invoke(app, arguments, input=answer)


def test_plan_shows_the_plan_and_changes_nothing(stack: FakeStack) -> None:
    result = run("plan")
    assert "Plan: 47 to add." in result.stdout
    assert stack.done == ["init", "plan"]


def test_deploy_shows_the_plan_and_applies_only_after_a_yes(stack: FakeStack) -> None:
    result = run("deploy", answer="y\n")
    assert result.exit_code == 0
    assert "Plan: 47 to add." in result.stdout
    assert stack.done == ["init", "plan", "apply"]


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_deploy_without_a_yes_changes_nothing(stack: FakeStack, answer: str) -> None:
    result = run("deploy", answer=answer)
    assert isinstance(result.exception, StackError)
    assert stack.done == ["init", "plan"]


def test_deploy_with_yes_does_not_ask(stack: FakeStack) -> None:
    assert run("deploy", "--yes").exit_code == 0
    assert "apply" in stack.done


def test_a_stack_without_changes_is_tried_and_not_applied(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Target] = []

    def judge(target: Target) -> smoke.SmokeResult:
        tried.append(target)
        return smoke.SmokeResult("JUDGED", 1.0)

    monkeypatch.setattr(smoke, "send_smoke_picture", judge)
    stack.has_changes = False
    assert run("deploy").exit_code == 0
    assert stack.done == ["init", "plan"]
    assert len(tried) == 1


@pytest.mark.usefixtures("stack")
def test_a_finding_that_stops_comes_before_the_question(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spotcheck.preflight.run_checks", lambda *_: [Finding("The name is taken.")])
    result = run("deploy", "--yes")
    assert isinstance(result.exception, PreflightError)
    assert str(result.exception) == "Nothing was changed.\nThe name is taken."
    assert stack.done == ["init", "plan"]


@pytest.mark.usefixtures("stack")
def test_a_note_does_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotcheck.preflight.run_checks", lambda *_: [Finding("Ten at a time.", stops=False)])
    assert run("deploy", "--yes").exit_code == 0


@pytest.mark.usefixtures("stack")
def test_a_pipeline_that_does_not_judge_fails_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: Target) -> None:
        message = "no record"
        raise SmokeError(message)

    monkeypatch.setattr(smoke, "send_smoke_picture", silent)
    result = run("deploy", "--yes")
    assert result.exit_code == 1
    assert isinstance(result.exception, SmokeError)


def test_destroy_takes_an_empty_stack_down_after_lifting_the_tables_protection(stack: FakeStack) -> None:
    assert run("destroy", "--yes").exit_code == 0
    assert stack.done == ["init", "init", "plan to destroy", "lift protection", "apply"]


def test_destroy_refuses_data_and_names_it(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emptying, "held_data", lambda *_: ["bucket images", "table t"])
    result = run("destroy", "--yes")
    assert "bucket images, table t. --delete-data" in str(result.exception)
    assert stack.done == ["init"]


def test_destroy_with_delete_data_empties_only_after_a_yes(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emptying, "held_data", lambda *_: ["bucket images"])
    run("destroy", "--delete-data", answer="n\n")
    assert "empty" not in stack.done
    stack.done.clear()
    assert run("destroy", "--delete-data", answer="y\n").exit_code == 0
    assert stack.done == ["init", "init", "plan to destroy", "empty", "lift protection", "apply"]


def test_local_and_aws_exclude_each_other() -> None:
    with pytest.raises(TargetError, match="exclude each other"):
        choose_stack(local=True, aws=True)


def test_the_local_stack_needs_a_running_embedded_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotcheck.embedded.find_server", lambda *_: None)
    with pytest.raises(TargetError, match="spotcheck up"):
        choose_stack(local=True, aws=False)


def test_a_backend_is_for_aws_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotcheck.embedded.find_server", lambda *_: None)
    with pytest.raises(TargetError, match="--backend-config is for AWS"):
        choose_stack(local=True, aws=False, backend_config=["bucket=b"])


@pytest.fixture
def nothing_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr("spotcheck.embedded.find_server", lambda *_: None)
    monkeypatch.setattr("spotcheck.stack.Stack.exists", lambda _: False)
    monkeypatch.setattr(choosing, "aws_identity", lambda: ("123456789012", "eu-west-1"))


@pytest.mark.usefixtures("nothing_deployed")
def test_where_nothing_is_deployed_yet_aws_is_meant() -> None:
    assert choose_stack(local=False, aws=False).kind == "aws"


@pytest.mark.usefixtures("nothing_deployed")
def test_where_nothing_is_deployed_there_is_nothing_to_destroy() -> None:
    with pytest.raises(TargetError, match="Nothing is deployed"):
        choose_stack(local=False, aws=False, must_exist=True)


@pytest.mark.parametrize(
    ("variables", "texts", "expected"),
    [
        ({}, [], "x86_64"),
        ({"architecture": "arm64"}, [], "arm64"),
        ({}, ['name = "x"\narchitecture = "arm64"\n'], "arm64"),
        ({"architecture": "x86_64"}, ['architecture="arm64"'], "x86_64"),
        ({}, ['# architecture = "arm64"'], "x86_64"),
    ],
)
def test_the_layer_is_built_for_the_architecture_that_terraform_will_take(
    variables: dict[str, str], texts: list[str], expected: str
) -> None:
    assert architecture_of(variables, texts) == expected
