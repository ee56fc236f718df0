"""A WSGI request taken apart: for which API, and just as it was sent."""

from __future__ import annotations

import io
from typing import Any

import pytest

from localaws.http_api.exceptions import TooLargeError
from localaws.http_api.requests import BODY_LIMIT, Address, Received


def environ(uri: str, **more: Any) -> dict[str, Any]:
    given = {"REQUEST_METHOD": "POST", "RAW_URI": uri, "HTTP_HOST": "127.0.0.1:4566"}
    return given | {"wsgi.input": io.BytesIO(b"body and more"), "CONTENT_LENGTH": "4"} | more


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/_localaws/http-api/abc/v1/a%2Fb?c=d", "/v1/a%2Fb"),
        ("/_localaws/http-api/abc/", "/"),
        ("/_localaws/http-api/abc", "/"),
        ("http://127.0.0.1:4566/_localaws/http-api/abc/x", "/x"),
    ],
)
def test_the_path_tells_the_api(uri: str, path: str) -> None:
    assert Address.of(environ(uri)) == Address("abc", path, by_host=False)


def test_the_host_tells_the_api() -> None:
    found = Address.of(environ("/pets", HTTP_HOST="abc.execute-api.us-east-1.amazonaws.com"))

    assert found == Address("abc", "/pets", by_host=True)


def test_other_requests_address_no_api() -> None:
    assert Address.of(environ("/bucket/key")) is None
    assert Address.of(environ("/_localaws/health")) is None


def test_path_and_query_stay_as_sent() -> None:
    request = Received.of(environ("/a%2Fb%20c?x", QUERY_STRING="x=%2F"))

    assert (request.path, request.query) == ("/a%2Fb%20c", "x=%2F")


def test_header_names_are_lower_case_and_the_body_ends_where_it_should() -> None:
    request = Received.of(environ("/", HTTP_X_COLOUR="blue", CONTENT_TYPE="image/png"))

    assert request.headers["x-colour"] == "blue"
    assert request.headers["content-type"] == "image/png"
    assert request.body == b"body"


def test_a_body_over_the_limit_is_not_read() -> None:
    given = environ("/", CONTENT_LENGTH=str(BODY_LIMIT + 1))

    with pytest.raises(TooLargeError):
        Received.of(given)

    assert given["wsgi.input"].tell() == 0
