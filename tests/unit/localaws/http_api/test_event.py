"""Payload format 1.0: what of a request the function gets, and in which form."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from localaws.http_api.apis import Api, Stage
from localaws.http_api.event import build
from localaws.http_api.identities import Identity
from localaws.http_api.requests import Received
from localaws.http_api.routing import Match

STAGES = {"$default": Stage(None, {}, None), "v1": Stage({"colour": "red"}, {}, None)}
API = Api("abc", "123456789012", "eu-west-1", STAGES, {}, has_endpoint=True)
MATCH = Match("GET /pets/{id}", "/pets/{id}", {"id": "1"})
MakeRequest = Callable[..., Received]


def event(request: Received, stage: str = "$default", caller: Identity | None = None) -> dict[str, Any]:
    return build(request, API, stage, "/pets/1", MATCH, caller, "id=")


def test_the_members_are_those_of_format_1_0(received: MakeRequest) -> None:
    assert list(event(received())) == [
        "version", "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "requestContext", "pathParameters", "stageVariables", "body",
        "isBase64Encoded",
    ]  # fmt: skip


def test_what_there_is_none_of_is_null(received: MakeRequest) -> None:
    found = build(received(), API, "$default", "/", Match("$default", "$default"), None, "id=")

    absent = ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables"]
    assert [found[name] for name in [*absent, "body"]] == [None] * 5
    assert set(found["requestContext"]["identity"].values()) == {None, "127.0.0.1"}


def test_the_context_describes_request_and_route(received: MakeRequest) -> None:
    context = event(received())["requestContext"]

    del context["identity"]
    assert context == {
        "accountId": "123456789012",
        "apiId": "abc",
        "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
        "domainPrefix": "abc",
        "extendedRequestId": "id=",
        "httpMethod": "GET",
        "path": "/pets/1",
        "protocol": "HTTP/1.1",
        "requestId": "id=",
        "requestTime": "22/Nov/2026:10:00:00 +0000",
        "requestTimeEpoch": 1795341600000,
        "resourceId": "GET /pets/{id}",
        "resourcePath": "/pets/{id}",
        "stage": "$default",
    }


def test_a_named_stage_is_in_the_path_and_not_in_the_resource(received: MakeRequest) -> None:
    found = event(received(), stage="v1")

    assert (found["path"], found["requestContext"]["path"]) == ("/v1/pets/1", "/v1/pets/1")
    assert (found["resource"], found["stageVariables"]) == ("/pets/{id}", {"colour": "red"})


def test_the_gateways_own_headers_are_capitalised_and_the_clients_are_not(received: MakeRequest) -> None:
    given = {"host": "h", "user-agent": "me", "content-type": "text/plain", "x-forwarded-for": "8.8.8.8"}

    headers = event(received(headers=given))["headers"]

    trace = headers.pop("X-Amzn-Trace-Id")
    assert trace.startswith("Root=1-")
    assert headers == {
        "Content-Length": "0",
        "Host": "h",
        "User-Agent": "me",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Port": "4566",
        "X-Forwarded-Proto": "http",
        "content-type": "text/plain",
    }


def test_a_repeated_parameter_is_whole_in_the_multi_value_member(received: MakeRequest) -> None:
    found = event(received(query="a=1&b=%C3%A9+x&a=2&c="))

    assert found["queryStringParameters"] == {"a": "1", "b": "é x", "c": ""}
    assert found["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["é x"], "c": [""]}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/csv; charset=utf-8",
        "application/json",
        "Application/XML",
        "application/javascript",
    ],
)
def test_text_stays_text(received: MakeRequest, content_type: str) -> None:
    found = event(received(body="é".encode(), headers={"content-type": content_type}))

    assert (found["body"], found["isBase64Encoded"]) == ("é", False)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "image/jpeg"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/octet-stream"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_everything_else_is_base64(received: MakeRequest, headers: dict[str, str]) -> None:
    found = event(received(body=b"\xff\x00", headers=headers))

    assert (base64.b64decode(found["body"]), found["isBase64Encoded"]) == (b"\xff\x00", True)


def test_the_caller_is_in_the_identity(received: MakeRequest) -> None:
    caller = Identity("AKIA", "s", "123456789012", "AIDA", "arn:aws:iam::123456789012:user/me")

    identity = event(received(headers={"user-agent": "me"}), caller=caller)["requestContext"]["identity"]

    assert {name: value for name, value in identity.items() if value} == {
        "accessKey": "AKIA",
        "accountId": "123456789012",
        "caller": "AIDA",
        "sourceIp": "127.0.0.1",
        "user": "AIDA",
        "userAgent": "me",
        "userArn": "arn:aws:iam::123456789012:user/me",
    }
