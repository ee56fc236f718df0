"""What a worker must know of one published version of a function."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from localaws.exceptions import FunctionGoneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moto.awslambda.models import LambdaFunction, LayerVersion

LATEST = "$LATEST"


@dataclass(frozen=True)
class Archive:
    """A zip file held by moto, and the name of its content.

    Attributes:
        digest: SHA-256 of the zip, hexadecimal.
        content: the zip's bytes.
    """

    digest: str
    content: bytes


@dataclass(frozen=True)
class FunctionVersion:
    """One version of one function, as it stands at the moment of an invocation.

    Attributes:
        arn: the function's ARN without qualifier.
        version: `$LATEST` or a published number.
        runtime: AWS's name of the interpreter, such as `python3.13`.
        architecture: `x86_64` or `arm64`.
        timeout: seconds.
        memory: MB.
        reserved_concurrency: executions at once, over all versions; None when not reserved.
        role: ARN of the role that its workers sign as.
        initialization: why a worker is started, `on-demand` or `provisioned-concurrency`.
    """

    account: str
    region: str
    name: str
    version: str
    arn: str
    handler: str
    runtime: str
    architecture: str
    timeout: int
    memory: int
    environment: Mapping[str, str]
    code: Archive
    layers: tuple[Archive, ...]
    log_group: str
    reserved_concurrency: int | None
    role: str = ""
    initialization: str = "on-demand"

    @cached_property
    def worker_key(self) -> str:
        """Names everything that makes two invocations share a warm worker."""
        parts = [
            self.arn, self.version, self.handler, self.runtime, self.architecture, self.timeout, self.memory,
            sorted(self.environment.items()), self.code.digest, [layer.digest for layer in self.layers],
            self.role,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class FunctionName:
    """Whom an invocation addresses: a function and, perhaps, a version or alias of it."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """The ARN as the caller named it, qualifier included: what the handler's context shows."""
        suffix = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}{suffix}"

    @classmethod
    def parse(cls, text: str, *, account: str, region: str, qualifier: str | None = None) -> FunctionName:
        """Reads a name, a partial ARN or a whole ARN, with or without a qualifier.

        Args:
            text: `name`, `name:qualifier`, `123456789012:function:name` or an ARN.
            account: the caller's account, where the text names none.
            region: the caller's region, where the text names none.
            qualifier: the qualifier given beside the name; one inside the text wins.
        """
        head, found, tail = text.rpartition("function:")
        name, _, inner = tail.partition(":")
        if found and head.startswith("arn:"):
            _, _, _, region, account, *_ = head.split(":")
        elif found and head:
            account = head.split(":")[0]
        return cls(account, region, name, inner or qualifier)


def load(address: FunctionName) -> FunctionVersion:
    """Takes a snapshot of what moto holds of a function.

    Raises:
        FunctionGoneError: no such function, version or alias.
    """
    from moto.awslambda.exceptions import LambdaClientError
    from moto.awslambda.models import lambda_backends

    backend = lambda_backends[address.account][address.region]
    try:
        function = backend.get_function(address.name, address.qualifier)
    except LambdaClientError as error:
        message = f"Function not found: {address.arn}"
        raise FunctionGoneError(message) from error
    latest = backend.get_function(address.name)
    layers = (backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers)
    return FunctionVersion(
        account=address.account,
        region=address.region,
        name=function.function_name,
        version=str(function.version),
        arn=FunctionName(address.account, address.region, function.function_name, None).arn,
        handler=function.handler or "",
        runtime=function.run_time or "",
        architecture=function.architectures[0],
        timeout=int(function.timeout),
        memory=int(function.memory_size),
        environment=dict(function.environment_vars or {}),
        code=_archive(function),
        layers=tuple(_archive(layer) for layer in layers if layer),
        log_group=_log_group(function),
        reserved_concurrency=_number(latest.reserved_concurrency),
        role=str(function.role or ""),
    )


def _archive(owner: LambdaFunction | LayerVersion) -> Archive:
    return Archive(getattr(owner, "code_digest", ""), owner.code_bytes)


def _log_group(function: LambdaFunction) -> str:
    logging_config = getattr(function, "logging_config", None) or {}
    return str(logging_config.get("LogGroup") or function.logs_group_name)


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
