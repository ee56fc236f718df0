"""Chalice's requests become the API's, and its answers Chalice's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from chalice.app import Request

from chalicelib.lookout.api.front import LookoutFront
from chalicelib.lookout.api.service import HttpAnswer

if TYPE_CHECKING:
    from chalicelib.lookout.api.contract import HttpRequest

ARN = "arn:aws:lookoutvision:us-east-1:123456789012:model/cars/1"


class Service:
    """Remembers what it was asked."""

    asked: tuple[str, HttpRequest, str]

    def answer(self, operation: str, request: HttpRequest, request_id: str) -> HttpAnswer:
        self.asked = (operation, request, request_id)
        return HttpAnswer(202, {"x-amzn-RequestId": request_id}, "{}")


def request(**changes: Any) -> Request:
    event = {
        "requestContext": {"httpMethod": "POST", "resourcePath": "/", "requestId": "r-1"},
        "headers": {"X-Amzn-Client-Token": "t-1"},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    return Request(event | changes)


def asked(path: dict[str, str], **changes: Any) -> HttpRequest:
    service = Service()
    front = LookoutFront(service)  # type: ignore[arg-type]
    response = front.respond("CreateProject", path, request(**changes))
    operation, taken, request_id = service.asked
    assert (operation, request_id) == ("CreateProject", "r-1")
    assert (response.status_code, response.body) == (202, "{}")
    assert response.headers == {"x-amzn-RequestId": "r-1"}
    return taken


def test_headers_have_lower_case_names() -> None:
    assert asked({}).headers["x-amzn-client-token"] == "t-1"


def test_a_query_keeps_every_value_of_a_name() -> None:
    assert asked({}, multiValueQueryStringParameters={"tagKeys": ["a", "b"]}).query == {"tagKeys": ["a", "b"]}
    assert asked({}).query == {}


@pytest.mark.parametrize(
    ("body", "encoded", "expected"),
    [
        ('{"a": "ä"}', False, '{"a": "ä"}'.encode()),
        ("iVBORw==", True, b"\x89PNG"),
        (None, False, b""),
    ],
)
def test_a_body_comes_as_text_or_in_base64(body: str | None, encoded: bool, expected: bytes) -> None:  # noqa: FBT001
    assert asked({}, body=body, isBase64Encoded=encoded).body == expected


@pytest.mark.parametrize(
    "path",
    [
        {"resourceArn": ARN},
        {"resourceArn": ARN.replace("/", "%2F").replace(":", "%3A")},
        {"resourceArn": ARN.removesuffix("/cars/1"), "project": "cars", "version": "1"},
    ],
    ids=["whole", "encoded", "its slashes decoded on the way"],
)
def test_an_arn_is_put_together_whatever_became_of_its_slashes(path: dict[str, str]) -> None:
    assert asked(path).path == {"resourceArn": ARN}
