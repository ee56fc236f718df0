"""CloudWatch's embedded metric format: metrics that a function writes into its log, which moto leaves there.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.locks import service_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def store(account: str, region: str, messages: Iterable[str]) -> None:
    """Puts the metrics among some log lines where CloudWatch's API finds them."""
    data = [found for message in messages for found in metrics_of(message)]
    if not data:
        return
    from moto.cloudwatch.models import cloudwatch_backends

    with service_lock("cloudwatch"):
        for namespace, metric in data:
            cloudwatch_backends[account][region].put_metric_data(namespace, [metric])


def metrics_of(message: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Namespace and datum of every metric in a log line, once for each of its sets of dimensions."""
    if not message.startswith("{") or '"CloudWatchMetrics"' not in message:
        return
    try:
        line = json.loads(message)
        directives = line["_aws"]["CloudWatchMetrics"]
        # moto compares times without a zone, in UTC.
        moment = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC).replace(tzinfo=None)
    except (ValueError, LookupError, TypeError):
        return  # as on AWS: it stays a log line
    for directive in directives:
        for names in directive["Dimensions"] or [[]]:
            dimensions = [{"Name": name, "Value": str(line[name])} for name in names]
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": dimensions,
                        "Timestamp": moment,
                        "Unit": metric.get("Unit", "None"),
                        "Values": value if isinstance(value, list) else [value],
                    },
                )
