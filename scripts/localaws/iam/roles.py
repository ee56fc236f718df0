"""Roles as moto keeps them: their policies, and the policies of the resources they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.iam.policies import Statement, statements

if TYPE_CHECKING:
    from moto.s3.models import FakeBucket

PARTITION = "aws"


def find_role(arn: str) -> Any:  # noqa: ANN401  # moto's Role
    """The role of an ARN, as moto has it; None when IAM does not know it."""
    from moto.iam.models import iam_backends

    roles = iam_backends[arn.split(":")[4]][PARTITION].get_roles()
    return next((role for role in roles if role.arn == arn), None)


def role_statements(role: Any) -> list[Statement]:  # noqa: ANN401  # moto's Role
    """The statements of a role's own policies and of the managed ones attached to it."""
    documents = [*role.policies.values()]
    for policy in role.managed_policies.values():
        documents += [version.document for version in policy.versions if version.is_default]
    return [statement for document in documents for statement in statements(document)]


def bucket_statements(bucket: FakeBucket) -> list[Statement]:
    """The statements of a bucket's policy; none where it has no policy."""
    return statements(bucket.policy) if bucket.policy else []
