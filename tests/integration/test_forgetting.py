"""What `spotcheck forget` leaves of an upload: nothing; and what `spotcheck dashboard` counts."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from support_deployed import PATIENCE, Deployed
from support_films import SHORT, film
from support_models import normal_png

from chalicelib.identity import request_id
from spotcheck.dead_letters import SET_ASIDE

if TYPE_CHECKING:
    from pathlib import Path

BUCKETS = ("images_bucket", "videos_bucket", "results_bucket")


def traces(deployed: Deployed, text: str) -> list[str]:
    """Every version of every object whose key has the text in it."""
    s3 = deployed.client("s3")
    return [
        found["Key"]
        for bucket in BUCKETS
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=deployed.outputs[bucket])
        for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if text in found["Key"]
    ]


def test_all_of_a_picture_goes_and_nothing_of_its_neighbour(pipeline: Deployed) -> None:
    key, neighbour = "image_inputs/plates/AB 12.png", "image_inputs/plates/AB 12.png/x.png"
    versions = [pipeline.put(key, normal_png(number)) for number in (81, 82)]
    kept = pipeline.put(neighbour, normal_png(83))
    for identity in (*versions, kept):
        pipeline.record(identity)
    pipeline.client("s3").delete_object(Bucket=pipeline.outputs["images_bucket"], Key=key)
    results = pipeline.outputs["results_bucket"]
    for name, identity in (("of-it", versions[0]), ("of-its-neighbour", kept)):
        aside = json.dumps({"uploads": [identity], "reason": "replayed 3 times"})
        pipeline.client("s3").put_object(Bucket=results, Key=f"{SET_ASIDE}{name}.json", Body=aside)

    done = pipeline.spotcheck("forget", key, "--yes", "--json")

    assert done.returncode == 0, done.stderr
    removed = json.loads(done.stdout)
    assert removed["items"] == sorted(versions)
    # Two versions and a delete marker; two histories, two heat maps, and each version's newest result.
    assert removed["object_versions"][pipeline.outputs["images_bucket"]] == 3
    assert removed["object_versions"][pipeline.outputs["results_bucket"]] >= 5
    assert all(neighbour in trace for trace in traces(pipeline, key))
    assert [pipeline.target.results_table().get(identity) for identity in versions] == [None, None]
    assert pipeline.target.results_table().get(kept) is not None
    left = pipeline.client("s3").list_objects_v2(Bucket=results, Prefix=SET_ASIDE)["Contents"]
    assert [found["Key"] for found in left if "/of-it" in found["Key"]] == [
        f"{SET_ASIDE}of-its-neighbour.json"
    ]
    pipeline.client("s3").delete_object(Bucket=results, Key=f"{SET_ASIDE}of-its-neighbour.json")


def test_all_of_a_video_goes_with_its_frames(pipeline: Deployed, tmp_path: Path) -> None:
    key, bucket = "video_inputs/gate/car.mp4", pipeline.outputs["videos_bucket"]
    body = film(tmp_path, seconds=SHORT)
    version = pipeline.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    video_id = request_id(bucket, key, version)
    pipeline.end_of_video(video_id)
    assert traces(pipeline, video_id)

    done = pipeline.spotcheck("forget", key, "--yes")

    assert done.returncode == 0, done.stderr
    assert "items of the table" in done.stdout
    assert traces(pipeline, video_id) == []
    assert traces(pipeline, key) == []
    assert pipeline.target.video_table().get(video_id) is None
    assert list(pipeline.target.results_table().of_video(video_id)) == []


def test_without_yes_it_asks_and_a_no_removes_nothing(pipeline: Deployed) -> None:
    key = "image_inputs/asked.png"
    identity = pipeline.put(key, normal_png(84))
    pipeline.record(identity)
    done = pipeline.spotcheck("forget", key)  # nobody there to answer
    assert done.returncode == 1
    assert "for good?" in done.stderr
    assert pipeline.target.results_table().get(identity) is not None


def test_what_was_never_there_is_an_error(pipeline: Deployed) -> None:
    done = pipeline.spotcheck("forget", "image_inputs/never.png", "--yes")
    assert done.returncode == 1
    assert "there is nothing of image_inputs/never.png" in done.stderr


def test_the_dashboard_counts_what_was_judged_exactly_and_as_cloudwatch_does(pipeline: Deployed) -> None:
    def shown() -> dict[str, dict[str, int]]:
        done = pipeline.spotcheck("dashboard", "--days", "2", "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    before = shown()
    pipeline.record(pipeline.put("image_inputs/counted.png", normal_png(85)))
    pipeline.record(pipeline.put("image_inputs/uncounted.png", b"no picture"))
    deadline = time.monotonic() + PATIENCE
    while True:  # a metric comes with the log, a moment after the verdict
        after = shown()
        change = {
            place: {
                name: after[place][name] - before[place][name] for name in ("images", "anomalies", "invalid")
            }
            for place in ("table", "metrics")
        }
        expected = {"images": 1, "anomalies": 0, "invalid": 1}
        if change == {"table": expected, "metrics": expected}:
            return
        if time.monotonic() > deadline:
            pytest.fail(str(change))
        time.sleep(0.5)
