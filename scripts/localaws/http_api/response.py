"""A function's response in payload format 1.0 as an HTTP response.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from localaws.http_api.exceptions import InternalError

if TYPE_CHECKING:
    from localaws.http_api.exceptions import RefusedError

_OURS = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})


def from_payload(payload: bytes) -> Response:
    """Maps what the function returned.

    Args:
        payload: JSON: `statusCode`, and perhaps `headers`, `multiValueHeaders`, `body`, `isBase64Encoded`.

    Raises:
        InternalError: it is malformed.
    """
    try:
        result = _object(payload)
        response = Response(_body(result), _status(result))
        del response.headers["Content-Type"]
        for name, value in _headers(result):
            response.headers.add(name, value)
        response.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    except (ValueError, TypeError, AttributeError) as error:
        message = f"the function's response is malformed: {error}"
        raise InternalError(message) from error
    return response


def refusal(error: RefusedError) -> Response:
    """What API Gateway answers itself."""
    headers = {"x-amzn-ErrorType": error.kind} if error.kind else {}
    body = json.dumps({"message": error.message}, separators=(",", ":"))
    return Response(body, error.status, headers, content_type="application/json")


def _object(payload: bytes) -> dict[str, Any]:
    result = json.loads(payload)
    if not isinstance(result, dict):
        message = f"it must be an object, not {type(result).__name__}"
        raise TypeError(message)
    return result


def _status(result: dict[str, Any]) -> int:
    status = result.get("statusCode")
    if isinstance(status, bool) or not isinstance(status, (int, str)) or not 200 <= int(status) <= 599:
        message = f"no HTTP status as statusCode, but {status!r}"
        raise ValueError(message)
    return int(status)


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        message = f"body must be a string, not {type(body).__name__}"
        raise TypeError(message)
    return base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()


def _headers(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Both members merged; of a name that both have, the several values count."""
    lists = (result.get("multiValueHeaders") or {}).items()
    several = {name.lower(): (name, values) for name, values in lists}
    single = (result.get("headers") or {}).items()
    found = [(name, value) for name, value in single if name.lower() not in several]
    found += [(name, value) for name, values in several.values() for value in values]
    return [(name, _text(name, value)) for name, value in found if name.lower() not in _OURS]


def _text(name: str, value: object) -> str:
    if not isinstance(value, (str, int, float)):
        message = f"header {name} must be a string, not {type(value).__name__}"
        raise TypeError(message)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    f"{name}: {text}".encode("latin-1")  # raises what HTTP cannot carry
    return text
