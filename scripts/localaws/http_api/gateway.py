"""Answers requests to HTTP APIs: from address to route, function and response."""

from __future__ import annotations

import base64
import json
import secrets
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from localaws.exceptions import FunctionGoneError, ThrottledError
from localaws.http_api import apis, event, identities, response, sigv4
from localaws.http_api.exceptions import (
    InternalError,
    NotFoundError,
    RefusedError,
    TooLargeError,
    TooManyRequestsError,
    UnavailableError,
)
from localaws.http_api.requests import Address, Received
from localaws.http_api.routing import DEFAULT, select, split_stage
from localaws.http_api.throttling import TokenBuckets
from localaws.lambda_ import permissions
from localaws.lambda_.api import REQUEST_LIMIT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Response

    from localaws.http_api.apis import Api, Integration, Route
    from localaws.http_api.identities import Identity
    from localaws.http_api.routing import Match
    from localaws.lambda_.functions import FunctionName
    from localaws.lambda_.invocations import Outcome
    from localaws.lambda_.service import LambdaService

_PRINCIPAL = "apigateway.amazonaws.com"


class HttpApis:
    """Every HTTP API of the embedded AWS.

    Args:
        functions: runs the functions.
    """

    def __init__(self, functions: LambdaService) -> None:
        self._functions = functions
        self._buckets = TokenBuckets()

    def handles(self, environ: WSGIEnvironment) -> bool:
        """Whether a request is for an HTTP API; a host name alone may be a REST API's, which is moto's."""
        address = Address.of(environ)
        return address is not None and (not address.by_host or apis.find(address.api_id) is not None)

    def __call__(self, environ: WSGIEnvironment) -> Response:
        """Answers one request."""
        request_id = base64.b64encode(secrets.token_bytes(11)).decode()
        try:
            answer = self._answer(environ, request_id)
        except RefusedError as error:
            if error.reason:
                asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
                print(f"localaws: HTTP API: {error.status} to {asked}: {error.reason}", file=sys.stderr)
            answer = response.refusal(error)
        answer.headers["apigw-requestid"] = request_id
        return answer

    def _answer(self, environ: WSGIEnvironment, request_id: str) -> Response:
        address = Address.of(environ)
        api = apis.find(address.api_id) if address else None
        request = Received.of(environ)
        if address is None or api is None or not api.has_endpoint:
            raise NotFoundError
        placed = split_stage(address.path, api.stages)
        match = select(api.routes, request.method, placed[1]) if placed else None
        if placed is None or match is None:
            raise NotFoundError
        stage, path = placed
        self._throttle(api, stage, match)
        route = api.routes[match.route_key]
        caller = _authorise(request, api, route)
        payload = event.build(request, api, stage, path, match, caller, request_id)
        source = _source_arn(api, stage, request.method, match)
        return self._integrate(route.integration, source, json.dumps(payload).encode())

    def _throttle(self, api: Api, stage: str, match: Match) -> None:
        limits = api.stages[stage].limits(match.route_key)
        if limits and not self._buckets.take((api.id, stage, match.route_key), limits):
            raise TooManyRequestsError

    def _integrate(self, integration: Integration | None, source: str, payload: bytes) -> Response:
        if integration is None or integration.function is None:
            kind = integration.kind if integration else "no"
            reason = f"{kind} integration: only Lambda functions are emulated"
            raise InternalError(reason)
        if integration.payload_format != "1.0":
            reason = f"payload format {integration.payload_format} is not emulated, only 1.0"
            raise InternalError(reason)
        target = integration.function
        if not permissions.allows(target, _PRINCIPAL, source, target.account):
            reason = f"{target.arn} does not let {_PRINCIPAL} invoke it for {source}"
            raise InternalError(reason)
        if len(payload) > REQUEST_LIMIT:
            raise TooLargeError
        outcome = self._run(target, payload, integration.timeout)
        if outcome.function_error:
            said = outcome.payload.decode(errors="replace")[:500]
            reason = f"{target.arn} failed: {said}"
            raise InternalError(reason)
        return response.from_payload(outcome.payload)

    def _run(self, target: FunctionName, payload: bytes, timeout: float) -> Outcome:
        """Invokes a function and waits for so many seconds; it runs on when they are over."""
        future: Future[tuple[str, Outcome]] = Future()

        def work() -> None:
            try:
                future.set_result(self._functions.invoke(target, payload))
            except BaseException as error:  # noqa: BLE001  # raised anew where somebody waits for it
                future.set_exception(error)

        threading.Thread(target=work, name="http-api", daemon=True).start()
        try:
            return future.result(timeout)[1]
        except TimeoutError:
            reason = f"{target.arn} takes more than {timeout:g} s"
            raise UnavailableError(reason) from None
        except ThrottledError as error:
            reason = f"{target.arn} is throttled: {error.reason}"
            raise UnavailableError(reason) from error
        except FunctionGoneError as error:
            raise InternalError(str(error)) from error


def _authorise(request: Received, api: Api, route: Route) -> Identity | None:
    match route.authorization:
        case "NONE":
            return None
        case "AWS_IAM":
            return sigv4.verify(request, api.region, identities.find)
        case other:
            reason = f"authorization {other} is not emulated, only NONE and AWS_IAM"
            raise InternalError(reason)


def _source_arn(api: Api, stage: str, method: str, match: Match) -> str:
    """On whose behalf API Gateway invokes: the route."""
    path = DEFAULT if match.resource == DEFAULT else f"{method}{match.resource}"
    return f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}/{stage}/{path}"
