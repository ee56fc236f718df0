"""The results table: final verdicts that stand, uploads that wait, and the questions its indexes answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from heapq import merge
from typing import TYPE_CHECKING, Any

from chalicelib.aws_errors import condition_held
from chalicelib.records import Record, day_shard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_BY_DAY = "by-day"
_ANOMALOUS_BY_DAY = "anomalous-by-day"
_WAITING = "waiting"
_BY_IMAGE = "by-image"
_BY_VIDEO = "by-video"


class ResultsTable:
    """Records of object versions in DynamoDB.

    Args:
        dynamodb: boto3's DynamoDB resource.
        name: The table's name.
        shards: How many partitions a day has in the indexes.
    """

    def __init__(self, dynamodb: DynamoDBServiceResource, name: str, *, shards: int = 16) -> None:
        self._name = name
        self._shards = shards
        # The resource's own client converts values as the resource does, and may be shared by threads.
        self._client = dynamodb.meta.client

    def get(self, request_id: str) -> Record | None:
        """Reads one record consistently."""
        answer = self._client.get_item(
            TableName=self._name, Key={"RequestID": request_id}, ConsistentRead=True
        )
        return Record.from_item(answer["Item"]) if "Item" in answer else None

    def put_final(self, record: Record) -> bool:
        """Writes a verdict or a rejection; False when another one stands already."""
        return self._put(record, "attribute_not_exists(RequestID) OR #status = :waiting")

    def put_waiting(self, record: Record) -> bool:
        """Notes that an upload waits for a model; False when there is a record of it already."""
        return self._put(record, "attribute_not_exists(RequestID)")

    def newest(self, *, since: date, until: date, anomalous_only: bool = False) -> Iterator[Record]:
        """Records of a span of UTC days, newest first.

        Args:
            since: First day.
            until: Last day, included.
            anomalous_only: Leaves the others out, unread.
        """
        index, key = (_ANOMALOUS_BY_DAY, "AnomalousDayShard") if anomalous_only else (_BY_DAY, "DayShard")
        day = until
        while day >= since:
            yield from self._of_day(index, key, day.isoformat())
            day -= timedelta(days=1)

    def waiting(self) -> Iterator[Record]:
        """Uploads that wait for a model: a scan of the sparse index, which holds nothing else."""
        return self._pages(self._client.scan, IndexName=_WAITING)

    def written_by_notebook(self) -> Iterator[Record]:
        """Rows that the notebook itself wrote, in no order: no index holds them, so the table is scanned."""
        return self._pages(
            self._client.scan,
            FilterExpression="attribute_not_exists(#status)",
            ExpressionAttributeNames={"#status": "Status"},
        )

    def of_image(self, image: str) -> Iterator[Record]:
        """Records of all uploads with one file name, newest first."""
        return self._query(_BY_IMAGE, "Image", image, newest_first=True)

    def of_video(self, video_id: str) -> Iterator[Record]:
        """Records of a video's frames, in the video's order."""
        return self._query(_BY_VIDEO, "VideoId", video_id, newest_first=False)

    def _put(self, record: Record, condition: str) -> bool:
        request: dict[str, Any] = {
            "TableName": self._name,
            "Item": record.to_item(self._shards),
            "ConditionExpression": condition,
        }
        if ":waiting" in condition:
            request |= {
                "ExpressionAttributeNames": {"#status": "Status"},
                "ExpressionAttributeValues": {":waiting": "WAITING"},
            }
        return condition_held(self._client.put_item, **request)

    def _of_day(self, index: str, key: str, day: str) -> Iterator[Record]:
        partitions = [day_shard(day, shard) for shard in range(self._shards)]
        with ThreadPoolExecutor(self._shards) as pool:
            starts = list(pool.map(lambda name: _Peeked(self._query(index, key, name)), partitions))
        yield from merge(*starts, key=lambda record: (record.date, record.request_id), reverse=True)

    def _query(self, index: str, key: str, value: str, *, newest_first: bool = True) -> Iterator[Record]:
        return self._pages(
            self._client.query,
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": value},
            ScanIndexForward=not newest_first,
        )

    def _pages(self, read: Any, **request: Any) -> Iterator[Record]:  # noqa: ANN401 - made at run time
        while True:
            page = read(TableName=self._name, **request)
            yield from map(Record.from_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


class _Peeked:
    """An iterator whose first page is read at once, so that the shards of a day are read side by side."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self._first = next(records, None)

    def __iter__(self) -> Iterator[Record]:
        if self._first is not None:
            yield self._first
            yield from self._records
