"""Metrics that a function writes into its log, by CloudWatch's embedded metric format."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from localaws.lambda_.embedded_metrics import metrics_of

LINE = {
    "_aws": {
        "Timestamp": 1_574_109_732_004,
        "CloudWatchMetrics": [
            {
                "Namespace": "Spotcheck",
                "Dimensions": [["ProjectName"], ["ProjectName", "ModelVersion"]],
                "Metrics": [{"Name": "Time", "Unit": "Milliseconds"}],
            }
        ],
    },
    "ProjectName": "cars",
    "ModelVersion": "3",
    "Time": [12.5],
}


def test_a_metric_counts_once_for_each_of_its_sets_of_dimensions() -> None:
    coarse, fine = metrics_of(json.dumps(LINE))
    assert coarse == (
        "Spotcheck",
        {
            "MetricName": "Time",
            "Dimensions": [{"Name": "ProjectName", "Value": "cars"}],
            "Timestamp": datetime(2019, 11, 18, 20, 42, 12, 4000),  # noqa: DTZ001 - moto has no zones
            "Unit": "Milliseconds",
            "Values": [12.5],
        },
    )
    assert [each["Name"] for each in fine[1]["Dimensions"]] == ["ProjectName", "ModelVersion"]


def test_a_single_value_is_one() -> None:
    [(_, first), _] = metrics_of(json.dumps(LINE | {"Time": 3}))
    assert first["Values"] == [3]


@pytest.mark.parametrize(
    "message",
    [
        "START RequestId: x",
        "{",
        '{"message": "x"}',
        '{"_aws": {"CloudWatchMetrics": []}}',
        '{"_aws": 1, "CloudWatchMetrics"}',
    ],
)
def test_any_other_line_has_none(message: str) -> None:
    assert list(metrics_of(message)) == []
