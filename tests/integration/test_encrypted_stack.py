"""The stack under a KMS key of the user's own: everything works, and only because the policies let it.

A second stack on the same embedded AWS. The key's policy is the one that the output
`kms_key_policy_statements` prints.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_deployed import Deployed
from support_films import film
from support_models import normal_png

from chalicelib.events import ObjectVersion, s3_event
from chalicelib.identity import request_id
from chalicelib.registry import ModelRegistry
from localaws.iam import Request, decide, statements
from spotcheck import targets
from spotcheck.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

NAME = "sealed"


@dataclass(frozen=True)
class Sealed:
    """The encrypted stack and its key."""

    deployed: Deployed
    key: str

    def upload(self, key: str) -> ObjectVersion:
        bucket, data = self.deployed.outputs["images_bucket"], normal_png(60)
        answer = self.deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=data)
        return ObjectVersion(bucket, key, answer["VersionId"], answer["ETag"].strip('"'), "01", len(data), "")

    def judge(self, version: ObjectVersion) -> dict[str, Any]:
        """Invokes the handler and gives Lambda's answer."""
        name = self.deployed.outputs["function_names"]["detect_image"]
        answer = self.deployed.client("lambda").invoke(
            FunctionName=f"{name}:live", Payload=json.dumps(s3_event(version)).encode()
        )
        return {"error": answer.get("FunctionError"), "payload": answer["Payload"].read().decode()}


@pytest.fixture(scope="module")
def sealed(deployed: Deployed, model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    kms, state_dir = deployed.client("kms"), tmp_path_factory.mktemp("sealed")
    policy = deployed.outputs["kms_key_policy_statements"].replace("spotcheck-", f"{NAME}-")
    key = kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": json.loads(policy)}))
    arn = key["KeyMetadata"]["Arn"]
    variables = {"name": NAME, "results_table": NAME, "kms_key_arn": arn}
    stack = Stack.local(str(deployed.outputs["endpoint_url"]), variables, state_dir=state_dir)
    stack.init()
    stack.apply(stack.plan())
    target = targets.Target("local", stack.outputs(), targets.LOCAL_ACCOUNT)
    registry = ModelRegistry(target.client("s3"), target.outputs["models_bucket"], "spotcheck")
    registry.publish(model_file.read_bytes(), {})
    return Sealed(Deployed(target, state_dir), arn)


def test_a_picture_is_judged_and_its_result_encrypted_with_the_key(sealed: Sealed) -> None:
    version = sealed.upload("image_inputs/sealed.png")
    identity = request_id(version.bucket, version.key, str(version.version_id))
    assert sealed.deployed.record(identity).status == "JUDGED"
    stored = sealed.deployed.client("s3").head_object(
        Bucket=sealed.deployed.outputs["results_bucket"], Key="results/image_inputs/sealed.png.json"
    )
    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"]) == ("aws:kms", sealed.key)


def test_the_table_and_the_log_groups_are_encrypted_with_the_key(sealed: Sealed) -> None:
    table = sealed.deployed.client("dynamodb").describe_table(TableName=NAME)["Table"]
    groups = sealed.deployed.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{NAME}-")
    assert table["SSEDescription"]["KMSMasterKeyArn"] == sealed.key
    assert {group["kmsKeyId"] for group in groups["logGroups"]} == {sealed.key}


def test_a_video_is_judged_frame_by_frame(sealed: Sealed, tmp_path: Path) -> None:
    bucket, key = sealed.deployed.outputs["videos_bucket"], "video_inputs/film.mp4"
    answer = sealed.deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=film(tmp_path))
    video = sealed.deployed.end_of_video(request_id(bucket, key, answer["VersionId"]))
    assert (video.status, len(video.judged)) == ("JUDGED", video.frames_expected)


def test_without_the_statement_about_the_key_a_handler_can_read_nothing(sealed: Sealed) -> None:
    iam, version = sealed.deployed.client("iam"), sealed.upload("image_inputs/without key.png")
    role = {"RoleName": f"{NAME}-detect_image-us-east-1", "PolicyName": "handler"}
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    without = [statement for statement in policy["Statement"] if statement["Sid"] != "UseKey"]
    assert len(without) == len(policy["Statement"]) - 1
    iam.put_role_policy(**role, PolicyDocument=json.dumps({**policy, "Statement": without}))
    refused = sealed.judge(version)
    iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))
    assert refused["error"]
    assert "kms:" in refused["payload"]
    assert sealed.judge(version)["error"] is None


def test_a_key_whose_policy_leaves_nothing_to_the_account_opens_to_no_role(sealed: Sealed) -> None:
    kms, version = sealed.deployed.client("kms"), sealed.upload("image_inputs/foreign key.png")
    policy = json.loads(kms.get_key_policy(KeyId=sealed.key, PolicyName="default")["Policy"])
    for_services = [one for one in policy["Statement"] if one["Sid"] != "TheAccountsPoliciesDecide"]
    changed = {"KeyId": sealed.key, "PolicyName": "default"}
    kms.put_key_policy(**changed, Policy=json.dumps({**policy, "Statement": for_services}))
    refused = sealed.judge(version)
    kms.put_key_policy(**changed, Policy=json.dumps(policy))
    assert "kms:" in refused["payload"]


ALARM = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{NAME}-dead-letters"


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
@pytest.mark.parametrize(
    ("service", "account", "allowed"),
    [
        ("cloudwatch.amazonaws.com", "123456789012", True),
        ("cloudwatch.amazonaws.com", "999999999999", False),
        ("sns.amazonaws.com", "123456789012", False),
    ],
)
def test_the_keys_policy_lets_our_alarms_through_to_the_sealed_topic(
    sealed: Sealed,
    action: str,
    service: str,
    account: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    policy = sealed.deployed.client("kms").get_key_policy(KeyId=sealed.key, PolicyName="default")["Policy"]
    topic = sealed.deployed.outputs["alarms_topic_arn"]
    attributes = sealed.deployed.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["KmsMasterKeyId"] == sealed.key
    context = {"aws:SourceAccount": account, "aws:SourceArn": ALARM.replace("123456789012", account)}
    on_key = Request(service, action, sealed.key, context, owner="123456789012")
    assert decide(on_key, (), statements(policy)).allowed is allowed
    on_topic = Request(service, "sns:Publish", topic, context, owner="123456789012")
    assert decide(on_topic, (), statements(attributes["Policy"])).allowed is allowed


def test_the_log_of_who_called_the_api_is_sealed_too(sealed: Sealed) -> None:
    groups = sealed.deployed.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/aws/lambda/{NAME}-api-access"
    )
    assert [group["kmsKeyId"] for group in groups["logGroups"]] == [sealed.key]


def test_a_log_group_gets_no_key_whose_policy_does_not_name_the_logs_service(sealed: Sealed) -> None:
    other = sealed.deployed.client("kms").create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="not allowed to be used with Arn"):
        sealed.deployed.client("logs").create_log_group(logGroupName="/aws/lambda/other", kmsKeyId=other)
