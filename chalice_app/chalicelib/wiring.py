"""Puts the parts together from a function's environment: the one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib import clients
from chalicelib.judging import Judge
from chalicelib.models import Models
from chalicelib.objects import ObjectReader
from chalicelib.registry import ModelRegistry
from chalicelib.result_objects import ResultsBucket
from chalicelib.results import ResultsTable
from chalicelib.settings import Settings
from chalicelib.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping


class Wiring:
    """What the handlers call.

    Args:
        judge: Judges pictures.
        telemetry: Logs and metrics.
    """

    def __init__(self, judge: Judge, telemetry: Telemetry) -> None:
        self._judge = judge
        self._telemetry = telemetry

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Wiring:
        """Wires the parts up with AWS's clients.

        Raises:
            ConfigurationError: A setting is missing or cannot work.
        """
        settings = Settings.from_environment(environment)
        s3 = clients.s3()
        registry = ModelRegistry(
            s3, settings.models_bucket, settings.project, pinned_version=settings.model_version
        )
        telemetry = Telemetry()
        judge = Judge(
            objects=ObjectReader(s3, settings.limits.max_bytes),
            models=Models(registry),
            bucket=ResultsBucket(s3, settings.results_bucket),
            table=ResultsTable(clients.dynamodb(), settings.results_table, shards=settings.shards),
            telemetry=telemetry,
            project=settings.project,
            limits=settings.limits,
        )
        return cls(judge, telemetry)

    def judge_pictures(self, event: Mapping[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's own
        """Judges the pictures of an S3 event."""
        self._telemetry.begin(context)
        self._judge.handle(event)
