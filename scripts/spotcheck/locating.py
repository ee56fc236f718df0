"""Which file of an export a manifest means: its pictures were copied since the manifest was written."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.lookout.entries import Entry, Location
    from spotcheck.exports import Export

_TELLING = {"train", "training", "test", "testing", "validation", "normal", "good", "anomaly", "bad"}


class Located(NamedTuple):
    """The files of one line of a manifest.

    Attributes:
        picture: Its picture's; None where it is not there.
        mask: Its mask's, if it is an anomalous picture with one; None where it is not there.
        missing: What is not there: the picture, else the mask; None where nothing is missing.
    """

    picture: str | None
    mask: str | None
    missing: Location | None


def locate_entries(export: Export, names: Sequence[str], entries: Sequence[Entry]) -> Iterator[Located]:
    """Where the pictures and the masks that are needed lie, line by line.

    Args:
        export: Holds them.
        names: Its files.
        entries: Of one manifest.
    """
    drawn = [one.mask.location if one.mask and one.label == "anomaly" else None for one in entries]
    pictures = locate([one.source for one in entries], names)
    masks = locate([one for one in drawn if one], names)
    for entry, location in zip(entries, drawn, strict=True):
        picture = pictures.get(entry.source) or export.direct(entry.source)
        mask = (masks.get(location) or export.direct(location)) if location else None
        is_missing = location if location and mask is None else None
        yield Located(picture, mask, entry.source if picture is None else is_missing)


def locate(locations: Iterable[Location], names: Iterable[str]) -> Mapping[Location, str]:
    """Finds the files that a manifest means.

    A copy keeps the order of folders and changes what stands before it. So one replacement of the keys'
    beginning is taken for all of them: that which finds the most files. What is left over is found by its
    name alone if no other key and no other file has that name. Guessing more would mix up `normal/1.png` and
    `anomaly/1.png`.

    Args:
        locations: Of the pictures, or of the masks.
        names: The export's files.

    Returns:
        File by location; what was not found is not in it.
    """
    wanted = list(dict.fromkeys(locations))
    files = set(names)
    by_name = defaultdict(list)
    for file in sorted(files):
        by_name[PurePosixPath(file).name].append(file)
    votes = Counter(
        replacement
        for location in wanted
        for replacement in _replacements(location.key, by_name[PurePosixPath(location.key).name])
    )
    found: dict[Location, str] = {}
    if votes:
        # The most files, then the most of the path kept.
        old, new = max(votes, key=lambda pair: (votes[pair], -len(pair[0]) - len(pair[1]), pair))
        for location in wanted:
            candidate = new + location.key[len(old) :]
            if location.key.startswith(old) and candidate in files:
                found[location] = candidate
    times = Counter(PurePosixPath(location.key).name for location in wanted)
    for location in wanted:
        name = PurePosixPath(location.key).name
        alone = times[name] == len(by_name[name]) == 1
        if location not in found and alone and _replacements(location.key, by_name[name]):
            found[location] = by_name[name][0]
    return found


def _replacements(key: str, files: Sequence[str]) -> list[tuple[str, str]]:
    """What stands before the end that key and file share, for the files that share the longest."""
    ends = {file: _common_end(key, file) for file in files}
    longest = max(map(len, ends.values()), default=0)
    pairs = [(key[: -len(end)], file[: -len(end)]) for file, end in ends.items() if len(end) == longest]
    return [pair for pair in pairs if not _contradict(*pair)]


def _common_end(key: str, file: str) -> str:
    ours, theirs = key.split("/"), file.split("/")
    same = 1  # the name itself
    while same < min(len(ours), len(theirs)) and ours[-1 - same] == theirs[-1 - same]:
        same += 1
    return "/".join(ours[-same:])


def _contradict(old: str, new: str) -> bool:
    """Whether the folders say something else of the picture, such as `train` and `test`."""
    ours, theirs = (_TELLING.intersection(beginning.lower().split("/")) for beginning in (old, new))
    return bool(ours and theirs and ours != theirs)
