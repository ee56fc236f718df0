"""Lookout for Vision's API as it is deployed, through boto3's own client for it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from PIL import Image
from support_lookout_client import lookout_client, refused
from support_models import normal_png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support_deployed import Deployed

PROJECT = "spotcheck"


@pytest.fixture(scope="module")
def lookout(pipeline: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with lookout_client(pipeline, tmp_path_factory.mktemp("data")) as client:
        yield client


# ---------------------------------------------------------------- detecting


def test_a_picture_is_judged_as_the_service_judged_it(lookout: Any) -> None:
    answer = lookout.detect_anomalies(
        ProjectName=PROJECT, ModelVersion="1", Body=bytearray(normal_png(70)), ContentType="image/png"
    )
    found = answer["DetectAnomalyResult"]
    assert found["Source"] == {"Type": "direct"}
    assert found["IsAnomalous"] is False
    assert 0.5 <= found["Confidence"] <= 1
    assert json.loads(json.dumps(found)) == found  # old programs write it down as it is
    told = answer["ResponseMetadata"]
    assert told["RequestId"]
    assert told["HTTPHeaders"]["date"]
    assert told["HTTPHeaders"]["x-amz-request-id"] == told["RequestId"]


def test_a_jpeg_is_judged_by_the_latest_version_too(lookout: Any) -> None:
    with io.BytesIO() as file:
        Image.open(io.BytesIO(normal_png(71))).convert("RGB").save(file, "JPEG")
        body = file.getvalue()
    answer = lookout.detect_anomalies(
        ProjectName=PROJECT, ModelVersion="latest", Body=body, ContentType="image/jpeg"
    )
    assert isinstance(answer["DetectAnomalyResult"]["IsAnomalous"], bool)


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"no picture", "image/png", "neither JPEG nor PNG|no picture|not a"),
        (normal_png(72), "image/gif", "image/gif is not supported"),
        (normal_png(72), "image/jpeg", "ContentType says image/jpeg"),
    ],
)
def test_what_can_not_be_judged_is_a_validation_error(
    lookout: Any, body: bytes, content_type: str, said: str
) -> None:
    response = refused(
        lookout.detect_anomalies, ProjectName=PROJECT, ModelVersion="1", Body=body, ContentType=content_type
    )
    assert response["Error"]["Code"] == "ValidationException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert any(part in response["Error"]["Message"] for part in said.split("|")), response


def test_a_version_that_does_not_exist_is_not_found(lookout: Any) -> None:
    given = {"ProjectName": PROJECT, "ModelVersion": "99", "Body": b"x", "ContentType": "image/png"}
    response = refused(lookout.detect_anomalies, **given)
    assert (response["Error"]["Code"], response["ResourceType"]) == ("ResourceNotFoundException", "MODEL")
    assert response["ResourceId"].endswith(f":model/{PROJECT}/99")


def test_an_unsigned_request_is_refused(lookout: Any) -> None:
    make: Any = boto3.client
    unsigned = make("lookoutvision", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    del lookout
    with pytest.raises(ClientError) as error:
        unsigned.list_projects()
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


# ---------------------------------------------------------------- projects and models


def test_a_project_is_created_described_listed_and_deleted(lookout: Any) -> None:
    created = lookout.create_project(ProjectName="Cars-2")["ProjectMetadata"]
    arn = "arn:aws:lookoutvision:us-east-1:123456789012:project/Cars-2"
    assert (created["ProjectName"], created["ProjectArn"]) == ("Cars-2", arn)
    described = lookout.describe_project(ProjectName="Cars-2")["ProjectDescription"]
    assert described["CreationTimestamp"] == created["CreationTimestamp"]
    assert described["Datasets"] == []
    pages = lookout.get_paginator("list_projects").paginate(PaginationConfig={"PageSize": 1})
    listed = [one["ProjectName"] for page in pages for one in page["Projects"]]
    assert listed == sorted(listed)
    assert {"Cars-2", PROJECT} <= set(listed)
    assert lookout.delete_project(ProjectName="Cars-2")["ProjectArn"] == arn
    assert refused(lookout.describe_project, ProjectName="Cars-2")["ResourceType"] == "PROJECT"


def test_a_project_of_the_same_name_is_a_conflict(lookout: Any) -> None:
    response = refused(lookout.create_project, ProjectName=PROJECT)
    assert response["Error"]["Code"] == "ConflictException"
    assert (response["ResourceId"], response["ResourceType"]) == (PROJECT, "PROJECT")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_a_project_with_models_is_not_deleted(lookout: Any) -> None:
    assert refused(lookout.delete_project, ProjectName=PROJECT)["Error"]["Code"] == "ConflictException"


@pytest.mark.parametrize("name", ["-cars", "cars!", "c" * 256])
def test_a_name_that_the_service_did_not_take_is_a_validation_error(lookout: Any, name: str) -> None:
    response = refused(lookout.create_project, ProjectName=name)
    assert response["Error"]["Code"] == "ValidationException"
    assert "projectName" in response["Error"]["Message"]


def test_a_published_model_is_described_as_hosted(lookout: Any) -> None:
    versions = lookout.list_models(ProjectName=PROJECT)["Models"]
    assert [one["ModelVersion"] for one in versions] == sorted(
        (one["ModelVersion"] for one in versions), key=int, reverse=True
    )
    described = lookout.describe_model(ProjectName=PROJECT, ModelVersion="latest")["ModelDescription"]
    assert described["ModelVersion"] == versions[0]["ModelVersion"]
    assert described["Status"] in {"HOSTED", "TRAINED"}
    assert described["ModelArn"].endswith(f":model/{PROJECT}/{described['ModelVersion']}")


# ---------------------------------------------------------------- tags


def test_tags_are_added_replaced_listed_and_removed(lookout: Any) -> None:
    arn = lookout.describe_model(ProjectName=PROJECT, ModelVersion="1")["ModelDescription"]["ModelArn"]
    lookout.tag_resource(
        ResourceArn=arn, Tags=[{"Key": "line", "Value": "7"}, {"Key": "Werk", "Value": "Köln"}]
    )
    lookout.tag_resource(ResourceArn=arn, Tags=[{"Key": "line", "Value": "8"}])
    lookout.untag_resource(ResourceArn=arn, TagKeys=["Werk", "never there"])
    assert lookout.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "line", "Value": "8"}]


def test_only_models_have_tags(lookout: Any) -> None:
    arn = "arn:aws:lookoutvision:us-east-1:123456789012:project/spotcheck"
    response = refused(lookout.list_tags_for_resource, ResourceArn=arn)
    assert response["Error"]["Code"] == "ValidationException"


# ---------------------------------------------------------------- the notebook's second function


def test_code_like_the_notebooks_second_function_runs_unchanged(
    pipeline: Deployed, lookout: Any, tmp_path: Path
) -> None:
    """Names and order are the notebook's: five strings in the table, the answer as text in the bucket."""
    environment = {
        "project_name": PROJECT,
        "model_version": "1",
        "output_bucket": pipeline.outputs["results_bucket"],
    }
    image, s3 = "notebook.png", pipeline.client("s3")
    s3.put_object(Bucket=environment["output_bucket"], Key=image, Body=normal_png(73))
    s3.download_file(environment["output_bucket"], image, str(tmp_path / image))

    result = lookout.detect_anomalies(
        ProjectName=environment["project_name"],
        ModelVersion=environment["model_version"],
        Body=bytearray((tmp_path / image).read_bytes()),
        ContentType="image/png",
    )
    pipeline.target.resource("dynamodb").Table(pipeline.outputs["results_table"]).put_item(
        Item={
            "RequestID": result["ResponseMetadata"]["RequestId"],
            "Date": result["ResponseMetadata"]["HTTPHeaders"]["date"],
            "Image": image,
            "DetectAnomalyResult": str(result["DetectAnomalyResult"]["IsAnomalous"]),
            "Confidence": str(result["DetectAnomalyResult"]["Confidence"]),
        }
    )
    s3.put_object(Bucket=environment["output_bucket"], Key=f"{image}.txt", Body=json.dumps(result))

    (row,) = [one for one in pipeline.target.results_table().written_by_notebook() if one.image == image]
    assert (row.is_anomalous, row.request_id) == (False, result["ResponseMetadata"]["RequestId"])
    assert row.confidence == result["DetectAnomalyResult"]["Confidence"]
