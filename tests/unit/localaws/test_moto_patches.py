"""Each mend is still needed: when one of these fails, moto has caught up and the mend can go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from support_localaws import zipped

from localaws import moto_patches

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Clients of moto as it is, without our mends."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield lambda service: boto3.client(service, region_name="us-east-1")


def function(plain: Any, **options: Any) -> str:
    role = plain("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    options = {"Role": role, "Runtime": "python3.13", "Handler": "app.handler"} | options
    plain("lambda").create_function(FunctionName="f", Code={"ZipFile": zipped("")}, Publish=True, **options)
    return "f"


def queue_events(plain: Any, bucket: str) -> Any:
    """Leads the bucket's events to a queue; a call gives the names of those that came."""
    plain("s3").create_bucket(Bucket=bucket)
    url = plain("sqs").create_queue(QueueName="events")["QueueUrl"]
    plain("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:events", "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )

    def received() -> list[dict[str, Any]]:
        answer = plain("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        bodies = [json.loads(message["Body"]) for message in answer["Messages"]]
        return [body["Records"][0] for body in bodies if "Records" in body]

    return received


def test_moto_still_knows_aws_managed_policies_only_when_told_to() -> None:
    program = (
        "import boto3, moto\nmoto.mock_aws().start()\n"
        "print(len(boto3.client('iam').list_policies(Scope='AWS')['Policies']))\n"
    )
    env = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    def count(**more: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", program], env=env | more, capture_output=True, check=True
        )
        return int(done.stdout)

    assert count() == 0
    assert count(MOTO_IAM_LOAD_MANAGED_POLICIES="true") > 0


def test_moto_still_writes_redrive_policies_with_blanks(plain: Any) -> None:
    sqs = plain("sqs")
    sqs.create_queue(QueueName="dead")
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":3}'
    url = sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": policy})["QueueUrl"]

    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert found["RedrivePolicy"] != policy


def test_moto_still_notifies_twice_of_a_multipart_upload(plain: Any) -> None:
    received, s3 = queue_events(plain, "bkt"), plain("s3")
    upload = s3.create_multipart_upload(Bucket="bkt", Key="a")["UploadId"]
    options = {"Bucket": "bkt", "Key": "a", "UploadId": upload}
    part = s3.upload_part(**options, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        **options, MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    )

    assert len(received()) == 2


def test_moto_still_leaves_most_of_a_record_out_and_encodes_slashes(plain: Any) -> None:
    received = queue_events(plain, "bkt")
    plain("s3").put_object(Bucket="bkt", Key="a/b")

    (record,) = received()
    assert "userIdentity" not in record
    assert "sequencer" not in record["s3"]["object"]
    assert record["s3"]["object"]["key"] == "a%2Fb"


def test_moto_still_answers_404_for_a_delete_markers_version(plain: Any) -> None:
    s3 = plain("s3")
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bkt", Key="a")
    marker = s3.delete_object(Bucket="bkt", Key="a")["VersionId"]

    with pytest.raises(ClientError, match="NoSuchVersion"):
        s3.get_object(Bucket="bkt", Key="a", VersionId=marker)


def test_moto_still_shows_folders_in_which_every_object_was_deleted(plain: Any) -> None:
    s3 = plain("s3")
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bkt", Key="a/b")
    s3.delete_object(Bucket="bkt", Key="a/b")

    assert s3.list_objects_v2(Bucket="bkt", Delimiter="/")["CommonPrefixes"] == [{"Prefix": "a/"}]


def test_moto_still_stores_keys_that_are_too_long(plain: Any) -> None:
    plain("s3").create_bucket(Bucket="bkt")

    plain("s3").put_object(Bucket="bkt", Key="x" * (moto_patches.MAX_KEY_BYTES + 1))


def test_moto_still_takes_notifications_that_s3_could_not_deliver(plain: Any) -> None:
    plain("s3").create_bucket(Bucket="bkt")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nobody"

    plain("s3").put_bucket_notification_configuration(
        Bucket="bkt",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )


def test_moto_still_forgets_settings_of_functions(plain: Any) -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:dead"
    name = function(plain, DeadLetterConfig={"TargetArn": arn})
    plain("lambda").update_function_configuration(FunctionName=name, EphemeralStorage={"Size": 1024})

    config = plain("lambda").get_function(FunctionName=name)["Configuration"]
    assert "DeadLetterConfig" not in config
    assert config["EphemeralStorage"]["Size"] == 512


def test_moto_still_takes_variables_that_lambda_refuses(plain: Any) -> None:
    function(plain, Environment={"Variables": {"AWS_REGION": "mars", "LONG": "x" * 5000}})


def test_moto_still_ignores_the_conditions_of_bucket_policies(plain: Any) -> None:
    deny: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::bucket/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    plain("s3").create_bucket(Bucket="bucket")
    plain("s3").put_bucket_policy(Bucket="bucket", Policy=json.dumps({"Statement": [deny]}))

    with pytest.raises(ClientError) as refused:
        plain("s3").put_object(Bucket="bucket", Key="a")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403  # although boto3 speaks HTTPS


def test_moto_still_hides_a_reserved_concurrency_of_zero(plain: Any) -> None:
    name = function(plain)
    plain("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    assert "Concurrency" not in plain("lambda").get_function(FunctionName=name)


def test_moto_still_shares_event_invoke_configurations_between_qualifiers(plain: Any) -> None:
    name, functions = function(plain), plain("lambda")
    functions.put_function_event_invoke_config(FunctionName=name, Qualifier="1", MaximumRetryAttempts=1)
    functions.put_function_event_invoke_config(FunctionName=name, Qualifier="1", MaximumRetryAttempts=0)

    assert functions.get_function_event_invoke_config(FunctionName=name)["MaximumRetryAttempts"] == 1


def test_moto_still_has_no_rules_that_start_functions(plain: Any) -> None:
    events = plain("events")
    events.put_rule(Name="r", EventPattern='{"source": ["a"]}')
    target = {"Id": "1", "Arn": f"arn:aws:lambda:us-east-1:123456789012:function:{function(plain)}"}
    events.put_targets(Rule="r", Targets=[target])

    with pytest.raises((NotImplementedError, ModuleNotFoundError)):
        events.put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}])


def test_moto_still_has_no_provisioned_concurrency(plain: Any) -> None:
    name = function(plain)

    with pytest.raises((ClientError, NotImplementedError)):
        plain("lambda").get_provisioned_concurrency_config(FunctionName=name, Qualifier="1")


@pytest.mark.parametrize(
    ("method", "given", "kept"),
    [
        ("PUT", "application/x-www-form-urlencoded", "binary/octet-stream"),
        ("PUT", "image/jpeg", "image/jpeg"),
        ("POST", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
    ],
)
def test_only_a_put_that_is_called_a_form_is_renamed(method: str, given: str, kept: str) -> None:
    environ = {"REQUEST_METHOD": method, "CONTENT_TYPE": given}

    moto_patches.keep_put_body(environ)

    assert environ["CONTENT_TYPE"] == kept
