"""One record per object version: as a DynamoDB item, as JSON, and as the notebook once wrote it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.anomalies import FoundKind, Region

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """What became of an upload."""

    JUDGED = "JUDGED"
    REJECTED = "REJECTED"  # it can never be judged; the reason says why
    WAITING = "WAITING"  # no model is hosted; StartModel or `spotcheck publish` releases it


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of one object version.

    Attributes:
        request_id: Identity of the version (`chalicelib.identity`); the item's partition key.
        date: When it got its status, ISO 8601 UTC with milliseconds.
        status: What became of it.
        bucket: Bucket of the upload.
        key: Key of the upload, decoded.
        image: Last component of the key, as the notebook wrote it.
        version_id: None where the bucket is unversioned.
        etag: ETag without quotes.
        sequencer: Orders the versions of one key.
        uploaded_at: Time of the upload's event, ISO 8601 UTC.
        project: Lookout project it is judged for.
        model_version: Version that judged it.
        is_anomalous: The verdict; None unless JUDGED.
        confidence: In the verdict, 0-1.
        probability: Of being anomalous, 0-1.
        score: Anomaly score.
        threshold: Score above which a picture is anomalous.
        area: Fraction of the picture that is anomalous.
        kinds: Which kinds of anomaly were found, and how much of the picture each covers.
        regions: Where, most severe first.
        width: Of the whole upright picture, in pixels.
        height: Of the whole upright picture, in pixels.
        reason: Why it is REJECTED or WAITING, in words.
        heat_map_key: Key of the heat map in the results bucket.
        result_key: Key of this version's result in the results bucket.
        video: Id of the video it is a frame of.
        frame: Index of the frame, from 0.
        seconds: Time of the frame in the video.
        metadata: The object's own metadata (`x-amz-meta-*`).
        timings_ms: Milliseconds of each phase.
    """

    request_id: str
    date: str
    status: Status
    bucket: str
    key: str
    image: str
    version_id: str | None = None
    etag: str = ""
    sequencer: str = ""
    uploaded_at: str = ""
    project: str = ""
    model_version: str | None = None
    is_anomalous: bool | None = None
    confidence: float | None = None
    probability: float | None = None
    score: float | None = None
    threshold: float | None = None
    area: float | None = None
    kinds: tuple[FoundKind, ...] = ()
    regions: tuple[Region, ...] = ()
    width: int | None = None
    height: int | None = None
    reason: str | None = None
    heat_map_key: str | None = None
    result_key: str | None = None
    video: str | None = None
    frame: int | None = None
    seconds: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the upload has its outcome, which stands."""
        return self.status is not Status.WAITING

    def to_json(self) -> dict[str, Any]:
        """The record as `spotcheck results --json` shows it: the frozen keys first."""
        everything = asdict(self)
        everything["status"] = self.status.value
        for name in ("kinds", "regions"):
            everything[name] = [asdict(one) for one in getattr(self, name)]
        others = [name for name in everything if name not in _FROZEN]
        return {name: everything[name] for name in (*_FROZEN, *others)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """Reads what `to_json` gave; keys it does not know are left alone."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        known["status"] = Status(known["status"])
        known["kinds"] = tuple(
            FoundKind(kind["name"], kind["area"], kind["color"]) for kind in known.get("kinds", ())
        )
        known["regions"] = tuple(map(Region.from_json, known.get("regions", ())))
        return cls(**known)

    def to_item(self, shards: int) -> dict[str, Any]:
        """The record as a DynamoDB item, index keys included.

        Args:
            shards: How many partitions a day has in the indexes.
        """
        item = {
            attribute: _to_attribute(getattr(self, name))
            for name, attribute in _ATTRIBUTES.items()
            if getattr(self, name) not in (None, (), {}, "")
        }
        partition = day_shard(self.date[:10], int(self.request_id[:8], 16) % shards)
        item |= {
            "S3Uri": f"s3://{self.bucket}/{self.key}",
            "DayShard": partition,
            "DateId": f"{self.date}#{self.request_id}",
        }
        if self.is_anomalous:
            item["AnomalousDayShard"] = partition
        if self.status is Status.WAITING:
            item["WaitingDayShard"] = partition
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Record:
        """Reads an item of ours, or a row that the notebook itself wrote: five strings."""
        if "Status" not in item:
            return _from_notebook(item)
        known = {name: item[attribute] for name, attribute in _ATTRIBUTES.items() if attribute in item}
        return cls.from_json(
            {
                name: int(value) if name in _INTEGERS else _from_attribute(value)
                for name, value in known.items()
            }
        )


_FROZEN = (
    "request_id",
    "date",
    "bucket",
    "key",
    "image",
    "status",
    "is_anomalous",
    "confidence",
    "score",
    "threshold",
    "reason",
    "video",
    "frame",
    "seconds",
    "model_version",
)

_INTEGERS = frozenset({"width", "height", "frame"})

_ATTRIBUTES = {
    "request_id": "RequestID",
    "date": "Date",
    "status": "Status",
    "bucket": "Bucket",
    "key": "Key",
    "image": "Image",
    "version_id": "VersionId",
    "etag": "ETag",
    "sequencer": "Sequencer",
    "uploaded_at": "UploadedAt",
    "project": "Project",
    "model_version": "ModelVersion",
    "is_anomalous": "DetectAnomalyResult",
    "confidence": "Confidence",
    "probability": "Probability",
    "score": "Score",
    "threshold": "Threshold",
    "area": "Area",
    "kinds": "Kinds",
    "regions": "Anomalies",
    "width": "Width",
    "height": "Height",
    "reason": "Reason",
    "heat_map_key": "HeatMapKey",
    "result_key": "ResultKey",
    "video": "VideoId",
    "frame": "FrameIndex",
    "seconds": "Seconds",
    "metadata": "Metadata",
    "timings_ms": "TimingsMs",
}


def day_shard(day: str, shard: int) -> str:
    """Partition key of the indexes: a UTC day and one of its shards, `2026-11-22#07`."""
    return f"{day}#{shard:02d}"


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a `Z`: sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to_attribute(value: Any) -> Any:  # noqa: ANN401 - whatever an item can hold
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, FoundKind | Region):
        return _to_attribute(asdict(value))
    if isinstance(value, tuple):
        return [_to_attribute(member) for member in value]
    if isinstance(value, dict):
        return {name: _to_attribute(member) for name, member in value.items()}
    return value


def decimal(value: float) -> Decimal:
    """A float as DynamoDB takes it, to the last digit; what is smaller than its numbers (1E-130) is 0."""
    return Decimal(repr(value)) if abs(value) > 1e-100 else Decimal(0)


def _from_attribute(value: Any) -> Any:  # noqa: ANN401 - whatever an item can hold
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_from_attribute(member) for member in value]
    if isinstance(value, dict):
        return {name: _from_attribute(member) for name, member in value.items()}
    return value


def _from_notebook(item: Mapping[str, Any]) -> Record:
    """A row of the notebook: `RequestID`, `Date` (HTTP), `DetectAnomalyResult`, `Confidence`, `Image`."""
    return Record(
        request_id=item["RequestID"],
        date=_iso_of_http(item.get("Date", "")),
        status=Status.JUDGED,
        bucket="",
        key=item.get("Image", ""),
        image=item.get("Image", "").rpartition("/")[2],
        is_anomalous=str(item.get("DetectAnomalyResult", "")).strip().lower() == "true",
        confidence=_number(item.get("Confidence")),
    )


def _iso_of_http(date: str) -> str:
    try:
        return timestamp(parsedate_to_datetime(date))
    except ValueError:
        return date


def _number(value: Any) -> float | None:  # noqa: ANN401 - the notebook stored str(...) of whatever came
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
