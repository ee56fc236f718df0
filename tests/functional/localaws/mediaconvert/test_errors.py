"""Jobs that end in ERROR, by real conditions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from support_clips import make_sound
from support_jobs import ROLE, job_settings

from localaws.mediaconvert.config import config

if TYPE_CHECKING:
    from pathlib import Path

Studio = Any


def error_of(studio: Studio, settings: dict[str, Any] | None = None) -> tuple[int, str]:
    job = studio.finished(studio.create_job(settings)["Id"])
    assert job["Status"] == "ERROR"
    return job["ErrorCode"], job["ErrorMessage"]


def make_role(allowed: list[dict[str, Any]], service: str = "mediaconvert.amazonaws.com") -> None:
    iam = boto3.client("iam", "us-east-1")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    iam.create_role(
        RoleName="converter",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    iam.put_role_policy(
        RoleName="converter",
        PolicyName="s3",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed}),
    )


READ = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::videos/*"]}
WRITE = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::images/out/*"]}


@pytest.mark.parametrize("content", [b"", b"not a video"], ids=["zero bytes", "text"])
def test_an_unreadable_input_is_1010(studio: Studio, content: bytes) -> None:
    studio.s3.put_object(Bucket="videos", Key="film.mp4", Body=content)
    code, message = error_of(studio)
    assert code == 1010
    assert message.startswith("Unable to open input file [s3://videos/film.mp4]: [Failed probe/open: [")
    assert studio.keys() == []


def test_an_input_without_video_is_1020(studio: Studio, tmp_path: Path) -> None:
    sound = make_sound(tmp_path / "sound.mp4").read_bytes()
    studio.s3.put_object(Bucket="videos", Key="film.mp4", Body=sound)
    assert error_of(studio) == (1020, "No video track found in input [s3://videos/film.mp4]")


def test_a_missing_input_is_1404(studio: Studio) -> None:
    assert error_of(studio, job_settings(FileInput="s3://videos/none.mp4")) == (
        1404,
        (
            "Unable to open input file [s3://videos/none.mp4]: "
            "[Failed probe/open: [Failed to read data: HeadObject failed]]"
        ),
    )


def test_a_missing_destination_bucket_is_1404(studio: Studio) -> None:
    settings = job_settings()
    group = settings["OutputGroups"][0]["OutputGroupSettings"]
    group["FileGroupSettings"]["Destination"] = "s3://nowhere/out/"
    assert error_of(studio, settings) == (
        1404,
        (
            "Unable to write to output file [s3://nowhere/out/film_f.0000000.jpg]: "
            "[Failed to write data: The specified bucket does not exist]"
        ),
    )


def test_a_role_that_iam_knows_must_be_allowed_to_read(studio: Studio) -> None:
    make_role([WRITE])
    code, message = error_of(studio)
    assert code == 1401
    assert message.startswith("Unable to open input file [s3://videos/film.mp4]")
    assert "Access Denied" in message


def test_a_role_that_iam_knows_must_be_allowed_to_write(studio: Studio) -> None:
    make_role([READ])
    assert error_of(studio) == (
        1401,
        (
            "Unable to write to output file [s3://images/out/film_f.0000000.jpg]: "
            "[Failed to write data: Access Denied]"
        ),
    )


def test_a_role_with_both_permissions_converts(studio: Studio) -> None:
    make_role([READ, WRITE])
    assert studio.finished(studio.create_job()["Id"])["Status"] == "COMPLETE"


def test_a_bucket_policy_may_deny_it(studio: Studio) -> None:
    make_role([READ, WRITE])
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": ROLE},
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::videos/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    studio.s3.put_bucket_policy(Bucket="videos", Policy=policy)
    assert error_of(studio)[0] == 1401


def test_a_role_that_does_not_trust_mediaconvert_is_1434(studio: Studio) -> None:
    make_role([READ, WRITE], service="lambda.amazonaws.com")
    code, message = error_of(studio)
    assert code == 1434
    assert message.startswith(f"Unable to assume role [{ROLE}]")


def test_roles_are_not_looked_at_when_that_is_switched_off(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "check_role", False)
    make_role([WRITE])
    assert studio.finished(studio.create_job()["Id"])["Status"] == "COMPLETE"
