"""Terraform found, its provider found, and its errors made readable."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from spotcheck import terraform_cli
from spotcheck.exceptions import PrerequisiteError, StackError
from spotcheck.terraform_cli import FLAG, TerraformCli, find_mirror, find_terraform, last_error

if TYPE_CHECKING:
    from pathlib import Path

FRAMED = """
\x1b[31m╷\x1b[0m
│ \x1b[1mError: creating S3 Bucket (b): BucketAlreadyExists\x1b[0m
│
│   with aws_s3_bucket.this["images"],
│   on buckets.tf line 1
╵
"""


def fake_terraform(folder: Path, body: str, version: str = "1.11.4") -> Path:
    """A program called terraform that answers `version -json` and then does what `body` says."""
    program = folder / "terraform"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"if sys.argv[1] == 'version':\n    print(json.dumps({{'terraform_version': {version!r}}}))\n"
        "    sys.exit()\n" + body
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def mirror(root: Path, version: str, platform: str | None = None) -> Path:
    folder = root / "registry.terraform.io/hashicorp/aws" / version / (platform or terraform_cli._platform())
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_v{version}_x5").touch()
    return root


def test_the_terraform_on_path_is_taken(on_path: Path) -> None:
    program = fake_terraform(on_path, "")
    assert find_terraform() == program


@pytest.mark.usefixtures("on_path")
def test_a_missing_terraform_is_one_line_that_names_what_to_install() -> None:
    with pytest.raises(PrerequisiteError, match=r"^Terraform is missing: install version 1\.9 or newer .*$"):
        find_terraform()


@pytest.mark.parametrize("version", ["1.8.5", "0.15.0", "1.8.9-rc1"])
def test_an_old_terraform_is_refused(on_path: Path, version: str) -> None:
    fake_terraform(on_path, "", version)
    with pytest.raises(PrerequisiteError, match=f"{version} is too old"):
        find_terraform()


@pytest.mark.parametrize("version", ["1.9.0", "1.10.0-beta1", "2.0.0"])
def test_a_newer_terraform_is_taken(on_path: Path, version: str) -> None:
    fake_terraform(on_path, "", version)
    find_terraform()


def test_options_become_terraforms_own(on_path: Path) -> None:
    fake_terraform(on_path, "print(json.dumps(sys.argv[1:]))")
    _, said = TerraformCli(on_path, {}).run(
        "plan", "x", no_color=FLAG, input=False, var=["a=1", 'b={"c": 2}'], out="p", destroy=None
    )
    assert json.loads(said) == [
        "plan",
        "-no-color",
        "-input=false",
        "-var=a=1",
        '-var=b={"c": 2}',
        "-out=p",
        "x",
    ]


def test_terraform_gets_the_given_environment_and_nothing_else(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    fake_terraform(on_path, "print(json.dumps(dict(os.environ)))")
    _, said = TerraformCli(on_path, {"AWS_REGION": "us-east-1"}).run("show")
    known = json.loads(said)
    assert known["AWS_REGION"] == "us-east-1"
    assert "AWS_PROFILE" not in known


def test_lines_are_told_as_they_come(on_path: Path) -> None:
    fake_terraform(on_path, "print('one'); print('two')")
    told: list[str] = []
    TerraformCli(on_path, {}).run("apply", on_line=told.append)
    assert told == ["one", "two"]


def test_a_failure_carries_terraforms_own_words(on_path: Path) -> None:
    fake_terraform(on_path, f"sys.stderr.write({FRAMED!r}); sys.exit(1)")
    with pytest.raises(StackError) as caught:
        TerraformCli(on_path, {}).run("apply")
    assert str(caught.value).splitlines()[:2] == [
        "terraform apply failed:",
        "Error: creating S3 Bucket (b): BucketAlreadyExists",
    ]


def test_an_exit_code_may_be_allowed(on_path: Path) -> None:
    fake_terraform(on_path, "sys.exit(2)")
    assert TerraformCli(on_path, {}).run("plan", allowed=(0, 2))[0] == 2


def test_an_error_loses_its_frame_and_colours() -> None:
    assert last_error(FRAMED) == (
        "Error: creating S3 Bucket (b): BucketAlreadyExists\n"
        'with aws_s3_bucket.this["images"],\non buckets.tf line 1'
    )


def test_words_without_an_error_are_cut_to_the_last() -> None:
    assert last_error("a\nb\nc", limit=2) == "b\nc"


def test_silence_is_told() -> None:
    assert last_error("") == "it said nothing."


def test_a_mirror_with_a_usable_provider_is_found(tmp_path: Path) -> None:
    usable = mirror(tmp_path / "b", "5.100.0")
    assert find_mirror({}, [tmp_path / "a", usable]) == usable


@pytest.mark.parametrize(
    ("version", "platform"), [("5.99.0", None), ("6.1.0", None), ("latest", None), ("5.100.0", "plan9_mips")]
)
def test_a_mirror_that_cannot_serve_is_passed_over(
    tmp_path: Path, version: str, platform: str | None
) -> None:
    assert find_mirror({}, [mirror(tmp_path, version, platform)]) is None


def test_the_users_plugin_folder_is_looked_at(tmp_path: Path) -> None:
    usable = mirror(tmp_path / ".terraform.d" / "plugins", "5.100.0")
    assert find_mirror({"HOME": str(tmp_path)}) == usable


@pytest.fixture
def tools_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(terraform_cli, "TOOLS_DIR", tmp_path / "tools")
    return tmp_path / "tools"


@pytest.mark.usefixtures("tools_dir")
def test_a_configuration_of_the_user_is_left_alone(tmp_path: Path) -> None:
    mirror(tmp_path / ".terraform.d" / "plugins", "5.100.0")
    (tmp_path / ".terraformrc").touch()
    (tmp_path / "mine").touch()
    assert "TF_CLI_CONFIG_FILE" not in terraform_cli.provider_environment({"HOME": str(tmp_path)})
    assert "TF_CLI_CONFIG_FILE" not in terraform_cli.provider_environment(
        {"HOME": str(tmp_path), "TF_CLI_CONFIG_FILE": str(tmp_path / "mine")}
    )


def test_a_configuration_that_does_not_exist_gives_way_to_the_mirror(tmp_path: Path, tools_dir: Path) -> None:
    root = mirror(tmp_path / ".terraform.d" / "plugins", "5.100.0")
    added = terraform_cli.provider_environment(
        {"HOME": str(tmp_path), "TF_CLI_CONFIG_FILE": str(tmp_path / "nothing")}
    )
    assert added["TF_CLI_CONFIG_FILE"] == str(tools_dir / "terraform.rc")
    assert str(root) in (tools_dir / "terraform.rc").read_text()


@pytest.mark.usefixtures("tools_dir")
def test_without_a_mirror_terraform_goes_to_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform_cli, "find_mirror", lambda _: None)
    added = terraform_cli.provider_environment({"HOME": str(tmp_path), "TF_CLI_CONFIG_FILE": "/nothing"})
    assert added["TF_CLI_CONFIG_FILE"] == ""


@pytest.mark.usefixtures("tools_dir")
def test_a_plugin_cache_of_the_user_is_kept(tmp_path: Path) -> None:
    added = terraform_cli.provider_environment({"HOME": str(tmp_path), "TF_PLUGIN_CACHE_DIR": "/mine"})
    assert "TF_PLUGIN_CACHE_DIR" not in added
