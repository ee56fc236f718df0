"""A request as it came over the wire, and which HTTP API it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from localaws.http_api.exceptions import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/_localaws/http-api/"
BODY_LIMIT = (
    10 * 1024 * 1024
)  # bytes; https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
_HOST = re.compile(r"^(?P<api>[a-z0-9]+)\.execute-api\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes.

    Attributes:
        api_id: the HTTP API's.
        path: percent-encoded, begins with a slash, with the stage (if it names one) and without our prefix.
        by_host: whether the host name tells the API, as on AWS.
    """

    api_id: str
    path: str
    by_host: bool

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Address | None:
        """Reads a WSGI request; None when it addresses no HTTP API."""
        path = raw_path(environ)
        if path.startswith(PREFIX):
            api_id, _, rest = path.removeprefix(PREFIX).partition("/")
            return cls(api_id, f"/{rest}", by_host=False)
        if host := _HOST.match(environ.get("HTTP_HOST", "")):
            return cls(host["api"].lower(), path, by_host=True)
        return None


@dataclass(frozen=True, slots=True)
class Received:
    """A request.

    Attributes:
        path: percent-encoded, just as sent: what the signature covers.
        query: the query string, just as sent.
        headers: values by lower-case name; those of a header sent twice are joined by a comma.
        port: the server's.
        protocol: such as `HTTP/1.1`.
        at: when it came, in UTC.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    source_ip: str
    port: str
    protocol: str
    at: datetime

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Received:
        """Reads a WSGI request.

        Raises:
            TooLargeError: its body is over 10 MB.
        """
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > BODY_LIMIT:
            raise TooLargeError
        return cls(
            method=environ["REQUEST_METHOD"],
            path=raw_path(environ),
            query=environ.get("QUERY_STRING", ""),
            headers=_headers(environ),
            body=environ["wsgi.input"].read(length),
            source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
            port=environ.get("SERVER_PORT", ""),
            protocol=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            at=datetime.now(UTC),
        )


def raw_path(environ: WSGIEnvironment) -> str:
    """A request's path as sent: WSGI's own is decoded, and `%2F` in it no longer told from `/`."""
    if "RAW_URI" not in environ:
        return quote(environ["PATH_INFO"].encode("latin-1"))
    target = str(environ["RAW_URI"]).partition("?")[0]
    return target if target.startswith("/") else "/" + target.partition("://")[2].partition("/")[2]


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    names = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
    names |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return {name.replace("_", "-").lower(): str(value) for name, value in names.items()}
