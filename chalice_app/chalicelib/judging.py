"""From an uploaded object version to its record: the one flow behind both S3 handlers.

Order of side effects: heat map, history object, newest result, table item. The history object decides which
verdict stands; everything after it is made from it, so a redelivery after a crash at any point completes what
is missing and changes nothing that is there. A record that comes late reopens the totals of its day first.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.exceptions import ModelNotFoundError, PictureRejectedError
from chalicelib.heatmaps import mask_png, overlay_png
from chalicelib.identity import request_id_of, result_keys
from chalicelib.intake import take_in
from chalicelib.pictures import read_picture
from chalicelib.records import Record, Status, timestamp
from chalicelib.result_objects import result_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from chalicelib.day_totals import DayTotals
    from chalicelib.detector import Detection, Detector
    from chalicelib.events import ObjectVersion
    from chalicelib.models import Models
    from chalicelib.objects import ObjectReader, StoredObject
    from chalicelib.pictures import Picture, PictureLimits
    from chalicelib.result_objects import ResultsBucket
    from chalicelib.results import ResultsTable
    from chalicelib.telemetry import Telemetry
    from chalicelib.video_frames import VideoFrames


class Judge:
    """Judges uploaded pictures.

    Args:
        objects: Where pictures come from.
        models: The model to judge with.
        bucket: Where results go.
        table: Where records go.
        totals: Of hours that are over, which a late record changes.
        telemetry: Logs and metrics.
        project: Lookout project.
        limits: What a picture may measure.
        frames: Knows which pictures are frames of a video; None where no frames come.
        now: The clock.
    """

    def __init__(
        self,
        *,
        objects: ObjectReader,
        models: Models,
        bucket: ResultsBucket,
        table: ResultsTable,
        totals: DayTotals,
        telemetry: Telemetry,
        project: str,
        limits: PictureLimits,
        frames: VideoFrames | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._objects = objects
        self._models = models
        self._bucket = bucket
        self._table = table
        self._totals = totals
        self._telemetry = telemetry
        self._project = project
        self._limits = limits
        self._frames = frames
        self._now = now

    def handle(self, event: Mapping[str, Any]) -> list[Record]:
        """Judges every upload of an S3 event, and tells videos what became of their frames.

        Raises:
            EventError: The event is none of S3's.
            JudgingError: Some met a fault; Lambda retries the event, and the others' outcomes stand.
        """
        return take_in(event, self._judge_and_tell, self._telemetry)

    def judge(self, version: ObjectVersion) -> Record:
        """Gives one object version its record; the one it has, if it has a final one."""
        known = self._table.get(request_id_of(version))
        if known is not None and known.is_final:
            return known
        try:
            model_version, detector = self._models.current()
        except ModelNotFoundError as error:
            return self._wait(version, str(error))
        return self._judge_with(version, model_version, detector)

    def prepare(self, version: str | None) -> None:
        """Loads a model before the first upload: one that is about to become current, or the current one.

        Raises:
            ModelNotFoundError: There is none.
        """
        self._models.prepare(version)

    def _judge_and_tell(self, version: ObjectVersion) -> Record:
        record = self.judge(version)
        if record.is_final and self._frames is not None:
            self._frames.note(record)
        return record

    def _wait(self, version: ObjectVersion, reason: str) -> Record:
        record = self._record(version, Status.WAITING, reason=reason)
        self._table.put_waiting(record)
        try:  # again: a publish between the first look and the item would release everything but this
            model_version, detector = self._models.current()
        except ModelNotFoundError:
            self._telemetry.outcome(record)
            return record
        return self._judge_with(version, model_version, detector)

    def _judge_with(self, version: ObjectVersion, model_version: str, detector: Detector) -> Record:
        keys = result_keys(version)
        timings: dict[str, float] = {}
        known: dict[str, Any] = {"model_version": model_version, "result_key": keys.history}
        mask = None
        try:
            with _timed(timings, "get"):
                stored = self._objects.open(version)
            known["metadata"] = stored.metadata
            picture, detection = self._look(stored, detector, timings)
        except PictureRejectedError as error:
            record = self._record(version, Status.REJECTED, reason=error.reason, **known)
        else:
            known["heat_map_key"] = keys.heat_map(model_version)
            with _timed(timings, "heat_map"):
                mask, heat_map = mask_png(picture, detection), overlay_png(picture, detection)
            with _timed(timings, "write"):
                self._bucket.put_heat_map(known["heat_map_key"], heat_map)
            record = self._record(version, Status.JUDGED, **known, **_findings(picture, detection))
        record = replace(record, timings_ms=timings)
        body = self._bucket.put_history(keys.history, result_body(record, mask))
        standing = Record.from_json(body["Spotcheck"])
        self._bucket.put_newest(keys.newest, body)
        self._totals.reopen_if_late(standing.date, self._now())
        if self._table.put_final(standing):
            self._telemetry.outcome(standing)
        return standing

    def _look(
        self, stored: StoredObject, detector: Detector, timings: dict[str, float]
    ) -> tuple[Picture, Detection]:
        with _timed(timings, "get"):
            data = stored.read(self._limits.max_bytes)
        with _timed(timings, "decode"):
            picture = read_picture(data, self._limits, min_decoded_side=detector.min_decoded_side)
        with _timed(timings, "detect"):
            detection = detector.detect(picture)
        return picture, detection

    def _record(self, version: ObjectVersion, status: Status, **details: Any) -> Record:  # noqa: ANN401
        return Record(
            request_id=request_id_of(version),
            date=timestamp(self._now()),
            status=status,
            bucket=version.bucket,
            key=version.key,
            image=version.image,
            version_id=version.version_id,
            etag=version.etag,
            sequencer=version.sequencer,
            uploaded_at=version.uploaded_at,
            project=self._project,
            **(self._frames.details(version.key) if self._frames is not None else {}),
            **details,
        )


def _findings(picture: Picture, detection: Detection) -> dict[str, Any]:
    return {
        "is_anomalous": detection.is_anomalous,
        "confidence": detection.confidence,
        "probability": detection.probability,
        "score": detection.score,
        "threshold": detection.threshold,
        "area": detection.area,
        "kinds": detection.kinds,
        "regions": detection.regions,
        "width": picture.width,
        "height": picture.height,
    }


@contextmanager
def _timed(timings: dict[str, float], phase: str) -> Iterator[None]:
    """Adds the milliseconds that a phase takes to `timings`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        spent = (time.perf_counter() - start) * 1000
        timings[phase] = round(timings.get(phase, 0.0) + spent, 2)
