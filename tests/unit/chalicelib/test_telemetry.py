"""Structured logs, and metrics in CloudWatch's embedded format."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from support_events import object_version

from chalicelib.records import Record, Status
from chalicelib.telemetry import Telemetry
from chalicelib.videos import VideoStatus

JUDGED = Record(
    request_id="0" * 32,
    date="2026-11-22T10:00:00.000Z",
    status=Status.JUDGED,
    bucket="images",
    key="image_inputs/cell.png",
    image="cell.png",
    project="Cells",
    model_version="3",
    is_anomalous=True,
    timings_ms={"get": 10.5, "detect": 20.0},
)


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def telemetry(log: io.StringIO, request: pytest.FixtureRequest) -> Telemetry:
    # Powertools keeps one logger for each service, with the stream that it was made with.
    return Telemetry(Logger(service=request.node.name, stream=log, level="INFO"))


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def _service_as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "spotcheck")


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_an_anomalous_picture_is_counted_under_lookouts_names(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.outcome(JUDGED)
    (metrics,) = emitted(capsys)
    values = {
        "ProcessedImageCount": [1],
        "DetectedAnomalyCount": [1],
        "InvalidImageCount": [0],
        "Time": [30.5],
    }
    assert values.items() <= metrics.items()


def test_metrics_are_described_as_cloudwatch_wants_them(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.outcome(JUDGED)
    (metrics,) = emitted(capsys)
    (described,) = metrics["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "Spotcheck"
    assert described["Dimensions"] == [["ProjectName"], ["ProjectName", "ModelVersion"]]
    assert (metrics["ProjectName"], metrics["ModelVersion"]) == ("Cells", "3")
    assert {metric["Name"]: metric["Unit"] for metric in described["Metrics"]} == {
        "ProcessedImageCount": "Count",
        "DetectedAnomalyCount": "Count",
        "InvalidImageCount": "Count",
        "Time": "Milliseconds",
    }
    assert isinstance(metrics["_aws"]["Timestamp"], int)


def test_a_rejected_picture_is_invalid_and_not_processed(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.outcome(replace(JUDGED, status=Status.REJECTED, is_anomalous=None, reason="empty"))
    (metrics,) = emitted(capsys)
    values = {"ProcessedImageCount": [0], "DetectedAnomalyCount": [0], "InvalidImageCount": [1]}
    assert values.items() <= metrics.items()


def test_a_waiting_upload_is_logged_and_counted_later(
    telemetry: Telemetry, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.outcome(replace(JUDGED, status=Status.WAITING, reason="No model is published."))
    assert emitted(capsys) == []
    assert lines(log)[0]["reason"] == "No model is published."


def test_a_video_that_failed_is_counted_as_such(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.video("0f" * 16, VideoStatus.ERROR, "MediaConvert error 1010", project="cars")
    (metrics,) = emitted(capsys)
    assert {"ProcessedVideoCount": [0], "FailedVideoCount": [1]}.items() <= metrics.items()


def test_videos_are_counted_by_project_where_the_alarm_looks(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.video("0f" * 16, VideoStatus.JUDGED, None, project="cars")
    (metrics,) = emitted(capsys)
    assert metrics["ProjectName"] == "cars"
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Spotcheck", [["ProjectName"]])


def test_every_line_about_an_upload_names_it_and_the_invocation(
    telemetry: Telemetry, log: io.StringIO
) -> None:
    telemetry.begin(SimpleNamespace(aws_request_id="c6af9ac6"))
    with telemetry.about(object_version(), "0" * 32):
        telemetry.info("within")
    telemetry.info("after")
    within, after = lines(log)
    named = {"correlation_id": "c6af9ac6", "request_id": "0" * 32, "bucket": "images", "version_id": "v1"}
    assert named.items() <= within.items()
    assert within["key"] == "image_inputs/cell.png"
    assert "key" not in after


def test_a_fault_is_logged_with_its_traceback(telemetry: Telemetry, log: io.StringIO) -> None:
    try:
        raise TimeoutError("S3 did not answer")  # noqa: EM101, TRY003, TRY301
    except TimeoutError:
        telemetry.fault("Not this time.")
    (line,) = lines(log)
    assert line["level"] == "ERROR"
    assert "S3 did not answer" in line["exception"]
