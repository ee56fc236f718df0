"""Exact totals of pictures: of open hours from their records, of closed ones from what is known.

`chalicelib.day_totals` says when an hour is closed. Uploads that wait are counted from their own small index,
because they stop waiting some day; videos from theirs, which holds one item a video.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.day_totals import CLOSED_AFTER, DayTotals
from chalicelib.documents import Documents
from chalicelib.records import day_shard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chalicelib.day_totals import Hour
    from spotcheck.targets import Target

_THREADS = 16


@dataclass
class Totals:
    """What the table holds of a span of time.

    Attributes:
        images: Pictures judged.
        anomalies: Anomalous ones among them.
        invalid: Pictures rejected.
        waiting: Uploads that wait for a model.
        by_version: Model version => pictures and anomalies that it judged.
        videos: Status => how many.
    """

    images: int = 0
    anomalies: int = 0
    invalid: int = 0
    waiting: int = 0
    by_version: dict[str, Counter[str]] = field(default_factory=dict)
    videos: Counter[str] = field(default_factory=Counter)

    def add(self, item: Mapping[str, Any]) -> None:
        """Counts one final record: `Status`, `DetectAnomalyResult` and `ModelVersion` are read."""
        status = item.get("Status")
        if status == "REJECTED":
            self.invalid += 1
        elif status == "JUDGED":
            anomalous = bool(item.get("DetectAnomalyResult"))
            self.images += 1
            self.anomalies += anomalous
            version = self.by_version.setdefault(str(item.get("ModelVersion") or "none"), Counter())
            version.update(images=1, anomalies=int(anomalous))

    def add_hour(self, hour: Hour) -> None:
        """Adds what `to_hour` gave."""
        self.images += hour["images"]
        self.anomalies += hour["anomalies"]
        self.invalid += hour["invalid"]
        for version, counts in hour["by_version"].items():
            self.by_version.setdefault(version, Counter()).update(counts)

    def to_hour(self) -> Hour:
        """The final records' totals as JSON."""
        versions = {version: dict(counts) for version, counts in sorted(self.by_version.items())}
        return {
            "images": self.images,
            "anomalies": self.anomalies,
            "invalid": self.invalid,
            "by_version": versions,
        }


class Counting:
    """Counts records of a stack.

    Args:
        target: The stack.
        now: What time it is.
        recount: Count closed hours again, too, and write them anew.
    """

    def __init__(self, target: Target, *, now: datetime | None = None, recount: bool = False) -> None:
        self._target = target
        self._table = target.resource("dynamodb").Table(target.outputs["results_table"])
        self._shards = int(target.outputs.get("index_shards") or 16)
        self._days = DayTotals(Documents(target.client("s3"), target.outputs["results_bucket"]))
        self._now = now or datetime.now(UTC)
        self._recount = recount

    def count(self, since: date, until: date) -> Totals:
        """The totals of a span of UTC days.

        Args:
            since: First day.
            until: Last day, included.
        """
        totals = Totals()
        days = [(since + timedelta(days=number)).isoformat() for number in range((until - since).days + 1)]
        with ThreadPoolExecutor(_THREADS) as pool:
            for hours in pool.map(self._day, days):
                for hour in hours.values():
                    totals.add_hour(hour)
        totals.waiting = sum(
            since.isoformat() <= record.date[:10] <= until.isoformat()
            for record in self._target.results_table().waiting()
        )
        totals.videos.update(
            video.status.value for video in self._target.video_table().newest(since=since, until=until)
        )
        return totals

    def _day(self, day: str) -> dict[str, Hour]:
        """Totals of a day's hours; closed ones that nobody had counted yet are written down."""
        known = self._days.get(day)
        hours = {} if self._recount else dict(known.hours)
        closed = self._closed_hours(day)
        open_from = next((hour for hour in range(24) if f"{hour:02d}" not in hours), 24)
        if open_from == 24:
            return hours
        counted = self._counted(day, open_from)
        everything = {
            f"{hour:02d}": counted.get(f"{hour:02d}", Totals()).to_hour() for hour in range(open_from, 24)
        }
        newly_closed = {hour: totals for hour, totals in everything.items() if int(hour) < closed}
        if newly_closed:
            self._days.put(day, {**hours, **newly_closed}, known)
        return {**hours, **everything}

    def _closed_hours(self, day: str) -> int:
        """How many hours of a day are closed, 0 to 24."""
        over = self._now - CLOSED_AFTER - datetime.fromisoformat(f"{day}T00:00:00+00:00")
        return max(0, min(24, over // timedelta(hours=1)))

    def _counted(self, day: str, open_from: int) -> dict[str, Totals]:
        """Totals by hour, from the records themselves, beginning with an hour of the day."""
        found: dict[str, Totals] = {}
        for shard in range(self._shards):
            for item in self._records(day_shard(day, shard), f"{day}T{open_from:02d}"):
                found.setdefault(item["DateId"][11:13], Totals()).add(item)
        return found

    def _records(self, partition: str, first: str) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {
            "IndexName": "by-day",
            "KeyConditionExpression": "#key = :partition AND #sort >= :first",
            "ExpressionAttributeNames": {"#key": "DayShard", "#sort": "DateId", "#status": "Status"},
            "ExpressionAttributeValues": {":partition": partition, ":first": first},
            "ProjectionExpression": "#sort, #status, DetectAnomalyResult, ModelVersion",
        }
        while True:
            page = self._table.query(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
