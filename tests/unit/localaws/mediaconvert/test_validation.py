from __future__ import annotations

import json
from typing import Any

import pytest

from localaws.mediaconvert.exceptions import BadRequestException
from localaws.mediaconvert.validation import parse_request


def wire(**changes: Any) -> dict[str, Any]:
    return {"role": "arn:aws:iam::123456789012:role/r", "settings": {}, **changes}


def refusal(body: object) -> str:
    with pytest.raises(BadRequestException) as refused:
        parse_request("CreateJob", body if isinstance(body, str) else json.dumps(body))
    assert refused.value.code == "BadRequestException"
    return str(refused.value.message)


def test_members_come_back_under_the_models_names() -> None:
    body = wire(settings={"inputs": [{"fileInput": "s3://a/b", "audioSelectors": {"One": {"offset": 1}}}]})
    assert parse_request("CreateJob", json.dumps(body))["Settings"] == {
        "Inputs": [{"FileInput": "s3://a/b", "AudioSelectors": {"One": {"Offset": 1}}}]
    }


def test_null_is_as_good_as_absent() -> None:
    assert "Queue" not in parse_request("CreateJob", json.dumps(wire(queue=None)))


def test_path_and_query_are_part_of_the_request() -> None:
    assert parse_request("GetJob", "", uri={"id": "1-a"}) == {"Id": "1-a"}
    assert parse_request("ListJobs", "", query={"maxResults": "5", "order": ["ASCENDING"]}) == {
        "MaxResults": 5,
        "Order": "ASCENDING",
    }


def test_a_required_member_is_missed_by_name() -> None:
    assert refusal({"settings": {}}) == "/: role is a required property"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": {}}, "/inputs: Should be list"),
        ({"adAvailOffset": "1"}, "/adAvailOffset: Should be integer"),
        ({"adAvailOffset": True}, "/adAvailOffset: Should be integer"),
        ({"surprise": 1}, "/: surprise is not a known property"),
        (
            {"outputGroups": [{"outputs": [{"videoDescription": {"height": 20}}]}]},
            "/outputGroups/0/outputs/0/videoDescription/height: Should be at least 32",
        ),
        (
            {"inputs": [{"videoSelector": {"rotate": "DEGREES_45"}}]},
            (
                "/inputs/0/videoSelector/rotate: Should be one of "
                "[DEGREE_0, DEGREES_90, DEGREES_180, DEGREES_270, AUTO]"
            ),
        ),
        (
            {"inputs": [{"inputClippings": [{"startTimecode": "5 s"}]}]},
            (
                "/inputs/0/inputClippings/0/startTimecode: Should match pattern "
                r"^([01][0-9]|2[0-4]):[0-5][0-9]:[0-5][0-9][:;][0-9]{2}(@[0-9]+(\.[0-9]+)?(:[0-9]+)?)?$"
            ),
        ),
    ],
)
def test_a_wrong_member_is_told_by_its_path_from_the_settings(settings: dict[str, Any], message: str) -> None:
    assert refusal(wire(settings=settings)) == message


def test_a_body_that_is_no_json_object_is_refused() -> None:
    assert refusal("{") == "Unable to parse the request body as JSON."
    assert refusal("[]") == "/: Should be object"


def test_queries_are_checked_too() -> None:
    with pytest.raises(BadRequestException, match="maxResults: Should be at most 20"):
        parse_request("ListJobs", "", query={"maxResults": "21"})
