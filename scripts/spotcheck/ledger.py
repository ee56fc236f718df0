"""The ledger: uploads on one side, outcomes on the other, and what does not add up between them.

Both sides may be millions of rows, and come in no common order. They go into a temporary SQLite file, so that
memory holds no more than a page of either, and the questions are joins.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from chalicelib.frames import frame_of, is_notebook_mp4
from chalicelib.identity import request_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_SCHEMA = """
CREATE TABLE upload (id TEXT, kind TEXT, bucket TEXT, key TEXT, version_id TEXT, etag TEXT, size INT,
                     modified TEXT, newest INT, video TEXT, frame INT);
CREATE TABLE outcome (id TEXT PRIMARY KEY, kind TEXT, status TEXT, bucket TEXT, key TEXT, version_id TEXT,
                      sequencer TEXT, uploaded_at TEXT, date TEXT, result_key TEXT, job_id TEXT,
                      frames INT);
CREATE TABLE history (key TEXT PRIMARY KEY, etag TEXT, written INT, deleted INT DEFAULT 0);
CREATE TABLE newest (key TEXT PRIMARY KEY, etag TEXT);
CREATE TABLE dead (id TEXT, place TEXT, reason TEXT);
CREATE TABLE job (id TEXT, video TEXT);
"""
_INDEXES = """
CREATE INDEX upload_id ON upload (id);
CREATE INDEX upload_key ON upload (bucket, key);
CREATE INDEX outcome_key ON outcome (bucket, key, version_id);
CREATE INDEX dead_id ON dead (id);
CREATE INDEX job_video ON job (video);
ANALYZE;
"""
_MISSING = """
SELECT u.*, o.status AS status, o.job_id AS job_id,
       (SELECT place || ': ' || reason FROM dead WHERE dead.id = u.id LIMIT 1) AS dead_letter
FROM upload u LEFT JOIN outcome o USING (id)
WHERE u.modified >= :since
  AND (o.id IS NULL OR (o.kind = 'video' AND o.status NOT IN ('JUDGED', 'REJECTED', 'ERROR', 'CANCELED')))
ORDER BY u.rowid
"""
_WITHOUT_UPLOAD = """
SELECT o.id, o.kind, o.status, o.bucket, o.key, o.version_id, o.date FROM outcome o
LEFT JOIN upload u USING (id)
WHERE u.id IS NULL AND o.date >= :since AND o.date < :began ORDER BY o.date
"""
_DUPLICATES = """
SELECT 'outcomes' AS what, bucket || '/' || key || ' ' || ifnull(version_id, '') AS name, count(*) AS count
FROM outcome WHERE key <> '' AND version_id IS NOT NULL AND date >= :since
GROUP BY bucket, key, version_id HAVING count(*) > 1
UNION ALL
SELECT 'writes of a result', key, written FROM history WHERE written > 1 AND NOT deleted
UNION ALL
SELECT 'MediaConvert jobs of a video', video, count(*) FROM job GROUP BY video HAVING count(*) > 1
"""
_STALE_FRAMES = """
SELECT u.bucket, u.key, u.version_id, u.video,
  CASE WHEN v.id IS NULL THEN 'its video is unknown'
       WHEN NOT u.newest THEN 'a later frame has taken its place'
       WHEN v.frames IS NOT NULL AND u.frame >= v.frames THEN 'the video has no such frame'
       ELSE 'of an earlier version of ' || v.key END AS why
FROM upload u LEFT JOIN outcome v ON v.id = u.video AND v.kind = 'video'
LEFT JOIN upload f ON f.id = v.id
WHERE u.kind = 'frame' AND u.modified >= :since
  AND (v.id IS NULL OR NOT u.newest OR f.newest = 0 OR u.frame >= v.frames)
ORDER BY u.key
"""
# S3 lists the versions of a key newest first. The first that has an outcome must be the newest result,
# whatever the functions made of the sequencers.
_NEWEST = """
SELECT id, bucket, key, version_id, result_key FROM (
  SELECT o.*, row_number() OVER (PARTITION BY u.bucket, u.key ORDER BY u.rowid) AS place
  FROM upload u JOIN outcome o USING (id)
  WHERE o.kind = 'picture' AND o.status IN ('JUDGED', 'REJECTED') AND u.modified >= :since)
WHERE place = 1 ORDER BY key
"""
_WITHOUT_RESULT = """
SELECT o.id, o.bucket, o.key, o.version_id, o.result_key
FROM outcome o LEFT JOIN history h ON h.key = o.result_key
WHERE o.kind = 'picture' AND o.status IN ('JUDGED', 'REJECTED') AND o.result_key IS NOT NULL
  AND h.etag IS NULL AND o.date >= :since
ORDER BY o.date
"""


class Ledger:
    """Uploads and outcomes side by side.

    Args:
        file: Where they are kept; made here.
        since: Uploads and outcomes before this moment are left out of what is found, ISO 8601 UTC.
        began: When the audit began: an outcome after it may be of an upload that came too late to be listed.
    """

    def __init__(self, file: Path, *, since: str = "", began: str = "9") -> None:
        self._db = sqlite3.connect(file)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        self._parameters = {"since": since, "began": began}

    def add_uploads(self, bucket: str, versions: Iterable[Mapping[str, Any]], *, videos: bool) -> None:
        """Adds a page of ListObjectVersions; what is no upload by its very key is left out.

        Args:
            bucket: Whose page it is.
            versions: Its `Versions`, in S3's order.
            videos: Whether it is the bucket of the videos.
        """
        self._db.executemany(
            "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_upload(bucket, found, videos=videos) for found in versions if _is_upload(found)),
        )

    def add_outcomes(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Adds items of the results table; the notebook's own rows name no upload and are left out."""
        self._db.executemany(
            "INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_outcome(item) for item in items if "Status" in item),
        )

    def add_history(
        self, versions: Iterable[Mapping[str, Any]], markers: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Adds a page of ListObjectVersions of the results' history.

        Args:
            versions: Its `Versions`.
            markers: Its `DeleteMarkers`: what somebody deleted may have been written anew.
        """
        self._db.executemany(
            "INSERT INTO history (key, etag, written) VALUES (?, ?, 1) "
            "ON CONFLICT (key) DO UPDATE SET written = written + 1, etag = ifnull(etag, excluded.etag)",
            ((found["Key"], found["ETag"] if found["IsLatest"] else None) for found in versions),
        )
        self._db.executemany(
            "INSERT INTO history (key, written, deleted) VALUES (?, 0, 1) "
            "ON CONFLICT (key) DO UPDATE SET deleted = 1",
            ((found["Key"],) for found in markers),
        )

    def add_newest(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Adds a page of ListObjectsV2 of the newest results."""
        rows = ((found["Key"], found["ETag"]) for found in objects)
        self._db.executemany("INSERT OR REPLACE INTO newest VALUES (?, ?)", rows)

    def add_dead(self, ids: Iterable[str], place: str, reason: str) -> None:
        """Adds what an event is about that failed for good, where that lies, and why."""
        self._db.executemany("INSERT INTO dead VALUES (?, ?, ?)", ((one, place, reason) for one in ids))

    def add_jobs(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Adds MediaConvert jobs: id of the job and of the video."""
        self._db.executemany("INSERT INTO job VALUES (?, ?)", jobs)

    def close_books(self) -> None:
        """Nothing more is added: makes the questions quick."""
        self._db.executescript(_INDEXES)

    def counts(self) -> dict[str, int]:
        """How many uploads since the given moment there are, and outcomes of them by status."""
        uploads = self._db.execute(
            "SELECT count(*) FROM upload WHERE modified >= :since", self._parameters
        ).fetchone()[0]
        by_status = self._db.execute(
            "SELECT o.status, count(*) FROM upload u JOIN outcome o USING (id) WHERE u.modified >= :since "
            "GROUP BY o.status",
            self._parameters,
        )
        counted = {str(status).lower(): count for status, count in by_status}
        return {
            "uploads": uploads,
            **{name: counted.get(name, 0) for name in ("judged", "rejected", "waiting")},
        }

    def missing(self) -> Iterator[dict[str, Any]]:
        """Uploads without an outcome, and videos that are not through yet."""
        return self._rows(_MISSING)

    def without_upload(self) -> Iterator[dict[str, Any]]:
        """Outcomes whose upload is no longer there."""
        return self._rows(_WITHOUT_UPLOAD)

    def duplicates(self) -> Iterator[dict[str, Any]]:
        """What there is twice."""
        return self._rows(_DUPLICATES)

    def stale_frames(self) -> Iterator[dict[str, Any]]:
        """Frames of an earlier version of their video, or of none."""
        return self._rows(_STALE_FRAMES)

    def without_result(self) -> Iterator[dict[str, Any]]:
        """Outcomes whose own result object is gone."""
        return self._rows(_WITHOUT_RESULT)

    def newest(self) -> Iterator[dict[str, Any]]:
        """For each key the outcome of its newest version."""
        return self._rows(_NEWEST)

    def same_content(self, newest_key: str, history_key: str | None) -> bool | None:
        """Whether the newest result is, byte for byte, that of a version; None when there is none at all."""
        newest = self._db.execute("SELECT etag FROM newest WHERE key = ?", (newest_key,)).fetchone()
        if newest is None:
            return None
        history = self._db.execute("SELECT etag FROM history WHERE key = ?", (history_key,)).fetchone()
        return history is not None and bool(newest["etag"] == history["etag"])

    def versions_of(self, bucket: str, key: str) -> list[tuple[str, str | None]]:
        """Every upload of a key, oldest first: its id, and its sequencer where an outcome tells it."""
        rows = self._db.execute(
            "SELECT u.id, o.sequencer FROM upload u LEFT JOIN outcome o USING (id) "
            "WHERE u.bucket = ? AND u.key = ? ORDER BY u.rowid DESC",
            (bucket, key),
        )
        return [(str(row["id"]), row["sequencer"]) for row in rows]

    def dates(self) -> dict[tuple[str, str], str]:
        """Key and version of every picture and frame with an outcome => when it had it."""
        rows = self._db.execute(
            "SELECT key, version_id, date FROM outcome WHERE kind = 'picture' AND version_id IS NOT NULL"
        )
        return {(row["key"], row["version_id"]): row["date"] for row in rows}

    def frames_of(self, video: str) -> list[dict[str, Any]]:
        """The uploaded frames of a video."""
        return list(self._rows("SELECT * FROM upload WHERE video = :video AND newest", video=video))

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def _rows(self, query: str, **more: str) -> Iterator[dict[str, Any]]:
        return map(dict, self._db.execute(query, self._parameters | more))


def _is_upload(found: Mapping[str, Any]) -> bool:
    return not (found["Key"].endswith("/") and found["Size"] == 0) and not is_notebook_mp4(found["Key"])


def _upload(bucket: str, found: Mapping[str, Any], *, videos: bool) -> tuple[Any, ...]:
    key, version = found["Key"], found["VersionId"]
    frame = None if videos else frame_of(key)
    kind = "video" if videos else "frame" if frame else "picture"
    modified = found["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
    place = (frame.video_id, frame.index) if frame else (None, None)
    identity = request_id(bucket, key, version)
    etag = found["ETag"].strip('"')
    return (identity, kind, bucket, key, version, etag, found["Size"], modified, found["IsLatest"], *place)


def _outcome(item: Mapping[str, Any]) -> tuple[Any, ...]:
    frames = item.get("FramesExpected")
    return (
        item["RequestID"],
        "video" if "VideoDayShard" in item else "picture",
        item["Status"],
        item.get("Bucket", ""),
        item.get("Key", ""),
        item.get("VersionId"),
        item.get("Sequencer", ""),
        item.get("UploadedAt", ""),
        item.get("Date", ""),
        item.get("ResultKey"),
        item.get("JobId"),
        None if frames is None else int(frames),
    )
