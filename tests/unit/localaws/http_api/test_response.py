"""A function's response in format 1.0, mapped or found malformed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.http_api.exceptions import InternalError, NotFoundError, SignatureError
from localaws.http_api.response import from_payload, refusal

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


def mapped(**result: Any) -> Response:
    return from_payload(json.dumps({"statusCode": 200} | result).encode())


def test_status_headers_and_body_are_taken_over() -> None:
    response = mapped(statusCode=402, headers={"X-One": "1", "Content-Type": "text/html"}, body="<p>é")

    assert response.status_code == 402
    assert (response.headers["x-one"], response.headers.getlist("content-type")) == ("1", ["text/html"])
    assert response.get_data().decode() == "<p>é"


def test_a_status_alone_is_enough() -> None:
    response = mapped(statusCode="204")

    assert (response.status_code, response.get_data()) == (204, b"")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_base64_becomes_bytes() -> None:
    assert mapped(body="/9g=", isBase64Encoded=True).get_data() == b"\xff\xd8"


def test_of_a_header_in_both_members_the_several_values_count() -> None:
    response = mapped(
        headers={"Set-Cookie": "a", "X-Count": 1, "X-Flag": True},
        multiValueHeaders={"set-cookie": ["b", "c"]},
    )

    assert response.headers.getlist("Set-Cookie") == ["b", "c"]
    assert (response.headers["X-Count"], response.headers["X-Flag"]) == ("1", "true")


def test_headers_of_the_connection_are_the_gateways() -> None:
    response = mapped(body="four", headers={"Content-Length": "9", "Transfer-Encoding": "chunked"})

    assert response.headers["content-length"] == "4"
    assert "transfer-encoding" not in response.headers


@pytest.mark.parametrize(
    "result",
    [
        "text", None, [], {}, {"body": "x"},
        {"statusCode": "OK"}, {"statusCode": True}, {"statusCode": 99}, {"statusCode": None},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
        {"statusCode": 200, "headers": "text"},
        {"statusCode": 200, "headers": {"a": ["list"]}},
        {"statusCode": 200, "headers": {"a": "b\r\nInjected: c"}},
        {"statusCode": 200, "headers": {"a": "\N{SNOWMAN}"}},
        {"statusCode": 200, "multiValueHeaders": {"a": 1}},
    ],
)  # fmt: skip
def test_a_malformed_response_is_an_internal_error(result: Any) -> None:
    with pytest.raises(InternalError, match="malformed"):
        from_payload(json.dumps(result).encode())


def test_the_gateways_own_answers_are_short_json() -> None:
    response = refusal(NotFoundError())

    assert (response.status_code, response.get_data()) == (404, b'{"message":"Not Found"}')
    assert response.content_type == "application/json"
    assert "x-amzn-errortype" not in response.headers


def test_a_wrong_signature_is_told_with_its_kind() -> None:
    response = refusal(SignatureError("wrong", "SomeException"))

    assert (response.status_code, response.get_data()) == (403, b'{"message":"wrong"}')
    assert response.headers["x-amzn-ErrorType"] == "SomeException"
