"""The gate in front of the services: a function may do what its role may, a person anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support_localaws import Desk

import localaws
from localaws.iam.keys import access_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SQS = "arn:aws:sqs:us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/lambda"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::mine/own/*"],
        },
        {
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Resource": "arn:aws:sqs:us-east-1:123456789012:open",
        },
    ],
}
COPIES = """
import boto3
def handler(event, context):
    s3 = boto3.client("s3")
    try:
        return s3.get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read().decode()
    except s3.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarded")


@pytest.fixture(scope="module")
def guarded(state: Path) -> Iterator[Desk]:
    with localaws.running(state, max_concurrency=2, enforce_iam=True) as aws:
        desk = Desk(aws)
        desk.prepare()
        for bucket in ("mine", "theirs"):
            desk.client("s3").create_bucket(Bucket=bucket)
            desk.client("s3").put_object(Bucket=bucket, Key="own/a", Body=b"content")
        for queue in ("open", "closed"):
            desk.client("sqs").create_queue(QueueName=queue)
        desk.client("iam").put_role_policy(
            RoleName="lambda", PolicyName="p", PolicyDocument=json.dumps(POLICY)
        )
        yield desk


@pytest.fixture
def worker(guarded: Desk) -> Callable[[str], Any]:
    """A client that signs as a worker of the role does."""
    return lambda service: as_role(guarded, ROLE, service)


def as_role(desk: Desk, role: str, service: str) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=desk.aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=access_key(role),
        aws_secret_access_key="x",
    )


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_a_role_reads_and_writes_what_its_policy_names(worker: Callable[[str], Any]) -> None:
    s3 = worker("s3")
    s3.put_object(Bucket="mine", Key="own/b", Body=b"x")
    assert s3.get_object(Bucket="mine", Key="own/b")["Body"].read() == b"x"


def test_a_role_touches_nothing_else(worker: Callable[[str], Any]) -> None:
    s3 = worker("s3")
    assert refusal(lambda: s3.get_object(Bucket="theirs", Key="own/a")) == "AccessDenied"
    assert refusal(lambda: s3.put_object(Bucket="mine", Key="other/b", Body=b"x")) == "AccessDenied"
    assert refusal(lambda: s3.delete_object(Bucket="mine", Key="own/a")) == "AccessDenied"
    assert refusal(lambda: s3.delete_bucket(Bucket="mine")) == "AccessDenied"


def test_without_list_bucket_a_missing_object_is_forbidden_not_missing(
    guarded: Desk, worker: Callable[[str], Any]
) -> None:
    assert refusal(lambda: worker("s3").get_object(Bucket="mine", Key="own/none")) == "AccessDenied"
    assert refusal(lambda: guarded.client("s3").get_object(Bucket="mine", Key="own/none")) == "NoSuchKey"


def test_services_with_json_refuse_in_their_own_words(worker: Callable[[str], Any], guarded: Desk) -> None:
    sqs = worker("sqs")
    url = guarded.client("sqs").get_queue_url
    sqs.send_message(QueueUrl=url(QueueName="open")["QueueUrl"], MessageBody="x")
    closed = url(QueueName="closed")["QueueUrl"]
    assert refusal(lambda: sqs.send_message(QueueUrl=closed, MessageBody="x")) == "AccessDeniedException"
    assert refusal(lambda: worker("dynamodb").scan(TableName="t")) == "AccessDeniedException"


def test_a_bucket_policy_may_forbid_what_the_role_allows(guarded: Desk, worker: Callable[[str], Any]) -> None:
    s3 = guarded.client("s3")
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": ROLE},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::mine/*",
    }
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    try:
        assert refusal(lambda: worker("s3").get_object(Bucket="mine", Key="own/a")) == "AccessDenied"
    finally:
        s3.delete_bucket_policy(Bucket="mine")
    assert worker("s3").get_object(Bucket="mine", Key="own/a")


def test_a_key_of_no_role_opens_nothing(guarded: Desk) -> None:
    s3 = as_role(guarded, "arn:aws:iam::123456789012:role/gone", "s3")
    assert refusal(lambda: s3.get_object(Bucket="mine", Key="own/a")) == "AccessDenied"


def test_a_deployed_function_signs_as_its_role(guarded: Desk) -> None:
    name = guarded.deploy(COPIES)
    assert guarded.invoke(name, {"bucket": "mine", "key": "own/a"})[0] == "content"
    assert guarded.invoke(name, {"bucket": "theirs", "key": "own/a"})[0] == "AccessDenied"


def test_the_reason_of_a_refusal_is_in_the_servers_log(worker: Callable[[str], Any], state: Path) -> None:
    refusal(lambda: worker("s3").get_object(Bucket="theirs", Key="own/secret"))
    said = (state / "localaws.log").read_text()
    assert "no policy allows s3:GetObject on arn:aws:s3:::theirs/own/secret" in said


def test_nothing_is_enforced_unless_told(desk: Desk) -> None:
    bucket = desk.bucket()
    desk.client("s3").put_object(Bucket=bucket, Key="a", Body=b"content")
    assert desk.invoke(desk.deploy(COPIES), {"bucket": bucket, "key": "a"})[0] == "content"


# ---------------------------------------------------------------- a key of the user's own


@pytest.fixture
def sealed(guarded: Desk) -> Iterator[str]:
    """A key that bucket `mine` and queue `open` encrypt with, until the test ends."""
    key = guarded.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    guarded.client("s3").put_bucket_encryption(
        Bucket="mine", ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    queue = guarded.client("sqs").get_queue_url(QueueName="open")["QueueUrl"]
    guarded.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": key})
    yield key
    guarded.client("s3").delete_bucket_encryption(Bucket="mine")
    guarded.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": ""})
    guarded.client("iam").delete_role_policy(RoleName="lambda", PolicyName="key")


def let_use(desk: Desk, key: str, actions: list[str], *services: str) -> None:
    statement = {
        "Effect": "Allow",
        "Action": actions,
        "Resource": key,
        "Condition": {
            "StringEquals": {"kms:ViaService": [f"{one}.us-east-1.amazonaws.com" for one in services]}
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    desk.client("iam").put_role_policy(RoleName="lambda", PolicyName="key", PolicyDocument=document)


def test_reading_and_writing_a_sealed_bucket_need_the_key(
    guarded: Desk, sealed: str, worker: Callable[[str], Any]
) -> None:
    s3 = worker("s3")
    let_use(guarded, sealed, ["kms:Decrypt"], "dynamodb")
    assert refusal(lambda: s3.get_object(Bucket="mine", Key="own/a")) == "AccessDenied"
    let_use(guarded, sealed, ["kms:Decrypt"], "s3")
    assert s3.get_object(Bucket="mine", Key="own/a")["Body"].read() == b"content"
    assert refusal(lambda: s3.put_object(Bucket="mine", Key="own/b", Body=b"")) == "AccessDenied"
    let_use(guarded, sealed, ["kms:GenerateDataKey"], "s3")
    s3.put_object(Bucket="mine", Key="own/b", Body=b"")


def test_sending_to_a_sealed_queue_needs_the_key(
    guarded: Desk, sealed: str, worker: Callable[[str], Any]
) -> None:
    queue = guarded.client("sqs").get_queue_url(QueueName="open")["QueueUrl"]
    let_use(guarded, sealed, ["kms:GenerateDataKey"], "sqs")
    assert refusal(lambda: worker("sqs").send_message(QueueUrl=queue, MessageBody="x")).startswith(
        "AccessDenied"
    )
    let_use(guarded, sealed, ["kms:GenerateDataKey", "kms:Decrypt"], "sqs")
    worker("sqs").send_message(QueueUrl=queue, MessageBody="x")


def test_a_key_that_a_service_made_for_the_account_needs_no_permission(
    guarded: Desk, worker: Callable[[str], Any]
) -> None:
    attribute: Any = [{"AttributeName": "Id", "AttributeType": "S"}]
    guarded.client("dynamodb").create_table(
        TableName="plain",
        AttributeDefinitions=attribute,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True},
    )
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    guarded.client("iam").put_role_policy(RoleName="lambda", PolicyName="table", PolicyDocument=document)
    worker("dynamodb").get_item(TableName="plain", Key={"Id": {"S": "1"}})
