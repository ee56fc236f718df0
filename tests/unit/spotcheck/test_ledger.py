"""Uploads against outcomes: what does not add up, and what does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.identity import request_id
from spotcheck.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "image_inputs/a.png"
VIDEO = request_id("videos", "video_inputs/a.mp4", "v2")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite", began="2026-11-23T00:00:00.000Z")
    yield ledger
    ledger.close()


def listed(version: str, key: str = KEY, *, latest: bool = True, **more: Any) -> dict[str, Any]:
    """An entry of ListObjectVersions."""
    entry = {"Key": key, "VersionId": version, "ETag": '"e"', "Size": 9, "LastModified": NOON}
    return {**entry, "IsLatest": latest, **more}


def item(version: str, key: str = KEY, bucket: str = "images", **more: Any) -> dict[str, Any]:
    """An item of the results table."""
    return {
        "RequestID": request_id(bucket, key, version),
        "Status": "JUDGED",
        "Bucket": bucket,
        "Key": key,
        "VersionId": version,
        "Sequencer": "01",
        "Date": "2026-11-22T12:00:01.000Z",
        "ResultKey": f"history/{key}/{version}.json",
        **more,
    }


def video_item(version: str = "v2", status: str = "JUDGED", **more: Any) -> dict[str, Any]:
    facts = {"Status": status, "VideoDayShard": "2026-11-22#00", "ResultKey": None, **more}
    return item(version, "video_inputs/a.mp4", "videos", **facts)


def written(key: str, etag: str = '"1"', *, latest: bool = True) -> dict[str, Any]:
    """A version of a result object."""
    return {"Key": key, "ETag": etag, "IsLatest": latest}


def frame(number: int, video: str = VIDEO, *, latest: bool = True) -> dict[str, Any]:
    return listed(f"f{number}{latest}", f"video_inputs/{video}/frame.{number:07}.jpg", latest=latest)


def versions(rows: Iterator[dict[str, Any]]) -> list[str]:
    return [row["version_id"] for row in rows]


def test_an_upload_with_an_outcome_is_fine(ledger: Ledger) -> None:
    ledger.add_uploads("images", [listed("v1")], videos=False)
    ledger.add_outcomes([item("v1")])
    ledger.add_history([written(f"history/{KEY}/v1.json")])
    ledger.close_books()
    for rows in (ledger.missing(), ledger.without_upload(), ledger.duplicates(), ledger.without_result()):
        assert list(rows) == []
    assert ledger.counts() == {"uploads": 1, "judged": 1, "rejected": 0, "waiting": 0}


def test_each_version_of_a_key_needs_an_outcome_of_its_own(ledger: Ledger) -> None:
    ledger.add_uploads("images", [listed("v2"), listed("v1", latest=False)], videos=False)
    ledger.add_outcomes([item("v2")])
    assert versions(ledger.missing()) == ["v1"]


def test_an_upload_that_waits_for_a_model_is_not_missing(ledger: Ledger) -> None:
    ledger.add_uploads("images", [listed("v1")], videos=False)
    ledger.add_outcomes([item("v1", Status="WAITING", ResultKey=None)])
    assert versions(ledger.missing()) == []
    assert ledger.counts()["waiting"] == 1
    assert list(ledger.without_result()) == []


def test_folder_markers_and_the_notebooks_mp4_are_no_uploads(ledger: Ledger) -> None:
    marker = listed("v1", "image_inputs/folder/", Size=0)
    ledger.add_uploads("images", [marker, listed("v1", f"video_inputs/{VIDEO}/amp4.mp4")], videos=False)
    assert ledger.counts()["uploads"] == 0


def test_a_missing_upload_tells_of_its_dead_letter(ledger: Ledger) -> None:
    ledger.add_uploads("images", [listed("v1")], videos=False)
    ledger.add_dead([request_id("images", KEY, "v1")], "dead-letter queue", "SlowDown")
    (row,) = ledger.missing()
    assert row["dead_letter"] == "dead-letter queue: SlowDown"


@pytest.mark.parametrize("status", ["SUBMITTED", "PROGRESSING", "COMPLETE"])
def test_a_video_that_is_not_through_is_missing(ledger: Ledger, status: str) -> None:
    ledger.add_uploads("videos", [listed("v2", "video_inputs/a.mp4")], videos=True)
    ledger.add_outcomes([video_item(status=status)])
    assert versions(ledger.missing()) == ["v2"]


@pytest.mark.parametrize("status", ["JUDGED", "REJECTED", "ERROR", "CANCELED"])
def test_a_video_that_is_through_is_fine(ledger: Ledger, status: str) -> None:
    ledger.add_uploads("videos", [listed("v2", "video_inputs/a.mp4")], videos=True)
    ledger.add_outcomes([video_item(status=status)])
    assert versions(ledger.missing()) == []


def test_an_outcome_whose_upload_is_gone_is_told(ledger: Ledger) -> None:
    ledger.add_outcomes([item("v1"), item("v2", Date="2026-11-23T00:00:00.001Z")])
    assert versions(ledger.without_upload()) == ["v1"], "v2 may have come after the listing"


def test_rows_of_the_notebook_are_left_out(ledger: Ledger) -> None:
    ledger.add_outcomes([{"RequestID": "1", "Date": "Sun, 22 Nov 2026", "Image": "a.png"}])
    assert list(ledger.without_upload()) == []


def test_two_outcomes_two_writes_and_two_jobs_are_duplicates(ledger: Ledger) -> None:
    ledger.add_outcomes([item("v1"), item("v1") | {"RequestID": "another"}])
    ledger.add_history([written("history/a/1.json"), written("history/a/1.json", latest=False)])
    ledger.add_jobs([("j1", VIDEO), ("j2", VIDEO), ("j3", "other")])
    found = [(row["what"], row["count"]) for row in ledger.duplicates()]
    assert found == [("outcomes", 2), ("writes of a result", 2), ("MediaConvert jobs of a video", 2)]


def test_an_outcome_without_its_result_object_is_told(ledger: Ledger) -> None:
    ledger.add_outcomes([item("v1")])
    assert versions(ledger.without_result()) == ["v1"]


def test_a_result_object_that_was_deleted_is_told(ledger: Ledger) -> None:
    ledger.add_outcomes([item("v1")])
    key = f"history/{KEY}/v1.json"
    ledger.add_history([written(key, latest=False)], [{"Key": key}])
    assert versions(ledger.without_result()) == ["v1"]


def test_a_result_object_that_was_deleted_and_written_anew_is_no_duplicate(ledger: Ledger) -> None:
    key = f"history/{KEY}/v1.json"
    ledger.add_outcomes([item("v1")])
    ledger.add_history([written(key), written(key, latest=False)], [{"Key": key}])
    assert list(ledger.duplicates()) == list(ledger.without_result()) == []


def test_the_newest_result_must_be_the_newest_versions_with_an_outcome(ledger: Ledger) -> None:
    ledger.add_uploads("images", [listed("v3"), listed("v2"), listed("v1")], videos=False)
    ledger.add_outcomes([item("v1", Sequencer="09"), item("v2", Sequencer="01")])
    ledger.add_history([written(f"history/{KEY}/v{n}.json", f'"{n}"') for n in (1, 2)])
    ledger.add_newest([{"Key": f"results/{KEY}.json", "ETag": '"2"'}])
    (row,) = ledger.newest()
    assert row["version_id"] == "v2"
    assert ledger.same_content(f"results/{KEY}.json", row["result_key"]) is True
    assert ledger.same_content(f"results/{KEY}.json", f"history/{KEY}/v1.json") is False
    assert ledger.same_content("results/other.json", row["result_key"]) is None


def test_frames_that_no_longer_count_are_told_with_the_reason(ledger: Ledger) -> None:
    older = request_id("videos", "video_inputs/a.mp4", "v1")
    films = [listed("v2", "video_inputs/a.mp4"), listed("v1", "video_inputs/a.mp4", latest=False)]
    ledger.add_uploads("videos", films, videos=True)
    ledger.add_outcomes([video_item(FramesExpected=2), video_item("v1", FramesExpected=1)])
    frames = [frame(0), frame(1), frame(1, latest=False), frame(2), frame(0, older), frame(0, "0f" * 16)]
    ledger.add_uploads("images", frames, videos=False)
    why = {(row["video"], row["version_id"]): row["why"] for row in ledger.stale_frames()}
    assert why == {
        (VIDEO, "f1False"): "a later frame has taken its place",
        (VIDEO, "f2True"): "the video has no such frame",
        (older, "f0True"): "of an earlier version of video_inputs/a.mp4",
        ("0f" * 16, "f0True"): "its video is unknown",
    }


def test_what_was_before_the_given_moment_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", since="2026-11-22T12:30:00.000Z")
    ledger.add_uploads("images", [listed("v1")], videos=False)
    assert (versions(ledger.missing()), ledger.counts()["uploads"]) == ([], 0)
    ledger.close()
