"""Lambda's Invoke operation, and moto's own ways of invoking, led to functions that run.

Operation: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
"""

# ruff: noqa: ANN401  # moto's own ways of invoking are untyped

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from localaws.exceptions import LocalAwsError, ThrottledError
from localaws.lambda_.functions import FunctionName, load
from localaws.patching import replace
from localaws.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from localaws.lambda_.service import LambdaService

REQUEST_LIMIT = 6_291_456  # bytes of a synchronous request
EVENT_LIMIT = 1_048_576  # bytes of an asynchronous request
_PATH = re.compile(r"^/2015-03-31/functions/(?P<name>.+)/invocations/?$")
_SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/lambda/")


class InvokeApi:
    """Answers Invoke.

    Args:
        service: runs the functions.
    """

    def __init__(self, service: LambdaService) -> None:
        self._service = service

    def handles(self, environ: WSGIEnvironment) -> bool:
        """Whether a request is an Invoke."""
        return environ["REQUEST_METHOD"] == "POST" and bool(_PATH.match(environ["PATH_INFO"]))

    def __call__(self, environ: WSGIEnvironment) -> Response:
        """Answers one request.

        Raises:
            FunctionGoneError: No such function, version or alias.
        """
        request = Request(environ)
        try:
            return self._invoke(request)
        except ThrottledError as error:
            return refusal(429, "TooManyRequestsException", str(error), Reason=error.reason)

    def _invoke(self, request: Request) -> Response:
        match = _PATH.match(request.path)
        target = target_of(request, unquote(match["name"]) if match else "")
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        payload = request.get_data() or b"{}"
        limit = EVENT_LIMIT if kind == "Event" else REQUEST_LIMIT
        if len(payload) > limit:
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            return refusal(413, "RequestTooLargeException", message)
        if not _is_json(payload):
            message = "Could not parse request body into json: Could not parse payload into json"
            return refusal(400, "InvalidRequestContentException", message)
        if kind == "DryRun":
            load(target)
            return Response(status=204)
        if kind == "Event":
            request_id = self._service.invoke_later(target, payload)
            return Response(status=202, headers={"x-amzn-RequestId": request_id})
        return self._run(request, target, payload)

    def _run(self, request: Request, target: FunctionName, payload: bytes) -> Response:
        context = base64.b64decode(request.headers.get("X-Amz-Client-Context", "")).decode()
        request_id, outcome = self._service.invoke(target, payload, context)
        headers = {"x-amzn-RequestId": request_id, "X-Amz-Executed-Version": outcome.executed_version}
        if outcome.function_error:
            headers["X-Amz-Function-Error"] = outcome.function_error
        if request.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail).decode()
        return Response(outcome.payload, 200, headers, content_type="application/json")


def install(service: LambdaService) -> None:
    """Leads moto's own invocations (SNS, SQS mappings, log subscriptions…) to functions that run."""
    from moto.awslambda.models import LambdaBackend, LambdaFunction

    def invoke(
        self: LambdaBackend,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: Any,
    ) -> bytes:
        del headers  # only Invoke has any, and it never comes here
        target = FunctionName.parse(
            function_name, account=self.account_id, region=self.region_name, qualifier=qualifier
        )
        try:
            _, outcome = service.invoke(target, _bytes(body))
        except LocalAwsError as error:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorMessage": str(error)}).encode()
        if outcome.function_error:
            response_headers["x-amz-function-error"] = outcome.function_error
        return outcome.payload

    def invoke_function(
        self: LambdaFunction, body: str, request_headers: Any, response_headers: Any
    ) -> bytes:
        del request_headers, response_headers
        service.invoke_later(
            FunctionName(self.account_id, self.region, self.function_name, _published(self)), _bytes(body)
        )
        return b""

    delete_function = LambdaBackend.delete_function

    def forget_function(self: LambdaBackend, function_name: str, qualifier: str | None = None) -> None:
        delete_function(self, function_name, qualifier)
        target = FunctionName.parse(function_name, account=self.account_id, region=self.region_name)
        service.forget(dataclasses.replace(target, qualifier=None).arn)

    replace(LambdaBackend, invoke=invoke, delete_function=forget_function)
    replace(LambdaFunction, invoke=invoke_function)


def _published(function: Any) -> str | None:
    return None if function.version == "$LATEST" else str(function.version)


def _bytes(body: str | bytes | None) -> bytes:
    return body if isinstance(body, bytes) else (body or "{}").encode()


def target_of(request: Request, name: str) -> FunctionName:
    """Whom a request addresses: the name in its path, its qualifier, the region it was signed for."""
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    region = scope["region"] if scope else REGION
    return FunctionName.parse(
        name, account=ACCOUNT_ID, region=region, qualifier=request.args.get("Qualifier")
    )


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True


def refusal(status: int, kind: str, message: str, **more: str) -> Response:
    """An error as Lambda answers it: HTTP status, type and message, and further members."""
    body = json.dumps({"Type": "User", "message": message, "Message": message, **more})
    return Response(body, status, {"x-amzn-ErrorType": kind}, content_type="application/json")
