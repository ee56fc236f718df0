"""MediaConvert's events on the default bus of EventBridge, in AWS's shape.

Source: MediaConvert user guide, "List of MediaConvert EventBridge events" and the page of each status. There
is no event for SUBMITTED. Delivery is at least once: `MediaConvertConfig.event_copies` makes duplicates.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from localaws.locks import service_lock
from localaws.mediaconvert.config import config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.mediaconvert.converter import Progress
    from localaws.mediaconvert.jobs import Job
    from localaws.mediaconvert.outputs import OutputReport

SOURCE = "aws.mediaconvert"
DETAIL_TYPE = "MediaConvert Job State Change"
PHASES = ("PROBING", "TRANSCODING", "UPLOADING")

_log = logging.getLogger(__name__)


class EventBus:
    """The default bus of one account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._events = events_backends[account_id][region]

    def put(self, job: Job, status: str, **details: Any) -> None:  # noqa: ANN401  # JSON
        """Tells the world what became of a job.

        A target that fails is the target's affair, as on AWS: the job goes on.

        Args:
            job: The job.
            status: The event's `detail.status`.
            details: What the event of this status holds beyond the common head.
        """
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Resources": [job.arn],
            "Detail": json.dumps({**head(job, status), **details}),
        }
        for _copy in range(max(1, config.event_copies)):
            try:
                with service_lock("events"):
                    self._events.put_events([entry])
            except Exception:  # noqa: BLE001  # whatever a target does wrong
                _log.exception("a target of the event %s of job %s failed", status, job.id)


def head(job: Job, status: str) -> dict[str, Any]:
    """What every event's detail begins with; `timestamp` is in milliseconds."""
    return {
        "timestamp": int(config.clock() * 1000),
        "accountId": job.account_id,
        "queue": job.queue_arn,
        "jobId": job.id,
        "status": status,
        "userMetadata": job.user_metadata,
    }


def status_update(phase: str, progress: Progress) -> dict[str, Any]:
    """Detail of STATUS_UPDATE.

    Args:
        phase: The phase the job is in.
        progress: Frames decoded, and the percentage of that phase.
    """
    at = PHASES.index(phase)
    phases: dict[str, Any] = {}
    for index, name in enumerate(PHASES):
        if index == at:
            phases[name] = {"status": "PROGRESSING", "percentComplete": progress.percent}
        else:
            done = index < at
            phases[name] = {
                "status": "COMPLETE" if done else "PENDING",
                "percentComplete": 100 if done else 0,
            }
    return {
        "framesDecoded": progress.frames_decoded,
        "jobProgress": {
            "phaseProgress": phases,
            "jobPercentComplete": progress.percent,
            "currentPhase": phase,
            "retryCount": 0,
        },
    }


def complete(groups: Sequence[Sequence[OutputReport]]) -> dict[str, Any]:
    """Detail of COMPLETE: the files of each output; of captured frames the final one only."""
    return {
        "outputGroupDetails": [
            {"outputDetails": [_output_detail(report) for report in reports], "type": "FILE_GROUP"}
            for reports in groups
        ],
        "paddingInserted": 0,
        "blackVideoDetected": 0,
    }


def _output_detail(report: OutputReport) -> Mapping[str, Any]:
    width, height = report.size
    return {
        "outputFilePaths": report.paths,
        "durationInMs": report.duration_ms,
        "videoDetails": {"widthInPx": width, "heightInPx": height, **report.extra},
    }
