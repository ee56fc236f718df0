"""From an uploaded object version to its record: the one flow behind both S3 handlers.

Order of side effects: heat map, history object, newest result, table item. The history object decides which
verdict stands; everything after it is made from it, so a redelivery after a crash at any point completes what
is missing and changes nothing that is there.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.events import object_versions
from chalicelib.exceptions import JudgingError, ModelNotFoundError, PictureRejectedError
from chalicelib.frames import is_notebook_mp4
from chalicelib.heatmaps import mask_png, overlay_png
from chalicelib.identity import request_id_of, result_keys
from chalicelib.pictures import read_picture
from chalicelib.records import Record, RegionRecord, Status, timestamp
from chalicelib.result_objects import result_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

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
        self._telemetry = telemetry
        self._project = project
        self._limits = limits
        self._frames = frames
        self._now = now

    def handle(self, event: Mapping[str, Any]) -> list[Record]:
        """Judges every record of an S3 event, each whatever becomes of the others.

        Returns:
            The records of the object versions, without those that are no pictures by their very keys.

        Raises:
            EventError: The event is none of S3's.
            JudgingError: Some met a fault; Lambda retries the event, and the others' outcomes stand.
        """
        records, faults = [], {}
        for version in object_versions(event):
            with self._telemetry.about(version, request_id_of(version)):
                if (why := _ignored(version)) is not None:
                    self._telemetry.info(why)
                    continue
                try:
                    record = self.judge(version)
                    if record.is_final and self._frames is not None:
                        self._frames.note(record)
                    records.append(record)
                except Exception as error:  # noqa: BLE001 - a fault of one must not keep the others waiting
                    self._telemetry.fault("The picture could not be judged this time.")
                    faults[version.s3_uri] = error
        if faults:
            raise JudgingError(faults)
        return records

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
        common = {"model_version": model_version, "result_key": keys.history}
        mask = None
        try:
            stored, picture, detection = self._look(version, detector, timings)
        except PictureRejectedError as error:
            record = self._record(version, Status.REJECTED, reason=error.reason, **common)
        else:
            with _timed(timings, "heat_map"):
                mask, heat_map = mask_png(picture, detection), overlay_png(picture, detection)
            with _timed(timings, "write"):
                self._bucket.put_heat_map(keys.heat_map, heat_map)
            record = self._record(
                version,
                Status.JUDGED,
                heat_map_key=keys.heat_map,
                metadata=stored.metadata,
                **common,
                **_findings(picture, detection),
            )
        record = replace(record, timings_ms=timings)
        body = self._bucket.put_history(keys.history, result_body(record, mask))
        standing = Record.from_json(body["Spotcheck"])
        self._bucket.put_newest(keys.newest, body)
        if self._table.put_final(standing):
            self._telemetry.outcome(standing)
        return standing

    def _look(
        self, version: ObjectVersion, detector: Detector, timings: dict[str, float]
    ) -> tuple[StoredObject, Picture, Detection]:
        with _timed(timings, "get"):
            stored = self._objects.read(version)
        with _timed(timings, "decode"):
            size = detector.metadata.input_size
            picture = read_picture(stored.data, self._limits, min_decoded_side=size)
        with _timed(timings, "detect"):
            detection = detector.detect(picture)
        return stored, picture, detection

    def _record(self, version: ObjectVersion, status: Status, **details: Any) -> Record:  # noqa: ANN401
        return Record(
            request_id=request_id_of(version),
            date=timestamp(self._now()),
            status=status,
            bucket=version.bucket,
            key=version.key,
            image=version.key.rpartition("/")[2],
            version_id=version.version_id,
            etag=version.etag,
            sequencer=version.sequencer,
            uploaded_at=version.uploaded_at,
            project=self._project,
            **(self._frames.details(version.key) if self._frames is not None else {}),
            **details,
        )


def _ignored(version: ObjectVersion) -> str | None:
    """Why an object is neither judged nor rejected; None for every upload."""
    if version.is_folder_marker:
        return "A folder marker is no upload."
    if is_notebook_mp4(version.key):
        return "The MP4 that MediaConvert writes beside the notebook's frames is no frame."
    return None


def _findings(picture: Picture, detection: Detection) -> dict[str, Any]:
    return {
        "is_anomalous": detection.is_anomalous,
        "confidence": detection.confidence,
        "probability": detection.probability,
        "score": detection.score,
        "threshold": detection.threshold,
        "area": detection.area,
        "regions": tuple(RegionRecord(**asdict(region)) for region in detection.regions),
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
        timings[phase] = round((time.perf_counter() - start) * 1000, 2)
