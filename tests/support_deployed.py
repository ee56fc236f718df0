"""The deployed stack under test, and what a person does with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.identity import request_id

if TYPE_CHECKING:
    from chalicelib.records import Record
    from chalicelib.videos import Video
    from spotcheck.targets import Target

GRANTED_BUCKET = "my-bucket"  # of the user's own, named in dataset_bucket_arns
PATIENCE = 60.0  # seconds for something that must happen


@dataclass(frozen=True)
class Deployed:
    """The stack under test."""

    target: Target
    state_dir: Path

    @property
    def outputs(self) -> dict[str, Any]:
        return self.target.outputs

    def client(self, name: str) -> Any:
        return self.target.client(name)

    def spotcheck(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs the command as a person would."""
        environment = {**os.environ, "SPOTCHECK_STATE_DIR": str(self.state_dir), "COLUMNS": "200"}
        return subprocess.run(
            [Path(sys.executable).with_name("spotcheck"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def put(self, key: str, data: bytes, **settings: Any) -> str:
        """Uploads an object and gives the request id of its result."""
        bucket = self.outputs["images_bucket"]
        answer = self.client("s3").put_object(Bucket=bucket, Key=key, Body=data, **settings)
        return request_id(bucket, key, answer["VersionId"])

    def newest_request_id(self, key: str) -> str:
        """The request id of a key's newest version, however it was uploaded."""
        bucket = self.outputs["images_bucket"]
        version = self.client("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
        return request_id(bucket, key, version)

    def record(self, identity: str, *, waiting: bool = False) -> Record:
        """Waits for the record of an upload, by default for a final one."""
        table = self.target.results_table()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = table.get(identity)
            if found is not None and (found.is_final or waiting):
                return found
            time.sleep(0.05)
        pytest.fail(f"no record of {identity} after {PATIENCE:.0f} s")

    def end_of_video(self, video_id: str) -> Video:
        """Waits for a video's end."""
        table = self.target.video_table()
        deadline, video = time.monotonic() + PATIENCE, None
        while time.monotonic() < deadline:
            video = table.get(video_id)
            if video is not None and video.status.is_final:
                return video
            time.sleep(0.1)
        pytest.fail(f"no end after {PATIENCE:.0f} s: {video}")

    def item(self, identity: str) -> dict[str, Any]:
        """The table's item as it is."""
        table = self.target.resource("dynamodb").Table(self.outputs["results_table"])
        return dict(table.get_item(Key={"RequestID": identity}, ConsistentRead=True)["Item"])

    def result(self, key: str) -> dict[str, Any]:
        """A JSON object of the results bucket."""
        return dict(json.loads(self.result_bytes(key)))

    def result_bytes(self, key: str) -> bytes:
        """An object of the results bucket."""
        answer = self.client("s3").get_object(Bucket=self.outputs["results_bucket"], Key=key)
        return bytes(answer["Body"].read())


@dataclass(frozen=True)
class Published:
    """What happened around the first model."""

    before: Record
    command: subprocess.CompletedProcess[str]
    after: Record
