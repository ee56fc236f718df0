"""`spotcheck dashboard`: what Lookout for Vision's console showed, in the terminal.

Exact totals are counted from the table (`spotcheck.totals`). CloudWatch's own stand beside them: it counts a
picture when its handler ran, so a redelivery before the end counts twice there, and a metric takes a minute
to appear.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck import targets
from spotcheck.console import out, print_json
from spotcheck.totals import Counting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spotcheck.totals import Totals

_COUNTS = {
    "images": "ProcessedImageCount",
    "anomalies": "DetectedAnomalyCount",
    "invalid": "InvalidImageCount",
    "videos_judged": "ProcessedVideoCount",
    "videos_failed": "FailedVideoCount",
}
_DAY_SECONDS = 86_400


def dashboard(
    *,
    days: Annotated[int, typer.Option(min=1, max=455, help="So many UTC days, today included.")] = 30,
    recount: Annotated[bool, typer.Option(help="Count closed hours again, from their records.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Of the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="Of the AWS account.")] = False,
) -> None:
    """Show total images processed, total anomalies and their ratio, exact and as CloudWatch counts them."""
    target = targets.resolve(local=local, aws=aws)
    today = datetime.now(UTC).date()
    since = today - timedelta(days=days - 1)
    project = str(target.outputs["project_name"])
    totals = Counting(target, recount=recount).count(since, today)
    metrics = metric_totals(target.client("cloudwatch"), project, since, today)
    shown = as_json(totals, metrics, project, since, today)
    print_json(shown) if json else _print(shown)


def metric_totals(cloudwatch: Any, project: str, since: date, until: date) -> dict[str, int]:  # noqa: ANN401 - a boto3 client
    """CloudWatch's own totals of a span of UTC days, by the names of `Totals`."""
    queries = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "Spotcheck",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "ProjectName", "Value": project}],
                },
                "Period": _DAY_SECONDS,
                "Stat": "Sum",
            },
        }
        for name, metric in _COUNTS.items()
    ]
    start = datetime(since.year, since.month, since.day, tzinfo=UTC)
    end = datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end
    )
    sums: Counter[str] = Counter()
    for page in pages:
        for result in page["MetricDataResults"]:
            sums[result["Id"]] += round(sum(result["Values"]))
    return {name: sums[name] for name in _COUNTS}


def as_json(
    totals: Totals, metrics: Mapping[str, int], project: str, since: date, until: date
) -> dict[str, Any]:
    """Everything as it is printed with `--json`; a ratio of nothing is null."""
    versions = sorted(totals.by_version.items(), key=lambda entry: (len(entry[0]), entry[0]))
    return {
        "project": project,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "table": {
            "images": totals.images,
            "anomalies": totals.anomalies,
            "anomaly_ratio": _ratio(totals.anomalies, totals.images),
            "invalid": totals.invalid,
            "waiting": totals.waiting,
        },
        "metrics": {**metrics, "anomaly_ratio": _ratio(metrics["anomalies"], metrics["images"])},
        "model_versions": [
            {
                "model_version": version,
                **counts,
                "anomaly_ratio": _ratio(counts["anomalies"], counts["images"]),
            }
            for version, counts in versions
        ],
        "videos": dict(sorted(totals.videos.items())),
    }


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _print(shown: Mapping[str, Any]) -> None:
    from rich.table import Table

    def add(table: Table, name: str, values: Iterable[Any]) -> None:
        table.add_row(name, *("-" if value is None else str(value) for value in values))

    exact, metrics = shown["table"], shown["metrics"]
    totals = Table(
        "", "table (exact)", "CloudWatch", title=f"{shown['project']}, {shown['since']} to {shown['until']}"
    )
    add(totals, "total images processed", (exact["images"], metrics["images"]))
    add(totals, "total anomalies", (exact["anomalies"], metrics["anomalies"]))
    add(totals, "anomaly ratio", (exact["anomaly_ratio"], metrics["anomaly_ratio"]))
    add(totals, "invalid", (exact["invalid"], metrics["invalid"]))
    add(totals, "waiting for a model", (exact["waiting"], None))
    out.print(totals)
    if shown["model_versions"]:
        versions = Table("model version", "images", "anomalies", "anomaly ratio")
        for one in shown["model_versions"]:
            add(versions, one["model_version"], (one["images"], one["anomalies"], one["anomaly_ratio"]))
        out.print(versions)
    if shown["videos"]:
        videos = Table("videos", "how many")
        for status, number in shown["videos"].items():
            add(videos, status, (number,))
        out.print(videos)
