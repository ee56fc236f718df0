"""Which AWS a command talks to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spotcheck import embedded, stack, targets
from spotcheck.embedded import Server
from spotcheck.exceptions import TargetError
from spotcheck.targets import Target, resolve

if TYPE_CHECKING:
    from pathlib import Path

OUTPUTS: dict[str, Any] = {
    "region": "eu-west-1",
    "project_name": "cells",
    "endpoint_url": "http://127.0.0.1:4999",
}


class Deployed:
    """Stands in for `Stack`: an AWS stack that exists, or does not."""

    def __init__(self, *, exists: bool) -> None:
        self._exists = exists

    def aws(self) -> Deployed:
        return self

    def exists(self) -> bool:
        return self._exists

    def outputs(self) -> dict[str, Any]:
        return {**OUTPUTS, "endpoint_url": None}


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(targets, "STATE_DIR", tmp_path)
    monkeypatch.setattr(targets, "local_target", lambda: targets.Target("local", OUTPUTS, "123456789012"))
    monkeypatch.setattr(targets, "_account", lambda _: "210987654321")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def deployed(monkeypatch: pytest.MonkeyPatch, *, local: bool, aws: bool) -> None:
    server = Server(1, OUTPUTS["endpoint_url"]) if local else None
    monkeypatch.setattr(embedded, "find_server", lambda _: server)
    monkeypatch.setattr(targets, "read_outputs", lambda _: OUTPUTS if local else None)
    monkeypatch.setattr(stack, "Stack", Deployed(exists=aws))


def test_the_only_stack_is_taken_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, local=True, aws=False)
    assert resolve(local=False, aws=False).kind == "local"
    deployed(monkeypatch, local=False, aws=True)
    assert resolve(local=False, aws=False).kind == "aws"


def test_two_stacks_and_none_named_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, local=True, aws=True)
    with pytest.raises(TargetError, match="--aws or --local"):
        resolve(local=False, aws=False)


def test_no_stack_at_all_is_an_error_that_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, local=False, aws=False)
    with pytest.raises(TargetError, match="spotcheck up"):
        resolve(local=False, aws=False)


def test_a_shell_pointed_at_this_machine_does_not_mean_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, local=True, aws=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert resolve(local=False, aws=False).kind == "local"


def test_local_and_aws_exclude_each_other() -> None:
    with pytest.raises(TargetError, match="exclude"):
        resolve(local=True, aws=True)


def test_the_target_is_said_on_stderr_before_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    resolve(local=True, aws=False)
    printed = capsys.readouterr()
    assert "embedded AWS at http://127.0.0.1:4999" in printed.err
    assert printed.out == ""


def test_an_aws_target_names_account_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(monkeypatch, local=False, aws=True)
    target = resolve(local=False, aws=True)
    assert target.describe() == "AWS account 210987654321, region eu-west-1, project cells"
    assert target.endpoint_url is None


def test_a_local_target_uses_nothing_of_the_users_aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere.invalid",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CONFIG_FILE": "/missing",
    }.items():
        monkeypatch.setenv(name, value)
    target = Target("local", OUTPUTS, "123456789012")
    client = target.client("s3")
    credentials = target.session().get_credentials()
    assert client.meta.endpoint_url == OUTPUTS["endpoint_url"]
    assert credentials is not None
    assert (credentials.access_key, credentials.token) == ("test", None)


def test_outputs_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert targets.read_outputs(tmp_path / "state") is None
    targets.write_outputs(OUTPUTS, tmp_path / "state")
    assert targets.read_outputs(tmp_path / "state") == OUTPUTS
