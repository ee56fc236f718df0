"""What a stack holds, and that nothing of it is left after emptying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from spotcheck import emptying
from spotcheck.exceptions import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUTS: dict[str, Any] = {f"{role}_bucket": role for role in ("videos", "images", "results", "models")} | {
    "results_table": "results"
}
AWKWARD_KEYS = ["plain.jpg", "with space.jpg", "a+b.jpg", "100%.jpg", "é/🙂.jpg"]


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
        for role in ("videos", "images", "results", "models"):
            s3.create_bucket(Bucket=role)
            s3.put_bucket_versioning(Bucket=role, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("dynamodb").create_table(
            TableName="results",
            KeySchema=[{"AttributeName": "RequestID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "RequestID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
        )
        yield


def held() -> list[str]:
    return emptying.held_data(boto3.client("s3"), boto3.client("dynamodb"), OUTPUTS)


def test_a_new_stack_holds_nothing() -> None:
    assert held() == []


def test_the_layer_is_terraforms_own_and_no_data() -> None:
    boto3.client("s3").put_object(Bucket="models", Key="layers/x.zip", Body=b"")
    assert held() == []


def test_a_picture_and_an_item_are_data() -> None:
    boto3.client("s3").put_object(Bucket="images", Key="image_inputs/a.jpg", Body=b"")
    boto3.client("dynamodb").put_item(TableName="results", Item={"RequestID": {"S": "1"}})
    assert held() == ["bucket images", "table results"]


def test_a_deleted_picture_is_still_data_while_its_version_stands() -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="images", Key="a.jpg", Body=b"")
    s3.delete_object(Bucket="images", Key="a.jpg")
    assert held() == ["bucket images"]


def test_a_stack_that_broke_off_is_looked_at_as_far_as_it_goes() -> None:
    partial = dict.fromkeys(OUTPUTS) | {"images_bucket": "images"}
    assert emptying.held_data(boto3.client("s3"), boto3.client("dynamodb"), partial) == []


def test_emptying_deletes_every_version_of_every_key() -> None:
    s3 = boto3.client("s3")
    for key in AWKWARD_KEYS * 2:
        s3.put_object(Bucket="images", Key=key, Body=b"")
    s3.delete_object(Bucket="images", Key="plain.jpg")
    told: list[tuple[str, int]] = []
    emptying.empty_buckets(s3, OUTPUTS, lambda bucket, count: told.append((bucket, count)))
    assert told == [("images", 2 * len(AWKWARD_KEYS) + 1)]
    assert held() == []
    s3.delete_bucket(Bucket="images")


def test_a_refusal_of_s3_is_an_error_that_names_the_key() -> None:
    class Refusing:
        def get_paginator(self, _: str) -> Any:
            return boto3.client("s3").get_paginator("list_object_versions")

        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "a.jpg", "Code": "AccessDenied", "Message": "no"}]}

    boto3.client("s3").put_object(Bucket="images", Key="a.jpg", Body=b"")
    with pytest.raises(StackError, match=r"1 objects of images, such as a\.jpg: AccessDenied no"):
        emptying.empty_buckets(Refusing(), OUTPUTS, lambda *_: None)


def test_a_protected_table_can_be_deleted_once_its_protection_is_lifted() -> None:
    dynamodb = boto3.client("dynamodb")
    emptying.lift_protection(dynamodb, "results")
    dynamodb.delete_table(TableName="results")
