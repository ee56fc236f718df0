from __future__ import annotations

from typing import Any

from localaws.mediaconvert.access import allows, trusts

ROLE = "arn:aws:iam::123456789012:role/converter"
CONTEXT = {
    "aws:SecureTransport": "true",
    "aws:SourceAccount": "123456789012",
    "aws:SourceArn": "arn:aws:mediaconvert:us-east-1:123456789012:queues/spotcheck",
}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::videos/video_inputs/*"}


def may(
    identity: list[dict[str, Any]],
    resource: list[dict[str, Any]] | None = None,
    action: str = "s3:GetObject",
    key: str = "videos/video_inputs/a.mp4",
) -> bool:
    return allows(
        identity=identity,
        resource=resource or [],
        action=action,
        arn=f"arn:aws:s3:::{key}",
        principal=ROLE,
        context=CONTEXT,
    )


def test_what_the_roles_policy_allows_is_allowed_and_nothing_else() -> None:
    assert may([READ])
    assert not may([READ], key="videos/private/a.mp4")
    assert not may([READ], action="s3:PutObject")
    assert not may([])


def test_a_bucket_policy_may_allow_what_the_role_does_not() -> None:
    bucket = {**READ, "Principal": {"AWS": ROLE}}
    assert may([], [bucket])
    assert not may([], [{**READ, "Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}}])


def test_an_explicit_deny_wins() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert not may([READ], [deny])


def test_a_deny_of_unencrypted_requests_does_not_concern_mediaconvert() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert may([READ], [deny])


def test_a_trust_policy_names_mediaconvert() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "mediaconvert.amazonaws.com"},
    }
    assert trusts({"Statement": statement}, "mediaconvert.amazonaws.com", CONTEXT)
    other = {**statement, "Principal": {"Service": "lambda.amazonaws.com"}}
    assert not trusts({"Statement": other}, "mediaconvert.amazonaws.com", CONTEXT)


def test_a_trust_policy_may_be_limited_to_one_queue() -> None:
    def limited(queue: str) -> dict[str, Any]:
        return {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "mediaconvert.amazonaws.com"},
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": "123456789012"},
                        "ArnLike": {"aws:SourceArn": f"arn:aws:mediaconvert:*:123456789012:queues/{queue}"},
                    },
                }
            ]
        }

    assert trusts(limited("spotcheck"), "mediaconvert.amazonaws.com", CONTEXT)
    assert not trusts(limited("other"), "mediaconvert.amazonaws.com", CONTEXT)
