"""What operators see: structured logs and metrics, named as Lookout for Vision named them.

Neither holds picture content or a presigned URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.records import Status

if TYPE_CHECKING:
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
        `ProjectName` and `ModelVersion`.
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
        metrics = EphemeralMetrics(namespace=_NAMESPACE)
        metrics.add_dimension("ProjectName", record.project)
        metrics.add_dimension("ModelVersion", record.model_version or "none")
        rejected = record.status is Status.REJECTED
        metrics.add_metric("ProcessedImageCount", MetricUnit.Count, 0 if rejected else 1)
        metrics.add_metric("DetectedAnomalyCount", MetricUnit.Count, 1 if record.is_anomalous else 0)
        metrics.add_metric("InvalidImageCount", MetricUnit.Count, 1 if rejected else 0)
        metrics.add_metric("Time", MetricUnit.Milliseconds, sum(record.timings_ms.values()))
        metrics.flush_metrics()
