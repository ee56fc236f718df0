"""What an audit found, printed."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Any

from rich.text import Text

from spotcheck.console import out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spotcheck.audit import Report

# Finding → what it says to people; the first three break the promise, the others are worth knowing.
FINDINGS = {
    "missing": "without an outcome",
    "duplicates": "there is more than one",
    "wrong_version": "the newest result is not the newest version's",
    "without_upload": "an outcome, and the upload is gone",
    "without_result": "an outcome, and its result object is gone",
    "stale_frames": "a frame that no longer counts",
}
BROKEN = ("missing", "duplicates", "wrong_version")


def print_json(report: Report) -> bool:
    """Prints one JSON object, row by row, however many there are; whether a promise is broken."""
    broken = False
    lines = [f"  {jsonlib.dumps(name)}: {count}" for name, count in report.counts().items()]
    print("{\n" + ",\n".join(lines), end="")
    for name, rows in report.findings().items():
        print(f",\n  {jsonlib.dumps(name)}: [", end="")
        empty = True
        for row in rows:
            print("" if empty else ",", "\n    ", jsonlib.dumps(row, ensure_ascii=False), sep="", end="")
            empty = False
        print("]" if empty else "\n  ]", end="")
        broken = broken or (name in BROKEN and not empty)
    print("\n}")
    return broken


def print_report(report: Report) -> bool:
    """Prints what people want to know; whether a promise is broken."""
    broken = False
    for name, rows in report.findings().items():
        count = _print_finding(name, rows)
        broken = broken or (name in BROKEN and count > 0)
    counts = report.counts()
    out.print(
        f"{counts['uploads']} uploads: {counts['judged']} judged, {counts['rejected']} rejected, "
        f"{counts['waiting']} waiting for a model; {counts['dead_letters']} dead letters, "
        f"{counts['set_aside']} set aside",
        highlight=False,
    )
    out.print("[red]something is wrong[/]" if broken else "[green]nothing is lost[/]")
    return broken


def _print_finding(name: str, rows: Iterable[dict[str, Any]]) -> int:
    style, count = ("red" if name in BROKEN else "yellow"), 0
    for row in rows:
        if not count:
            out.print(Text(f"{FINDINGS[name]}:", style=style))
        count += 1
        where = f"s3://{row['bucket']}/{row['key']}" if "key" in row else f"{row['what']}: {row['name']}"
        detail = row.get("why") or row.get("standing") or row.get("count") or row.get("status") or ""
        out.print(Text.assemble("  ", where, "  ", (str(row.get("version_id") or ""), "dim"), f"  {detail}"))
    if count:
        out.print(Text(f"  {count} in all", style=style))
    return count
