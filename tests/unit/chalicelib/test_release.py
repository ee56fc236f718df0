"""Releasing: uploads that waited for a model get their handler again, at a bounded rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.events import object_versions
from chalicelib.records import Record, Status
from chalicelib.release import Release, handler_of

if TYPE_CHECKING:
    from collections.abc import Iterator


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


# ---------------------------------------------------------------- without waiting for the verdicts


def test_all_are_started_once_however_long_their_verdicts_take() -> None:
    pipeline = FakePipeline(*(waiting(n) for n in range(3)), deaf=99)
    assert pipeline.release().start_all(200.0) is True
    assert len(pipeline.events) == 3


def test_what_the_time_does_not_suffice_for_is_started_at_the_next_call() -> None:
    pipeline = FakePipeline(*(waiting(n) for n in range(30)), deaf=99)
    release = pipeline.release(rate=1.0)
    assert release.start_all(10.0) is False
    assert len(pipeline.events) == 10
    assert release.start_all(60.0) is True
    assert len({event["Records"][0]["s3"]["object"]["key"] for _, event in pipeline.events}) == 30


def test_no_more_are_under_way_than_the_rate_gives_in_a_minute() -> None:
    pipeline = FakePipeline(*(waiting(n) for n in range(200)), deaf=999)
    assert pipeline.release(rate=1.0).start_all(600.0) is False
    assert len(pipeline.events) == 60


def test_what_came_to_an_end_is_counted() -> None:
    pipeline = FakePipeline(*(waiting(n) for n in range(30)), deaf=10)
    release = pipeline.release(rate=1.0)
    release.start_all(10.0)
    assert (release.started, release.ended) == (10, 0)
    release.start_all(60.0)
    assert (release.started, release.ended) == (30, 20)


def test_slow_handlers_get_the_next_as_they_finish() -> None:
    pipeline = FakePipeline(*(waiting(n) for n in range(200)), deaf=999)

    def sleep(seconds: float) -> None:
        pipeline.now += seconds
        if pipeline.events and pipeline.now > 100:
            done = pipeline.events[0][1]
            [version] = object_versions(done)
            pipeline.records = {k: r for k, r in pipeline.records.items() if r.key != version.key}
            if len(pipeline.events) > 1:
                judged.append(pipeline.events.pop(0))

    judged: list[tuple[str, dict[str, Any]]] = []
    release = Release(pipeline, pipeline.invoke, rate=1.0, clock=lambda: pipeline.now, sleep=sleep)
    assert release.start_all(2000.0) is True
    assert len(judged) + len(pipeline.events) == 200
