"""Which AWS a command talks to: the account that the SDK finds, or the embedded AWS.

Every command that touches AWS resolves one `Target` first and says on stderr which it is. A local target
takes nothing from the user's AWS environment: no profile, no credentials, no configured endpoint.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.exceptions import BotoCoreError, ClientError

from spotcheck.console import err
from spotcheck.exceptions import TargetError

if TYPE_CHECKING:
    from chalicelib.registry import ModelRegistry
    from chalicelib.results import ResultsTable
    from chalicelib.video_table import VideoTable

BUILD_DIR = Path(__file__).resolve().parents[2] / "build"
STATE_DIR = Path(os.environ.get("SPOTCHECK_STATE_DIR") or BUILD_DIR / "localaws")
"""Where everything of the embedded AWS lives: process, log, Terraform state, outputs."""

LOCAL_ACCOUNT = "123456789012"
LOCAL_REGION = "us-east-1"
LOCAL_KEY = "test"  # both halves of the fake credentials


@dataclass(frozen=True)
class Target:
    """One deployed stack and the AWS that it lives in.

    Attributes:
        kind: `aws` for a real account, `local` for the embedded AWS.
        outputs: The stack's Terraform outputs.
        account: The account id.
    """

    kind: Literal["aws", "local"]
    outputs: dict[str, Any] = field(repr=False)
    account: str

    @property
    def region(self) -> str:
        """The region that the stack is deployed in, whatever the SDK's default is."""
        return str(self.outputs["region"])

    @property
    def endpoint_url(self) -> str | None:
        """Where the embedded AWS serves; none on AWS."""
        return self.outputs.get("endpoint_url") if self.kind == "local" else None

    def session(self) -> boto3.Session:
        """A boto3 session with this target's credentials and region."""
        return local_session() if self.kind == "local" else boto3.Session(region_name=self.region)

    def client(self, name: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """A boto3 client of the service `name`, for this target's endpoint."""
        return self._session.client(name, **self._options())  # type: ignore[call-overload]

    def resource(self, name: str) -> Any:  # noqa: ANN401 - boto3 makes its resources at run time
        """A boto3 resource of the service `name`, for this target's endpoint."""
        return self._session.resource(name, **self._options())  # type: ignore[call-overload]

    def results_table(self) -> ResultsTable:
        """The stack's results table."""
        from chalicelib.results import ResultsTable

        return ResultsTable(self.resource("dynamodb"), self.outputs["results_table"], shards=self._shards)

    def video_table(self) -> VideoTable:
        """The videos among the stack's results."""
        from chalicelib.video_table import VideoTable

        return VideoTable(self.resource("dynamodb"), self.outputs["results_table"], shards=self._shards)

    @property
    def _shards(self) -> int:
        return int(self.outputs.get("index_shards") or 16)

    def registry(self) -> ModelRegistry:
        """The models of the stack's project."""
        from chalicelib.registry import ModelRegistry

        return ModelRegistry(self.client("s3"), self.outputs["models_bucket"], self.outputs["project_name"])

    def describe(self) -> str:
        """One line for people: which AWS, where, and whose results."""
        place = (
            f"embedded AWS at {self.endpoint_url}"
            if self.kind == "local"
            else f"AWS account {self.account}, region {self.region}"
        )
        return f"{place}, project {self.outputs['project_name']}"

    @cached_property
    def _session(self) -> boto3.Session:
        return self.session()

    def _options(self) -> dict[str, Any]:
        if self.kind == "local":
            return {"endpoint_url": self.endpoint_url, "config": local_config()}
        return {"config": Config(retries={"mode": "adaptive", "max_attempts": 8}, max_pool_connections=32)}


def local_session() -> boto3.Session:
    """A boto3 session with fake credentials that reads neither environment nor files of the user.

    Examples:
        >>> local_session().get_credentials().access_key
        'test'
    """
    deaf = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        deaf[file] = (None, None, os.devnull, None)
    return boto3.Session(
        aws_access_key_id=LOCAL_KEY,
        aws_secret_access_key=LOCAL_KEY,
        region_name=LOCAL_REGION,
        botocore_session=botocore.session.Session(session_vars=deaf),
    )


def local_config() -> Config:
    """The client configuration for the embedded AWS: path-style buckets, no proxy, no long waits."""
    return Config(
        s3={"addressing_style": "path"},
        proxies={},
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=32,
    )


def local_environment(endpoint_url: str) -> dict[str, str]:
    """The environment variables with which any AWS SDK or CLI reaches the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": LOCAL_KEY,
        "AWS_SECRET_ACCESS_KEY": LOCAL_KEY,
        "AWS_REGION": LOCAL_REGION,
        "AWS_DEFAULT_REGION": LOCAL_REGION,
    }


def resolve(*, local: bool, aws: bool, quiet: bool = False) -> Target:
    """Finds the stack that a command works on, and says on stderr which it is.

    Args:
        local: The embedded AWS was asked for.
        aws: A real account was asked for. With neither, the only stack that exists is taken.
        quiet: Say nothing on stderr.

    Raises:
        TargetError: Both were asked for, nothing is deployed there, or both exist and neither was named.
    """
    if local and aws:
        msg = "--local and --aws exclude each other: choose one"
        raise TargetError(msg)
    target = local_target() if local else aws_target() if aws else _only_target()
    if not quiet:
        err.print(f"[dim]target:[/] {target.describe()}", highlight=False)
    return target


def local_target(state_dir: Path = STATE_DIR) -> Target:
    """The stack on the embedded AWS.

    Raises:
        TargetError: It does not run, or nothing is applied to it yet.
    """
    from spotcheck.embedded import find_server

    server = find_server(state_dir)
    if server is None:
        msg = "the embedded AWS does not run: start it with `spotcheck up`"
        raise TargetError(msg)
    outputs = read_outputs(state_dir)
    if outputs is None or outputs.get("endpoint_url") != server.endpoint_url:
        msg = f"the embedded AWS at {server.endpoint_url} has no stack yet: `spotcheck up` applies it"
        raise TargetError(msg)
    return Target("local", outputs, LOCAL_ACCOUNT)


def aws_target() -> Target:
    """The stack in the account whose credentials the SDK finds.

    Raises:
        TargetError: No credentials, or no stack.
        StackError: The environment sends AWS calls to this machine, or Terraform failed.
    """
    from spotcheck.stack import Stack

    stack = Stack.aws()
    if not stack.exists():
        msg = "nothing is deployed to AWS from this checkout: `spotcheck deploy` does, or use --local"
        raise TargetError(msg)
    outputs = stack.outputs()
    return Target("aws", outputs, _account(str(outputs["region"])))


def read_outputs(state_dir: Path = STATE_DIR) -> dict[str, Any] | None:
    """The outputs of the stack on the embedded AWS as the last apply left them, if there was one."""
    try:
        outputs: dict[str, Any] = json.loads((state_dir / "outputs.json").read_bytes())
    except FileNotFoundError:
        return None
    return outputs


def write_outputs(outputs: dict[str, Any], state_dir: Path = STATE_DIR) -> None:
    """Remembers the outputs of the stack on the embedded AWS: commands need no Terraform to find it."""
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / "outputs.json").write_text(json.dumps(outputs, indent=2) + "\n", encoding="utf-8")


def only_kind() -> Literal["local", "aws"] | None:
    """Where the only stack is that exists, for a command that was told neither --local nor --aws.

    Returns:
        None when nothing is deployed from this checkout.

    Raises:
        TargetError: There is one at both places.
    """
    from spotcheck.embedded import find_server
    from spotcheck.stack import Stack

    on_local = find_server(STATE_DIR) is not None and read_outputs(STATE_DIR) is not None
    # `eval "$(spotcheck status --env)"` sends this shell's AWS calls here: then AWS is not meant.
    on_aws = not is_on_this_machine(os.environ.get("AWS_ENDPOINT_URL", "")) and Stack.aws().exists()
    if on_local and on_aws:
        msg = "there is a stack on AWS and one on the embedded AWS: say --aws or --local"
        raise TargetError(msg)
    return "local" if on_local else "aws" if on_aws else None


def _only_target() -> Target:
    kind = only_kind()
    if kind is None:
        msg = "nothing is deployed: `spotcheck up` starts the embedded AWS, `spotcheck deploy` deploys to AWS"
        raise TargetError(msg)
    return local_target() if kind == "local" else aws_target()


def is_on_this_machine(endpoint_url: str) -> bool:
    """Whether an endpoint is on the loopback interface, where no AWS account is."""
    return urlsplit(endpoint_url).hostname in {"127.0.0.1", "localhost", "::1"}


def _account(region: str) -> str:
    try:
        return str(boto3.Session(region_name=region).client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        msg = f"AWS refuses, or has no credentials from, this environment ({error}): sign in, then try again"
        raise TargetError(msg) from error
