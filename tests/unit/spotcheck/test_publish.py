"""Publishing: the model is tried first, and uploads that waited are released at a bounded rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support_models import tiny_model

from chalicelib.detector import Detector
from chalicelib.events import object_versions
from chalicelib.exceptions import ModelInvalidError
from chalicelib.records import Record, Status
from spotcheck import targets
from spotcheck.publish import Release, handler_of, publish, validate_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def waiting(number: int, prefix: str = "image_inputs/") -> Record:
    return Record(
        request_id=str(number),
        date="2026-11-22T09:00:00.000Z",
        status=Status.WAITING,
        bucket="images",
        key=f"{prefix}a b+{number}.jpg",
        image=f"a b+{number}.jpg",
        version_id=f"v{number}",
        etag="e",
        sequencer="0A",
        uploaded_at="2026-11-22T08:59:59.000Z",
    )


class FakePipeline:
    """A table of waiting uploads, a clock, and handlers that judge what they are given."""

    def __init__(self, *records: Record, deaf: int = 0, lag: float = 0.0) -> None:
        self.records = {record.request_id: record for record in records}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.now = 0.0
        self._deaf = deaf
        self._lag = lag

    def waiting(self) -> Iterator[Record]:
        if self.now < self._lag:
            return iter([])
        return iter(list(self.records.values()))

    def invoke(self, handler: str, event: dict[str, Any]) -> None:
        self.events.append((handler, event))
        if len(self.events) > self._deaf:
            [version] = object_versions(event)
            self.records = {k: r for k, r in self.records.items() if r.key != version.key}

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def release(self, rate: float = 10.0) -> Release:
        return Release(self, self.invoke, rate=rate, clock=lambda: self.now, sleep=self.sleep)


def test_nothing_waiting_is_nothing_to_do() -> None:
    pipeline = FakePipeline()
    assert pipeline.release().run(10.0) == 0
    assert pipeline.events == []


def test_an_upload_that_the_index_shows_late_is_released_too() -> None:
    pipeline = FakePipeline(waiting(1), lag=0.5)
    assert pipeline.release().run(10.0) == 0
    assert len(pipeline.events) == 1


def test_every_waiting_upload_is_released_as_the_version_it_was() -> None:
    pipeline = FakePipeline(waiting(1), waiting(2))
    assert pipeline.release().run(60.0) == 0
    versions = [object_versions(event)[0] for _, event in pipeline.events]
    assert [(one.key, one.version_id) for one in versions] == [
        ("image_inputs/a b+1.jpg", "v1"),
        ("image_inputs/a b+2.jpg", "v2"),
    ]


def test_frames_go_to_the_frames_handler() -> None:
    pipeline = FakePipeline(waiting(1, "video_inputs/clip/"), waiting(2))
    pipeline.release().run(60.0)
    assert [handler for handler, _ in pipeline.events] == ["detect_frame", "detect_image"]
    assert handler_of("image_inputs/video_inputs/x.jpg") == "detect_image"


def test_the_rate_is_bounded() -> None:
    pipeline = FakePipeline(*(waiting(n) for n in range(20)))
    pipeline.release(rate=4.0).run(60.0)
    assert len(pipeline.events) == 20
    assert pipeline.now >= 20 / 4


def test_uploads_that_begin_to_wait_meanwhile_are_released_too() -> None:
    pipeline = FakePipeline(waiting(1))

    def invoke(handler: str, event: dict[str, Any]) -> None:
        if not pipeline.events:
            pipeline.records["2"] = waiting(2)
        pipeline.invoke(handler, event)

    assert Release(pipeline, invoke, rate=10, clock=lambda: pipeline.now, sleep=pipeline.sleep).run(60) == 0
    assert len(pipeline.events) == 2


def test_what_still_waits_when_the_time_is_up_is_counted() -> None:
    pipeline = FakePipeline(waiting(1), waiting(2), deaf=99)
    assert pipeline.release().run(30.0) == 2


def test_an_upload_is_started_again_only_after_functions_have_read_the_pointer_anew() -> None:
    pipeline = FakePipeline(waiting(1), deaf=1)
    assert pipeline.release().run(60.0) == 1
    assert len(pipeline.events) == 1
    assert pipeline.release().run(120.0) == 0


def test_progress_counts_those_that_have_a_result() -> None:
    pipeline, seen = FakePipeline(waiting(1), waiting(2)), []
    pipeline.release().run(60.0, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (2, 2), (2, 2)]


def test_a_file_that_is_no_model_is_not_published(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ModelInvalidError):
        validate_model(path)


def test_a_model_that_loads_and_cannot_judge_is_found_by_the_built_in_picture(tmp_path: Path) -> None:
    model = bytearray(tiny_model())
    weights = len(model) // 2
    model[weights : weights + 40_000] = b"\xff" * 40_000  # every float of them is not a number
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    assert Detector.load(path)
    with pytest.raises(ModelInvalidError, match="no finite score"):
        validate_model(path)


@pytest.mark.parametrize("content", [b"no model", b""], ids=["text", "nothing"])
def test_a_bad_model_never_reaches_the_bucket_where_a_good_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    asked: list[str] = []
    monkeypatch.setattr(targets, "resolve", lambda **_: asked.append("a stack"))
    with pytest.raises(ModelInvalidError):
        publish(model=path)
    assert asked == []  # not even looked for
