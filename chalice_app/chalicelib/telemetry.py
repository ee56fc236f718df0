"""What operators see: structured logs and metrics, named as Lookout for Vision named them.

Neither holds picture content or a presigned URL.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from chalicelib.records import Status
from chalicelib.videos import VideoStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from chalicelib.events import ObjectVersion
    from chalicelib.records import Record

_NAMESPACE = "Spotcheck"


class Telemetry:
    """Logs and metrics of one execution environment.

    Args:
        logger: Where structured logs go.
    """

    def __init__(self, logger: Logger | None = None) -> None:
        self._logger = logger or Logger(service="spotcheck")

    def about(self, version: ObjectVersion, request_id: str) -> AbstractContextManager[None]:
        """Marks every log line within as being about one object version."""
        return self._logger.append_context_keys(
            request_id=request_id, bucket=version.bucket, key=version.key, version_id=version.version_id
        )

    def begin(self, context: Any) -> None:  # noqa: ANN401 - Lambda's context object
        """Correlates what follows with one invocation."""
        self._logger.set_correlation_id(context.aws_request_id)

    def info(self, message: str) -> None:
        """Logs a fact."""
        self._logger.info(message)

    def fault(self, message: str) -> None:
        """Logs the exception being handled, with its traceback."""
        self._logger.exception(message)  # noqa: LOG004 - called where an exception is handled

    def outcome(self, record: Record) -> None:
        """Logs an outcome and counts it.

        `ProcessedImageCount`, `DetectedAnomalyCount`, `InvalidImageCount` and `Time` (milliseconds), by
        `ProjectName` alone (for alarms, which outlive a model) and by `ProjectName` and `ModelVersion`.
        """
        self._logger.info(
            record.status.value,
            is_anomalous=record.is_anomalous,
            confidence=record.confidence,
            score=record.score,
            reason=record.reason,
            model_version=record.model_version,
            timings_ms=dict(record.timings_ms),
        )
        if record.status is Status.WAITING:
            return
        rejected = record.status is Status.REJECTED
        _emit(
            {
                "ProcessedImageCount": 0 if rejected else 1,
                "DetectedAnomalyCount": 1 if record.is_anomalous else 0,
                "InvalidImageCount": 1 if rejected else 0,
                "Time": sum(record.timings_ms.values()),
            },
            {"ProjectName": record.project},
            {"ModelVersion": record.model_version or "none"},
        )

    def detection(self, project: str, version: str, milliseconds: float, *, is_anomalous: bool) -> None:
        """Counts a picture that the API judged, as `outcome` does for an upload."""
        counts = {"ProcessedImageCount": 1, "DetectedAnomalyCount": int(is_anomalous), "InvalidImageCount": 0}
        of_project, of_version = {"ProjectName": project}, {"ModelVersion": version}
        _emit({**counts, "Time": milliseconds}, of_project, of_version)

    def invalid_image(self, project: str, version: str) -> None:
        """Counts a body that the API could not judge."""
        _emit({"InvalidImageCount": 1}, {"ProjectName": project}, {"ModelVersion": version})

    def video(self, video_id: str, status: VideoStatus, reason: str | None, *, project: str) -> None:
        """Logs a video's end and counts it: `ProcessedVideoCount`, `FailedVideoCount`, by `ProjectName`."""
        self._logger.info(status.value, video_id=video_id, reason=reason)
        judged = status is VideoStatus.JUDGED
        _emit(
            {"ProcessedVideoCount": 1 if judged else 0, "FailedVideoCount": 0 if judged else 1},
            {"ProjectName": project},
        )


def _emit(
    values: Mapping[str, float],
    dimensions: Mapping[str, str],
    finer: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Writes metrics as one line of CloudWatch's embedded metric format: nothing waits for a flush.

    Args:
        values: By metric name; `Time` is in milliseconds, the others are counts.
        dimensions: Of every metric. Not `service`, which Powertools would add: Lookout for Vision had none.
        finer: Dimensions of a second, finer series of each metric.
    """
    metrics = AmazonCloudWatchEMFProvider(namespace=_NAMESPACE, service="")
    for dimension, of in dimensions.items():
        metrics.add_dimension(dimension, of)
    if finer:
        metrics.add_dimensions(**dimensions, **finer)
    for name, value in values.items():
        metrics.add_metric(name, MetricUnit.Milliseconds if name == "Time" else MetricUnit.Count, value)
    metrics.flush_metrics()
