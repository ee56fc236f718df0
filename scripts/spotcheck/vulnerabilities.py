"""Known vulnerabilities of the pinned packages: `make vulnerabilities`.

pip-audit asks the Python advisory database, so this needs the internet. Where it cannot ask, it says so and
fails: an answer that nobody gave is no good news. Mirrors of the package index answer, too, and know nothing;
so a package with a known hole is asked about first.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import PrerequisiteError
from spotcheck.licences import DESK, SHIPPED, pins
from spotcheck.packaging import ROOT
from spotcheck.tools import tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLEAN, VULNERABLE, NOT_ASKED = 0, 1, 2

_KNOWN_HOLE = ("jinja2", "2.10")  # CVE-2019-10906


def audit(pinned: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """pip-audit's report on packages, by name and version.

    Raises:
        PrerequisiteError: The advisory database could not be asked.
    """
    options = [
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "15",
    ]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "pins.txt")
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in pinned), encoding="utf-8")
        program = str(tool("pip-audit", "audit"))
        asked = subprocess.run(
            [program, "--requirement", str(wanted), *options], capture_output=True, text=True, check=False
        )
    try:
        report: dict[str, Any] = json.loads(asked.stdout)
    except ValueError as error:
        reason = asked.stderr.strip().rpartition("\n")[2]
        message = f"The advisory database could not be asked: {reason}"
        raise PrerequisiteError(message) from error
    return report


def findings(report: dict[str, Any]) -> list[str]:
    """One line for each vulnerability that pip-audit reports: package, advisory, and what mends it."""
    return [
        f"{found['name']} {found['version']}: {hole['id']}, "
        f"mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for found in report["dependencies"]
        for hole in found.get("vulns", [])
    ]


def main(ask: Callable[[Sequence[tuple[str, str]]], dict[str, Any]] = audit, root: Path = ROOT) -> int:
    """Asks for each requirement file, and prints what was found.

    Returns:
        0 when nothing is known, 1 with vulnerabilities, 2 when nobody answered.
    """
    from spotcheck.console import err, out

    found = []
    try:
        _check_that_it_knows(ask)
        for file in (*SHIPPED, *DESK):
            lines = findings(report := ask(pins(root / file)))
            out.print(f"{file}: {len(report['dependencies'])} packages, {len(lines)} known vulnerabilities")
            found += lines
    except PrerequisiteError as error:
        err.print(f"[red]error:[/] {error}", highlight=False)
        return NOT_ASKED
    for line in sorted(set(found)):
        err.print(f"[red]vulnerable:[/] {line}", highlight=False)
    return VULNERABLE if found else CLEAN


def _check_that_it_knows(ask: Callable[[Sequence[tuple[str, str]]], dict[str, Any]]) -> None:
    if not findings(ask([_KNOWN_HOLE])):
        message = "What answers for the advisory database knows no advisory: is it a mirror?"
        raise PrerequisiteError(message)


if __name__ == "__main__":
    sys.exit(main())
