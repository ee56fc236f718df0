"""The image pipeline as it is deployed: Terraform's stack, the packaged handlers, real uploads."""

from __future__ import annotations

import io
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support_models import normal_png
from support_pictures import bad_inputs, jpeg_bytes, png_bytes, scratched, texture

from chalicelib.events import ObjectVersion, s3_event
from chalicelib.records import Status
from chalicelib.release import version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support_deployed import Deployed, Published

SCRATCHED = png_bytes(scratched(texture(40, 160, 120)))
FROZEN_KEYS = [
    *("request_id", "date", "bucket", "key", "image", "status", "is_anomalous", "confidence", "score"),
    *("threshold", "reason", "video", "frame", "seconds", "model_version"),
]


def deliver(deployed: Deployed, version: ObjectVersion, handler: str = "detect_image") -> None:
    """Delivers an S3 event to a handler's live alias, and waits until it has run."""
    answer = deployed.client("lambda").invoke(
        FunctionName=deployed.outputs["function_names"][handler],
        Qualifier="live",
        Payload=json.dumps(s3_event(version)),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


# ---------------------------------------------------------------- before and after the first model


def test_an_upload_before_any_model_waits(published: Published) -> None:
    assert published.before.status is Status.WAITING
    assert "No model is published" in (published.before.reason or "")


def test_publish_prints_the_version_and_releases_what_waited(published: Published) -> None:
    assert published.command.stdout.splitlines() == ["published version 1 of project spotcheck"]
    assert "released 1 uploads" in published.command.stderr
    assert published.after.status is Status.JUDGED
    assert published.after.model_version == "1"
    assert published.after.request_id == published.before.request_id


def test_nothing_waits_any_more(pipeline: Deployed) -> None:
    assert list(pipeline.target.results_table().waiting()) == []


# ---------------------------------------------------------------- any client


def by_put(s3: Any, bucket: str, key: str, data: bytes) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=data)


def by_presigned_post(s3: Any, bucket: str, key: str, data: bytes) -> None:
    form = s3.generate_presigned_post(bucket, key)
    boundary = "spotcheck-boundary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form["fields"].items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
    body = b"".join([*parts, head.encode(), data, f"\r\n--{boundary}--\r\n".encode()])
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(form["url"], data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status in {200, 204}


def by_presigned_put(s3: Any, bucket: str, key: str, data: bytes) -> None:
    address = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    with urllib.request.urlopen(urllib.request.Request(address, data=data, method="PUT")) as answer:
        assert answer.status == 200


def by_parts(s3: Any, bucket: str, key: str, data: bytes) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=data)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=parts)


def by_copy(s3: Any, bucket: str, key: str, data: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="elsewhere/original.png", Body=data)
    s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": "elsewhere/original.png"})


@pytest.mark.parametrize("upload", [by_put, by_presigned_post, by_presigned_put, by_parts, by_copy])
def test_an_upload_by_any_client_is_judged(
    pipeline: Deployed, upload: Callable[[Any, str, str, bytes], None]
) -> None:
    key = f"image_inputs/clients/{upload.__name__}.png"
    upload(pipeline.client("s3"), pipeline.outputs["images_bucket"], key, normal_png(31))
    record = pipeline.record(pipeline.newest_request_id(key))
    assert (record.status, record.is_anomalous) == (Status.JUDGED, False)


# ---------------------------------------------------------------- what a verdict leaves behind


def test_a_normal_and_a_scratched_picture_are_told_apart(pipeline: Deployed) -> None:
    normal = pipeline.record(pipeline.put("image_inputs/normal.png", normal_png(32)))
    scratch = pipeline.record(pipeline.put("image_inputs/scratched.png", SCRATCHED))
    assert (normal.is_anomalous, scratch.is_anomalous) == (False, True)
    assert normal.score is not None
    assert scratch.score is not None
    assert normal.score < scratch.score
    assert scratch.regions


def test_the_item_has_the_notebooks_attributes_and_the_cameras_metadata(pipeline: Deployed) -> None:
    metadata = {"camera-id": "7", "line-id": "north"}
    identity = pipeline.put("image_inputs/line/part 1.png", normal_png(33), Metadata=metadata)
    pipeline.record(identity)
    item = pipeline.item(identity)
    assert item["RequestID"] == identity
    assert item["Image"] == "part 1.png"
    assert item["DetectAnomalyResult"] is False
    assert 0.5 <= item["Confidence"] <= 1
    assert item["Date"].endswith("Z")
    assert item["Metadata"] == metadata


def test_the_result_object_has_lookout_for_visions_shape(pipeline: Deployed) -> None:
    identity = pipeline.put("image_inputs/shape.png", SCRATCHED)
    record = pipeline.record(identity)
    result = pipeline.result("results/image_inputs/shape.png.json")
    verdict = result["DetectAnomalyResult"]
    assert verdict["Source"] == {"Type": "direct"}
    assert verdict["IsAnomalous"] is True
    assert {one["Name"] for one in verdict["Anomalies"]} == {"background", "anomaly"}
    assert result["Spotcheck"]["request_id"] == identity
    assert result == pipeline.result(record.result_key or "")
    with Image.open(io.BytesIO(pipeline.result_bytes(record.heat_map_key or ""))) as heat_map:
        assert heat_map.format == "PNG"


def test_a_second_delivery_of_the_same_event_changes_nothing(pipeline: Deployed) -> None:
    identity = pipeline.put("image_inputs/twice.png", normal_png(34))
    record = pipeline.record(identity)
    item, result = pipeline.item(identity), pipeline.result_bytes(record.result_key or "")
    deliver(pipeline, version_of(record))
    assert pipeline.item(identity) == item
    assert pipeline.result_bytes(record.result_key or "") == result
    versions = pipeline.client("s3").list_object_versions(
        Bucket=pipeline.outputs["results_bucket"], Prefix="results/image_inputs/twice.png.json"
    )
    assert len(versions["Versions"]) == 1


def test_an_older_version_that_arrives_later_does_not_replace_the_newest_result(pipeline: Deployed) -> None:
    key = "image_inputs/out of order.png"
    first = pipeline.record(pipeline.put(key, normal_png(35)))
    second = pipeline.record(pipeline.put(key, SCRATCHED))
    deliver(pipeline, version_of(first))
    newest = pipeline.result(f"results/{key}.json")
    assert newest["Spotcheck"]["request_id"] == second.request_id
    assert first.request_id != second.request_id


def test_a_frame_is_judged_by_its_own_handler(pipeline: Deployed) -> None:
    key = "video_inputs/clip/frame.0000001.jpg"
    record = pipeline.record(pipeline.put(key, jpeg_bytes(texture(36, 160, 120), quality=95)))
    assert record.status is Status.JUDGED
    group = f"/aws/lambda/{pipeline.outputs['function_names']['detect_frame']}"
    streams = pipeline.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert streams


def test_the_log_has_the_metrics_by_lookout_for_visions_names(pipeline: Deployed) -> None:
    pipeline.record(pipeline.put("image_inputs/metrics.png", normal_png(37)))
    group = f"/aws/lambda/{pipeline.outputs['function_names']['detect_image']}"
    events = pipeline.client("logs").filter_log_events(logGroupName=group)["events"]
    metrics = [json.loads(event["message"]) for event in events if '"CloudWatchMetrics"' in event["message"]]
    assert metrics
    assert {"ProcessedImageCount", "ProjectName", "ModelVersion"} <= metrics[-1].keys()


# ---------------------------------------------------------------- bad input


@pytest.fixture(scope="module")
def bad_uploads(pipeline: Deployed) -> dict[str, str]:
    """Every bad input uploaded at once: name → request id."""
    return {name: pipeline.put(f"image_inputs/bad/{name}", data) for name, (data, _) in bad_inputs().items()}


@pytest.mark.parametrize("name", bad_inputs())
def test_what_can_never_be_judged_is_rejected_with_a_reason(
    pipeline: Deployed, bad_uploads: dict[str, str], name: str
) -> None:
    record = pipeline.record(bad_uploads[name])
    assert record.status is Status.REJECTED
    assert bad_inputs()[name][1].lower() in (record.reason or "").lower()
    result = pipeline.result(f"results/image_inputs/bad/{name}.json")
    assert "DetectAnomalyResult" not in result
    assert result["Spotcheck"]["reason"] == record.reason


@pytest.mark.parametrize(
    "key",
    [
        "image_inputs/red flower+1.png",
        "image_inputs/100% sure.png",
        "image_inputs/Prüfstück é.png",
        "image_inputs/emoji 🔎.png",
        "image_inputs/a//b/../c.png",
        "image_inputs/no-suffix",
        "image_inputs/" + "k" * 1011,
    ],
    ids=["space-plus", "percent", "accents", "emoji", "slashes", "no-suffix", "1024-bytes"],
)
def test_a_key_of_any_kind_is_judged(pipeline: Deployed, key: str) -> None:
    record = pipeline.record(pipeline.put(key, normal_png(38)))
    assert (record.status, record.key) == (Status.JUDGED, key)
    assert pipeline.result(record.result_key or "")["Spotcheck"]["key"] == key


def test_an_object_that_is_gone_is_rejected(pipeline: Deployed) -> None:
    record = pipeline.record(pipeline.put("image_inputs/gone.png", normal_png(39)))
    gone = ObjectVersion(
        bucket=record.bucket,
        key="image_inputs/gone before.png",
        version_id=record.version_id,
        etag=record.etag,
        sequencer=record.sequencer,
        size=None,
        uploaded_at=record.uploaded_at,
    )
    deliver(pipeline, gone)
    rows = list(pipeline.target.results_table().of_image("gone before.png"))
    assert [row.status for row in rows] == [Status.REJECTED]
    assert "gone" in (rows[0].reason or "")


def test_a_folder_marker_leaves_no_record(pipeline: Deployed) -> None:
    pipeline.put("image_inputs/a folder/", b"")
    pipeline.record(pipeline.put("image_inputs/after the folder.png", normal_png(41)))
    today = datetime.now(UTC).date()
    records = list(pipeline.target.results_table().newest(since=today - timedelta(days=1), until=today))
    assert "image_inputs/after the folder.png" in [record.key for record in records]
    assert not [record.key for record in records if record.key.endswith("/")]


def test_nothing_has_ended_in_the_dead_letter_queue(pipeline: Deployed, bad_uploads: dict[str, str]) -> None:
    for identity in bad_uploads.values():
        pipeline.record(identity)
    queue = pipeline.outputs["dead_letter_queue_url"]
    attributes = pipeline.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0"


# ---------------------------------------------------------------- the command


def test_upload_prints_verdicts_and_fails_on_nothing_that_was_rejected(
    pipeline: Deployed, tmp_path: Path
) -> None:
    (tmp_path / "mon").mkdir()
    (tmp_path / "tue").mkdir()
    (tmp_path / "mon" / "1.png").write_bytes(normal_png(42))
    (tmp_path / "tue" / "1.png").write_bytes(SCRATCHED)
    (tmp_path / "tue" / "2.txt").write_bytes(b"no picture")
    done = pipeline.spotcheck("upload", tmp_path / "mon", tmp_path / "tue", "--metadata", "camera-id=9")
    assert done.returncode == 0, done.stderr
    lines = {line.split("image_inputs/")[1].split("  ")[0]: line for line in done.stdout.splitlines()}
    assert set(lines) == {"mon/1.png", "tue/1.png", "tue/2.txt"}
    assert "Normal" in lines["mon/1.png"]
    assert "Anomalous" in lines["tue/1.png"]
    assert "rejected" in lines["tue/2.txt"]


def test_results_json_has_the_frozen_keys_newest_first(pipeline: Deployed) -> None:
    identity = pipeline.put("image_inputs/the newest.png", SCRATCHED)
    pipeline.record(identity)
    done = pipeline.spotcheck("results", "--json", "--limit", "5")
    rows = json.loads(done.stdout)
    assert rows[0]["request_id"] == identity
    assert list(rows[0])[: len(FROZEN_KEYS)] == FROZEN_KEYS
    assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)
    assert "embedded AWS at" in done.stderr


def test_results_of_one_image_and_anomalous_ones_only(pipeline: Deployed) -> None:
    for index, data in enumerate((normal_png(43), SCRATCHED)):
        pipeline.record(pipeline.put(f"image_inputs/{index}/chosen.png", data))
    rows = json.loads(pipeline.spotcheck("results", "--image", "chosen.png", "--json").stdout)
    assert [row["key"] for row in rows] == ["image_inputs/1/chosen.png", "image_inputs/0/chosen.png"]
    anomalous = json.loads(pipeline.spotcheck("results", "--anomalous", "--json").stdout)
    assert anomalous
    assert all(row["is_anomalous"] for row in anomalous)


def test_status_says_that_it_runs(pipeline: Deployed) -> None:
    done = pipeline.spotcheck("status", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert (said["running"], said["applied"]) == (True, True)
    assert said["endpoint_url"] == pipeline.target.endpoint_url
    assert said["lambda"]["workers"] >= 1


def test_outputs_are_terraforms(pipeline: Deployed) -> None:
    said = json.loads(pipeline.spotcheck("outputs", "--json").stdout)
    assert said == pipeline.outputs
    frozen = {
        *("videos_bucket", "images_bucket", "results_bucket", "models_bucket", "results_table"),
        *("dead_letter_queue_url", "api_url", "region", "endpoint_url"),
    }
    assert frozen <= said.keys()


def test_a_model_that_is_none_is_not_published(pipeline: Deployed, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    done = pipeline.spotcheck("publish", "--model", tmp_path / "model.onnx")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(pipeline.target.registry().versions()) == 1


def test_up_again_plans_no_changes(pipeline: Deployed) -> None:
    done = pipeline.spotcheck("up", "--detach")
    assert done.stdout.splitlines()[0] == f"ready {pipeline.target.endpoint_url}"
    assert "No changes" in done.stderr
