"""Takes one job from PROGRESSING to its end: fetches, converts, uploads, tells."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.mediaconvert.config import config
from localaws.mediaconvert.converter import Converter, Progress
from localaws.mediaconvert.events import EventBus, complete, status_update
from localaws.mediaconvert.exceptions import JobError, JobStoppedError
from localaws.mediaconvert.names import S3Uri
from localaws.mediaconvert.storage import Caller, ObjectStore

if TYPE_CHECKING:
    from localaws.mediaconvert.jobs import Job

CONTENT_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "mp4": "video/mp4", "mov": "video/quicktime"}

_log = logging.getLogger(__name__)


def run(job: Job) -> None:
    """Runs a job to its end; every failure ends in the job's status, none is raised."""
    bus = EventBus(job.account_id, job.region)
    if not job.begin(config.clock()):
        return
    bus.put(job, "PROGRESSING")
    try:
        _convert(job, bus)
    except JobStoppedError:
        _log.info("job %s stopped", job.id)
    except JobError as error:
        _fail(job, bus, error.code, error.message)
    except Exception as error:  # noqa: BLE001  # a job must end, in code 1999 if need be
        _log.exception("job %s failed", job.id)
        _fail(job, bus, JobError.code, f"Unknown error: {type(error).__name__}: {error}")


def _convert(job: Job, bus: EventBus) -> None:
    caller = Caller(job.account_id, job.region, job.request["Role"], job.queue_arn)
    store = ObjectStore(caller, check_role=config.check_role)
    updates = _StatusUpdates(job, bus)

    def upload(uri: S3Uri, body: bytes) -> None:
        job.keep_going()
        content_type = CONTENT_TYPES.get(uri.key.rpartition(".")[2].lower(), "application/octet-stream")
        store.put(uri, body, content_type)

    with tempfile.TemporaryDirectory(prefix="mediaconvert-") as folder:
        files = []
        for index, given in enumerate(job.settings["Inputs"]):
            file = Path(folder) / f"input-{index}"  # no extension: formats are told by content
            store.fetch(S3Uri.parse(given["FileInput"]), file)
            files.append(file)
        converter = Converter(job.settings, files, upload, updates.on_progress)
        bus.put(job, "INPUT_INFORMATION", inputDetails=converter.probe())
        job.phase = "TRANSCODING"
        reports = converter.run()
    job.keep_going()
    job.phase, job.reports = "UPLOADING", reports
    if job.end("COMPLETE", config.clock()):
        bus.put(job, "COMPLETE", **complete(reports))


def _fail(job: Job, bus: EventBus, code: int, message: str) -> None:
    job.error_code, job.error_message = code, message
    if job.end("ERROR", config.clock()):
        bus.put(job, "ERROR", errorCode=code, errorMessage=message)


class _StatusUpdates:
    """Keeps GetJob's percentage true and sends STATUS_UPDATE at the job's interval."""

    def __init__(self, job: Job, bus: EventBus) -> None:
        self._job = job
        self._bus = bus
        asked = job.request.get("StatusUpdateInterval", "SECONDS_60")
        self._interval = config.status_update_seconds
        if self._interval is None:
            self._interval = float(asked.rpartition("_")[2])
        self._last = config.clock()

    def on_progress(self, progress: Progress) -> None:
        self._job.keep_going()
        self._job.percent = progress.percent
        now = config.clock()
        if now - self._last >= (self._interval or 0.0):
            self._last = now
            self._bus.put(self._job, "STATUS_UPDATE", **status_update("TRANSCODING", progress))
