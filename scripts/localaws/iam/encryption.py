"""What a KMS key of the user's own asks for besides: S3, DynamoDB and SQS use it on the caller's behalf.

- S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (Decrypt to read,
  GenerateDataKey to write).
- DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html.
- SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html.

Unlike with any other resource, the policies of an account count only as far as the key's own policy says so:
https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.iam.evaluation import Decision, Request, decide
from localaws.iam.needs import Need
from localaws.iam.roles import PARTITION, resource_statements
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.iam.conditions import Context

_DECRYPT, _DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
_ACTIONS = {
    "s3:GetObject": (_DECRYPT,),
    "s3:GetObjectVersion": (_DECRYPT,),
    "s3:PutObject": (_DATA_KEY,),
    "sqs:SendMessage": (_DATA_KEY, _DECRYPT),
    "sqs:ReceiveMessage": (_DECRYPT,),
}


def key_needs(need: Need, account: str, region: str) -> Iterator[Need]:
    """What a permitted call must be allowed to do with the key of the resource that it asks for.

    Args:
        need: What the call itself needs.
        account: The resource's.
        region: In which the call is made.
    """
    service = need.action.partition(":")[0]
    actions = (_DECRYPT,) if service == "dynamodb" else _ACTIONS.get(need.action, ())
    key = _key_of(need.resource, account, region) if actions else None
    if key is None:
        return
    context = {"kms:ViaService": f"{service}.{region}.amazonaws.com", "kms:CallerAccount": account}
    for action in actions:
        yield Need(action, key, context)


def may_use_key(service: str, action: str, key: str, context: Context) -> Decision:
    """Whether a service of AWS's may use a key for itself: only the key's own policy can say so.

    Args:
        service: Its principal, such as `events.amazonaws.com`.
        action: Such as `kms:GenerateDataKey`.
        key: ARN.
        context: `aws:SourceArn` and what else the service tells KMS.
    """
    return decide(Request(service, action, key, context), (), resource_statements(key, key.split(":")[4]))


def key_of_queue(arn: str) -> str | None:
    """The key that a queue encrypts with; None where SQS has its own."""
    return _key_of(arn, arn.split(":")[4], arn.split(":")[3])


def log_groups_need_their_key() -> None:
    """CloudWatch Logs: a log group gets a key only if the key's policy lets the service use it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
    """
    from moto.logs.exceptions import InvalidParameterException
    from moto.logs.models import LogsBackend

    create = LogsBackend.create_log_group

    def create_with_key(self: Any, log_group_name: str, tags: Any, **settings: Any) -> Any:  # noqa: ANN401
        if key := settings.get("kmsKeyId"):
            arn = f"arn:aws:logs:{self.region_name}:{self.account_id}:log-group:{log_group_name}"
            service = f"logs.{self.region_name}.amazonaws.com"
            context = {"kms:EncryptionContext:aws:logs:arn": arn}
            if not may_use_key(service, _DATA_KEY, key, context).allowed:
                message = (
                    f"The specified KMS Key Id does not exist or is not allowed to be used with Arn '{arn}'"
                )
                raise InvalidParameterException(message)
        return create(self, log_group_name, tags, **settings)

    replace(LogsBackend, create_log_group=create_with_key)


def _key_of(arn: str, account: str, region: str) -> str | None:
    """The customer's key with which a bucket, table or queue encrypts; None where AWS's own does."""
    service, name = arn.split(":")[2], arn.split(":", 5)[5]
    found: Any = None
    if service == "s3":
        from moto.s3.models import s3_backends

        bucket = s3_backends[account][PARTITION].buckets.get(name.partition("/")[0])
        rule = ((bucket and bucket.encryption) or {}).get("Rule", {})
        found = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    elif service == "dynamodb":
        from moto.dynamodb.models import dynamodb_backends

        table = dynamodb_backends[account][region].tables.get(name.split("/")[1])
        found = ((table and table.sse_specification) or {}).get("KMSMasterKeyId")
    elif service == "sqs":
        from moto.sqs.models import sqs_backends

        queue = sqs_backends[account][region].queues.get(name)
        found = getattr(queue, "kms_master_key_id", None)
    return found if found and found.startswith("arn:") and not _is_aws_managed(found) else None


def _is_aws_managed(key: str) -> bool:
    """Whether a service made the key for the account: whoever may use the service may use it."""
    from moto.kms.models import kms_backends

    _, _, _, region, account, resource = key.split(":", 5)
    known = kms_backends[account][region].keys.get(resource.removeprefix("key/"))
    return known is not None and any(name.startswith("alias/aws/") for name in known.aliases)
