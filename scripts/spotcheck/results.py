"""`spotcheck results`: verdicts from the results table, newest first, or as they arrive."""

from __future__ import annotations

import json as jsonlib
import re
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from chalicelib.records import timestamp
from spotcheck import targets
from spotcheck.console import err, out, print_json
from spotcheck.exceptions import TargetError
from spotcheck.verdicts import add_row, line, results_table, seconds_to_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d+)([smhd])")
_FOLLOW_SECONDS = 1.0
_LATE = timedelta(seconds=30)  # an index shows an item a little later than it was written


class Records(Protocol):
    """The queries of `chalicelib.results.ResultsTable` that this verb needs."""

    def newest(self, *, since: date, until: date, anomalous_only: bool = False) -> Iterator[Any]:
        """Records newest first."""

    def of_image(self, image: str) -> Iterator[Any]:
        """Records of one image name."""


def results(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    anomalous: Annotated[bool, typer.Option("--anomalous", help="Only anomalous ones.")] = False,
    since: Annotated[str, typer.Option(help="A UTC date or time, or a duration: 30m, 12h, 7d.")] = "1d",
    image: Annotated[str, typer.Option(help="Only of images of this name, of any day.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0: all.")] = 50,
    videos: Annotated[bool, typer.Option("--videos", help="The videos, not the pictures.")] = False,
    video: Annotated[str, typer.Option(metavar="ID", help="One video along its time line.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON (--follow: an object a line).")] = False,
    local: Annotated[bool, typer.Option("--local", help="Of the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="Of the AWS account.")] = False,
) -> None:
    """Show verdicts, newest first: what, how sure, and how long it took from upload to verdict."""
    start = parse_since(since, datetime.now(UTC))
    target = targets.resolve(local=local, aws=aws)
    if video:
        _show_video(target, video, json=json)
        return
    if videos:
        _show_videos(target, start, limit, json=json)
        return
    table = target.results_table()
    found = select(table, start, image=image, anomalous_only=anomalous)
    rows = list(islice(found, limit or None))
    if not follow:
        print_json(rows) if json else _print_table(rows)
        return
    show = _print_json_line if json else _print_line
    for row in reversed(rows):
        show(row)
    latest = rows[0]["date"] if rows else start.isoformat()
    seen = {identity(row) for row in rows}
    try:
        for row in arrivals(table, latest, seen, image=image, anomalous_only=anomalous):
            show(row)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _show_videos(target: targets.Target, start: datetime, limit: int, *, json: bool) -> None:
    from spotcheck.videos import print_videos, rows

    today = datetime.now(UTC).date()
    found = rows(target.video_table(), start.astimezone(UTC).date(), today)
    taken = list(islice((row for row in found if row["date"] >= timestamp(start)), limit or None))
    print_json(taken) if json else print_videos(taken)


def _show_video(target: targets.Target, video_id: str, *, json: bool) -> None:
    from spotcheck.videos import print_time_line

    found = target.video_table().get(video_id)
    if found is None:
        msg = f"there is no video {video_id}: `spotcheck results --videos` lists them"
        raise TargetError(msg)
    frames = [record.to_json() for record in target.results_table().of_video(video_id)]
    print_json({**found.to_json(), "frames": frames}) if json else print_time_line(found.to_json(), frames)


def parse_since(text: str, now: datetime) -> datetime:
    """The moment that `--since` names.

    Args:
        text: An ISO date or time (UTC unless it says otherwise), or a duration such as `30m` before now.
        now: The present, with a time zone.

    Raises:
        typer.BadParameter: It is neither.

    Examples:
        >>> parse_since("2d", datetime(2026, 11, 22, tzinfo=UTC)).isoformat()
        '2026-11-20T00:00:00+00:00'
    """
    if duration := _DURATION.fullmatch(text):
        return now - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is neither a date (2026-11-22), a time, nor a duration (30m, 12h, 7d)"
        raise typer.BadParameter(msg) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def select(
    table: Records, start: datetime, *, image: str = "", anomalous_only: bool = False
) -> Iterator[dict[str, Any]]:
    """The records that the options ask for, newest first, as JSON objects.

    Args:
        table: The results table.
        start: Nothing older than this; ignored for `image`.
        image: Only of this image name.
        anomalous_only: Only anomalous ones.
    """
    if image:
        ofs = sorted((record.to_json() for record in table.of_image(image)), key=_date, reverse=True)
        yield from (row for row in ofs if row["is_anomalous"] or not anomalous_only)
        return
    oldest = timestamp(start)
    today = datetime.now(UTC).date()
    for record in table.newest(
        since=start.astimezone(UTC).date(), until=today, anomalous_only=anomalous_only
    ):
        row = record.to_json()
        if row["date"] < oldest:
            return
        yield row


def arrivals(
    table: Records,
    latest: str,
    seen: set[tuple[str, str]],
    *,
    image: str = "",
    anomalous_only: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Records that appear from now on, oldest first, without an end.

    Args:
        table: The results table.
        latest: The ISO date of the newest record that was shown.
        seen: Identities of those shown already; added to.
        image: Only of this image name.
        anomalous_only: Only anomalous ones.
        sleep: Waits some seconds between two looks.
    """
    while True:
        start = datetime.fromisoformat(latest) - _LATE
        found = select(table, start, image=image, anomalous_only=anomalous_only)
        for row in sorted((row for row in found if identity(row) not in seen), key=_date):
            seen.add(identity(row))
            latest = max(latest, row["date"])
            yield row
        sleep(_FOLLOW_SECONDS)


def identity(row: dict[str, Any]) -> tuple[str, str]:
    """What makes a row of the table new: a waiting upload that gets its verdict is shown again."""
    return row["request_id"], row["status"]


def _date(row: dict[str, Any]) -> str:
    return str(row["date"] or "")


def _print_table(rows: Iterable[dict[str, Any]]) -> None:
    table = results_table()
    for row in rows:
        add_row(table, row, seconds_to_verdict(row))
    if table.row_count:
        out.print(table)
    else:
        err.print("no results")


def _print_line(row: dict[str, Any]) -> None:
    out.print(line(row, seconds_to_verdict(row)), soft_wrap=True)


def _print_json_line(row: dict[str, Any]) -> None:
    print(jsonlib.dumps(row, ensure_ascii=False), flush=True)
