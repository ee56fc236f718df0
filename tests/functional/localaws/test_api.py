"""What moto does otherwise than AWS, or not at all, is as on AWS here."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_localaws import RECORDER, eventually, zipped

if TYPE_CHECKING:
    from support_localaws import Desk

PID = "import os\ndef handler(event, context):\n    return os.getpid()\n"

INITIALISED = (
    "import os\nHOW = os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    "def handler(event, context):\n    return HOW\n"
)


def refusal(call: Any, **options: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**options)
    response = caught.value.response
    return str(response["Error"]["Code"]), int(response["ResponseMetadata"]["HTTPStatusCode"])


def versioned(desk: Desk) -> str:
    bucket = desk.bucket()
    desk.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def test_a_write_if_none_match_fails_where_something_is(desk: Desk) -> None:
    s3, bucket = desk.client("s3"), desk.bucket()
    s3.put_object(Bucket=bucket, Key="a", IfNoneMatch="*")

    assert refusal(s3.put_object, Bucket=bucket, Key="a", IfNoneMatch="*") == ("PreconditionFailed", 412)


def test_a_write_if_none_match_succeeds_after_a_delete_marker(desk: Desk) -> None:
    s3, bucket = desk.client("s3"), versioned(desk)
    s3.put_object(Bucket=bucket, Key="a")
    s3.delete_object(Bucket=bucket, Key="a")

    assert s3.put_object(Bucket=bucket, Key="a", IfNoneMatch="*")["VersionId"]


def test_a_write_if_match_needs_that_very_object(desk: Desk) -> None:
    s3, bucket = desk.client("s3"), desk.bucket()
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfMatch=etag)

    assert refusal(s3.put_object, Bucket=bucket, Key="a", IfMatch=etag) == ("PreconditionFailed", 412)
    assert refusal(s3.put_object, Bucket=bucket, Key="b", IfMatch=etag) == ("NoSuchKey", 404)


def test_a_delete_marker_cannot_be_read(desk: Desk) -> None:
    s3, bucket = desk.client("s3"), versioned(desk)
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]

    assert refusal(s3.get_object, Bucket=bucket, Key="a") == ("NoSuchKey", 404)
    assert refusal(s3.get_object, Bucket=bucket, Key="a", VersionId=marker) == ("MethodNotAllowed", 405)
    assert s3.get_object(Bucket=bucket, Key="a", VersionId=version)["Body"].read() == b"1"


def test_a_key_has_at_most_1024_bytes(desk: Desk) -> None:
    s3, bucket = desk.client("s3"), desk.bucket()
    s3.put_object(Bucket=bucket, Key="é" * 512)

    assert refusal(s3.put_object, Bucket=bucket, Key="é" * 512 + "x") == ("KeyTooLongError", 400)


@pytest.mark.parametrize("key", ["a b", "a+b", "a%2Fb", "é/😀", "a&b=c?d#e", "x//y", "'\"<>"])
def test_keys_of_every_kind_are_stored_listed_and_deleted(desk: Desk, key: str) -> None:
    s3, bucket = desk.client("s3"), versioned(desk)
    s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    (found,) = s3.list_object_versions(Bucket=bucket)["Versions"]

    s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": found["Key"], "VersionId": found["VersionId"]}]}
    )

    assert found["Key"] == key
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_a_redrive_policy_comes_back_as_aws_writes_it(desk: Desk) -> None:
    (url, _), (_, dead) = desk.queue(), desk.queue()
    policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3}, separators=(",", ":"))
    desk.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})

    attributes = desk.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    assert attributes["Attributes"]["RedrivePolicy"] == policy


def test_aws_managed_policies_are_there(desk: Desk) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

    assert desk.client("iam").get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn


def test_event_invoke_configurations_belong_to_a_qualifier(desk: Desk) -> None:
    functions = desk.client("lambda")
    arn = desk.deploy_alias(PID)
    name = arn.split(":")[-2]
    functions.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=1)
    functions.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=2)

    live = functions.get_function_event_invoke_config(FunctionName=name, Qualifier="live")
    assert (live["FunctionArn"], live["MaximumRetryAttempts"]) == (arn, 2)
    assert refusal(functions.get_function_event_invoke_config, FunctionName=name) == (
        "ResourceNotFoundException",
        404,
    )

    functions.delete_function_event_invoke_config(FunctionName=name, Qualifier="live")
    assert refusal(functions.get_function_event_invoke_config, FunctionName=name, Qualifier="live")[1] == 404


def test_every_setting_of_a_function_is_kept_and_updated(desk: Desk) -> None:
    functions, (_, dead) = desk.client("lambda"), desk.queue()
    name = desk.deploy(PID, DeadLetterConfig={"TargetArn": dead})
    functions.update_function_configuration(
        FunctionName=name,
        EphemeralStorage={"Size": 1024},
        TracingConfig={"Mode": "Active"},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"},
    )
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    found = functions.get_function(FunctionName=name)
    config = found["Configuration"]
    assert config["DeadLetterConfig"] == {"TargetArn": dead}
    assert config["EphemeralStorage"] == {"Size": 1024}
    assert config["TracingConfig"] == {"Mode": "Active"}
    assert config["LoggingConfig"]["LogGroup"] == "/mine"
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 0}


def test_provisioned_concurrency_starts_workers_before_they_are_asked_for(desk: Desk) -> None:
    functions = desk.client("lambda")
    arn = desk.deploy_alias(PID)
    name = arn.split(":")[-2]
    options = {"FunctionName": name, "Qualifier": "live"}
    assert refusal(functions.get_provisioned_concurrency_config, **options) == (
        "ProvisionedConcurrencyConfigNotFoundException",
        404,
    )

    functions.put_provisioned_concurrency_config(**options, ProvisionedConcurrentExecutions=1)
    ready = eventually(
        lambda: (
            (found := functions.get_provisioned_concurrency_config(**options))["Status"] == "READY" and found
        )
    )
    _, answer = desk.invoke(arn)

    assert ready["AllocatedProvisionedConcurrentExecutions"] == 1
    report = next(line for line in desk.log_lines(name) if line.startswith("REPORT"))
    assert "Init Duration" not in report
    assert answer["ExecutedVersion"] == "1"
    functions.delete_provisioned_concurrency_config(**options)
    assert refusal(functions.get_provisioned_concurrency_config, **options)[1] == 404


def test_a_provisioned_environment_knows_that_it_is_one(desk: Desk) -> None:
    functions, arn = desk.client("lambda"), desk.deploy_alias(INITIALISED)
    assert desk.invoke(arn)[0] == "on-demand"
    options = {"FunctionName": arn.split(":")[-2], "Qualifier": "live"}
    functions.put_provisioned_concurrency_config(**options, ProvisionedConcurrentExecutions=1)
    eventually(lambda: functions.get_provisioned_concurrency_config(**options)["Status"] == "READY")
    assert desk.invoke(arn)[0] == "provisioned-concurrency"
    assert desk.invoke(desk.deploy_alias(INITIALISED))[0] == "on-demand"


def test_provisioned_concurrency_has_to_fit_into_what_is_reserved(desk: Desk) -> None:
    functions, arn = desk.client("lambda"), desk.deploy_alias(PID)
    name = arn.split(":")[-2]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert refusal(
        functions.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="live",
        ProvisionedConcurrentExecutions=3,
    ) == ("InvalidParameterValueException", 400)


def test_provisioned_concurrency_leaves_the_account_a_hundred(desk: Desk) -> None:
    functions, arn = desk.client("lambda"), desk.deploy_alias(PID)
    given = {"FunctionName": arn.split(":")[-2], "Qualifier": "live"}
    with pytest.raises(ClientError, match="below its minimum value of \\[100\\]"):
        functions.put_provisioned_concurrency_config(**given, ProvisionedConcurrentExecutions=901)


def test_a_function_may_be_allowed_to_start_itself_again_and_again(desk: Desk) -> None:
    functions, name = desk.client("lambda"), desk.deploy(PID)
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    put = functions.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert put["RecursiveLoop"] == "Allow"
    functions.update_function_code(FunctionName=name, ZipFile=zipped(PID))
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"


def test_the_recursion_of_no_function_and_to_no_end_is_refused(desk: Desk) -> None:
    functions = desk.client("lambda")
    assert refusal(functions.get_function_recursion_config, FunctionName="none") == (
        "ResourceNotFoundException",
        404,
    )
    wrong = {"FunctionName": desk.deploy(PID), "RecursiveLoop": "Perhaps"}
    assert refusal(functions.put_function_recursion_config, **wrong) == (
        "InvalidParameterValueException",
        400,
    )


def test_an_sns_topic_starts_a_function(desk: Desk) -> None:
    sns, name = desk.client("sns"), desk.deploy(RECORDER)
    topic = sns.create_topic(Name=desk.name("topic"))["TopicArn"]
    endpoint = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=endpoint)

    sns.publish(TopicArn=topic, Message="hello")

    (event,) = eventually(lambda: desk.seen(name))
    assert event["Records"][0]["Sns"]["Message"] == "hello"


def test_a_queue_mapped_to_a_function_is_emptied_by_it(desk: Desk) -> None:
    (url, arn), name = desk.queue(), desk.deploy(RECORDER)
    desk.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=name)

    desk.client("sqs").send_message(QueueUrl=url, MessageBody="hello")

    (event,) = eventually(lambda: desk.seen(name))
    assert event["Records"][0]["body"] == "hello"


def test_a_functions_code_may_come_from_a_bucket(desk: Desk) -> None:
    bucket = desk.bucket()
    desk.client("s3").put_object(Bucket=bucket, Key="code.zip", Body=zipped(PID))
    desk.client("lambda").create_function(
        FunctionName="from-bucket",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::123456789012:role/lambda",
        Code={"S3Bucket": bucket, "S3Key": "code.zip"},
    )

    assert isinstance(desk.invoke("from-bucket")[0], int)


def test_the_body_of_a_put_is_the_object_whatever_it_is_called(desk: Desk) -> None:
    bucket = desk.bucket()
    url = desk.client("s3").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with urllib.request.urlopen(urllib.request.Request(url, b"\xff=1&2", headers, method="PUT")):
        pass

    assert desk.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"\xff=1&2"
