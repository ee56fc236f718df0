"""Policy documents taken apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from localaws.iam.matching import arn_matches, matches

if TYPE_CHECKING:
    from localaws.iam.conditions import Conditions

Document = str | bytes | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement of a resource's policy is about.

    Attributes:
        everyone: Whether it is `"*"`.
        aws: Account ids and ARNs under `AWS`.
        services: Names such as `s3.amazonaws.com` under `Service`.
    """

    everyone: bool
    aws: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def names(self, principal: str) -> bool:
        """Whether it names this very role, user or service."""
        return self.everyone or principal in self.aws or principal in self.services

    def names_account(self, account: str) -> bool:
        """Whether it names a whole account, which lends the decision to that account's own policies."""
        return account in self.aws or any(
            name.endswith(f":iam::{account}:root") and name.startswith("arn:") for name in self.aws
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy. Of `Action` and `NotAction`, and of the other pairs, one is None.

    Attributes:
        sid: Its name; empty where it has none.
        denies: Whether its effect is Deny.
    """

    sid: str
    denies: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: Principals | None
    not_principals: Principals | None
    conditions: Conditions

    def concerns(self, action: str, resource: str) -> bool:
        """Whether it is about an action on a resource; a trust policy names none: it is the role's."""
        if self.not_actions is not None:
            acts = not _one_acts(self.not_actions, action)
        else:
            acts = _one_acts(self.actions or (), action)
        if self.not_resources is not None:
            return acts and not _one_covers(self.not_resources, resource)
        return acts and (self.resources is None or _one_covers(self.resources, resource))


def statements(document: Document) -> list[Statement]:
    """The statements of a policy, given as JSON or taken apart."""
    policy = document if isinstance(document, Mapping) else json.loads(document)
    return [_statement(each) for each in _listed(policy.get("Statement", []))]


def _statement(given: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=str(given.get("Sid", "")),
        denies=given["Effect"] == "Deny",
        actions=_texts(given, "Action"),
        not_actions=_texts(given, "NotAction"),
        resources=_texts(given, "Resource"),
        not_resources=_texts(given, "NotResource"),
        principals=_principals(given.get("Principal")),
        not_principals=_principals(given.get("NotPrincipal")),
        conditions=MappingProxyType(
            {
                operator: {
                    key: tuple(_text(value) for value in _listed(values)) for key, values in keys.items()
                }
                for operator, keys in given.get("Condition", {}).items()
            }
        ),
    )


def _principals(given: object) -> Principals | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return Principals(everyone=given == "*")
    aws = tuple(map(str, _listed(given.get("AWS", []))))
    return Principals("*" in aws, aws, tuple(map(str, _listed(given.get("Service", [])))))


def _one_acts(patterns: tuple[str, ...], action: str) -> bool:
    return any(matches(pattern, action, ignore_case=True) for pattern in patterns)


def _one_covers(patterns: tuple[str, ...], resource: str) -> bool:
    return any(arn_matches(pattern, resource) for pattern in patterns)


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return tuple(map(str, _listed(given[name]))) if name in given else None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  # policies allow one value where they allow a list
    return list(value) if isinstance(value, (list, tuple)) else [value]
