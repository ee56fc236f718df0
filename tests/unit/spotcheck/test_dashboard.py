"""The totals of the old console: exact ones from items, CloudWatch's beside them."""

from __future__ import annotations

from datetime import date
from typing import Any

from spotcheck.dashboard import as_json, metric_totals
from spotcheck.totals import Totals

SINCE, UNTIL = date(2026, 11, 1), date(2026, 11, 22)
NONE = {"images": 0, "anomalies": 0, "invalid": 0, "videos_judged": 0, "videos_failed": 0}


def totals_of(*items: dict[str, Any]) -> Totals:
    totals = Totals()
    for item in items:
        totals.add(item)
    return totals


def judged(*, anomalous: bool, version: str = "1") -> dict[str, Any]:
    return {"Status": "JUDGED", "DetectAnomalyResult": anomalous, "ModelVersion": version}


def test_only_judged_pictures_are_processed_images() -> None:
    totals = totals_of(
        judged(anomalous=True), judged(anomalous=False), {"Status": "REJECTED"}, {"Status": "WAITING"}
    )
    assert (totals.images, totals.anomalies, totals.invalid) == (2, 1, 1)


def test_each_model_version_has_its_own_ratio_in_the_order_of_publishing() -> None:
    items = [
        judged(anomalous=True, version="10"),
        judged(anomalous=False, version="2"),
        judged(anomalous=True, version="2"),
    ]
    shown = as_json(totals_of(*items), NONE, "cars", SINCE, UNTIL)
    assert [(one["model_version"], one["anomaly_ratio"]) for one in shown["model_versions"]] == [
        ("2", 0.5),
        ("10", 1.0),
    ]


def test_a_ratio_of_nothing_is_none() -> None:
    shown = as_json(Totals(), NONE, "cars", SINCE, UNTIL)
    assert shown["table"]["anomaly_ratio"] is None
    assert shown["metrics"]["anomaly_ratio"] is None


class FakeCloudWatch:
    """Two pages of sums by day."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def get_paginator(self, _: str) -> FakeCloudWatch:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.asked = request
        return [
            {
                "MetricDataResults": [
                    {"Id": "images", "Values": [3.0, 4.0]},
                    {"Id": "anomalies", "Values": []},
                ]
            },
            {"MetricDataResults": [{"Id": "images", "Values": [1.0]}]},
        ]


def test_cloudwatchs_totals_are_the_sums_of_whole_days_of_the_project() -> None:
    cloudwatch = FakeCloudWatch()
    assert metric_totals(cloudwatch, "cars", SINCE, UNTIL) == NONE | {"images": 8}
    assert cloudwatch.asked["StartTime"].isoformat() == "2026-11-01T00:00:00+00:00"
    assert cloudwatch.asked["EndTime"].isoformat() == "2026-11-23T00:00:00+00:00"
    [first, *_] = cloudwatch.asked["MetricDataQueries"]
    assert first["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "ProjectName", "Value": "cars"}]
