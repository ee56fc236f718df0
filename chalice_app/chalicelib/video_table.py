"""Videos' items in the results table: created once, moved up only, added to in any order."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import condition_held, is_condition_refused
from chalicelib.records import day_shard, decimal
from chalicelib.videos import FrameOutcome, Video, VideoStatus, VideoVerdict, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

_VIDEOS_BY_DAY = "videos-by-day"

_ATTRIBUTES = {
    "video_id": "RequestID",
    "date": "Date",
    "bucket": "Bucket",
    "key": "Key",
    "version_id": "VersionId",
    "uploaded_at": "UploadedAt",
    "project": "Project",
    "status": "Status",
    "seconds_per_frame": "SecondsPerFrame",
    "job_id": "JobId",
    "duration_seconds": "DurationSeconds",
    "width": "Width",
    "height": "Height",
    "frame_rate": "FrameRate",
    "frames_expected": "FramesExpected",
    "judged": "JudgedFrames",
    "anomalous": "AnomalousFrames",
    "rejected": "RejectedFrames",
    "worst_frame": "WorstFrame",
    "worst_probability": "WorstProbability",
    "is_anomalous": "DetectAnomalyResult",
    "confidence": "Confidence",
    "error_code": "ErrorCode",
    "reason": "Reason",
}
_SETS = frozenset({"judged", "anomalous", "rejected"})
_FLOATS = frozenset({"duration_seconds", "frame_rate", "worst_probability", "confidence"})


class VideoTable:
    """The videos among the results.

    Args:
        dynamodb: boto3's DynamoDB resource.
        name: The results table's name.
        shards: How many partitions a day has in the indexes.
    """

    def __init__(self, dynamodb: DynamoDBServiceResource, name: str, *, shards: int = 16) -> None:
        self._table = dynamodb.Table(name)
        self._shards = shards

    def create(self, video: Video) -> bool:
        """Writes a video's item unless it has one; False when an earlier attempt has been here."""
        item = _to_item(video, self._shards)
        return condition_held(
            self._table.put_item, Item=item, ConditionExpression="attribute_not_exists(RequestID)"
        )

    def get(self, video_id: str) -> Video | None:
        """Reads one video consistently; None when there is no such video."""
        item = self._table.get_item(Key={"RequestID": video_id}, ConsistentRead=True).get("Item")
        return _from_item(item) if item and "VideoDayShard" in item else None

    def note(self, video_id: str, **facts: str | float | None) -> None:
        """Sets attributes that say the same however often they are told: job id, duration, size."""
        known = {name: value for name, value in facts.items() if value is not None}
        if known:
            self._set(video_id, known, "attribute_exists(VideoDayShard)")

    def advance(self, video_id: str, status: VideoStatus, **facts: str | float | bool | None) -> bool:
        """Moves a video up to `status`, with what that brings; False when it is there or beyond already."""
        changes = {"status": status, "StatusRank": status.rank, **facts}
        condition = "attribute_exists(VideoDayShard) AND StatusRank < :StatusRank"
        return self._set(video_id, changes, condition)

    def add_frame(self, video_id: str, outcome: FrameOutcome) -> Video | None:
        """Adds what became of one frame; the worst frame first, so that a complete count knows it.

        Returns:
            The video as it stands with this frame, read consistently; None when there is no such video.
        """
        if outcome.probability is not None:
            self._raise_worst(video_id, outcome.index, outcome.probability)
        sets = {"judged": True, "anomalous": outcome.is_anomalous, "rejected": outcome.is_anomalous is None}
        names = ", ".join(f"{_ATTRIBUTES[name]} :frame" for name, member in sets.items() if member)
        try:
            answer = self._table.update_item(
                Key={"RequestID": video_id},
                UpdateExpression=f"ADD {names}",
                ConditionExpression="attribute_exists(VideoDayShard)",
                ExpressionAttributeValues={":frame": {outcome.index}},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if is_condition_refused(error):
                return None
            raise
        return _from_item(answer["Attributes"])

    def settle(self, video: Video | None) -> VideoVerdict | None:
        """Writes a video's verdict when nothing is missing any more; the first one stands.

        Whoever changes an item calls this with the item as it is afterwards. Whichever comes last, the job's
        COMPLETE or a frame's result, therefore finds everything in place.

        Returns:
            The verdict, if it was written now.
        """
        if video is None or (verdict := verdict_of(video)) is None:
            return None
        written = self.advance(
            video.video_id,
            verdict.status,
            is_anomalous=verdict.is_anomalous,
            confidence=verdict.confidence,
            reason=verdict.reason,
        )
        return verdict if written else None

    def newest(self, *, since: date, until: date) -> Iterator[Video]:
        """Videos taken in over a span of UTC days, the last one included, newest first."""
        day = until
        while day >= since:
            partitions = [day_shard(day.isoformat(), shard) for shard in range(self._shards)]
            videos = [video for partition in partitions for video in self._of_partition(partition)]
            yield from sorted(videos, key=lambda video: (video.date, video.video_id), reverse=True)
            day -= timedelta(days=1)

    def _of_partition(self, partition: str) -> Iterator[Video]:
        query: dict[str, Any] = {
            "IndexName": _VIDEOS_BY_DAY,
            "KeyConditionExpression": "VideoDayShard = :partition",
            "ExpressionAttributeValues": {":partition": partition},
        }
        while True:
            page = self._table.query(**query)
            yield from map(_from_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _raise_worst(self, video_id: str, frame: int, probability: float) -> None:
        condition_held(
            self._table.update_item,
            Key={"RequestID": video_id},
            UpdateExpression="SET WorstProbability = :p, WorstFrame = :frame",
            ConditionExpression=(
                "attribute_exists(VideoDayShard) AND (attribute_not_exists(WorstProbability)"
                " OR WorstProbability < :p OR (WorstProbability = :p AND WorstFrame > :frame))"
            ),
            ExpressionAttributeValues={":p": _number(probability), ":frame": frame},
        )

    def _set(self, video_id: str, changes: dict[str, Any], condition: str) -> bool:
        known = {_ATTRIBUTES.get(name, name): value for name, value in changes.items() if value is not None}
        return condition_held(
            self._table.update_item,
            Key={"RequestID": video_id},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in known),
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in known},
            ExpressionAttributeValues={f":{name}": _number(value) for name, value in known.items()},
        )


def _to_item(video: Video, shards: int) -> dict[str, Any]:
    item = {
        _ATTRIBUTES[field.name]: _number(value)
        for field in fields(Video)
        if (value := getattr(video, field.name)) not in (None, frozenset())
    }
    return item | {
        "S3Uri": f"s3://{video.bucket}/{video.key}",
        "StatusRank": video.status.rank,
        "VideoDayShard": day_shard(video.date[:10], int(video.video_id[:8], 16) % shards),
        "DateId": f"{video.date}#{video.video_id}",
    }


def _from_item(item: dict[str, Any]) -> Video:
    known = {name: item[attribute] for name, attribute in _ATTRIBUTES.items() if attribute in item}
    return Video(**({"version_id": None} | {name: _python(name, value) for name, value in known.items()}))


def _python(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever DynamoDB holds
    if name in _SETS:
        return frozenset(int(index) for index in value)
    if name == "status":
        return VideoStatus(value)
    if isinstance(value, Decimal):
        return float(value) if name in _FLOATS else int(value)
    return value


def _number(value: Any) -> Any:  # noqa: ANN401 - whatever DynamoDB holds
    if isinstance(value, VideoStatus):
        return value.value
    return decimal(value) if isinstance(value, float) else value
