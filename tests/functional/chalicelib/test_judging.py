"""One object version, one verdict: whatever is delivered again, late, at once, or cut off."""

from __future__ import annotations

import base64
import io
from typing import Any

import boto3
import pytest
from PIL import Image
from support_delivery import IMAGES, UNVERSIONED, FixedDetector, FixedModels, Stack, deliver
from support_pictures import png_bytes

from chalicelib.events import s3_event
from chalicelib.exceptions import JudgingError
from chalicelib.identity import request_id_of
from chalicelib.objects import ObjectReader
from chalicelib.pictures import PictureLimits
from chalicelib.records import Record, Status

KEY = "image_inputs/cell.png"


def test_a_verdict_stands_in_table_history_and_newest_result_alike(stack: Stack) -> None:
    record = stack.judge().judge(stack.upload(KEY, png_bytes(), metadata={"camera-id": "7"}))
    (item,) = stack.items()
    assert Record.from_item(item) == record
    newest, history = stack.result(f"results/{KEY}.json"), stack.result(str(record.result_key))
    assert newest == history
    assert Record.from_json(newest["Spotcheck"]) == record


def test_the_record_says_all_that_is_known(stack: Stack) -> None:
    version = stack.upload(KEY, png_bytes(), metadata={"camera-id": "7", "part-id": "A-1"})
    record = stack.judge().judge(version)
    assert record.status is Status.JUDGED
    assert (record.is_anomalous, record.confidence, record.score) == (True, 0.9, 20.0)
    assert (record.version_id, record.uploaded_at) == (version.version_id, version.uploaded_at)
    assert (record.project, record.model_version) == ("cells", "1")
    assert (record.width, record.height) == (96, 96)
    assert record.metadata == {"camera-id": "7", "part-id": "A-1"}
    assert set(record.timings_ms) == {"get", "decode", "detect", "heat_map", "write"}


def test_the_result_has_lookouts_shape(stack: Stack) -> None:
    stack.judge().judge(stack.upload(KEY, png_bytes()))
    result = stack.result(f"results/{KEY}.json")["DetectAnomalyResult"]
    mask = Image.open(io.BytesIO(base64.b64decode(result.pop("AnomalyMask"))))
    assert mask.size == (96, 96)
    assert result == {
        "Source": {"Type": "direct"},
        "IsAnomalous": True,
        "Confidence": 0.9,
        "Anomalies": [
            {"Name": "background", "PixelAnomaly": {"TotalPercentageArea": 0.9375, "Color": "#FFFFFF"}},
            {"Name": "anomaly", "PixelAnomaly": {"TotalPercentageArea": 0.0625, "Color": "#23A436"}},
        ],
    }


def test_a_normal_picture_has_nothing_but_background(stack: Stack) -> None:
    normal = FixedModels("1", FixedDetector(anomalous=False))
    stack.judge(normal).judge(stack.upload(KEY, png_bytes()))
    (only,) = stack.result(f"results/{KEY}.json")["DetectAnomalyResult"]["Anomalies"]
    assert only["Name"] == "background"


def test_the_heat_map_is_where_the_record_says(stack: Stack) -> None:
    record = stack.judge().judge(stack.upload(KEY, png_bytes()))
    assert stack.read(str(record.heat_map_key)).startswith(b"\x89PNG")


def test_a_rejection_has_a_reason_and_no_verdict(stack: Stack) -> None:
    record = stack.judge().judge(stack.upload(KEY, b"no picture", metadata={"camera-id": "7"}))
    assert record.status is Status.REJECTED
    assert record.reason
    assert record.metadata == {"camera-id": "7"}
    result = stack.result(f"results/{KEY}.json")
    assert "DetectAnomalyResult" not in result
    assert result["Spotcheck"]["reason"] == record.reason


def test_a_redelivery_changes_nothing(stack: Stack) -> None:
    version = stack.upload(KEY, png_bytes())
    first = stack.judge().judge(version)
    before = stack.items(), stack.objects()
    assert stack.judge(FixedModels("2", FixedDetector(anomalous=False))).judge(version) == first
    assert (stack.items(), stack.objects()) == before


def test_only_the_delivery_whose_verdict_stands_is_counted(
    stack: Stack, picture: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    version = stack.upload(KEY, picture)
    rival = stack.rival()
    with stack.at_write(1, lambda: print(rival.judge(version).status)):
        stack.judge().judge(version)
    assert capsys.readouterr().out.count('"ProcessedImageCount":[1.0]') == 1


def test_an_older_version_that_comes_later_does_not_take_the_newers_place(stack: Stack) -> None:
    older, newer = stack.upload(KEY, png_bytes()), stack.upload(KEY, b"no picture")
    court = stack.judge()
    court.judge(newer)
    court.judge(older)
    assert stack.result(f"results/{KEY}.json")["Spotcheck"]["version_id"] == newer.version_id
    for version in (older, newer):
        assert stack.result(f"history/{KEY}/{version.version_id}.json")["Spotcheck"]["key"] == KEY
        assert stack.table.get(request_id_of(version)) is not None


def test_a_newer_version_takes_the_olders_place(stack: Stack) -> None:
    older, newer = stack.upload(KEY, png_bytes()), stack.upload(KEY, b"no picture")
    court = stack.judge()
    court.judge(older)
    court.judge(newer)
    assert stack.result(f"results/{KEY}.json")["Spotcheck"]["version_id"] == newer.version_id


def test_each_version_is_judged_by_its_own_content(stack: Stack) -> None:
    older = stack.upload(KEY, b"no picture")
    stack.upload(KEY, png_bytes())
    assert stack.judge().judge(older).status is Status.REJECTED


def test_a_deleted_object_is_rejected_as_gone(stack: Stack) -> None:
    version = stack.upload(KEY, png_bytes())
    stack.s3.delete_object(Bucket=IMAGES, Key=KEY, VersionId=str(version.version_id))
    record = stack.judge().judge(version)
    assert (record.status, record.reason) == (
        Status.REJECTED,
        "The object is gone: it was deleted before it could be judged.",
    )


def test_a_version_under_a_delete_marker_is_still_judged(stack: Stack) -> None:
    version = stack.upload(KEY, png_bytes())
    stack.s3.delete_object(Bucket=IMAGES, Key=KEY)
    assert stack.judge().judge(version).status is Status.JUDGED


def test_in_an_unversioned_bucket_a_replaced_picture_is_gone(stack: Stack) -> None:
    replaced = stack.upload(KEY, b"first", bucket=UNVERSIONED)
    stack.upload(KEY, b"second", bucket=UNVERSIONED)
    record = stack.judge().judge(replaced)
    assert "replaced" in str(record.reason)


def test_a_file_over_the_limit_is_rejected(stack: Stack) -> None:
    record = stack.judge(limits=PictureLimits(max_bytes=10)).judge(stack.upload(KEY, png_bytes()))
    assert record.status is Status.REJECTED
    assert "too large" in str(record.reason)


def test_without_a_model_an_upload_waits(stack: Stack) -> None:
    version = stack.upload(KEY, png_bytes())
    record = stack.judge(FixedModels(None)).judge(version)
    assert record.status is Status.WAITING
    assert [waiting.request_id for waiting in stack.table.waiting()] == [request_id_of(version)]
    assert not stack.objects()


def test_a_waiting_upload_that_comes_again_waits_since_the_first_time(stack: Stack) -> None:
    version, court = stack.upload(KEY, png_bytes()), stack.judge(FixedModels(None))
    court.judge(version)
    before = stack.items()
    court.judge(version)
    assert stack.items() == before


def test_a_waiting_upload_is_judged_when_it_is_released(stack: Stack) -> None:
    version = stack.upload(KEY, png_bytes())
    stack.judge(FixedModels(None)).judge(version)
    (released,) = stack.judge().handle(s3_event(version))
    assert released.status is Status.JUDGED
    assert not list(stack.table.waiting())


def test_a_model_published_while_the_upload_is_put_to_wait_is_not_missed(stack: Stack) -> None:
    models = FixedModels(None)
    table = stack.table

    class PublishedMeanwhile:
        get, put_final = table.get, table.put_final

        def put_waiting(self, record: Record) -> bool:
            models.version = "1"
            return table.put_waiting(record)

    record = stack.judge(models, table=PublishedMeanwhile()).judge(stack.upload(KEY, png_bytes()))
    assert record.status is Status.JUDGED
    assert not list(table.waiting())


def test_every_record_of_an_event_is_judged_whatever_becomes_of_the_others(stack: Stack) -> None:
    good, bad = stack.upload("image_inputs/a.png", png_bytes()), stack.upload("image_inputs/b.png", b"x")
    body = {"Records": [s3_event(version)["Records"][0] for version in (good, bad)]}

    class OneFault(ObjectReader):
        def open(self, version: Any) -> Any:
            if version == good:
                raise TimeoutError
            return super().open(version)

    with pytest.raises(JudgingError, match=r"s3://.+/image_inputs/a\.png .+: TimeoutError") as fault:
        stack.judge(objects=OneFault(boto3.client("s3"))).handle(body)
    assert len(fault.value.faults) == 1
    assert [item["Key"] for item in stack.items()] == ["image_inputs/b.png"]


def test_the_mp4_beside_the_notebooks_frames_leaves_nothing_behind(stack: Stack) -> None:
    mp4 = stack.upload(f"video_inputs/{'0f' * 16}/clip.mp4.mp4", b"no picture")
    assert deliver(stack.judge(), mp4) == []
    assert stack.state() == ([], {})


def test_a_folder_marker_leaves_nothing_behind(stack: Stack) -> None:
    marker = stack.upload("image_inputs/line 3/", b"")
    assert stack.judge().handle(s3_event(marker)) == []
    assert not stack.items()
    assert not stack.objects()


def test_a_picture_whose_key_ends_in_a_slash_is_judged(stack: Stack) -> None:
    version = stack.upload("image_inputs/line 3/", png_bytes())
    (record,) = stack.judge().handle(s3_event(version))
    assert (record.status, record.image) == (Status.JUDGED, "line 3")


def test_frames_are_told_to_their_video_and_carry_its_details(stack: Stack) -> None:
    told: list[Record] = []

    class Frames:
        def details(self, key: str) -> dict[str, Any]:
            return {"video": key[13:45], "frame": 3, "seconds": 15.0}

        def note(self, record: Record) -> None:
            told.append(record)

    version = stack.upload(f"video_inputs/{'0f' * 16}/frame.0000003.png", png_bytes())
    (record,) = stack.judge(frames=Frames()).handle(s3_event(version))
    assert told == [record]
    assert (record.video, record.frame, record.seconds) == ("0f" * 16, 3, 15.0)
    assert list(stack.table.of_video("0f" * 16)) == [record]
