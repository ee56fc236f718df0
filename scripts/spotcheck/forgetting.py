"""Everything that an upload has left behind, found and removed: personal data on plates and faces must go.

Uploads go first: a handler that comes late then finds its picture gone. Items of the table go last: until
then a removal that broke off can be repeated, and finds what is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.day_totals import DayTotals
from chalicelib.documents import Documents
from chalicelib.events import ObjectVersion
from chalicelib.frames import frame_of
from chalicelib.identity import request_id, request_id_of, result_keys
from chalicelib.release import version_of
from chalicelib.video_jobs import FRAMES_PREFIX, PROXIES_PREFIX, frames_prefix
from chalicelib.video_sources import SOURCES_PREFIX
from spotcheck.dead_letters import SET_ASIDE
from spotcheck.emptying import delete_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.records import Record
    from spotcheck.targets import Target

_VIDEO_ID = re.compile(r"[0-9a-f]{32}")
_BATCH = 1000  # objects that S3 deletes at once


@dataclass
class Remains:
    """What there is of an upload.

    Attributes:
        objects: Bucket => key and version id of every version of every object, delete markers included,
            in the order in which they go.
        items: Request ids in the results table, of pictures, frames and videos.
        days: UTC days in whose totals the pictures and frames count.
        uploads: Request ids of every version of pictures, frames and videos, with an item or without.
    """

    objects: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)
    days: set[str] = field(default_factory=set)
    uploads: set[str] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not self.items and not any(self.objects.values())

    def add_records(self, records: Iterable[Record]) -> None:
        """Notes records of pictures or frames."""
        for record in records:
            self.items.add(record.request_id)
            self.days.add(record.date[:10])

    def add(self, bucket: str, versions: Iterable[tuple[str, str]]) -> None:
        """Notes objects of a bucket, each version once."""
        self.objects.setdefault(bucket, {}).update(dict.fromkeys(versions))


class Forgetting:
    """Finds and removes what uploads have left in one stack.

    Args:
        target: The stack.
    """

    def __init__(self, target: Target) -> None:
        self._s3 = target.client("s3")
        self._outputs = target.outputs
        self._pictures = target.results_table()
        self._videos = target.video_table()
        self._totals = DayTotals(Documents(self._s3, target.outputs["results_bucket"]))
        self._items = target.resource("dynamodb").Table(target.outputs["results_table"])

    def find(self, name: str) -> Remains:
        """Everything of a picture, a frame or a video.

        Args:
            name: The key of a picture (or frame) or of a video, or a video's id.
        """
        remains = Remains()
        if _VIDEO_ID.fullmatch(name):
            video = self._videos.get(name)
            if video is not None:
                self._add_video(video.key, remains)
            self._add_conversion(name, remains)
        elif name.startswith(FRAMES_PREFIX) and frame_of(name) is None:
            self._add_video(name, remains)
        else:
            self._add_picture(name, remains)
        self._add_set_aside(remains)
        return remains

    def remove(self, remains: Remains) -> None:
        """Removes what was found.

        Raises:
            StackError: S3 refused to delete some.
        """
        for bucket, versions in remains.objects.items():
            doomed = [{"Key": key, "VersionId": version} for key, version in versions]
            for start in range(0, len(doomed), _BATCH):
                delete_versions(self._s3, bucket, doomed[start : start + _BATCH], lambda *_: None)
        for day in sorted(remains.days):
            self._totals.reopen(day)
        with self._items.batch_writer() as batch:
            for identity in remains.items:
                batch.delete_item(Key={"RequestID": identity})

    def _add_picture(self, key: str, remains: Remains) -> None:
        bucket, results = self._outputs["images_bucket"], self._outputs["results_bucket"]
        versions = list(self._versions(bucket, key, exactly=True))
        remains.add(bucket, versions)
        records = [
            record
            for record in self._pictures.of_image(key.rpartition("/")[2])
            if (record.bucket, record.key) == (bucket, key)
        ]
        remains.add_records(records)
        told = {version for _, version in versions}
        judged = [version_of(record) for record in records]
        judged += [_version(bucket, key, version) for version in told - {each.version_id for each in judged}]
        for version in judged:
            remains.uploads.add(request_id_of(version))
            keys = result_keys(version)
            remains.add(results, self._versions(results, keys.newest, exactly=True))
            remains.add(results, self._versions(results, keys.history, exactly=True))
            remains.add(results, self._versions(results, f"{keys.heat_maps}/"))

    def _add_video(self, key: str, remains: Remains) -> None:
        bucket = self._outputs["videos_bucket"]
        versions = list(self._versions(bucket, key, exactly=True))
        remains.add(bucket, versions)
        ids = {request_id(bucket, key, version) for _, version in versions} | set(self._ids_of(bucket, key))
        for video_id in sorted(ids):
            self._add_conversion(video_id, remains)

    def _ids_of(self, bucket: str, key: str) -> Iterator[str]:
        """Ids of a video's versions that the table knows, expired ones among them.

        A scan of the index that holds videos only.
        """
        request: dict[str, Any] = {
            "IndexName": "videos-by-day",
            "FilterExpression": "#bucket = :bucket AND #key = :key",
            "ExpressionAttributeNames": {"#bucket": "Bucket", "#key": "Key"},
            "ExpressionAttributeValues": {":bucket": bucket, ":key": key},
        }
        while True:
            page = self._items.scan(**request)
            yield from (item["RequestID"] for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _add_conversion(self, video_id: str, remains: Remains) -> None:
        """What one version of a video became: frames, proxy, the copy that was read, all their results."""
        images, results = self._outputs["images_bucket"], self._outputs["results_bucket"]
        frames = frames_prefix(video_id)
        remains.uploads.add(video_id)
        if self._videos.get(video_id) is not None:
            remains.items.add(video_id)
        remains.add_records(self._pictures.of_video(video_id))
        captured = list(self._versions(images, frames))
        remains.add(images, captured)
        remains.uploads.update(request_id(images, key, version) for key, version in captured)
        remains.add(images, self._versions(images, f"{PROXIES_PREFIX}{video_id}/"))
        copies = self._outputs["videos_bucket"]
        remains.add(copies, self._versions(copies, f"{SOURCES_PREFIX}{video_id}/"))
        for kind in ("results", "history", "heatmaps"):
            remains.add(results, self._versions(results, f"{kind}/{frames}"))

    def _add_set_aside(self, remains: Remains) -> None:
        """Events that `spotcheck redrive` has set aside: replayed, they would make a record again."""
        results = self._outputs["results_bucket"]
        documents = Documents(self._s3, results)
        for key in documents.keys(SET_ASIDE):
            kept = documents.get(key)
            if kept and remains.uploads.intersection(kept.value.get("uploads", ())):
                remains.add(results, self._versions(results, key, exactly=True))

    def _versions(self, bucket: str, prefix: str, *, exactly: bool = False) -> Iterator[tuple[str, str]]:
        """Key and version id of everything below a prefix, or of one key."""
        pages: Any = self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if not exactly or found["Key"] == prefix:
                    yield found["Key"], found["VersionId"]


def _version(bucket: str, key: str, version_id: str) -> ObjectVersion:
    return ObjectVersion(
        bucket=bucket,
        key=key,
        version_id=version_id,
        etag="",
        sequencer="",
        size=None,
        uploaded_at="",
    )
