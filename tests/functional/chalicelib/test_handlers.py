"""The deployed handlers with a real model: whatever is uploaded gets a verdict or a reason."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from chalice.test import Client
from PIL import Image
from support_delivery import IMAGES, MODELS, RESULTS, SHARDS, TABLE, Stack
from support_models import normal_png
from support_pictures import (
    bad_inputs,
    encoded,
    jpeg_bytes,
    png_bytes,
    raw_png,
    scratched,
    texture,
)

import app
from chalicelib import clients
from chalicelib.events import REPLAYS, s3_event
from chalicelib.exceptions import JudgingError
from chalicelib.identity import request_id_of
from chalicelib.lookout.api.jobs import JobRunner
from chalicelib.records import Record, Status
from chalicelib.registry import ModelRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.events import ObjectVersion

PROJECT = "Cells"
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEPT = (app._telemetry, app._judge, clients.s3, clients.dynamodb)


@pytest.fixture
def lambda_(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:  # noqa: ARG001 - it runs there
    environment = {
        "PROJECT_NAME": PROJECT,
        "MODEL_VERSION": "",
        "OUTPUT_BUCKET": RESULTS,
        "MODELS_BUCKET": MODELS,
        "RESULTS_TABLE": TABLE,
        "INDEX_SHARDS": str(SHARDS),
        "MAX_IMAGE_BYTES": "200000",
        "MAX_IMAGE_MEGAPIXELS": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for kept in KEPT:
        kept.cache_clear()
    with Client(app.app) as client:
        yield client
    for kept in KEPT:
        kept.cache_clear()


@pytest.fixture
def published(stack: Stack, model: bytes) -> None:
    ModelRegistry(stack.s3, MODELS, PROJECT).publish(model, {})


def deliver(lambda_: Client, *versions: ObjectVersion, handler: str = "detect_image") -> None:
    """Invokes a handler with one event of S3's."""
    records = [record for version in versions for record in s3_event(version)["Records"]]
    lambda_.lambda_.invoke(handler, {"Records": records})


def outcome(stack: Stack, version: ObjectVersion) -> Record:
    """What table and results bucket both say of an upload."""
    record = stack.table.get(request_id_of(version))
    assert record is not None
    assert Record.from_json(stack.result(str(record.result_key))["Spotcheck"]) == record
    return record


@pytest.mark.usefixtures("published")
def test_the_model_tells_normal_from_anomalous(lambda_: Client, stack: Stack) -> None:
    normal = stack.upload("image_inputs/normal.png", normal_png(30))
    anomalous = stack.upload("image_inputs/anomalous.png", png_bytes(scratched(texture(31, 160, 120))))
    deliver(lambda_, normal, anomalous)
    assert outcome(stack, normal).is_anomalous is False
    found = outcome(stack, anomalous)
    assert found.is_anomalous is True
    assert found.model_version == "1"
    assert found.regions


@pytest.mark.usefixtures("published")
def test_frames_have_a_handler_of_their_own(lambda_: Client, stack: Stack) -> None:
    frame = stack.upload(f"video_inputs/{'0f' * 16}/frame.0000003.jpg", jpeg_bytes(texture(1, 160, 120)))
    deliver(lambda_, frame, handler="detect_frame")
    assert outcome(stack, frame).status is Status.JUDGED


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", bad_inputs())
def test_what_can_never_be_judged_is_rejected_with_the_reason(
    lambda_: Client, stack: Stack, name: str
) -> None:
    content, reason = bad_inputs()[name]
    version = stack.upload(f"image_inputs/{name}.jpg", content, metadata={"camera-id": "7"})
    deliver(lambda_, version)
    record = outcome(stack, version)
    assert record.status is Status.REJECTED
    assert reason.lower() in str(record.reason).lower()
    assert record.metadata == {"camera-id": "7"}
    assert "DetectAnomalyResult" not in stack.result(f"results/{version.key}.json")


def unusual() -> dict[str, bytes]:
    """Pictures that are rare, and pictures all the same."""
    image = Image.fromarray(texture(0, 160, 120))
    rng = np.random.default_rng(0)
    return {
        "16-bit": raw_png(80, 80, 16, 0, rng.bytes(80 * 80 * 2)),
        "cmyk": encoded(image.convert("CMYK"), "JPEG"),
        "palette": encoded(image.convert("P"), "PNG"),
        "one-bit": encoded(image.convert("1"), "PNG"),
        "grey": encoded(image.convert("L"), "JPEG"),
        "transparent": encoded(image.convert("RGBA"), "PNG"),
        "sideways": jpeg_bytes(texture(0, 160, 120), orientation=6),
        "smallest": png_bytes(texture(0, 64, 64)),
    }


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", unusual())
def test_unusual_pictures_are_judged(lambda_: Client, stack: Stack, name: str) -> None:
    version = stack.upload(f"image_inputs/{name}", unusual()[name])
    deliver(lambda_, version)
    assert outcome(stack, version).status is Status.JUDGED


@pytest.mark.usefixtures("published")
def test_a_sideways_photograph_is_judged_upright(lambda_: Client, stack: Stack) -> None:
    version = stack.upload("image_inputs/phone.jpg", unusual()["sideways"])
    deliver(lambda_, version)
    record = outcome(stack, version)
    assert (record.width, record.height) == (120, 160)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("content", "reason"),
    [(bytes(200_001), "200001|0.2 MB"), (png_bytes(np.zeros((1001, 1000, 3), np.uint8)), "megapixels")],
    ids=["bytes", "pixels"],
)
def test_the_limits_are_settings(lambda_: Client, stack: Stack, content: bytes, reason: str) -> None:
    version = stack.upload("image_inputs/large.png", content)
    deliver(lambda_, version)
    assert any(part in str(outcome(stack, version).reason) for part in reason.split("|"))


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    "name",
    ["line 2/red flower.png", "a+b.png", "50%.png", "%20.png", "café.png", "📷.png", "no-suffix", ".hidden"],
)
def test_any_name_will_do(lambda_: Client, stack: Stack, name: str) -> None:
    version = stack.upload(f"image_inputs/{name}", normal_png(30), metadata={"part-id": "A-1"})
    deliver(lambda_, version)
    record = outcome(stack, version)
    assert (record.status, record.key) == (Status.JUDGED, f"image_inputs/{name}")
    assert record.image == name.rpartition("/")[2]
    assert stack.result(f"results/image_inputs/{name}.json")["Spotcheck"]["request_id"] == record.request_id


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_key_as_long_as_s3_allows_has_its_result(lambda_: Client, stack: Stack, letter: str) -> None:
    room = 1024 - len("image_inputs/")
    version = stack.upload("image_inputs/" + letter * (room // len(letter.encode())), normal_png(30))
    deliver(lambda_, version)
    record = outcome(stack, version)
    assert record.status is Status.JUDGED
    assert stack.read(str(record.heat_map_key))
    assert any(key.startswith("results/hashed/") for key in stack.objects())


@pytest.mark.usefixtures("published")
def test_a_folder_marker_is_passed_over_with_a_word(
    lambda_: Client, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(lambda_, stack.upload("image_inputs/line 3/", b""))
    assert not stack.items()
    assert "folder marker" in caplog.text


@pytest.mark.usefixtures("published")
def test_metadata_outside_ascii_is_recorded_as_it_was_given(lambda_: Client, stack: Stack) -> None:
    as_s3_gives_it = {"line-id": "=?UTF-8?B?TGluZSBOwrA0?="}
    version = stack.upload("image_inputs/cell.png", normal_png(30), metadata=as_s3_gives_it)
    deliver(lambda_, version)
    assert outcome(stack, version).metadata == {"line-id": "Line N°4"}


@pytest.mark.usefixtures("published")
def test_an_object_that_is_gone_is_rejected(lambda_: Client, stack: Stack) -> None:
    version = stack.upload("image_inputs/gone.png", normal_png(30))
    stack.s3.delete_object(Bucket=IMAGES, Key=version.key, VersionId=str(version.version_id))
    deliver(lambda_, version)
    assert "gone" in str(outcome(stack, version).reason)


def refuse_to_read(code: str, message: str, status: int = 403) -> None:
    """S3 answers the function's GetObject with an error: moto enforces neither KMS nor policies."""

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        response = SimpleNamespace(status_code=status, headers={})
        return response, {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}

    clients.s3().meta.events.register("before-call.s3.GetObject", answer)  # type: ignore[arg-type]


@pytest.fixture
def warm(lambda_: Client, stack: Stack, published: None) -> None:  # noqa: ARG001 - the model must be there
    deliver(lambda_, stack.upload("image_inputs/first.png", normal_png(30)))


@pytest.mark.usefixtures("warm")
def test_an_object_under_a_kms_key_that_may_not_be_used_is_rejected_by_name(
    lambda_: Client, stack: Stack
) -> None:
    version = stack.upload("image_inputs/secret.png", normal_png(30))
    stack.s3.copy_object(
        Bucket=IMAGES,
        Key=version.key,
        CopySource={"Bucket": IMAGES, "Key": version.key},
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=KMS_KEY,
    )
    encrypted = stack.s3.head_object(Bucket=IMAGES, Key=version.key)["VersionId"]
    refuse_to_read("AccessDenied", "Access Denied")
    event = s3_event(version)
    event["Records"][0]["s3"]["object"]["versionId"] = encrypted
    lambda_.lambda_.invoke("detect_image", event)
    (item,) = (item for item in stack.items() if item["VersionId"] == encrypted)
    assert item["Status"] == "REJECTED"
    assert KMS_KEY in item["Reason"]


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("SlowDown", 503), ("InternalError", 500)]
)
def test_a_fault_is_raised_for_lambda_to_retry(lambda_: Client, stack: Stack, code: str, status: int) -> None:
    version = stack.upload("image_inputs/later.png", normal_png(30))
    refuse_to_read(code, "", status)
    with pytest.raises(JudgingError, match=code):
        deliver(lambda_, version)
    assert stack.table.get(request_id_of(version)) is None


@pytest.mark.usefixtures("published")
def test_an_older_version_after_the_newer_leaves_the_newer(lambda_: Client, stack: Stack) -> None:
    older = stack.upload("image_inputs/cell.png", normal_png(30))
    newer = stack.upload("image_inputs/cell.png", normal_png(31))
    deliver(lambda_, newer)
    deliver(lambda_, older)
    newest = stack.result("results/image_inputs/cell.png.json")["Spotcheck"]
    assert newest["version_id"] == newer.version_id
    assert outcome(stack, older).status is outcome(stack, newer).status is Status.JUDGED


@pytest.mark.usefixtures("published")
def test_a_second_delivery_changes_nothing(lambda_: Client, stack: Stack) -> None:
    version = stack.upload("image_inputs/cell.png", normal_png(30))
    deliver(lambda_, version)
    before = stack.items(), stack.objects()
    deliver(lambda_, version, version)
    assert (stack.items(), stack.objects()) == before


def test_an_upload_waits_for_a_model_and_is_judged_when_it_is_there(
    lambda_: Client, stack: Stack, model: bytes
) -> None:
    version = stack.upload("image_inputs/cell.png", normal_png(30))
    deliver(lambda_, version)
    (waiting,) = stack.table.waiting()
    assert waiting.request_id == request_id_of(version)
    assert "spotcheck publish" in str(waiting.reason)
    ModelRegistry(stack.s3, MODELS, PROJECT).publish(model, {})
    deliver(lambda_, version)
    assert outcome(stack, version).status is Status.JUDGED
    assert not list(stack.table.waiting())


@pytest.mark.usefixtures("published")
def test_metrics_are_written_with_the_verdict(
    lambda_: Client, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(lambda_, stack.upload("image_inputs/a.png", normal_png(30)), stack.upload("image_inputs/b", b""))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [line["ProcessedImageCount"] for line in lines] == [[1], [0]]
    assert [line["InvalidImageCount"] for line in lines] == [[0], [1]]
    assert {line["ProjectName"] for line in lines} == {PROJECT}


def test_a_replayed_job_is_the_job_that_was_sent(lambda_: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[dict[str, Any]] = []
    runner = JobRunner({"create": lambda **given: done.append(given)})
    monkeypatch.setattr(app, "_jobs", lambda: runner)
    lambda_.lambda_.invoke("run_job", {"job": "create", "project": "cars", REPLAYS: 1})
    assert done == [{"project": "cars"}]


def test_chalice_adds_no_log_handler_of_its_own(lambda_: Client) -> None:  # noqa: ARG001 - a warm function
    app._telemetry()
    assert len(logging.getLogger("spotcheck").handlers) == 1
