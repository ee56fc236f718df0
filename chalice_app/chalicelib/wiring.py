"""Puts the parts together from a function's environment: the one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib import clients
from chalicelib.conversion import VideoConverter
from chalicelib.day_totals import DayTotals
from chalicelib.documents import Documents
from chalicelib.job_events import JobEvents
from chalicelib.judging import Judge
from chalicelib.models import Models
from chalicelib.objects import ObjectReader
from chalicelib.registry import ModelRegistry
from chalicelib.result_objects import ResultsBucket
from chalicelib.results import ResultsTable
from chalicelib.settings import Settings, VideoSettings
from chalicelib.video_frames import VideoFrames
from chalicelib.video_sources import VideoSources
from chalicelib.video_table import VideoTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.telemetry import Telemetry


def judge(environment: Mapping[str, str], telemetry: Telemetry) -> Judge:
    """What `detect_image` and `detect_frame` call.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    settings = Settings.from_environment(environment)
    s3, dynamodb = clients.s3(), clients.dynamodb()
    registry = ModelRegistry(
        s3, settings.models_bucket, settings.project, pinned_version=settings.model_version
    )
    videos = VideoTable(dynamodb, settings.results_table, shards=settings.shards)
    return Judge(
        objects=ObjectReader(s3),
        models=Models(registry),
        bucket=ResultsBucket(s3, settings.results_bucket),
        table=ResultsTable(dynamodb, settings.results_table, shards=settings.shards),
        totals=DayTotals(Documents(s3, settings.results_bucket)),
        frames=VideoFrames(videos, telemetry),
        telemetry=telemetry,
        project=settings.project,
        limits=settings.limits,
    )


def converter(environment: Mapping[str, str], telemetry: Telemetry) -> VideoConverter:
    """What `convert_video` calls.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    settings = VideoSettings.from_environment(environment)
    return VideoConverter(
        clients.mediaconvert(),
        VideoSources(clients.s3()),
        VideoTable(clients.dynamodb(), settings.results_table, shards=settings.shards),
        telemetry,
        settings.job,
        settings.project,
    )


def job_events(environment: Mapping[str, str], telemetry: Telemetry) -> JobEvents:
    """What `on_video_job` calls.

    Raises:
        ConfigurationError: A setting is missing or cannot work.
    """
    settings = VideoSettings.from_environment(environment)
    return JobEvents(
        clients.s3(),
        VideoTable(clients.dynamodb(), settings.results_table, shards=settings.shards),
        telemetry,
        settings.job.images_bucket,
        settings.job.queue_arn,
        settings.project,
    )
