"""What a stack asks of Terraform, and with which environment; Terraform itself is stood in for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from spotcheck import stack as stack_module
from spotcheck.exceptions import StackError
from spotcheck.stack import Plan, Stack

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT = "http://127.0.0.1:4566"


class FakeTerraform:
    """Remembers what it was asked, and answers what it was told to."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.asked: list[tuple[str, tuple[str, ...], dict[str, Any]]] = []
        self.answers: dict[str, tuple[int, str]] = {}

    def run(self, command: str, *arguments: str, **options: Any) -> tuple[int, str]:
        self.asked.append((command, arguments, options))
        return self.answers.get(command, (0, ""))


@pytest.fixture(autouse=True)
def no_terraform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stack_module, "TerraformCli", FakeTerraform)
    monkeypatch.setattr(stack_module, "provider_environment", lambda _: {})
    monkeypatch.setattr(stack_module, "_check_account", lambda _: None)
    monkeypatch.setattr(stack_module, "CONFIGURATION", configuration(tmp_path / "terraform"))


def configuration(folder: Path) -> Path:
    folder.mkdir()
    (folder / "outputs.tf").write_text('output "images_bucket" {\n}\noutput "api_url" {\n}\n')
    (folder / "main.tf").write_text("# main")
    return folder


def terraform_of(stack: Stack) -> FakeTerraform:
    return stack._terraform  # type: ignore[return-value]


def local(tmp_path: Path, **variables: str) -> Stack:
    return Stack.local(ENDPOINT, variables, state_dir=tmp_path / "state")


def test_the_local_stack_takes_nothing_of_the_users_aws_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "TF_VAR_name", "TF_WORKSPACE"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    environment = terraform_of(local(tmp_path)).environment
    assert {name: value for name, value in environment.items() if name.startswith(("AWS_", "TF_"))} == {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "TF_DATA_DIR": str(tmp_path / "state" / ".terraform"),
    }


@pytest.mark.parametrize("endpoint", ["https://s3.amazonaws.com", "http://10.0.0.5:4566", "nonsense"])
def test_the_local_stack_stays_on_this_machine(endpoint: str) -> None:
    with pytest.raises(StackError, match="loopback only"):
        Stack.local(endpoint)


def test_the_aws_stack_refuses_an_environment_that_leads_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
    with pytest.raises(StackError, match="unset it, or use --local"):
        Stack.aws()


def test_init_copies_the_configuration_without_a_backend_for_aws(tmp_path: Path) -> None:
    (tmp_path / "terraform" / "backend_override.tf").write_text("terraform {}")
    stack = local(tmp_path)
    stack.folder.mkdir(parents=True)
    (stack.folder / "removed.tf").touch()
    stack.init()
    assert {path.name for path in stack.folder.glob("*.tf")} == {"main.tf", "outputs.tf"}


def test_a_backend_for_aws_is_written_once(tmp_path: Path) -> None:
    stack = Stack.aws(backend_config=["bucket=b", "key=k"])
    stack.init()
    assert (
        tmp_path / "terraform" / "backend_override.tf"
    ).read_text() == 'terraform {\n  backend "s3" {}\n}\n'
    assert terraform_of(stack).asked[0][2]["backend_config"] == ["bucket=b", "key=k"]


def test_without_a_backend_nothing_is_written(tmp_path: Path) -> None:
    Stack.aws().init()
    assert not (tmp_path / "terraform" / "backend_override.tf").exists()


def test_variables_reach_terraform_as_written(tmp_path: Path) -> None:
    stack = local(tmp_path, name="line7")
    stack.plan()
    given = terraform_of(stack).asked[0][2]["var"]
    assert "name=line7" in given
    assert "deletion_protection=false" in given
    assert f"endpoint_url={ENDPOINT}" in given


@pytest.mark.parametrize(("code", "has_changes"), [(0, False), (2, True)])
def test_the_exit_code_tells_whether_there_are_changes(tmp_path: Path, code: int, has_changes: bool) -> None:  # noqa: FBT001
    stack = local(tmp_path)
    terraform_of(stack).answers["plan"] = (code, "")
    assert stack.plan().has_changes is has_changes


def test_a_plans_text_is_the_plan_and_nothing_before_it(tmp_path: Path) -> None:
    stack = local(tmp_path)
    said = (
        "data.aws_region.current: Reading...\ndata.aws_region.current: Read complete after 0s [id=x]\n"
        "aws_s3_bucket.this: Refreshing state... [id=y]\n\nPlan: 1 to add."
        "\n\n─────\n\nSaved the plan to: /x\n"
    )
    terraform_of(stack).answers["plan"] = (2, said)
    assert stack.plan().text == "Plan: 1 to add."


def test_an_applied_plan_is_not_left_behind(tmp_path: Path) -> None:
    file = tmp_path / "plan"
    file.touch()
    stack = local(tmp_path)
    stack.apply(Plan(has_changes=True, text="", file=file))
    assert not file.exists()
    assert terraform_of(stack).asked[0][1] == (str(file),)


def test_destroy_applies_a_plan_that_destroys(tmp_path: Path) -> None:
    stack = local(tmp_path)
    stack.destroy()
    (planned, _, options), (applied, *_) = terraform_of(stack).asked
    assert (planned, applied) == ("plan", "apply")
    assert options["destroy"] is not None


def test_outputs_are_values_and_a_null_one_is_not_forgotten(tmp_path: Path) -> None:
    stack = local(tmp_path)
    terraform_of(stack).answers["output"] = (
        0,
        json.dumps({"images_bucket": {"value": "b", "type": "string"}}),
    )
    assert stack.outputs() == {"images_bucket": "b", "api_url": None}


@pytest.mark.parametrize(
    ("state", "exists"), [(None, False), ({"resources": []}, False), ({"resources": [{}]}, True)]
)
def test_a_stack_exists_when_its_state_holds_anything(
    tmp_path: Path,
    state: dict[str, Any] | None,
    exists: bool,  # noqa: FBT001
) -> None:
    stack = local(tmp_path)
    stack.folder.mkdir(parents=True)
    if state is not None:
        (stack.folder / "terraform.tfstate").write_text(json.dumps(state))
    assert stack.exists() is exists


def test_with_remote_state_terraform_is_asked_whether_the_stack_exists(tmp_path: Path) -> None:
    known = tmp_path / "terraform" / ".terraform" / "terraform.tfstate"
    known.parent.mkdir()
    known.write_text(json.dumps({"backend": {"type": "s3"}}))
    stack = Stack.aws()
    terraform_of(stack).answers["state list"] = (0, "aws_s3_bucket.this\n")
    assert stack.exists()
