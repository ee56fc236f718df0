"""One picture through a pipeline that works, one that does not, and no trace left of either."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws
from PIL import Image

from chalicelib.identity import request_id
from spotcheck.exceptions import SmokeError
from spotcheck.smoke import SmokeResult, send_smoke_picture
from spotcheck.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Pipeline:
    """Stands for the deployed functions: judges what lies in the bucket when somebody waits."""

    status: str | None
    seen: bytes = b""
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        s3 = boto3.client("s3")
        for found in s3.list_object_versions(Bucket="images").get("Versions", []):
            key, version = found["Key"], found["VersionId"]
            self.seen = s3.get_object(Bucket="images", Key=key)["Body"].read()
            if self.status is None:
                continue
            for name in (
                f"results/{key}.json",
                f"history/{key}/{version}.json",
                f"heatmaps/{key}/{version}.png",
            ):
                s3.put_object(Bucket="results", Key=name, Body=b"")
            item = {
                "RequestID": request_id("images", key, version),
                "Status": self.status,
                "Reason": "too odd",
            }
            boto3.resource("dynamodb").Table("results").put_item(Item=item)

    def judge(self) -> SmokeResult:
        outputs = {
            "images_bucket": "images",
            "results_bucket": "results",
            "results_table": "results",
            "region": "us-east-1",
            "project_name": "p",
            "function_names": {"detect_image": "spotcheck-detect_image"},
            "dead_letter_queue_url": "https://sqs/dead",
        }
        return send_smoke_picture(
            Target("aws", outputs, "123456789012"),
            clock=lambda: self.now,
            sleep=cast("Callable[[float], None]", self.sleep),
            timeout=10,
        )


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "ACCESS_KEY_ID": "test",
        "SECRET_ACCESS_KEY": "test",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in ("images", "results"):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("dynamodb").create_table(
            TableName="results",
            KeySchema=[{"AttributeName": "RequestID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "RequestID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield


def left_over() -> list[Any]:
    s3 = boto3.client("s3")
    objects = [s3.list_object_versions(Bucket=bucket).get("Versions", []) for bucket in ("images", "results")]
    return [*objects[0], *objects[1], *boto3.client("dynamodb").scan(TableName="results")["Items"]]


@pytest.mark.parametrize("status", ["JUDGED", "WAITING"])
def test_a_pipeline_that_works_is_told_with_its_seconds_and_without_a_trace(status: str) -> None:
    assert Pipeline(status).judge() == SmokeResult(status, 0.5)
    assert left_over() == []


def test_the_smoke_picture_is_a_picture_that_the_pipeline_accepts() -> None:
    pipeline = Pipeline("JUDGED")
    pipeline.judge()
    picture = Image.open(io.BytesIO(pipeline.seen))
    assert (picture.format, picture.size) == ("JPEG", (320, 240))


def test_silence_fails_and_says_where_to_look() -> None:
    with pytest.raises(
        SmokeError, match=r"no record after 10 s.*/aws/lambda/spotcheck-detect_image.*https://sqs/dead"
    ):
        Pipeline(None).judge()
    assert left_over() == []


def test_a_rejected_smoke_picture_fails_with_the_reason() -> None:
    with pytest.raises(SmokeError, match=r"REJECTED for a sound picture \(too odd\)"):
        Pipeline("REJECTED").judge()
