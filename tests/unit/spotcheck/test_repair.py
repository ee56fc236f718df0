"""Which events give an upload its outcome."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.events import newer_than, object_versions
from spotcheck.repair import events_for, sequencer_for

if TYPE_CHECKING:
    from spotcheck.ledger import Ledger
    from spotcheck.targets import Target


class Books:
    """A ledger with one video of two frames."""

    def versions_of(self, bucket: str, key: str) -> list[tuple[str, str | None]]:
        return [("older", "0055"), (f"{bucket}/{key}", None)]

    def frames_of(self, video: str) -> list[dict[str, Any]]:
        return [row("frame", f"video_inputs/{video}/frame.{number:07}.jpg") for number in range(2)]


def row(kind: str, key: str, **more: Any) -> dict[str, Any]:
    facts = {"id": f"b/{key}", "kind": kind, "bucket": "b", "key": key, "version_id": "v", "etag": "e"}
    return {
        **facts,
        "size": 3,
        "modified": "2026-11-22T12:00:00.000Z",
        "status": None,
        "job_id": None,
        **more,
    }


def stack(job: dict[str, Any] | None = None) -> Target:
    client = SimpleNamespace(
        get_job=lambda **request: {"Job": {"Id": request["Id"], "Arn": "arn", "Queue": "q", **(job or {})}}
    )
    return cast(
        "Target", SimpleNamespace(client=lambda _: client, account="123456789012", region="us-east-1")
    )


def events(missing: dict[str, Any], job: dict[str, Any] | None = None) -> list[tuple[str, dict[str, Any]]]:
    return list(events_for(stack(job), cast("Ledger", Books()), missing))


@pytest.mark.parametrize(
    ("kind", "key", "handler"),
    [
        ("picture", "image_inputs/a.png", "detect_image"),
        ("frame", "video_inputs/0f/frame.0000001.jpg", "detect_frame"),
        ("video", "video_inputs/a.mp4", "convert_video"),
    ],
)
def test_an_upload_that_nothing_is_known_of_gets_its_own_event(kind: str, key: str, handler: str) -> None:
    ((name, event),) = events(row(kind, key))
    (version,) = object_versions(event)
    assert (name, version.key, version.version_id, version.etag) == (handler, key, "v", "e")
    assert newer_than(version.sequencer, "0055")


def test_a_video_whose_frames_are_not_all_judged_gets_its_frames_events() -> None:
    found = events(row("video", "video_inputs/a.mp4", status="COMPLETE", job_id="j"))
    assert [name for name, _ in found] == ["detect_frame", "detect_frame"]


@pytest.mark.parametrize("status", ["COMPLETE", "ERROR", "CANCELED"])
def test_a_video_that_never_heard_of_its_jobs_end_is_told(status: str) -> None:
    job = {"Status": status, "UserMetadata": {"spotcheck-video-id": "0f"}, "ErrorCode": 1010}
    ((name, event),) = events(row("video", "video_inputs/a.mp4", status="PROGRESSING", job_id="j"), job)
    assert (name, event["detail"]["status"], event["detail"]["jobId"]) == ("on_video_job", status, "j")
    assert event["detail"]["userMetadata"] == {"spotcheck-video-id": "0f"}


def test_a_video_whose_job_still_runs_is_left_alone() -> None:
    unfinished = row("video", "video_inputs/a.mp4", status="PROGRESSING", job_id="j")
    assert events(unfinished, {"Status": "PROGRESSING"}) == []


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_made_up_sequencers_stand_where_their_versions_do(lost: list[bool]) -> None:
    real = [f"0055AED6DCD9028{number:X}" for number in range(len(lost))]
    known = [(str(number), None if gone else real[number]) for number, gone in enumerate(lost)]
    order = [sequencer or sequencer_for(known, one) for one, sequencer in known]
    assert all(newer_than(later, earlier) for earlier, later in pairwise(order))
    assert newer_than("0055AED6DCD902900", order[-1])
