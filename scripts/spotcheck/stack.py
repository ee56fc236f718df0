"""One Terraform stack, on AWS or on the embedded AWS: planned, applied, destroyed, asked for its outputs."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from spotcheck.exceptions import StackError
from spotcheck.targets import STATE_DIR, is_on_this_machine
from spotcheck.terraform_cli import FLAG, ROOT, TerraformCli, provider_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

CONFIGURATION = ROOT / "terraform"
PACKAGE_DIR = ROOT / "build" / "package"
LOCAL_ACCOUNT = "123456789012"
LOCAL_REGION = "us-east-1"

_PARALLELISM = 30  # the provider mostly waits: ten at a time would wait in turns
_BACKEND_OVERRIDE = "backend_override.tf"
_READING = re.compile(r": (Refreshing state\.\.\.|Reading\.\.\.|Still reading\.\.\.|Read complete after)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What Terraform would do.

    Attributes:
        has_changes: Whether it would do anything.
        text: The plan as Terraform prints it.
        file: The saved plan that `Stack.apply` takes.
        destroys: Whether it takes the stack down.
    """

    has_changes: bool
    text: str
    file: Path
    destroys: bool = False


class Stack:
    """One stack; made by `Stack.aws` or `Stack.local`.

    Attributes:
        kind: `aws` for the user's account, `local` for the embedded AWS.
        folder: Terraform's working directory.
        variables: Values given to Terraform's input variables.

    Examples:
        >>> stack = Stack.local("http://127.0.0.1:4566")
        >>> stack.init()
        >>> stack.apply(stack.plan())
        >>> stack.outputs()["images_bucket"]
        'spotcheck-images-123456789012-us-east-1'
    """

    def __init__(
        self,
        kind: Literal["aws", "local"],
        folder: Path,
        environment: Mapping[str, str],
        variables: Mapping[str, str],
        backend_config: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.variables = dict(variables)
        self._backend_config = list(backend_config)
        self._terraform = TerraformCli(folder, environment)

    @classmethod
    def aws(cls, *, backend_config: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> Stack:
        """The stack in the user's account, in the clone's own `terraform/` folder.

        Args:
            backend_config: For remote state in S3, as `terraform init -backend-config` takes them. Given
                once, they hold for later commands.
            variables: Values for input variables, written as on Terraform's command line.

        Raises:
            StackError: The environment sends AWS calls to this machine.
        """
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        if is_on_this_machine(endpoint):
            message = f"AWS_ENDPOINT_URL is {endpoint}, which is no AWS account: unset it, or use --local."
            raise StackError(message)
        environment = _with_providers(os.environ)
        return cls("aws", CONFIGURATION, environment, variables or {}, backend_config)

    @classmethod
    def local(
        cls,
        endpoint_url: str,
        variables: Mapping[str, str] | None = None,
        *,
        state_dir: Path = STATE_DIR,
    ) -> Stack:
        """The stack on the embedded AWS: fake credentials, own state, nothing of the user's environment.

        Args:
            endpoint_url: Where the embedded AWS serves, on loopback.
            variables: Values for input variables, written as on Terraform's command line.
            state_dir: Where state and working directory go, below `terraform/`.

        Raises:
            StackError: The address is not on this machine.
        """
        if not is_on_this_machine(endpoint_url):
            message = f"{endpoint_url} is not on this machine: the embedded AWS serves on loopback only."
            raise StackError(message)
        given = {
            "endpoint_url": endpoint_url,
            "build_dir": str(PACKAGE_DIR),
            "deletion_protection": "false",
            **(variables or {}),
        }
        data_dir = state_dir.resolve() / ".terraform"
        environment = _with_providers(_local_environment(os.environ, endpoint_url))
        environment["TF_DATA_DIR"] = str(data_dir)
        return cls("local", state_dir.resolve() / "terraform", environment, given)

    def init(self) -> None:
        """Makes the working directory ready: configuration, provider, backend.

        Raises:
            StackError: Terraform failed, or the endpoint is not the embedded AWS.
        """
        if self.kind == "local":
            _check_account(self.variables["endpoint_url"])
            _copy_configuration(self.folder)
        elif self._backend_config:
            override = self.folder / _BACKEND_OVERRIDE
            override.write_text('terraform {\n  backend "s3" {}\n}\n', encoding="utf-8")
        self._terraform.run("init", input=False, no_color=FLAG, backend_config=self._backend_config)

    def plan(self, *, destroy: bool = False) -> Plan:
        """Asks Terraform what it would do; needs `init` first.

        Args:
            destroy: Plan to take the stack down.
        """
        file = self.folder / ".terraform.plan"
        code, said = self._terraform.run(
            "plan",
            allowed=(0, 2),  # 2: there are changes
            detailed_exitcode=FLAG,
            input=False,
            no_color=FLAG,
            parallelism=_PARALLELISM,
            out=str(file),
            destroy=FLAG if destroy else None,
            var=[f"{name}={value}" for name, value in self.variables.items()],
        )
        return Plan(code == 2, _without_reading(said), file, destroy)

    def changes(self, plan: Plan) -> dict[str, Any]:
        """A plan as data: `variables` and `resource_changes` of Terraform's JSON plan format."""
        shown: dict[str, Any] = json.loads(self._terraform.run("show", str(plan.file), json=FLAG)[1])
        return shown

    def apply(self, plan: Plan, on_line: Callable[[str], None] | None = None) -> None:
        """Does what a plan says.

        Args:
            plan: What `plan` gave.
            on_line: Gets Terraform's progress, line by line.

        Raises:
            StackError: Terraform failed; what was done until then is in its state.
        """
        try:
            self._terraform.run(
                "apply",
                str(plan.file),
                input=False,
                no_color=FLAG,
                parallelism=_PARALLELISM,
                on_line=on_line,
            )
        finally:
            plan.file.unlink(missing_ok=True)

    def destroy(self, on_line: Callable[[str], None] | None = None) -> None:
        """Takes the whole stack down; S3 refuses for a bucket that holds anything (`spotcheck.emptying`)."""
        self.apply(self.plan(destroy=True), on_line)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs by name; null where the stack has none (Terraform forgets null outputs)."""
        known = json.loads(self._terraform.run("output", json=FLAG)[1])
        declared = (CONFIGURATION / "outputs.tf").read_text(encoding="utf-8")
        names = re.findall(r'^output "(\w+)"', declared, re.MULTILINE)
        return {name: known.get(name, {}).get("value") for name in names}

    def exists(self) -> bool:
        """Whether anything is deployed, as far as the state of this clone knows."""
        if self._has_remote_state():
            return bool(self._terraform.run("state list")[1].strip())
        try:
            state = json.loads((self.folder / "terraform.tfstate").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        return bool(state.get("resources"))

    def _has_remote_state(self) -> bool:
        try:
            known = json.loads((self.folder / ".terraform" / "terraform.tfstate").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        return bool((known.get("backend") or {}).get("type", "local") != "local")


def _with_providers(environment: Mapping[str, str]) -> dict[str, str]:
    joined = {**environment, **provider_environment(environment)}
    return {name: value for name, value in joined.items() if value}


def _local_environment(environment: Mapping[str, str], endpoint_url: str) -> dict[str, str]:
    """An environment from which no call can reach a real account, whatever the user has set."""
    foreign = ("AWS_", "TF_VAR_", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_DATA_DIR")
    kept = {name: value for name, value in environment.items() if not name.startswith(foreign)}
    return kept | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": LOCAL_REGION,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _check_account(endpoint_url: str) -> None:
    """Refuses whatever answers there but is not the embedded AWS's account."""
    from botocore.exceptions import BotoCoreError, ClientError

    from spotcheck.targets import local_config, local_session

    sts = local_session().client("sts", endpoint_url=endpoint_url, config=local_config())
    try:
        account = sts.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        message = (
            f"The embedded AWS does not answer at {endpoint_url} ({error}): start it with `spotcheck up`."
        )
        raise StackError(message) from error
    if account != LOCAL_ACCOUNT:
        message = f"{endpoint_url} answers for account {account}; --local works on {LOCAL_ACCOUNT} alone."
        raise StackError(message)


def _copy_configuration(folder: Path) -> None:
    """A fresh copy, so that a backend for AWS never leaks in, nor a file that was since removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.tf"):
        stale.unlink()
    for source in CONFIGURATION.glob("*.tf"):
        if source.name != _BACKEND_OVERRIDE:
            shutil.copyfile(source, folder / source.name)


def _without_reading(said: str) -> str:
    """The plan without the lines that tell how Terraform read the world before it planned."""
    lines = [line for line in said.splitlines() if not _READING.search(line)]
    return "\n".join(lines).split("\n\nSaved the plan to:")[0].rstrip("\n─ ").strip()
