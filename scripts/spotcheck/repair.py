"""Replays uploads that the audit found without an outcome."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from chalicelib.events import ObjectVersion, s3_event
from chalicelib.release import handler_of
from spotcheck.console import err

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spotcheck.ledger import Ledger
    from spotcheck.targets import Target

_LOOK_SECONDS = 1.0
_PLACES = 64  # hexadecimal digits of a made-up sequencer: longer than any of S3's


def repair(
    target: Target,
    ledger: Ledger,
    *,
    rate: float,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Starts the handlers of every upload without an outcome, then waits for the outcomes.

    An upload whose event lies in the dead-letter queue is left to `spotcheck redrive`: that one is S3's own.

    Args:
        target: The stack.
        ledger: The audit's.
        rate: At most so many events a second.
        timeout: Seconds to wait for the outcomes.
        sleep: Waits some seconds.
        clock: Seconds, monotonic.

    Returns:
        How many events were replayed.
    """
    functions, names = target.client("lambda"), target.outputs["function_names"]
    awaited, count = [], 0
    for row in list(ledger.missing()):
        if row["dead_letter"]:
            err.print(f"left to `spotcheck redrive`: {row['key']} ({row['dead_letter']})", highlight=False)
            continue
        awaited.append(row)
        for handler, event in events_for(target, ledger, row):
            payload = json.dumps(event)
            functions.invoke(
                FunctionName=names[handler], Qualifier="live", InvocationType="Event", Payload=payload
            )
            count += 1
            sleep(1 / rate)
    err.print(f"replayed {count} events", highlight=False)
    deadline = clock() + timeout
    while awaited and clock() < deadline:
        awaited = [row for row in awaited if not _has_outcome(target, row)]
        sleep(_LOOK_SECONDS if awaited else 0)
    return count


def events_for(target: Target, ledger: Ledger, row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events that give an upload its outcome: handler and event.

    A picture needs its own, once more. A video may need its upload's, its job's end, or its frames'.

    Args:
        target: The stack.
        ledger: The audit's.
        row: Of `Ledger.missing`.
    """
    if row["kind"] != "video":
        yield handler_of(row["key"]), s3_event(_version(ledger, row))
    elif row["job_id"] is None:
        yield "convert_video", s3_event(_version(ledger, row))
    elif row["status"] == "COMPLETE":
        for frame in ledger.frames_of(row["id"]):
            yield "detect_frame", s3_event(_version(ledger, frame))
    elif (event := _end_of_job(target, row["job_id"])) is not None:
        yield "on_video_job", event


def sequencer_for(versions: list[tuple[str, str | None]], identity: str) -> str:
    """A sequencer for an upload whose event is lost: S3 tells it in events only.

    It stands just after that of the version before it, and so before that of the version after it, wherever
    either has one.

    Args:
        versions: Every version of the key, oldest first: id and sequencer, where that is known.
        identity: Of the upload.

    Examples:
        >>> one = sequencer_for([("a", "0055"), ("b", None), ("c", "0056")], "b")
        >>> "0055" < one < "0056"
        True
    """
    known, lost = "", 0
    for one, sequencer in versions:
        known, lost = (sequencer, 0) if sequencer else (known, lost + 1)
        if one == identity:
            break
    return f"{known.ljust(_PLACES - 8, '0')}{lost:08X}"


def _version(ledger: Ledger, row: dict[str, Any]) -> ObjectVersion:
    return ObjectVersion(
        bucket=row["bucket"],
        key=row["key"],
        version_id=row["version_id"],
        etag=row["etag"],
        sequencer=sequencer_for(ledger.versions_of(row["bucket"], row["key"]), row["id"]),
        size=row["size"],
        uploaded_at=row["modified"],
    )


def _end_of_job(target: Target, job_id: str) -> dict[str, Any] | None:
    """The event that told a job's end; None while it has none."""
    job = target.client("mediaconvert").get_job(Id=job_id)["Job"]
    if job["Status"] not in {"COMPLETE", "ERROR", "CANCELED"}:
        err.print(f"MediaConvert job {job_id} is {job['Status']}: audit again when it ends", highlight=False)
        return None
    detail = {
        "timestamp": int(time.time() * 1000),
        "accountId": target.account,
        "queue": job["Queue"],
        "jobId": job["Id"],
        "status": job["Status"],
        "userMetadata": job.get("UserMetadata", {}),
    }
    if job["Status"] == "ERROR":
        detail |= {"errorCode": job.get("ErrorCode"), "errorMessage": job.get("ErrorMessage", "no message")}
    return {
        "version": "0",
        "id": job["Id"],
        "detail-type": "MediaConvert Job State Change",
        "source": "aws.mediaconvert",
        "account": target.account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": target.region,
        "resources": [job["Arn"]],
        "detail": detail,
    }


def _has_outcome(target: Target, row: dict[str, Any]) -> bool:
    if row["kind"] == "video":
        video = target.video_table().get(row["id"])
        return video is not None and video.status.is_final
    return target.results_table().get(row["id"]) is not None
