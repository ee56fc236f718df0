"""The evaluator against what AWS documents of policy evaluation, elements and condition operators."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.exceptions import PolicyUnsupportedError
from localaws.iam import Request, decide, statements, trusts

ROLE = "arn:aws:iam::123456789012:role/converter"
OTHER_ACCOUNTS_ROLE = "arn:aws:iam::999999999999:role/converter"
KEY = "arn:aws:s3:::videos/video_inputs/a.mp4"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::videos/video_inputs/*"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SEND = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:123456789012:rule/spotcheck-*"}},
}
QUEUE = "arn:aws:sqs:us-east-1:123456789012:dead"
RULE = {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/spotcheck-jobs"}


def document(*given: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(given)}


def may(
    identity: list[dict[str, Any]],
    shared: list[dict[str, Any]] | None = None,
    **request: Any,
) -> bool:
    asked = Request(**({"principal": ROLE, "action": "s3:GetObject", "resource": KEY} | request))
    return decide(asked, statements(document(*identity)), statements(document(*(shared or [])))).allowed


def under(condition: dict[str, Any], **context: Any) -> bool:
    names = {name.replace("_", ":", 1): value for name, value in context.items()}
    return may([{**EVERYTHING, "Condition": condition}], context=names)


# ---------------------------------------------------------------- identity policies


def test_what_is_not_allowed_is_denied() -> None:
    assert not may([])
    assert may([READ])
    assert not may([READ], resource="arn:aws:s3:::videos/private/a.mp4")
    assert not may([READ], action="s3:PutObject")


def test_an_explicit_deny_wins_over_every_allow() -> None:
    deny = {"Sid": "NotThis", "Effect": "Deny", "Action": "s3:Get*", "Resource": KEY}
    assert not may([EVERYTHING, deny])
    decision = decide(Request(ROLE, "s3:GetObject", KEY), statements(document(EVERYTHING, deny)))
    assert decision.reason == "explicit deny by statement NotThis"


def test_a_refusal_names_the_action_and_the_resource() -> None:
    assert decide(Request(ROLE, "s3:GetObject", KEY), []).reason == f"no policy allows s3:GetObject on {KEY}"


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("s3:getobject", True),
        ("s3:Get*", True),
        ("s3:GetObjec?", True),
        ("s3:GetObject?", False),
        ("sqs:*", False),
    ],
)
def test_actions_have_wildcards_and_no_case(pattern: str, allowed: bool) -> None:  # noqa: FBT001
    assert may([{**READ, "Action": pattern}]) is allowed


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::videos/*", True),
        ("arn:aws:s3:::Videos/*", False),
        ("arn:aws:s3:::videos", False),
        ("arn:aws:s3:::v[i]deos/*", False),
        ("arn:*:s3:::videos/video_inputs/?.mp4", True),
        ("arn:aws:*:videos/video_inputs/a.mp4", False),
    ],
)
def test_resources_have_wildcards_within_each_part_of_the_arn(pattern: str, allowed: bool) -> None:  # noqa: FBT001
    assert may([{**READ, "Resource": pattern}]) is allowed


def test_an_action_without_a_resource_needs_a_star() -> None:
    assert may([EVERYTHING], resource="*")
    assert not may([READ], resource="*")


def test_not_action_allows_everything_else() -> None:
    policy = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert may([policy])
    assert not may([policy], action="iam:PassRole", resource=ROLE)


def test_not_resource_denies_everything_else() -> None:
    policy = {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::videos/*"}
    assert may([EVERYTHING, policy])
    assert not may([EVERYTHING, policy], resource="arn:aws:s3:::payroll/a")


def test_a_role_is_passed_to_the_named_service_only() -> None:
    policy = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": "mediaconvert.amazonaws.com"}},
    }
    asked: Any = {"action": "iam:PassRole", "resource": ROLE}
    assert may([policy], **asked, context={"iam:PassedToService": "mediaconvert.amazonaws.com"})
    assert not may([policy], **asked, context={"iam:PassedToService": "ec2.amazonaws.com"})
    assert not may([policy], **asked)


# ---------------------------------------------------------------- conditions


def test_one_of_a_keys_values_is_enough_and_every_key_must_hold() -> None:
    condition = {"StringEquals": {"aws:PrincipalTag": ["a", "b"], "aws:SourceAccount": "1"}}
    assert under(condition, aws_PrincipalTag="b", aws_SourceAccount="1")
    assert not under(condition, aws_PrincipalTag="b", aws_SourceAccount="2")
    assert not under(condition, aws_PrincipalTag="b")


def test_condition_keys_have_no_case_and_values_have() -> None:
    assert under({"StringEquals": {"AWS:SourceAccount": "x"}}, aws_SourceAccount="x")
    assert not under({"StringEquals": {"aws:SourceAccount": "X"}}, aws_SourceAccount="x")
    assert under({"StringEqualsIgnoreCase": {"aws:SourceAccount": "X"}}, aws_SourceAccount="x")


def test_a_missing_key_fails_a_comparison_and_satisfies_a_negated_one() -> None:
    assert not under({"StringLike": {"s3:prefix": "*"}})
    assert under({"StringNotEquals": {"aws:PrincipalAccount": "1"}})
    assert under({"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::x"}})


def test_a_negated_comparison_holds_when_no_value_matches() -> None:
    condition = {"StringNotEquals": {"aws:PrincipalAccount": ["1", "2"]}}
    assert under(condition, aws_PrincipalAccount="3")
    assert not under(condition, aws_PrincipalAccount="2")


def test_if_exists_passes_a_missing_key_and_compares_one_that_is_there() -> None:
    condition = {"StringEqualsIfExists": {"aws:SourceAccount": "1"}}
    assert under(condition)
    assert under(condition, aws_SourceAccount="1")
    assert not under(condition, aws_SourceAccount="2")


@pytest.mark.parametrize(("wanted", "allowed"), [("true", False), ("false", True)])
def test_null_asks_whether_a_key_is_absent(wanted: str, allowed: bool) -> None:  # noqa: FBT001
    assert under({"Null": {"aws:SourceArn": wanted}}, aws_SourceArn="x") is allowed
    assert under({"Null": {"aws:SourceArn": wanted}}) is not allowed


def test_bool_takes_json_and_text() -> None:
    assert under({"Bool": {"aws:SecureTransport": True}}, aws_SecureTransport="true")
    assert not under({"Bool": {"aws:SecureTransport": "true"}}, aws_SecureTransport="false")
    assert not under({"Bool": {"aws:SecureTransport": "true"}})


def test_numbers_are_compared_as_numbers() -> None:
    assert under({"NumericLessThanEquals": {"s3:max-keys": "10"}}, **{"s3_max-keys": "9"})
    assert not under({"NumericLessThan": {"s3:max-keys": "10"}}, **{"s3_max-keys": "10"})


def test_arns_are_compared_part_by_part() -> None:
    wanted = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:b*"}}
    assert under(wanted, aws_SourceArn="arn:aws:s3:::bucket")
    assert not under(wanted, aws_SourceArn="arn:aws:sqs:::bucket")


def test_for_any_value_wants_one_and_for_all_values_wants_each() -> None:
    some = {"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["a", "b"]}}
    every = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["a", "b"]}}
    assert under(some, dynamodb_Attributes=("b", "z"))
    assert not under(every, dynamodb_Attributes=("b", "z"))
    assert under(every, dynamodb_Attributes=("b", "a"))
    assert not under(some)
    assert under(every)


def test_a_variable_takes_its_value_from_the_request() -> None:
    condition = {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}
    assert under(condition, aws_SourceAccount="1", aws_PrincipalAccount="1")
    assert not under(condition, aws_SourceAccount="1", aws_PrincipalAccount="2")
    assert not under(condition, aws_SourceAccount="")


def test_an_unknown_operator_decides_nothing() -> None:
    with pytest.raises(PolicyUnsupportedError, match="IpAddress"):
        under({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, aws_SourceIp="10.0.0.1")


# ---------------------------------------------------------------- resource policies


def test_a_resources_policy_may_allow_what_the_role_does_not() -> None:
    assert may([], [{**READ, "Principal": {"AWS": ROLE}}])
    assert may([], [{**READ, "Principal": "*"}])
    assert not may([], [{**READ, "Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}}])


def test_a_resources_policy_naming_the_account_leaves_it_to_the_role() -> None:
    account = {**READ, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    assert not may([], [account])
    assert may([READ], [account])


def test_a_resources_deny_of_everyone_concerns_the_role() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert may([READ], [deny], context={"aws:SecureTransport": "true"})
    assert not may([READ], [deny], context={"aws:SecureTransport": "false"})


def test_a_deny_with_not_principal_spares_the_named_one() -> None:
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "s3:*", "Resource": "*"}
    assert may([READ], [deny])
    assert not may([READ], [{**deny, "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/other"}}])


def test_between_accounts_both_must_allow() -> None:
    asked: Any = {"principal": OTHER_ACCOUNTS_ROLE, "owner": "123456789012"}
    lent = {**READ, "Principal": {"AWS": "999999999999"}}
    assert not may([READ], **asked)
    assert not may([], [lent], **asked)
    assert may([READ], [lent], **asked)


def test_a_service_is_allowed_by_the_resources_policy_alone() -> None:
    asked: Any = {"principal": "events.amazonaws.com", "action": "sqs:SendMessage", "resource": QUEUE}
    assert may([], [SEND], **asked, context=RULE)
    assert not may([], [SEND], **asked)
    assert not may([], [SEND], **(asked | {"principal": "s3.amazonaws.com"}), context=RULE)


# ---------------------------------------------------------------- trust


def test_a_trust_policy_names_the_service_and_may_be_limited_to_one_queue() -> None:
    queue = "arn:aws:mediaconvert:us-east-1:123456789012:queues/spotcheck"
    policy = document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "mediaconvert.amazonaws.com"},
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:mediaconvert:*:123456789012:queues/spotcheck"}
            },
        }
    )

    def trusted(service: str, source: str) -> bool:
        return trusts(policy, Request(service, "sts:AssumeRole", ROLE, {"aws:SourceArn": source}))

    assert trusted("mediaconvert.amazonaws.com", queue)
    assert not trusted("mediaconvert.amazonaws.com", queue + "2")
    assert not trusted("lambda.amazonaws.com", queue)


# ---------------------------------------------------------------- keys of KMS


CMK = "arn:aws:kms:us-east-1:123456789012:key/1"
USE_KEY = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": CMK}
OF_THE_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "kms:*",
    "Resource": "*",
}
OF_THE_ROLE = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"}


def may_decrypt(identity: list[dict[str, Any]], key_policy: list[dict[str, Any]]) -> bool:
    return may(identity, key_policy, action="kms:Decrypt", resource=CMK)


def test_a_role_may_use_a_key_that_leaves_the_decision_to_its_account() -> None:
    assert may_decrypt([USE_KEY], [OF_THE_ACCOUNT])
    assert not may_decrypt([], [OF_THE_ACCOUNT])


def test_a_roles_own_policy_opens_no_key_whose_policy_does_not_name_its_account() -> None:
    assert not may_decrypt([USE_KEY], [])
    assert not may_decrypt([EVERYTHING], [SEND])


def test_a_key_may_name_the_role_itself() -> None:
    assert may_decrypt([], [OF_THE_ROLE])
