"""In front of all services: answers calls with the faults that are due, as the real services send them."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from localaws.exceptions import ConnectionDroppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from localaws.faults import Faults, Hit

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/")
_DROP_AFTER = {"lost-answer", "kill-after"}
_KILL = {"kill", "kill-after"}

# kind → service → status, error code, message. None stands for every other service.
_JSON_ERRORS: dict[str, dict[str | None, tuple[int, str, str]]] = {
    "error": {
        "dynamodb": (500, "InternalServerError", "Internal server error"),
        "lambda": (500, "ServiceException", "Service encountered an internal error."),
        "mediaconvert": (500, "InternalServerErrorException", "Internal server error"),
        None: (500, "InternalFailure", "The request processing has failed because of an unknown error."),
    },
    "throttle": {
        "dynamodb": (
            400,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        ),
        "lambda": (429, "TooManyRequestsException", "Rate Exceeded."),
        "mediaconvert": (429, "TooManyRequestsException", "Too Many Requests"),
        None: (400, "ThrottlingException", "Rate exceeded"),
    },
    "denied": {None: (400, "AccessDeniedException", "The caller is not authorized to perform this action.")},
    "clock": {
        None: (403, "InvalidSignatureException", "Signature expired: is the clock of the caller right?")
    },
}
_S3_ERRORS = {
    "error": (500, "InternalError", "We encountered an internal error. Please try again."),
    "throttle": (503, "SlowDown", "Please reduce your request rate."),
    "denied": (403, "AccessDenied", "Access Denied"),
    "clock": (
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    ),
}
_REST_JSON = {"lambda", "mediaconvert", "apigateway", "lookoutvision"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an AWS service.

    Attributes:
        service: Endpoint prefix, from the signature's scope.
        operation: Its name where it can be told, else `GET /path`.
        resource: The request's path, decoded.
        function: Whether a deployed function makes it: AWS's SDKs say so in their User-Agent.
        worker: Log stream of the worker that makes it, from its session token; empty for a client.
    """

    service: str
    operation: str
    resource: str
    function: bool
    worker: str

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Call | None:
        """Takes a request apart; None for one that is not signed."""
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return None
        function = "exec-env/AWS_Lambda_" in environ.get("HTTP_USER_AGENT", "")
        return cls(
            service=scope["service"],
            operation=operation_of(scope["service"], environ),
            resource=environ["PATH_INFO"],
            function=function,
            worker=environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "") if function else "",
        )


class FaultLayer:
    """WSGI middleware that makes calls fail.

    Args:
        app: The services.
        faults: Says which calls.
        kill: Ends the worker that has a log stream.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        app: WSGIApplication,
        faults: Faults,
        kill: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._app = app
        self._faults = faults
        self._kill = kill
        self._sleep = sleep

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request, or does not.

        Raises:
            ConnectionDroppedError: The connection is to be closed without an answer.
        """
        call = Call.of(environ)
        if call is None:
            return self._app(environ, start_response)
        hits = self._faults.on_call(call.service, call.operation, call.resource, function=call.function)
        for hit in hits:
            if hit.kind == "late":
                self._sleep(hit.seconds)
        for hit in hits:
            if hit.kind in {"reset", "kill"}:
                self._drop(call, hit)
            if hit.kind in _S3_ERRORS:
                return refusal(hit.kind, call)(environ, start_response)
        if any(hit.kind == "cut" for hit in hits):
            return _cut(Response.from_app(self._app, environ), environ, start_response)
        answer = self._app(environ, start_response)
        for hit in hits:
            if hit.kind in _DROP_AFTER:
                self._drop(call, hit)
        return answer

    def _drop(self, call: Call, hit: Hit) -> None:
        if hit.kind in _KILL and call.worker:
            self._kill(call.worker)
        message = f"{hit.kind} of {call.service} {call.operation}"
        raise ConnectionDroppedError(message)


def _cut(answer: Response, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The answer with half of the body that its length announces; then the server hangs up."""
    body = answer.get_data()
    answer.set_data(body[: len(body) // 2])
    answer.content_length = len(body)
    return answer(environ, start_response)


def refusal(kind: str, call: Call) -> Response:
    """An error in the shape, and with the code, of the real service.

    Args:
        kind: `error`, `throttle`, `denied` or `clock`.
        call: What is refused.
    """
    if call.service == "s3":
        status, code, message = _S3_ERRORS[kind]
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message>"
            f"<Resource>{escape(call.resource)}</Resource><RequestId>FAULT</RequestId></Error>"
        )
        return Response(body, status, content_type="application/xml")
    by_service = _JSON_ERRORS[kind]
    status, code, message = by_service.get(call.service) or by_service[None]
    if call.service in _REST_JSON:
        status = 403 if kind == "denied" else status
        body = json.dumps({"message": message, "Message": message})
        return Response(body, status, {"x-amzn-ErrorType": code}, content_type="application/json")
    shape = f"com.amazonaws.dynamodb.v20120810#{code}" if call.service == "dynamodb" else code
    body = json.dumps({"__type": shape, "message": message})
    return Response(body, status, content_type="application/x-amz-json-1.0")


def operation_of(service: str, environ: WSGIEnvironment) -> str:
    """The operation that a request asks for; `METHOD /path` where it cannot be told.

    Told are those of JSON services by their target header, and S3's and MediaConvert's that functions use.
    """
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    if service == "s3":
        return _s3_operation(environ, method, path) or f"{method} {path}"
    if service == "lambda" and path.rstrip("/").endswith("/invocations"):
        return "Invoke"
    if service == "mediaconvert" and path.startswith("/2017-08-29/jobs"):
        on_one = path.rstrip("/").count("/") > 2
        names = {"POST": "CreateJob", "GET": "GetJob" if on_one else "ListJobs", "DELETE": "CancelJob"}
        return names.get(method, f"{method} {path}")
    return f"{method} {path}"


def _s3_operation(environ: WSGIEnvironment, method: str, path: str) -> str | None:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    has_key = "/" in path.strip("/") or path.count("/") > 1
    if has_key:
        if method == "PUT" and "partNumber" in query:
            return "UploadPart"
        if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
            return "CopyObject"
        if method == "POST":
            return "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload"
        names = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
        return names.get(method)
    if method == "GET":
        return "ListObjectVersions" if "versions" in query else "ListObjectsV2"
    return "HeadBucket" if method == "HEAD" else None
