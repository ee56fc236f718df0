"""The same from the embedded AWS's own port: requests are told apart by the scope of their signature."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from support_jobs import ROLE, job_settings

if TYPE_CHECKING:
    from pathlib import Path

    from support_localaws import Desk


def test_a_job_runs_behind_the_port_and_its_events_reach_a_queue(desk: Desk, clip: Path) -> None:
    s3, sqs, events = desk.client("s3"), desk.client("sqs"), desk.client("events")
    for bucket in ("videos", "images"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="videos", Key="film.mp4", Body=clip.read_bytes())
    queue = sqs.create_queue(QueueName="job-events")["QueueUrl"]
    events.put_rule(Name="jobs", EventPattern=json.dumps({"source": ["aws.mediaconvert"]}))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:job-events"}
    events.put_targets(Rule="jobs", Targets=[target])

    mediaconvert = desk.client("mediaconvert")
    job = mediaconvert.create_job(Role=ROLE, Settings=job_settings())["Job"]
    assert mediaconvert.list_tags_for_resource(Arn=job["Arn"])["ResourceTags"]["Arn"] == job["Arn"]

    heard: list[dict[str, Any]] = []
    end = time.monotonic() + 60
    while time.monotonic() < end and "COMPLETE" not in [event["detail"]["status"] for event in heard]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        heard += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    assert [e["detail"]["status"] for e in heard] == ["PROGRESSING", "INPUT_INFORMATION", "COMPLETE"]
    assert mediaconvert.get_job(Id=job["Id"])["Job"]["Status"] == "COMPLETE"
    assert s3.list_objects_v2(Bucket="images")["KeyCount"] == 4
