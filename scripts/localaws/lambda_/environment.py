"""The environment variables of a worker: what Lambda gives, the function's own, and nothing of the desk's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localaws.iam.keys import access_key
from localaws.settings import SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.lambda_.functions import FunctionVersion
    from localaws.lambda_.packages import ImportPaths

LIMIT_BYTES = 4096
_REFUSAL = (
    "Lambda was unable to configure your environment variables because the environment variables "
    "you have provided"
)
# Names a function may not set: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip


def measured(variables: Mapping[str, str]) -> str:
    """The text that Lambda measures against its limit of 4 KB."""
    return "{" + ",".join(f'"{name}":"{value}"' for name, value in variables.items()) + "}"


def complaint(variables: Mapping[str, str]) -> str | None:
    """What Lambda says when it refuses these variables; None when it takes them."""
    reserved = sorted(RESERVED & set(variables))
    if reserved:
        return (
            f"{_REFUSAL} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    text = measured(variables)
    if len(text.encode()) > LIMIT_BYTES:
        return f"{_REFUSAL} exceeded the 4KB limit. String measured: {text}"
    return None


def build(
    function: FunctionVersion, paths: ImportPaths, *, endpoint_url: str, runtime_api: str, log_stream: str
) -> dict[str, str]:
    """Builds the environment of one worker.

    Args:
        function: whose worker it is.
        paths: where its code lies.
        endpoint_url: the embedded AWS, for the AWS SDK.
        runtime_api: `host:port` of the worker's Runtime API.
        log_stream: where its output goes.

    Returns:
        All variables; a function's own never replace one that Lambda reserves.
    """
    defaults = {"TZ": ":UTC", "LANG": "en_US.UTF-8", "AWS_ENDPOINT_URL": endpoint_url}
    given = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": function.initialization,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_ACCESS_KEY_ID": access_key(function.role),
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": log_stream,  # opaque to the SDK; tells whose call it is
        "LAMBDA_TASK_ROOT": str(paths.code),
        "LAMBDA_RUNTIME_DIR": str(paths.runtime[0]) if paths.runtime else "",
        "PATH": os.environ.get("PATH", os.defpath),
    }
    return defaults | dict(function.environment) | given
