"""The deployed stack under test, and what a person does with it.

Something that must happen is waited for, but not when its event has failed for good; and when nothing is
judged at all, every later test says so at once instead of waiting as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from support_models import normal_png

from chalicelib.identity import request_id
from spotcheck.dead_letters import Queue, handlers_of, read
from spotcheck.exceptions import DeadLetterError
from spotcheck.terraform_cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.records import Record
    from chalicelib.videos import Video
    from spotcheck.targets import Target

T = TypeVar("T")

GRANTED_BUCKET = "my-bucket"  # of the user's own, named in dataset_bucket_arns
PATIENCE = 60.0  # seconds for something that must happen
_PROBE_PATIENCE = 30.0
_LOOK_SECONDS = 2.0  # between two looks at the dead letters
_LAST_LINES = 5
_LINE_LENGTH = 600
_COMPLAINTS = ("ERROR", "Error", "timed out", "refuses")


@dataclass(frozen=True)
class Deployed:
    """The stack under test.

    Attributes:
        target: Where it is.
        state_dir: Of the embedded AWS.
        trouble: Why nothing is judged at all, once that is known.
    """

    target: Target
    state_dir: Path
    trouble: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, Any]:
        return self.target.outputs

    def client(self, name: str) -> Any:
        return self.target.client(name)

    def spotcheck(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs the command as a person would."""
        return self._run(Path(sys.executable).with_name("spotcheck"), *arguments)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a target of the Makefile as a person would."""
        return self._run("make", "--silent", "--directory", ROOT, *arguments)

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SPOTCHECK_STATE_DIR": str(self.state_dir), "COLUMNS": "200"}
        environment.pop("MAKEFLAGS", None)  # of the `make test` that runs this
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

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

        def look() -> Record | None:
            found = table.get(identity)
            return found if found is not None and (found.is_final or waiting) else None

        return self._await(f"record of {identity}", look, identity)

    def end_of_video(self, video_id: str) -> Video:
        """Waits for a video's end."""
        table = self.target.video_table()

        def look() -> Video | None:
            found = table.get(video_id)
            return found if found is not None and found.status.is_final else None

        return self._await(f"end of the video {video_id}", look, video_id)

    def _await(self, what: str, look: Callable[[], T | None], identity: str) -> T:
        """What somebody looks for, as soon as it is there.

        Fails when its event has failed for good, or when it does not come.
        """
        try:
            return await_it(what, look, lambda: self.dead_letter(identity), PATIENCE)
        except NotComingError as error:
            self._probe()
            pytest.fail(self.trouble[0] if self.trouble else f"{error}\n{self.complaints()}")

    def _probe(self) -> None:
        """Finds out whether anything is judged at all."""
        identity = self.put("image_inputs/is anything judged.png", normal_png(90))
        table = self.target.results_table()
        try:
            await_it(
                "record", lambda: table.get(identity), lambda: self.dead_letter(identity), _PROBE_PATIENCE
            )
        except NotComingError as error:
            self.trouble.append(
                f"The deployed stack judges nothing, not even a plain picture: {error}\n{self.complaints()}"
            )

    def dead_letter(self, identity: str) -> str | None:
        """Why the event of an upload failed for good; None when it did not."""
        handlers = handlers_of(self.target)
        queue = Queue(self.client("sqs"), self.outputs["dead_letter_queue_url"], wait_seconds=0)
        for message in queue.peek():
            try:
                letter = read(message.body, message.target_arn, handlers)
            except DeadLetterError:
                continue
            if identity in letter.uploads():
                return letter.error
        return None

    def complaints(self) -> str:
        """The last lines with an error in them, of each function's newest logs and of the embedded AWS."""
        logs, found = self.client("logs"), []
        for name in self.outputs["function_names"].values():
            group = f"/aws/lambda/{name}"
            streams = logs.describe_log_streams(
                logGroupName=group, orderBy="LastEventTime", descending=True, limit=3
            )
            for stream in streams["logStreams"]:
                events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
                found += complaining(name, [event["message"] for event in events["events"]])
        server = (self.state_dir / "server.log").read_text(errors="replace")
        return "\n".join(found + complaining("embedded AWS", server.splitlines()))

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


class NotComingError(Exception):
    """What somebody waited for does not come."""


def await_it(
    what: str,
    look: Callable[[], T | None],
    failed: Callable[[], str | None],
    patience: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What somebody looks for, as soon as it is there.

    Args:
        what: Its name.
        look: Gives it, or None while it is not there.
        failed: Says why it never will be there, or None.
        patience: Seconds to wait.
        clock: Seconds, monotonic.
        sleep: Waits some seconds.

    Raises:
        NotComingError: It never will be, or is not there in time.
    """
    began = last_look = clock()
    while (now := clock()) < began + patience:
        if (found := look()) is not None:
            return found
        if now > last_look + _LOOK_SECONDS:
            last_look = now
            if reason := failed():
                message = f"no {what}: its event failed for good: {reason}"
                raise NotComingError(message)
        sleep(0.05)
    message = f"no {what} after {patience:.0f} s"
    raise NotComingError(message)


def complaining(where: str, lines: list[str]) -> list[str]:
    """The last lines that tell of an error, shortened, each with where it stands."""
    told = [line.strip() for line in lines if any(word in line for word in _COMPLAINTS)]
    return [f"{where}: {line[:_LINE_LENGTH]}" for line in told[-_LAST_LINES:]]


@dataclass(frozen=True)
class Published:
    """What happened around the first model."""

    before: Record
    command: subprocess.CompletedProcess[str]
    after: Record
