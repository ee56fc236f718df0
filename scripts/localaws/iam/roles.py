"""Roles as moto keeps them: their policies, and the policies of the resources they ask for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from localaws.iam.policies import Statement, statements

if TYPE_CHECKING:
    from moto.s3.models import FakeBucket

PARTITION = "aws"


def all_roles(account: str) -> list[Any]:
    """Every role of an account, as moto has it."""
    from moto.iam.models import iam_backends

    return list(iam_backends[account][PARTITION].get_roles())


def find_role(arn: str) -> Any:  # noqa: ANN401  # moto's Role
    """The role of an ARN, as moto has it; None when IAM does not know it."""
    return next((role for role in all_roles(arn.split(":")[4]) if role.arn == arn), None)


def role_statements(role: Any) -> list[Statement]:  # noqa: ANN401  # moto's Role
    """The statements of a role's own policies and of the managed ones attached to it."""
    documents = [*role.policies.values()]
    for policy in role.managed_policies.values():
        documents += [version.document for version in policy.versions if version.is_default]
    return [statement for document in documents for statement in _parsed(document)]


def bucket_statements(bucket: FakeBucket) -> list[Statement]:
    """The statements of a bucket's policy; none where it has no policy."""
    return list(_parsed(bucket.policy)) if bucket.policy else []


def resource_statements(arn: str, account: str) -> list[Statement]:
    """The statements of the policy of a bucket (or of an object's), queue or KMS key; else none."""
    _, _, service, *_, name = [*arn.split(":", 5), "", "", ""][:6]
    if service == "s3":
        from moto.s3.models import s3_backends

        bucket = s3_backends[account][PARTITION].buckets.get(name.split("/")[0])
        return bucket_statements(bucket) if bucket else []
    if service == "sqs":
        from moto.sqs.models import sqs_backends

        queue = sqs_backends[account][arn.split(":")[3]].queues.get(name)
        return list(_parsed(queue.policy or "")) if queue else []
    if service == "kms":
        from moto.kms.models import kms_backends

        key = kms_backends[account][arn.split(":")[3]].keys.get(name.removeprefix("key/"))
        return list(_parsed(key.policy)) if key else []
    return []


@lru_cache(maxsize=256)
def _parsed(document: str | bytes) -> tuple[Statement, ...]:
    return tuple(statements(document)) if document else ()
