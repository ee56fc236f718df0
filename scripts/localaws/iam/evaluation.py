"""May this principal do this to that? One explicit Deny forbids; without an Allow nothing is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.iam import conditions
from localaws.iam.policies import Document, Statement, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localaws.iam.conditions import Context


@dataclass(frozen=True, slots=True)
class Request:
    """What someone asks for.

    Attributes:
        principal: ARN of a role, or the name of a service such as `s3.amazonaws.com`.
        action: Such as `s3:PutObject`.
        resource: ARN, or `*` for an action that has no resource.
        context: What condition keys are answered with, such as `iam:PassedToService`.
        owner: The account that the resource belongs to; empty takes the principal's own.
    """

    principal: str
    action: str
    resource: str
    context: Context = field(default_factory=dict)
    owner: str = ""

    @property
    def account(self) -> str:
        """The principal's account; empty for a service."""
        parts = self.principal.split(":")
        return parts[4] if len(parts) > 4 else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, and why.

    Attributes:
        is_explicit: Whether a statement says so; otherwise nothing allows it.
    """

    allowed: bool
    reason: str
    is_explicit: bool = True


def decide(request: Request, identity: Iterable[Statement], resource: Iterable[Statement] = ()) -> Decision:
    """Decides as IAM does for one account, or for two.

    Within an account an Allow of either policy is enough. Between accounts both must allow. A resource's
    policy that names the account, not the role, leaves the decision to the role's own policy; for a KMS key
    it has to, or the role's own policy counts for nothing.

    Args:
        request: Who asks for what.
        identity: Statements of the principal's own policies.
        resource: Statements of the resource's policy, such as a bucket's or queue's.

    Raises:
        PolicyUnsupportedError: A statement about this action has a condition operator that is not emulated.
    """
    own = [each for each in identity if _applies(each, request)]
    theirs = [each for each in resource if _applies(each, request)]
    for statement in (*own, *(each for each in theirs if _denies(each, request))):
        if statement.denies:
            return Decision(False, f"explicit deny by statement {statement.sid or 'without Sid'}")
    granted = [each for each in own if not each.denies]
    lent = [each for each in theirs if not each.denies and _names(each, request)]
    given = [
        each
        for each in theirs
        if not each.denies and each.principals and each.principals.names(request.principal)
    ]
    foreign = bool(request.owner and request.account and request.owner != request.account)
    if foreign:
        deciding = granted if lent else []
    elif request.action.startswith("kms:"):  # a key's policy comes before those of its account
        deciding = [*(granted if lent else []), *given]
    else:
        deciding = [*granted, *given]
    if deciding:
        return Decision(True, f"allowed by statement {deciding[0].sid or 'without Sid'}")
    return Decision(False, f"no policy allows {request.action} on {request.resource}", is_explicit=False)


def trusts(trust_policy: Document, request: Request) -> bool:
    """Whether a role's trust policy lets a principal take it on.

    Args:
        trust_policy: The role's `AssumeRolePolicyDocument`.
        request: `sts:AssumeRole` on the role, by a service or role.
    """
    return decide(request, (), statements(trust_policy)).allowed


def _applies(statement: Statement, request: Request) -> bool:
    return statement.concerns(request.action, request.resource) and conditions.hold(
        statement.conditions, request.context
    )


def _names(statement: Statement, request: Request) -> bool:
    """Whether a resource's statement is about the principal, by itself or by its account."""
    principals = statement.principals
    return principals is not None and (
        principals.names(request.principal) or principals.names_account(request.account)
    )


def _denies(statement: Statement, request: Request) -> bool:
    excepted = statement.not_principals
    if excepted is not None:
        return not (excepted.names(request.principal) or excepted.names_account(request.account))
    return _names(statement, request)
