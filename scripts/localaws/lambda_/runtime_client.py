"""A Lambda Runtime API client in pure Python, for systems where AWS's `awslambdaric` has no wheel.

Run as a file by `bootstrap.py`, never imported; standard library only. It does what AWS's client does for one
invocation at a time: loads the handler, loops over invocations, reports errors in Lambda's shape, logs as
Lambda does.
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Handler = Callable[[Any, Any], Any]

_PREFIX = "/2018-06-01/runtime"
_LOG_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"


class HandlerLoadError(Exception):
    """The handler cannot be loaded; `kind` is AWS's error type."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Context:
    """The context object that a handler gets: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = _client_context(headers.get("Lambda-Runtime-Client-Context"))
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


class RuntimeApiClient:
    """Speaks to the Runtime API over one kept-alive connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[Mapping[str, str], bytes]:
        """Waits for an invocation: its headers and its event."""
        return self._call("GET", "/invocation/next", b"", 200)

    def respond(self, request_id: str, result: bytes) -> None:
        """Posts what the handler returned."""
        self._call("POST", f"/invocation/{request_id}/response", result, 202)

    def fail(self, request_id: str, error: Mapping[str, Any]) -> None:
        """Posts what the handler raised."""
        self._call("POST", f"/invocation/{request_id}/error", _json(error), 202)

    def fail_init(self, error: Mapping[str, Any]) -> None:
        """Posts why the handler could not be loaded."""
        self._call("POST", "/init/error", _json(error), 202)

    def _call(self, method: str, path: str, body: bytes, expected: int) -> tuple[Mapping[str, str], bytes]:
        self._connection.request(method, _PREFIX + path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != expected:
            message = f"Runtime API answered {answer.status} to {method} {path}: {content!r}"
            raise RuntimeError(message)
        return dict(answer.headers), content


class RequestIdFilter(logging.Filter):
    """Gives log records the request id of the running invocation."""

    request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Adds the id; lets everything through."""
        record.aws_request_id = self.request_id
        return True


class Unbuffered:
    """Passes each write on at once, so that a crash loses no output."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Writes and flushes."""
        self._stream.write(text)
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the stream has
        """Everything else is the stream's."""
        return getattr(self._stream, name)


def load_handler(name: str) -> Handler:
    """Imports `module.function`.

    Raises:
        HandlerLoadError: with AWS's own error types and messages.
    """
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        message = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise HandlerLoadError(message, "Runtime.MalformedHandlerName")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise HandlerLoadError(message, "Runtime.ImportModuleError") from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise HandlerLoadError(message, "Runtime.UserCodeSyntaxError") from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError as error:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise HandlerLoadError(message, "Runtime.HandlerNotFound") from error
    return handler


def run(client: RuntimeApiClient, handler: Handler, log_filter: RequestIdFilter) -> None:
    """Serves invocations until the Runtime API goes away."""
    while True:
        headers, event = client.next()
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        log_filter.request_id = request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
        try:
            result = _json(handler(json.loads(event), Context(headers)))
        except Exception as error:  # noqa: BLE001  # whatever the handler raises is its answer
            client.fail(request_id, _describe(error, request_id))
        else:
            client.respond(request_id, result)


def main() -> None:
    """Loads the handler named on the command line and serves it."""
    sys.stdout, sys.stderr = Unbuffered(sys.stdout), Unbuffered(sys.stderr)
    log_filter = RequestIdFilter()
    _log_as_lambda_does(log_filter)
    client = RuntimeApiClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(sys.argv[1])
    except Exception as error:  # noqa: BLE001  # module code may raise anything
        client.fail_init(_describe(error, ""))
        sys.exit(1)
    try:
        run(client, handler, log_filter)
    except (ConnectionError, http.client.HTTPException):
        sys.exit(0)


def _describe(error: BaseException, request_id: str) -> dict[str, Any]:
    if isinstance(error, HandlerLoadError):
        kind, stack = error.kind, []
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        kind, stack = type(error).__name__, traceback.format_list(frames)
    lines = [
        f"[ERROR] {kind}: {error}",
        "Traceback (most recent call last):",
        *(line.rstrip() for line in stack),
    ]
    print("\r".join(lines).replace("\n", "\r"))
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": stack}


def _log_as_lambda_does(log_filter: RequestIdFilter) -> None:
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter(_LOG_FORMAT, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(log_filter)
    logging.getLogger().addHandler(handler)


def _client_context(text: str | None) -> SimpleNamespace | None:
    if not text:
        return None
    given = json.loads(text)
    return SimpleNamespace(client=given.get("client"), custom=given.get("custom"), env=given.get("env"))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


if __name__ == "__main__":
    main()
