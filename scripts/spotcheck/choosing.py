"""Which stack a command works on, from its flags and from what exists."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import typer

from spotcheck.console import err
from spotcheck.exceptions import TargetError

if TYPE_CHECKING:
    from spotcheck.stack import Stack


def choose_stack(
    *,
    local: bool,
    aws: bool,
    backend_config: list[str] | None = None,
    var: list[str] | None = None,
    must_exist: bool = False,
) -> Stack:
    """The stack that the flags name; without a flag the only one that exists, else the one on AWS.

    Says on stderr which it is.

    Args:
        local: The embedded AWS was asked for.
        aws: The user's account was asked for.
        backend_config: Where the state on AWS lies, as `terraform init` takes it.
        var: Terraform variables, as `NAME=VALUE`.
        must_exist: Whether there is no sense in a stack that does not exist yet.

    Raises:
        TargetError: The flags contradict each other or what exists.
    """
    from spotcheck import targets
    from spotcheck.embedded import find_server
    from spotcheck.stack import Stack

    if local and aws:
        message = "--local and --aws exclude each other: choose one."
        raise TargetError(message)
    variables = _variables(var or [])
    if not local and not aws:
        kind = targets.only_kind()
        if kind is None and must_exist and not backend_config:
            message = "Nothing is deployed, neither to AWS from this clone nor to the embedded AWS."
            raise TargetError(message)
        local = kind == "local"
    if not local:
        stack = Stack.aws(backend_config=backend_config or (), variables=variables)
        account, region = aws_identity()
        err.print(f"target: AWS account {account}, region {region}", highlight=False)
        return stack
    if backend_config:
        message = "--backend-config is for AWS: the embedded AWS keeps its state under build/localaws."
        raise TargetError(message)
    server = find_server()
    if server is None:
        message = "The embedded AWS does not run: start it with `spotcheck up`."
        raise TargetError(message)
    err.print(f"target: embedded AWS at {server.endpoint_url}", highlight=False)
    return Stack.local(server.endpoint_url, variables)


def _variables(pairs: list[str]) -> dict[str, str]:
    variables = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            message = f"{pair!r} is not NAME=VALUE"
            raise typer.BadParameter(message)
        variables[name.strip()] = value
    return variables


def aws_identity() -> tuple[str, str]:
    """Account and region that the SDK's credentials and settings lead to."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    region = os.environ.get("AWS_REGION") or boto3.Session().region_name
    if not region:
        message = "No AWS region is set: set AWS_REGION, or a region in your AWS profile."
        raise TargetError(message)
    try:
        account = boto3.Session(region_name=region).client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        message = f"AWS takes no credentials from this environment ({error}): sign in, then try again."
        raise TargetError(message) from error
    return str(account), region


def architecture_of(variables: dict[str, str], folder_texts: list[str]) -> str:
    """The processor that the functions are to have, told before Terraform plans: it needs the layer to plan.

    Args:
        variables: What the command was given with --var.
        folder_texts: The contents of the `*.tfvars` files that Terraform reads by itself, the strongest last.
    """
    known = os.environ.get("TF_VAR_architecture", "x86_64")  # noqa: SIM112 - Terraform's own spelling
    for text in folder_texts:
        if found := re.search(r'^\s*architecture\s*=\s*"(\w+)"', text, re.MULTILINE):
            known = found[1]
    return variables.get("architecture", known)
