"""Nothing lost: a short soak under every kind of fault, then the ledger, its repair and the dead letters."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support_deployed import PATIENCE
from support_models import normal_png

from chalicelib.events import ObjectVersion, s3_event
from spotcheck.dead_letters import SET_ASIDE, Queue
from spotcheck.soak import Soak

if TYPE_CHECKING:
    from support_deployed import Deployed

UPLOADS = 150


@pytest.fixture(scope="module")
def soaked(pipeline: Deployed) -> dict[str, Any]:
    """The summary of a short soak."""
    return Soak(pipeline.target, UPLOADS, seed=1).run()


def audit(deployed: Deployed, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = deployed.spotcheck("audit", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)


def queue(deployed: Deployed, body: Any) -> None:
    """Puts something into the dead-letter queue."""
    text = body if isinstance(body, str) else json.dumps(body)
    url = deployed.outputs["dead_letter_queue_url"]
    deployed.client("sqs").send_message(QueueUrl=url, MessageBody=text)


def dead(deployed: Deployed, version: ObjectVersion, handler: str = "detect_image") -> dict[str, Any]:
    """An event as the on-failure destination gets it."""
    name = deployed.outputs["function_names"][handler]
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:live"
    return {"requestContext": {"functionArn": arn}, "requestPayload": s3_event(version)}


def await_letters(deployed: Deployed, count: int) -> None:
    """Waits until so many events have failed for good."""
    found = Queue(deployed.client("sqs"), deployed.outputs["dead_letter_queue_url"])
    deadline = time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def forget(deployed: Deployed, identity: str) -> None:
    """Takes an outcome away behind everybody's back."""
    table = deployed.target.resource("dynamodb").Table(deployed.outputs["results_table"])
    table.delete_item(Key={"RequestID": identity})


def test_nothing_is_lost_doubled_or_mixed_up(soaked: dict[str, Any]) -> None:
    assert soaked["findings"]["missing"] == []
    assert soaked["findings"]["duplicates"] == []
    assert soaked["findings"]["wrong_version"] == []
    assert soaked["findings"]["without_result"] == []
    assert (soaked["lost"], soaked["duplicated"], soaked["wrong_version"], soaked["set_aside"]) == (
        0,
        0,
        0,
        0,
    )
    assert soaked["uploads"] == UPLOADS
    assert soaked["outcomes"]["uploads"] > UPLOADS, "frames of the video count too"


def test_faults_of_many_kinds_were_injected_and_events_were_replayed(soaked: dict[str, Any]) -> None:
    assert {"error", "throttle", "reset", "cut", "clock", "lost-answer", "denied"} <= soaked["faults"].keys()
    assert {"duplicate", "reorder", "skew", "refuse"} <= soaked["faults"].keys()
    assert {"kill", "kill-after"} & soaked["faults"].keys()
    assert soaked["error_share"] >= 0.05
    assert soaked["duplicate_share"] >= 0.1
    assert soaked["overtaken"] > 0, "some keys were uploaded again while they were being judged"
    assert soaked["dead_letters"] > 0
    assert soaked["retries"] > 0


@pytest.mark.usefixtures("soaked")
def test_every_video_has_the_verdict_of_all_its_frames(pipeline: Deployed) -> None:
    done = pipeline.spotcheck("results", "--videos", "--json")
    videos = [row for row in json.loads(done.stdout) if "/soak/" in row["key"]]
    assert [row["status"] for row in videos] == ["JUDGED"]
    assert all(row["frames_judged"] == row["frames_expected"] > 0 for row in videos)


@pytest.mark.usefixtures("soaked")
def test_audit_finds_an_upload_without_an_outcome_and_repairs_it(pipeline: Deployed) -> None:
    key = "image_inputs/lost.png"
    older = pipeline.record(pipeline.put(key, normal_png(50)))
    newer = pipeline.record(pipeline.put(key, normal_png(51)))
    forget(pipeline, newer.request_id)
    results = pipeline.outputs["results_bucket"]
    for gone in (newer.result_key, f"results/{key}.json"):
        pipeline.client("s3").delete_object(Bucket=results, Key=gone)

    code, found = audit(pipeline)
    assert code == 1
    assert [(row["key"], row["version_id"]) for row in found["missing"]] == [(key, newer.version_id)]

    code, found = audit(pipeline, "--repair")
    assert (code, found["missing"], found["wrong_version"]) == (0, [], [])
    repaired = pipeline.record(newer.request_id)
    assert repaired.sequencer > older.sequencer
    assert pipeline.result(f"results/{key}.json")["Spotcheck"]["request_id"] == newer.request_id


@pytest.mark.usefixtures("soaked")
def test_redrive_replays_what_can_be_mended_and_sets_the_rest_aside(pipeline: Deployed) -> None:
    record = pipeline.record(pipeline.put("image_inputs/dead.png", normal_png(52)))
    forget(pipeline, record.request_id)
    version = ObjectVersion(
        record.bucket, record.key, record.version_id, record.etag, record.sequencer, 9, record.uploaded_at
    )
    queue(pipeline, dead(pipeline, version))
    queue(pipeline, "no event at all")

    code, found = audit(pipeline)
    assert (code, found["dead_letters"]) == (1, 2)
    assert [row["why"] for row in found["missing"]] == ["dead-letter queue: no reason given"]

    rehearsed = pipeline.spotcheck("redrive", "--dry-run")
    assert "1 for detect_image would be replayed" in rehearsed.stdout
    assert "would be set aside: the message is no JSON" in rehearsed.stdout
    assert audit(pipeline)[1]["dead_letters"] == 2

    done = pipeline.spotcheck("redrive", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["replayed"]) == (1, {"detect_image": 1})
    (aside,) = said["set_aside"]
    assert pipeline.result(f"{SET_ASIDE}{aside['id']}.json")["body"] == "no event at all"
    pipeline.record(record.request_id)
    code, found = audit(pipeline)
    assert (code, found["dead_letters"], found["set_aside"]) == (0, 0, 1)


@pytest.mark.usefixtures("soaked")
def test_a_job_that_failed_for_good_is_told_replayed_and_no_missing_upload(pipeline: Deployed) -> None:
    name = pipeline.outputs["function_names"]["run_job"]
    job = {"job": "unheard-of", "project": "cars"}
    pipeline.client("lambda").invoke(
        FunctionName=name, Qualifier="live", InvocationType="Event", Payload=json.dumps(job)
    )
    await_letters(pipeline, 1)
    code, found = audit(pipeline)
    assert (code, found["missing"], found["dead_letters"]) == (0, [], 1)

    told = json.loads(pipeline.spotcheck("redrive", "--dry-run", "--json").stdout)
    (failure,) = told["failures"]
    assert (failure["handler"], failure["error"]) == ("run_job", "KeyError: 'unheard-of'")
    assert failure["example"] == "job=unheard-of project=cars"

    assert json.loads(pipeline.spotcheck("redrive", "--json").stdout)["replayed"] == {"run_job": 1}
    await_letters(pipeline, 1)  # it failed as before, and not because it was replayed
    done = pipeline.spotcheck("redrive", "--tries", "1", "--json")
    (aside,) = json.loads(done.stdout)["set_aside"]
    assert aside["reason"] == "replayed 1 times, and failed again: KeyError: 'unheard-of'"
    kept = pipeline.result(f"{SET_ASIDE}{aside['id']}.json")
    assert (kept["handler"], kept["event"], kept["uploads"]) == ("run_job", job, [])
    pipeline.client("s3").delete_object(
        Bucket=pipeline.outputs["results_bucket"], Key=f"{SET_ASIDE}{aside['id']}.json"
    )


@pytest.mark.usefixtures("soaked")
def test_an_event_that_was_set_aside_can_be_replayed_after_the_cause_is_mended(pipeline: Deployed) -> None:
    record = pipeline.record(pipeline.put("image_inputs/poison.png", normal_png(53)))
    version = ObjectVersion(
        record.bucket, record.key, record.version_id, record.etag, record.sequencer, 9, record.uploaded_at
    )
    letter = dead(pipeline, version)
    letter["requestPayload"]["spotcheckRedrives"] = 3
    queue(pipeline, letter)
    assert pipeline.spotcheck("redrive").returncode == 1

    done = pipeline.spotcheck("redrive", "--again")
    assert "1 for detect_image replayed" in done.stdout
    assert "left where it is" in done.stdout, "what is no event cannot be replayed"
    assert audit(pipeline)[1]["set_aside"] == 1
