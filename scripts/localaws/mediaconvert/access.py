"""May the job's role do this? IAM and bucket policies as far as a job in S3 needs them.

moto keeps policies and lets everything pass. Here a role that IAM knows must trust MediaConvert (with its
confused-deputy conditions) and allow each read and write, so that a forgotten prefix ends in error 1401 as on
AWS. A role that IAM does not know may do everything: tests need not build one.

The evaluation is IAM's: an explicit Deny wins, then an Allow of either policy is needed (same account). Of
conditions, the keys this emulation can answer are compared; a Deny whose condition asks for something else
does not apply, and an Allow with such a condition does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]


def statements(document: str | Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document, given as JSON text or taken apart."""
    policy = json.loads(document) if isinstance(document, str) else document
    return list(_listed(policy.get("Statement", [])))


def allows(
    *,
    identity: Iterable[Statement],
    resource: Iterable[Statement] = (),
    action: str,
    arn: str,
    principal: str,
    context: Mapping[str, str],
) -> bool:
    """Whether a principal may do something to a resource of its own account.

    Args:
        identity: Statements of the principal's own policies.
        resource: Statements of the resource's policy, such as a bucket's.
        action: Such as `s3:PutObject`.
        arn: The resource.
        principal: ARN of the role.
        context: What condition keys are answered with.
    """
    granted = False
    about = [(s, True) for s in identity] + [(s, _names_principal(s, principal)) for s in resource]
    for statement, concerns_principal in about:
        if not (concerns_principal and _concerns(statement, action, arn)):
            continue
        denies = statement.get("Effect") == "Deny"
        if not _conditions_hold(statement, context, unknown=not denies):
            continue
        if denies:
            return False
        granted = True
    return granted


def trusts(document: str | Mapping[str, Any], service: str, context: Mapping[str, str]) -> bool:
    """Whether a role's trust policy lets an AWS service assume it.

    Args:
        document: The role's `AssumeRolePolicyDocument`.
        service: Such as `mediaconvert.amazonaws.com`.
        context: Answers `aws:SourceAccount` and `aws:SourceArn`.
    """
    return any(
        statement.get("Effect") == "Allow"
        and _matches(statement.get("Action", []), "sts:AssumeRole")
        and _service_named(statement, service)
        and _conditions_hold(statement, context, unknown=False)
        for statement in statements(document)
    )


def _service_named(statement: Statement, service: str) -> bool:
    principal = statement.get("Principal", {})
    named = [principal] if isinstance(principal, str) else _listed(principal.get("Service", []))
    return any(name in {service, "*"} for name in named)


def _names_principal(statement: Statement, principal: str) -> bool:
    named = statement.get("Principal", {})
    account = principal.split(":")[4]
    if isinstance(named, str):
        return named == "*"
    accepted = {"*", principal, account, f"{principal.split(':iam:', maxsplit=1)[0]}:iam::{account}:root"}
    return any(name in accepted for name in _listed(named.get("AWS", [])))


def _concerns(statement: Statement, action: str, arn: str) -> bool:
    acts = (
        not _matches(statement["NotAction"], action)
        if "NotAction" in statement
        else _matches(statement.get("Action", []), action)
    )
    if "NotResource" in statement:
        return acts and not _matches(statement["NotResource"], arn)
    return acts and _matches(statement.get("Resource", []), arn)


def _conditions_hold(statement: Statement, context: Mapping[str, str], *, unknown: bool) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    for operator, keys in statement.get("Condition", {}).items():
        for key, expected in keys.items():
            actual = known.get(key.lower())
            if actual is None:
                if not unknown:
                    return False
            elif not _compare(operator, actual, _listed(expected)):
                return False
    return True


def _compare(operator: str, actual: str, expected: list[Any]) -> bool:
    name = operator.removesuffix("IfExists")
    negated = "Not" in name
    hit = any(fnmatchcase(actual.lower(), str(value).lower()) for value in expected)
    return hit is not negated


def _matches(patterns: object, text: str) -> bool:
    return any(fnmatchcase(text.lower(), str(pattern).lower()) for pattern in _listed(patterns))


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
