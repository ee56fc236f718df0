"""The event that a function gets: payload format 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, and,
where that page is silent or its example made up (case of header names, `resourceId`, stage in `path`), events
recorded on AWS.
"""

from __future__ import annotations

import base64
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from localaws.http_api.routing import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.http_api.apis import Api
    from localaws.http_api.identities import Identity
    from localaws.http_api.requests import Received
    from localaws.http_api.routing import Match

_CAPITALISED = {name.lower(): name for name in ("Content-Length", "Host", "User-Agent")}
_TEXT = re.compile(r"^(text/.*|application/(json|javascript|xml))$", re.IGNORECASE)


def build(
    request: Received, api: Api, stage: str, path: str, match: Match, caller: Identity | None, request_id: str
) -> dict[str, Any]:
    """Builds the event.

    Args:
        request: as received.
        api: it is for.
        stage: name of the stage.
        path: percent-encoded, as routes see it.
        match: the route.
        caller: who signed it; None where nobody needs to.
        request_id: API Gateway's.
    """
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    headers = _headers(request)
    body, is_base64 = _body(request)
    whole_path = unquote(path) if stage == DEFAULT else f"/{stage}{unquote(path)}"
    return {
        "version": "1.0",
        "resource": match.resource,
        "path": whole_path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[0] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context(request, api, stage, whole_path, match, caller, request_id),
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": _variables(api, stage),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _variables(api: Api, stage: str) -> dict[str, str] | None:
    variables = api.stages[stage].variables
    return dict(variables) if variables else None


def _headers(request: Received) -> dict[str, str]:
    headers = {"Content-Length": "0"}
    headers |= {_CAPITALISED.get(name, name): value for name, value in request.headers.items()}
    headers |= {
        "X-Amzn-Trace-Id": f"Root=1-{int(request.at.timestamp()):08x}-{secrets.token_hex(12)}",
        "X-Forwarded-For": request.source_ip,
        "X-Forwarded-Port": request.port,
        "X-Forwarded-Proto": "http",
    }
    given = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    return {name: headers[name] for name in sorted(headers.keys() - given)}


def _body(request: Received) -> tuple[str | None, bool]:
    """The body, and whether it is base64: text is left as it is."""
    if not request.body:
        return None, False
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if _TEXT.match(content_type) and "content-encoding" not in request.headers:
        return request.body.decode(errors="replace"), False
    return base64.b64encode(request.body).decode(), True


def _context(
    request: Received,
    api: Api,
    stage: str,
    path: str,
    match: Match,
    caller: Identity | None,
    request_id: str,
) -> dict[str, Any]:
    return {
        "accountId": api.account,
        "apiId": api.id,
        "domainName": f"{api.id}.execute-api.{api.region}.amazonaws.com",
        "domainPrefix": api.id,
        "extendedRequestId": request_id,
        "httpMethod": request.method,
        "identity": _identity(request.headers, request.source_ip, caller),
        "path": path,
        "protocol": request.protocol,
        "requestId": request_id,
        "requestTime": request.at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(request.at.timestamp() * 1000),
        "resourceId": match.route_key,
        "resourcePath": match.resource,
        "stage": stage,
    }


def _identity(headers: Mapping[str, str], source_ip: str, caller: Identity | None) -> dict[str, str | None]:
    return {
        "accessKey": caller.key if caller else None,
        "accountId": caller.account if caller else None,
        "caller": caller.user if caller else None,
        "cognitoAmr": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": source_ip,
        "user": caller.user if caller else None,
        "userAgent": headers.get("user-agent"),
        "userArn": caller.arn if caller else None,
    }
