"""MediaConvert in this process, under moto's `mock_aws`."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.events.models import Rule
from support_clips import make_clip
from support_jobs import ROLE, job_settings

import localaws.mediaconvert
from localaws.mediaconvert.config import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

localaws.mediaconvert.register()

PATIENCE = 60.0
ENDS = {"COMPLETE", "ERROR", "CANCELED"}


@dataclass
class Studio:
    """An account with a video, somewhere to put frames, and ears for MediaConvert's events."""

    s3: Any
    mediaconvert: Any
    events: list[dict[str, Any]] = field(default_factory=list)

    def create_job(self, settings: dict[str, Any] | None = None, **request: Any) -> dict[str, Any]:
        """Creates a job and gives it as it was accepted."""
        created = self.mediaconvert.create_job(
            Role=request.pop("Role", ROLE), Settings=settings or job_settings(), **request
        )
        job: dict[str, Any] = created["Job"]
        return job

    def finished(self, job_id: str) -> dict[str, Any]:
        """Waits for a job's end and its last event."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            job: dict[str, Any] = self.mediaconvert.get_job(Id=job_id)["Job"]
            if job["Status"] in ENDS and job["Status"] in self.statuses(job_id):
                return job
            time.sleep(0.02)
        pytest.fail(f"job {job_id} has not ended: {self.statuses(job_id)}")

    def statuses(self, job_id: str) -> list[str]:
        """Statuses of a job's events, in their order."""
        return [event["detail"]["status"] for event in self.events if event["detail"]["jobId"] == job_id]

    def event(self, job_id: str, status: str) -> dict[str, Any]:
        """The first event of a job with a status."""
        found = (e for e in self.events if (e["detail"]["jobId"], e["detail"]["status"]) == (job_id, status))
        return next(found)

    def keys(self, bucket: str = "images") -> list[str]:
        """Keys in a bucket."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "film.mp4", frames=25, sound=True)


@pytest.fixture
def studio(clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    with mock_aws():
        made = Studio(boto3.client("s3", "us-east-1"), boto3.client("mediaconvert", "us-east-1"))

        def hear(_rule: object, event: dict[str, Any], *_rest: object) -> None:
            made.events.append(copy.deepcopy(event))

        # moto's own targets want a package of their own for any delivery at all
        monkeypatch.setattr(Rule, "send_to_targets", hear)
        boto3.client("events", "us-east-1").put_rule(
            Name="hear", EventPattern=json.dumps({"source": ["aws.mediaconvert"]})
        )
        for bucket in ("videos", "images"):
            made.s3.create_bucket(Bucket=bucket)
        made.s3.put_object(Bucket="videos", Key="film.mp4", Body=clip.read_bytes())
        yield made


@pytest.fixture(autouse=True)
def _own_config(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(type(config)()).items():
        monkeypatch.setattr(config, name, value)
