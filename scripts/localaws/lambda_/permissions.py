"""Who may invoke a function: its resource-based policy, as far as AWS services as callers go."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localaws.lambda_.functions import FunctionName


def allows(target: FunctionName, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a service may invoke a function, or its alias or version.

    Args:
        target: the function; a permission counts for the very qualifier that it was given for.
        service: the caller, such as `s3.amazonaws.com`.
        source_arn: on whose behalf: a bucket, a rule.
        source_account: that resource's account.
    """
    from moto.awslambda.exceptions import LambdaClientError
    from moto.awslambda.models import lambda_backends

    try:
        function = lambda_backends[target.account][target.region].get_function(target.name, target.qualifier)
    except LambdaClientError:
        return False
    statements = function.policy.statements
    return any(_covers(each, target.arn, service, source_arn, source_account) for each in statements)


def _covers(
    statement: dict[str, Any], resource: str, service: str, source_arn: str, source_account: str
) -> bool:
    principal = statement.get("Principal")
    named = principal.get("Service") if isinstance(principal, dict) else principal
    condition = statement.get("Condition", {})
    wanted_arn = condition.get("ArnLike", {}).get("AWS:SourceArn", "*")
    wanted_account = condition.get("StringEquals", {}).get("AWS:SourceAccount", source_account)
    return (
        statement.get("Effect") == "Allow"
        and named in (service, "*")
        and statement.get("Resource", "").rstrip(":") == resource
        and fnmatchcase(source_arn, wanted_arn)
        and wanted_account == source_account
    )
