"""Requests are checked, and answers put together, as Lookout for Vision's own model says."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.lookout.api.contract import (
    MAX_BLOB,
    HttpRequest,
    answer_of,
    members_of,
    service_model,
    success_status,
)
from chalicelib.lookout.api.errors import ValidationException
from chalicelib.lookout.api.routes import ROUTES

CARS = {"projectName": "cars"}
TRAIN = {"DatasetType": "train"}
ENTRIES = CARS | {"datasetType": "train"}
ACCEPTED = {
    "CreateDataset", "CreateModel", "DeleteDataset", "DeleteModel", "StartModel", "StopModel",
    "UpdateDatasetEntries",
}  # fmt: skip


def taken(
    operation: str,
    body: Any = None,
    *,
    path: dict[str, str] | None = None,
    query: dict[str, list[str]] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return members_of(operation, HttpRequest(path or {}, query or {}, headers or {}, raw))


def complaint(operation: str, body: Any = None, **places: Any) -> str:
    with pytest.raises(ValidationException) as error:
        taken(operation, body, **places)
    return error.value.message


def entries(**query: str) -> dict[str, Any]:
    return {"path": ENTRIES, "query": {name: [value] for name, value in query.items()}}


# ---------------------------------------------------------------- where members come from


def test_members_come_from_the_path_the_query_the_headers_and_the_body() -> None:
    found = taken(
        "ListDatasetEntries",
        path=ENTRIES,
        query={"labeled": ["true"], "maxResults": ["7"], "createdBefore": ["2020-06-23T00:00:00Z"]},
    )
    assert found == {
        "ProjectName": "cars",
        "DatasetType": "train",
        "Labeled": True,
        "MaxResults": 7,
        "BeforeCreationDate": datetime(2020, 6, 23, tzinfo=UTC),
    }
    given = {"DatasetType": "train", "ProjectName": "not from here"}
    found = taken("CreateDataset", given, path=CARS, headers={"x-amzn-client-token": "t-1"})
    assert found == {"ProjectName": "cars", "DatasetType": "train", "ClientToken": "t-1"}


def test_the_payload_is_the_body_as_it_is() -> None:
    body, headers = b"\x89PNG{", {"content-type": "image/png"}
    path = CARS | {"modelVersion": "1"}
    assert taken("DetectAnomalies", body, path=path, headers=headers)["Body"] == body


def test_a_picture_that_does_not_fit_into_a_call_is_refused_with_what_to_do() -> None:
    path, headers = CARS | {"modelVersion": "1"}, {"content-type": "image/png"}
    largest = b"x" * MAX_BLOB
    assert taken("DetectAnomalies", largest, path=path, headers=headers)["Body"] == largest
    message = complaint("DetectAnomalies", largest + b"x", path=path, headers=headers)
    assert message.startswith(
        "The body has 4500001 bytes; 4500000 fit into a call of this API: make the picture"
    )


def test_a_blob_comes_in_base64() -> None:
    body = {"Changes": base64.b64encode(b"{}\n").decode()}
    assert taken("UpdateDatasetEntries", body, path=ENTRIES)["Changes"] == b"{}\n"


def test_of_a_parameter_that_comes_twice_the_last_counts_unless_it_is_a_list() -> None:
    found = taken("ListProjects", query={"maxResults": ["1", "2"]})
    assert found == {"MaxResults": 2}
    arn = {"resourceArn": "arn"}
    assert taken("UntagResource", path=arn, query={"tagKeys": ["a", "b"]})["TagKeys"] == ["a", "b"]


def test_members_that_the_model_does_not_know_are_left_out() -> None:
    assert taken("CreateProject", {"ProjectName": "cars", "Colour": "red"}) == {"ProjectName": "cars"}


def test_null_is_as_good_as_absent() -> None:
    given = {"DatasetType": "train", "DatasetSource": None}
    assert "DatasetSource" not in taken("CreateDataset", given, path=CARS)


# ---------------------------------------------------------------- what is refused


def test_every_problem_is_told_at_once() -> None:
    message = complaint("CreateDataset", {"DatasetType": "valid"}, path={"projectName": "-cars"})
    assert message.startswith("2 validation errors detected: ")
    assert "'projectName' failed to satisfy constraint: Member must satisfy regular expression" in message
    assert "'datasetType' failed" in message


@pytest.mark.parametrize(
    ("operation", "body", "places", "said"),
    [
        ("CreateProject", {}, {}, "Value null at 'projectName'"),
        ("CreateProject", {"ProjectName": 7}, {}, "'projectName' is no string"),
        ("CreateProject", {"ProjectName": "c" * 256}, {}, "length less than or equal to 255"),
        ("CreateProject", {"ProjectName": "ca rs"}, {}, "regular expression pattern"),
        ("CreateProject", b"{", {}, "The body of the request is no JSON."),
        ("CreateProject", b"[]", {}, "The body of the request is no JSON object."),
        ("ListProjects", None, {"query": {"maxResults": ["101"]}}, "value less than or equal to 100"),
        ("ListProjects", None, {"query": {"maxResults": ["0"]}}, "value greater than or equal to 1"),
        ("ListProjects", None, {"query": {"maxResults": ["many"]}}, "'maxResults' is no integer"),
        ("ListDatasetEntries", None, entries(labeled="yes"), "is no boolean"),
        ("ListDatasetEntries", None, entries(anomalyClass="odd"), "(normal|anomaly)"),
        ("ListDatasetEntries", None, entries(createdAfter="soon"), "is no timestamp"),
        ("UpdateDatasetEntries", {"Changes": "?"}, {"path": ENTRIES}, "'changes' is no blob"),
        ("UpdateDatasetEntries", {"Changes": ""}, {"path": ENTRIES}, "length greater than or equal to 1"),
        ("CreateDataset", TRAIN | {"DatasetSource": "x"}, {"path": CARS}, "has to be an object"),
        (
            "CreateDataset",
            TRAIN | {"DatasetSource": {"GroundTruthManifest": {"S3Object": {"Bucket": "b"}}}},
            {"path": CARS},
            "Value null at 'datasetSource.groundTruthManifest.s3Object.key'",
        ),
        ("TagResource", {"Tags": {}}, {"path": {"resourceArn": "a"}}, "'tags' has to be a list"),
        ("TagResource", {"Tags": [{"Key": "a"}]}, {"path": {"resourceArn": "a"}}, "'tags.1.value'"),
        (
            "DescribeModel",
            None,
            {"path": CARS | {"modelVersion": "0"}},
            "'modelVersion' failed to satisfy constraint",
        ),
    ],
)
def test_what_the_model_does_not_allow_is_refused(
    operation: str, body: Any, places: dict[str, Any], said: str
) -> None:
    assert said in complaint(operation, body, **places)


def test_a_pattern_has_to_match_the_whole_value() -> None:
    assert "projectName" in complaint("CreateProject", {"ProjectName": "cars\n"})


def test_tags_may_be_in_any_script() -> None:
    tags = [{"Key": "Straße", "Value": "東京 +-=._:/@"}]
    assert taken("TagResource", {"Tags": tags}, path={"resourceArn": "a"})["Tags"] == tags


# ---------------------------------------------------------------- answers


def test_an_answer_has_only_what_its_shape_has() -> None:
    moment = datetime(2026, 11, 25, 21, 0, 0, 123000, tzinfo=UTC)
    result = {"ProjectMetadata": {"ProjectName": "cars", "CreationTimestamp": moment, "Secret": 1}, "More": 2}
    assert answer_of("CreateProject", result) == {
        "ProjectMetadata": {"ProjectName": "cars", "CreationTimestamp": 1795640400.123}
    }


def test_what_is_none_is_left_out_and_lists_and_blobs_are_written_out() -> None:
    assert answer_of("ListProjects", {"Projects": [], "NextToken": None}) == {"Projects": []}
    mask = answer_of("DetectAnomalies", {"DetectAnomalyResult": {"AnomalyMask": b"\x89PNG"}})
    assert mask == {"DetectAnomalyResult": {"AnomalyMask": "iVBORw=="}}


def test_what_takes_a_while_is_accepted_and_all_else_is_ok() -> None:
    names = service_model().operation_names
    assert {name for name in names if success_status(name) == 202} == ACCEPTED
    assert {success_status(name) for name in names} == {200, 202}


def test_every_route_is_the_models_own() -> None:
    for name, method, path in ROUTES:
        http = service_model().operation_model(name).http
        assert method == http["method"]
        assert path == http["requestUri"] or path.startswith(http["requestUri"] + "/")
