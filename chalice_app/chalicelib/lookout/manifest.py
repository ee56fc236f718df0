"""Manifests as Lookout for Vision read and wrote them: JSON Lines, one picture a line, each picture once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.anomalies import kind_name
from chalicelib.exceptions import ManifestError
from chalicelib.lookout.entries import Entry, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a manifest.

    Attributes:
        line: Of the manifest, from 1.
        message: What is wrong, and what to do.
        manifest: Its name, where there is more than one.
    """

    line: int
    message: str
    manifest: str = ""

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.manifest} line {self.line}: {self.message}".lstrip()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's pictures, each once, in the order in which they first appeared."""

    entries: tuple[Entry, ...]

    @property
    def normals(self) -> int:
        """How many pictures are labelled normal."""
        return sum(entry.label == "normal" for entry in self.entries)

    @property
    def anomalies(self) -> int:
        """How many pictures are labelled anomalous."""
        return sum(entry.label == "anomaly" for entry in self.entries)

    @property
    def labels(self) -> frozenset[str]:
        """The kinds of anomaly that masks may show."""
        return frozenset(name for entry in self.entries if entry.mask for name in entry.mask.labels.values())

    def to_bytes(self) -> bytes:
        """The manifest as a file: what is written equals what was read."""
        return "".join(f"{entry.text}\n" for entry in self.entries).encode()


def colors_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The colour of each kind of anomaly in a dataset's masks, by the name that a model gives it."""
    colors: dict[str, str] = {}
    for entry in entries:
        for color, label in entry.mask.labels.items() if entry.mask else ():
            if name := kind_name(label):
                colors.setdefault(name, color)
    return colors


class Parsed(NamedTuple):
    """The lines that are sound, and what is wrong with the others."""

    manifest: Manifest
    problems: tuple[Problem, ...]


def parse_manifest(data: bytes, name: str = "") -> Manifest:
    """Reads a manifest, all of it or nothing.

    Args:
        data: The file. Empty lines and a byte-order mark do not matter.
        name: For the problems, where there is more than one manifest.

    Raises:
        ManifestError: Some lines are wrong: every problem is in it.
    """
    manifest, problems = parse_lines(data, name)
    if problems:
        raise ManifestError(problems)
    return manifest


def parse_lines(data: bytes, name: str = "", *, allow_paths: bool = False) -> Parsed:
    """Reads those lines of a manifest that are sound, and tells the others' problems.

    Args:
        data: The file.
        name: For the problems.
        allow_paths: Take `source-ref` and mask without bucket, too, as paths beside the manifest.
    """
    found = list(read_lines(data.split(b"\n"), name, allow_paths=allow_paths))
    problems = tuple(one for one in found if isinstance(one, Problem))
    if not found:
        problems = (Problem(1, "the manifest has no lines: give it one JSON object for each picture", name),)
    return Parsed(Manifest(_each_once(one for one in found if isinstance(one, Entry))), problems)


def read_lines(
    lines: Iterable[bytes], name: str = "", *, bucket: str | None = None, allow_paths: bool = False
) -> Iterator[Entry | Problem]:
    """Reads a manifest's lines one after the other: what is sound, and what is wrong.

    Args:
        lines: Without their ends. Empty ones and a byte-order mark do not matter.
        name: For the problems.
        bucket: Where the pictures have to lie; by default in the first one's.
        allow_paths: Take `source-ref` and mask without bucket, too, as paths beside the manifest.
    """
    expected: list[str | None] = [bucket] if bucket else []
    for line, raw in enumerate(lines, start=1):
        stripped = (raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw).strip()
        if not stripped:
            continue
        found = parse_line(line, stripped, allow_paths=allow_paths)
        if not isinstance(found, Entry):
            yield from (Problem(line, message, name) for message in found)
            continue
        expected = expected or [found.source.bucket]
        is_there = found.source.bucket == expected[0]
        yield found if is_there else Problem(line, _in_another_bucket(found, expected[0]), name)


def _each_once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """A later line for the same picture takes the place of the earlier one."""
    return tuple({entry.source: entry for entry in entries}.values())


def _in_another_bucket(entry: Entry, expected: str | None) -> str:
    return (
        f"the picture is in bucket {entry.source.bucket}, those before it are in {expected}: "
        "keep all pictures of a dataset in one bucket"
    )
