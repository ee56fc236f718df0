"""A job and a queue: what they are, without how they come about."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.common_models import BaseModel

from localaws.mediaconvert.exceptions import JobStoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.mediaconvert.outputs import OutputReport

FINAL_STATES = frozenset({"COMPLETE", "CANCELED", "ERROR"})
DEFAULT_CONCURRENT_JOBS = 100

_ECHOED = (
    "AccelerationSettings",
    "BillingTagsSource",
    "ClientRequestToken",
    "HopDestinations",
    "Role",
    "Settings",
    "SimulateReservedQueue",
)


class Job(BaseModel):
    """One transcoding job.

    Args:
        request: The checked CreateJob request.
        job_id: `<epoch milliseconds>-<six characters>`.
        queue: The queue it waits in.
        created: Seconds since the epoch.
        sequence: Its place among all jobs; of equal priority the lowest goes first.
    """

    def __init__(
        self, request: Mapping[str, Any], job_id: str, queue: Queue, created: float, sequence: int
    ) -> None:
        self.id = job_id
        self.request = request
        self.queue = queue
        self.queue_arn = queue.arn
        self.account_id = queue.account_id
        self.region = queue.region
        self.arn = queue.arn.replace(f"queues/{queue.name}", f"jobs/{job_id}")
        self.settings: Mapping[str, Any] = request["Settings"]
        self.priority = int(request.get("Priority", 0))
        self.user_metadata: dict[str, str] = dict(request.get("UserMetadata", {}))
        self.sequence = sequence
        self.created = created
        self.started: float | None = None
        self.finished: float | None = None
        self.status = "SUBMITTED"
        self.phase: str | None = None
        self.percent: int | None = None
        self.error_code: int | None = None
        self.error_message: str | None = None
        self.reports: Sequence[Sequence[OutputReport]] = ()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def begin(self, now: float) -> bool:
        """SUBMITTED becomes PROGRESSING; False if the job was cancelled meanwhile."""
        with self._lock:
            if self.status != "SUBMITTED":
                return False
            self.status, self.started, self.phase, self.percent = "PROGRESSING", now, "PROBING", 0
            return True

    def end(self, status: str, now: float) -> bool:
        """Puts the job into a final state; False if it is in one already."""
        with self._lock:
            if self.status in FINAL_STATES:
                return False
            self.status, self.finished = status, now
            if status == "COMPLETE":
                self.percent = 100
            return True

    def stop(self) -> None:
        """Has the conversion give up at the next frame."""
        self._stop.set()

    def keep_going(self) -> None:
        """Passes unless the job is to stop.

        Raises:
            JobStoppedError: if it is.
        """
        if self._stop.is_set():
            raise JobStoppedError(self.id)

    def to_dict(self) -> dict[str, Any]:
        """The job as GetJob shows it."""
        shown: dict[str, Any] = {
            "AccelerationSettings": {"Mode": "DISABLED"},
            "AccelerationStatus": "NOT_APPLICABLE",
            "Arn": self.arn,
            "CreatedAt": _time(self.created),
            "CurrentPhase": self.phase,
            "ErrorCode": self.error_code,
            "ErrorMessage": self.error_message,
            "Id": self.id,
            "JobPercentComplete": self.percent,
            "Messages": {"Info": [], "Warning": []},
            "Priority": self.priority,
            "Queue": self.queue_arn,
            "RetryCount": 0,
            "Status": self.status,
            "StatusUpdateInterval": self.request.get("StatusUpdateInterval", "SECONDS_60"),
            "Timing": {
                "SubmitTime": _time(self.created),
                "StartTime": _time(self.started),
                "FinishTime": _time(self.finished),
            },
            "UserMetadata": self.user_metadata,
        }
        shown |= {name: self.request[name] for name in _ECHOED if name in self.request}
        if self.reports:
            shown["OutputGroupDetails"] = [
                {"OutputDetails": [_output_detail(report) for report in reports]} for reports in self.reports
            ]
        return {name: value for name, value in shown.items() if value is not None}


class Queue(BaseModel):
    """A queue of jobs.

    Args:
        request: The checked CreateQueue request.
        arn: The queue's ARN.
        system: Whether it is the Default queue, which AWS made.
        now: Seconds since the epoch.
    """

    def __init__(self, request: Mapping[str, Any], arn: str, *, system: bool, now: float) -> None:
        self.name: str = request["Name"]
        self.arn = arn
        _arn, _partition, _service, self.region, self.account_id, _resource = arn.split(":", 5)
        self.type = "SYSTEM" if system else "CUSTOM"
        self.description: str | None = request.get("Description")
        self.pricing_plan: str = request.get("PricingPlan", "ON_DEMAND")
        self.status: str = request.get("Status", "ACTIVE")
        self.concurrent_jobs: int = request.get("ConcurrentJobs", DEFAULT_CONCURRENT_JOBS)
        self.created = self.updated = now

    def update(self, request: Mapping[str, Any], now: float) -> None:
        """Takes over what an UpdateQueue request names."""
        self.description = request.get("Description", self.description)
        self.status = request.get("Status", self.status)
        self.concurrent_jobs = request.get("ConcurrentJobs", self.concurrent_jobs)
        self.updated = now

    def to_dict(self, jobs: Sequence[Job] = ()) -> dict[str, Any]:
        """The queue as GetQueue shows it; the counts are taken from these jobs."""
        mine = [job.status for job in jobs if job.queue is self]
        shown = {
            "Arn": self.arn,
            "ConcurrentJobs": self.concurrent_jobs,
            "CreatedAt": _time(self.created),
            "Description": self.description,
            "LastUpdated": _time(self.updated),
            "Name": self.name,
            "PricingPlan": self.pricing_plan,
            "ProgressingJobsCount": mine.count("PROGRESSING"),
            "Status": self.status,
            "SubmittedJobsCount": mine.count("SUBMITTED"),
            "Type": self.type,
        }
        return {name: value for name, value in shown.items() if value is not None}


def _output_detail(report: OutputReport) -> dict[str, Any]:
    width, height = report.size
    return {
        "DurationInMs": report.duration_ms,
        "VideoDetails": {"WidthInPx": width, "HeightInPx": height},
    }


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
