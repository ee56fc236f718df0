"""`spotcheck audit`: every upload against its outcome, so that somebody can say that nothing is lost."""

from __future__ import annotations

import json as jsonlib
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chalicelib.records import timestamp
from spotcheck import targets
from spotcheck.audit_view import print_json, print_report
from spotcheck.console import err
from spotcheck.dead_letters import SET_ASIDE, Queue, handlers_of, read
from spotcheck.exceptions import DeadLetterError
from spotcheck.ledger import Ledger
from spotcheck.results import parse_since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ATTRIBUTES = (
    *("RequestID", "Status", "Bucket", "Key", "VersionId", "Sequencer", "UploadedAt", "Date", "ResultKey"),
    *("VideoDayShard", "JobId", "FramesExpected"),
)


def audit(
    *,
    since: Annotated[str, typer.Option(help="Only uploads since: a UTC date or time, or 30m, 12h, 7d.")] = "",
    repair: Annotated[bool, typer.Option("--repair", help="Replay uploads without an outcome.")] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Replay at most so many uploads a second.")] = 10.0,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the replayed ones.")] = 300.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Of the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="Of the AWS account.")] = False,
) -> None:
    """Compare what lies in the buckets, all versions of it, with results, videos and dead letters.

    Exit code 1 when an upload has no outcome, or one has more than one, or a key's newest result is not its
    newest version's. An upload of a moment ago has no outcome yet: audit again.
    """
    start = timestamp(parse_since(since, datetime.now(UTC))) if since else ""
    target = targets.resolve(local=local, aws=aws)
    with audited(target, since=start, say=_teller()) as report:
        if repair:
            from spotcheck.repair import repair as replay

            replay(target, report.ledger, rate=rate, timeout=timeout)
        else:
            broken = (print_json if json else print_report)(report)
    if repair:
        with audited(target, since=start) as report:
            broken = (print_json if json else print_report)(report)
    if broken:
        raise typer.Exit(1)


class Report:
    """What an audit found.

    Args:
        ledger: Filled.
        dead_letters: Messages in the dead-letter queue.
        set_aside: Events that no replay could mend.
        newest_id: Reads the request id in a newest result object; asked where ETags do not tell.

    Attributes:
        ledger: As given; open while the report is.
    """

    def __init__(
        self, ledger: Ledger, dead_letters: int, set_aside: int, newest_id: Callable[[str], str | None]
    ) -> None:
        self.ledger = ledger
        self._dead_letters = dead_letters
        self._set_aside = set_aside
        self._newest_id = newest_id

    def counts(self) -> dict[str, int]:
        """Uploads, outcomes by status, dead letters."""
        return {
            **self.ledger.counts(),
            "dead_letters": self._dead_letters,
            "set_aside": self._set_aside,
        }

    def findings(self) -> dict[str, Iterator[dict[str, Any]]]:
        """What does not add up, by the names of `audit_view.FINDINGS`; each is read once."""
        return {
            "missing": map(_as_missing, self.ledger.missing()),
            "duplicates": self.ledger.duplicates(),
            "wrong_version": self._wrong_versions(),
            "without_upload": self.ledger.without_upload(),
            "without_result": self.ledger.without_result(),
            "stale_frames": self.ledger.stale_frames(),
        }

    def _wrong_versions(self) -> Iterator[dict[str, Any]]:
        from chalicelib.events import ObjectVersion
        from chalicelib.identity import result_keys

        for outcome in self.ledger.newest():
            version = ObjectVersion(outcome["bucket"], outcome["key"], "-", "", "", None, "")
            newest = result_keys(version).newest
            same = self.ledger.same_content(newest, outcome["result_key"])
            # An ETag is the content's MD5 unless KMS encrypts: then the result itself must tell.
            standing = outcome["id"] if same else self._newest_id(newest)
            if standing != outcome["id"]:
                yield {**outcome, "newest_key": newest, "standing": standing}


@contextmanager
def audited(
    target: targets.Target, *, since: str = "", say: Callable[[str], None] = lambda _: None
) -> Iterator[Report]:
    """Fills the ledger of a stack and asks it; the ledger is gone when the block ends.

    Args:
        target: The stack.
        since: Earlier uploads are left out, ISO 8601 UTC; empty takes all.
        say: Told what is being read.
    """
    began = timestamp(datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="spotcheck-audit-") as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite", since=since, began=began)
        try:
            letters, aside = _fill(ledger, target, say)
            yield Report(ledger, letters, aside, _newest_reader(target))
        finally:
            ledger.close()


def _fill(ledger: Ledger, target: targets.Target, say: Callable[[str], None]) -> tuple[int, int]:
    """Uploads first: an outcome that is read later may belong to none of them, but no upload lacks one."""
    s3, outputs = target.client("s3"), target.outputs
    for bucket, prefixes in (("videos", ["video_inputs/"]), ("images", ["image_inputs/", "video_inputs/"])):
        name = outputs[f"{bucket}_bucket"]
        for prefix in prefixes:
            say(f"uploads of {name}/{prefix}")
            for page in _pages(s3, "list_object_versions", Bucket=name, Prefix=prefix):
                ledger.add_uploads(name, page.get("Versions", []), videos=bucket == "videos")
    say(f"outcomes of {outputs['results_table']}")
    for items in _table_pages(target):
        ledger.add_outcomes(items)
    results = outputs["results_bucket"]
    say(f"results of {results}")
    for page in _pages(s3, "list_object_versions", Bucket=results, Prefix="history/"):
        ledger.add_history(page.get("Versions", []), page.get("DeleteMarkers", []))
    for page in _pages(s3, "list_objects_v2", Bucket=results, Prefix="results/"):
        ledger.add_newest(page.get("Contents", []))
    say("jobs and dead letters")
    ledger.add_jobs(_jobs(target))
    counts = _add_dead_letters(ledger, target), _add_set_aside(ledger, s3, results)
    ledger.close_books()
    return counts


def _pages(client: Any, operation: str, **request: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3
    yield from client.get_paginator(operation).paginate(**request)


def _table_pages(target: targets.Target) -> Iterator[list[dict[str, Any]]]:
    table = target.resource("dynamodb").Table(target.outputs["results_table"])
    names = {f"#{name}": name for name in _ATTRIBUTES}
    request: dict[str, Any] = {
        "ProjectionExpression": ", ".join(names),
        "ExpressionAttributeNames": names,
        "ConsistentRead": True,
    }
    while True:
        page = table.scan(**request)
        yield page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _jobs(target: targets.Target) -> Iterator[tuple[str, str]]:
    from chalicelib.video_jobs import VIDEO_ID_KEY

    pages = target.client("mediaconvert").get_paginator("list_jobs")
    for page in pages.paginate(Queue=target.outputs["mediaconvert_queue_arn"], Order="DESCENDING"):
        for job in page["Jobs"]:
            if video := job.get("UserMetadata", {}).get(VIDEO_ID_KEY):
                yield job["Id"], video


def _add_dead_letters(ledger: Ledger, target: targets.Target) -> int:
    handlers, count = handlers_of(target), 0
    for message in Queue(target.client("sqs"), target.outputs["dead_letter_queue_url"]).peek():
        count += 1
        try:
            letter = read(message.body, message.target_arn, handlers)
        except DeadLetterError:
            continue  # it names no upload; `redrive` sets it aside
        ledger.add_dead(letter.uploads(), "dead-letter queue", letter.error)
    return count


def _add_set_aside(ledger: Ledger, s3: Any, bucket: str) -> int:  # noqa: ANN401 - boto3's client
    count = 0
    for page in _pages(s3, "list_objects_v2", Bucket=bucket, Prefix=SET_ASIDE):
        for found in page.get("Contents", []):
            count += 1
            kept = jsonlib.loads(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
            ledger.add_dead(kept.get("uploads", []), "set aside", kept["reason"])
    return count


def _newest_reader(target: targets.Target) -> Callable[[str], str | None]:
    from botocore.exceptions import ClientError

    s3, bucket = target.client("s3"), target.outputs["results_bucket"]

    def read_id(key: str) -> str | None:
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return str(jsonlib.loads(body)["Spotcheck"]["request_id"])

    return read_id


def _as_missing(row: dict[str, Any]) -> dict[str, Any]:
    if row["dead_letter"]:
        why = row["dead_letter"]
    elif row["status"]:
        why = f"the video is {row['status']}"
    else:
        why = "nothing is known of it"
    names = ("id", "kind", "bucket", "key", "version_id", "modified")
    return {**{name: row[name] for name in names}, "why": why}


def _teller() -> Callable[[str], None]:
    return lambda words: err.print(f"[dim]reading {words}[/]", highlight=False)
