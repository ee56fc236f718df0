from __future__ import annotations

import threading
from typing import Any

import boto3
import moto.backend_index
from moto import mock_aws
from support_jobs import ROLE, job_settings

import localaws.mediaconvert
from localaws.mediaconvert.models import mediaconvert_backends


def test_registering_again_changes_nothing() -> None:
    localaws.mediaconvert.register()
    before = list(moto.backend_index.backend_url_patterns)
    localaws.mediaconvert.register()
    assert moto.backend_index.backend_url_patterns == before


def test_a_conversion_ends_with_the_mock_that_it_ran_in() -> None:
    with mock_aws():
        mediaconvert = boto3.client("mediaconvert", "us-east-1")
        settings: Any = job_settings()
        mediaconvert.create_job(Role=ROLE, Settings=settings)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("job ")]
    with mock_aws():
        assert boto3.client("mediaconvert", "us-east-1").list_jobs()["Jobs"] == []


def test_accounts_and_regions_have_queues_of_their_own() -> None:
    with mock_aws():
        for region in ("us-east-1", "eu-west-1"):
            boto3.client("mediaconvert", region).create_queue(Name=region)
        names = [q["Name"] for q in boto3.client("mediaconvert", "eu-west-1").list_queues()["Queues"]]
        assert names == ["Default", "eu-west-1"]
        assert "eu-west-1" not in mediaconvert_backends["123456789012"]["us-east-1"].queues
