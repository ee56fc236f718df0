"""Uploads on their way to a verdict: send, wait for the record of exactly that object version, show it."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from rich.table import Table
from rich.text import Text

from chalicelib.anomalies import ANOMALY
from chalicelib.exceptions import SpotcheckError
from chalicelib.measuring.texts import number, score_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Source = TypeVar("Source")

_POLLED_AT_ONCE = 4  # verdicts come nearly in order: asking for the oldest is enough
_SENDERS = 8


@dataclass(frozen=True)
class Upload:
    """One object version that was uploaded.

    Attributes:
        bucket: The bucket.
        key: The object's key.
        version_id: The version that S3 gave it.
        request_id: The identity of its result in the table.
        finished: When S3 had it, on this machine's monotonic clock.
    """

    bucket: str
    key: str
    version_id: str
    request_id: str
    finished: float


@dataclass(frozen=True)
class Outcome:
    """What became of one upload.

    Attributes:
        source: What was to be uploaded.
        upload: The object version; none when sending failed.
        record: Its record as `spotcheck results --json` gives it; none when there is none in time.
        seconds: From the end of the upload until the record was seen in the table.
        error: Why sending failed.
    """

    source: Any
    upload: Upload | None
    record: dict[str, Any] | None = None
    seconds: float | None = None
    error: str | None = None

    @property
    def has_result(self) -> bool:
        """Whether there is a verdict, or a reason why there will be none."""
        return self.record is not None and self.record["status"] != "WAITING"


def send_and_follow(
    sources: Iterable[Source],
    send: Callable[[Source], Upload],
    find: Callable[[str], dict[str, Any] | None],
    *,
    in_flight: int = 64,
    timeout: float = 60.0,
    poll_seconds: float = 0.03,
) -> Iterator[Outcome]:
    """Uploads everything and yields each outcome as soon as it is known.

    Args:
        sources: What to upload, in this order.
        send: Uploads one of them.
        find: Gives the record of a request id, if there is one.
        in_flight: At most so many uploads are without a result at any time.
        timeout: Seconds after which an upload without a record is given up.
        poll_seconds: How often the table is asked.
    """
    remaining = iter(sources)
    sending: deque[tuple[Source, Future[Upload]]] = deque()
    pending: deque[tuple[Source, Upload]] = deque()
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="upload") as pool:
        while True:
            room = in_flight - len(sending) - len(pending)
            sending.extend((source, pool.submit(send, source)) for source in islice(remaining, max(0, room)))
            if not sending and not pending:
                return
            yield from _take_sent(sending, pending)
            yield from _take_judged(pending, find, timeout)
            time.sleep(poll_seconds)


def _take_sent(
    sending: deque[tuple[Source, Future[Upload]]], pending: deque[tuple[Source, Upload]]
) -> Iterator[Outcome]:
    for _ in range(len(sending)):
        source, future = sending.popleft()
        if not future.done():
            sending.append((source, future))
            continue
        try:
            pending.append((source, future.result()))
        except SpotcheckError as error:
            yield Outcome(source, None, error=str(error))


def _take_judged(
    pending: deque[tuple[Source, Upload]], find: Callable[[str], dict[str, Any] | None], timeout: float
) -> Iterator[Outcome]:
    for _ in range(min(_POLLED_AT_ONCE, len(pending))):
        source, upload = pending.popleft()
        record = find(upload.request_id)
        waited = time.monotonic() - upload.finished
        if record is not None:
            yield Outcome(source, upload, record, waited)
        elif waited > timeout:
            yield Outcome(source, upload)
        else:
            pending.append((source, upload))


def verdict_text(record: dict[str, Any] | None) -> Text:
    """The verdict in one or two words, coloured."""
    if record is None:
        return Text("no result", style="bold red")
    if record["status"] == "REJECTED":
        return Text("rejected", style="yellow")
    if record["status"] == "WAITING":
        return Text("waiting", style="cyan")
    return Text("Anomalous", style="bold red") if record["is_anomalous"] else Text("Normal", style="green")


def seconds_to_verdict(record: dict[str, Any]) -> float | None:
    """Seconds from the S3 event of the upload to the verdict, by AWS's clocks."""
    if record["status"] == "WAITING" or not record.get("uploaded_at") or not record.get("date"):
        return None
    try:
        taken = datetime.fromisoformat(record["date"]) - datetime.fromisoformat(record["uploaded_at"])
    except ValueError:  # a row of the notebook has an HTTP date
        return None
    return max(0.0, taken.total_seconds())


def results_table() -> Table:
    """An empty table for `add_row`."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("time", style="dim", no_wrap=True)
    table.add_column("picture", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for name in ("confidence", "score", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def add_row(table: Table, record: dict[str, Any], seconds: float | None, name: str | None = None) -> None:
    """Adds one record, its reason below its name.

    Args:
        table: Made by `results_table`.
        record: As `spotcheck results --json` gives it.
        seconds: From upload to verdict.
        name: Shown instead of the key.
    """
    picture = Text(name or record["key"].removeprefix("image_inputs/"))
    if record["reason"]:
        picture.append(f"\n{record['reason']}", "dim")
    verdict = verdict_text(record)
    if names := named_kinds(record):
        verdict.append(f"\n{names}")
    table.add_row(
        clock_time(record["date"]),
        picture,
        verdict,
        number(record["confidence"], ".3f"),
        score_text(record["score"]),
        number(seconds, ".2f"),
    )


def line(record: dict[str, Any], seconds: float | None) -> Text:
    """One record on one line, for results that are shown as they arrive."""
    text = Text.assemble((clock_time(record["date"]), "dim"), "  ", verdict_text(record).append(" " * 2))
    if record["confidence"] is not None:
        text.append(f"{record['confidence']:.3f}  score {score_text(record['score'])}  ")
    text.append(record["key"])
    if names := named_kinds(record):
        text.append(f"  {names}", "red")
    if seconds is not None:
        text.append(f"  {seconds:.2f} s", "dim")
    if record["reason"]:
        text.append(f"  {record['reason']}", "yellow")
    return text


def named_kinds(verdict: Mapping[str, Any]) -> str:
    """The kinds of anomaly that were found, where the model names any, the largest first.

    Args:
        verdict: As `spotcheck results --json` or `detect --json` gives it.
    """
    found = sorted(verdict.get("kinds") or (), key=lambda kind: -kind["area"])
    return ", ".join(kind["name"] for kind in found if kind["name"] != ANOMALY)


def clock_time(date: str | None) -> str:
    """An ISO date as local time, without the day if that is today; anything else as it is."""
    if not date:
        return "-"
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return date
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    here = moment.astimezone()
    return here.strftime("%H:%M:%S" if here.date() == datetime.now(here.tzinfo).date() else "%m-%d %H:%M:%S")
