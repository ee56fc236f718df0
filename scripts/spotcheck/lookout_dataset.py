"""From an exported Lookout for Vision dataset to a folder in MVTec AD's layout, whole or not at all."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.exceptions import ManifestError, MaskInvalidError
from chalicelib.lookout.manifest import Problem, parse_lines
from chalicelib.training.masks import kinds_mask
from spotcheck.datasets import is_normal_name
from spotcheck.exceptions import InputError, OutputError
from spotcheck.exports import find_manifests
from spotcheck.locating import locate_entries
from spotcheck.mask_import import import_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from chalicelib.lookout.entries import Entry
    from spotcheck.exports import Export

UNLABELLED = "unlabelled"
_NO_KIND = "anomaly"
_WORKERS = 8
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_MAX_STEM_BYTES = 150


@dataclass(slots=True)
class Split:
    """What was understood of one dataset of a project.

    Attributes:
        name: `train` or `test`.
        normals: How many normal pictures were taken over.
        anomalies: How many anomalous ones.
        masks: How many of those have a mask.
        unlabelled: How many without label were set aside.
        kinds: How many pictures show each kind of anomaly, by their masks.
    """

    name: str
    normals: int = 0
    anomalies: int = 0
    masks: int = 0
    unlabelled: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


class Item(NamedTuple):
    """One picture on its way.

    Attributes:
        split: `train` or `test`.
        manifest: The manifest that names it.
        entry: Its line.
        picture: Its file in the export.
        mask: Its mask's file, for an anomalous picture with one.
        name: A file name that no other picture of the export has.
    """

    split: str
    manifest: str
    entry: Entry
    picture: str
    mask: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken over.

    Attributes:
        splits: What each dataset held.
        problems: Lines that were left out, because this was asked for.
        items: The pictures, one by one.
    """

    splits: tuple[Split, ...]
    problems: tuple[Problem, ...]
    items: tuple[Item, ...]


def import_export(
    export: Export,
    output: Path,
    *,
    skip_problems: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Makes a dataset folder of an export: everything or, if anything is wrong, nothing.

    Below `output`: `<split>/good`, `<split>/<kind of anomaly>` (`anomaly` where no mask tells the kind,
    `dent+scratch` where there are two), `ground_truth/<kind>/<name>_mask.png`, `unlabelled`, and the
    manifests as they were.

    Args:
        export: Where it comes from.
        output: A folder that does not exist yet, or is empty.
        skip_problems: Leave out lines with problems instead of refusing everything.
        progress: Called with how many pictures are done, of how many.

    Raises:
        ManifestError: Some lines are wrong, or what they name is missing or wrong.
        DatasetError: There is no manifest, or more than one for a split.
        OutputError: The folder is not empty or cannot be written.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        message = f"{output} exists and is not empty: name another folder with --output"
        raise OutputError(message)
    names = export.names()
    manifests = {split: (name, export.read(name)) for split, name in find_manifests(export, names).items()}
    splits = {split: Split(split) for split in manifests}
    items, problems = _read_manifests(export, names, manifests)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
            whole = Path(folder) / "dataset"
            problems += _bring_all(export, items, whole, splits, progress)
            if problems and (not skip_problems or not any(map(_total, splits.values()))):
                raise ManifestError(problems)
            for split, (_, content) in manifests.items():
                (whole / f"{split}.manifest").write_bytes(content)
            if output.exists():
                output.rmdir()
            whole.rename(output)
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror or error}"
        raise OutputError(message) from error
    wrong = {(problem.manifest, problem.line) for problem in problems}
    taken = tuple(item for item in items if (item.manifest, item.entry.line) not in wrong)
    return Imported(tuple(splits.values()), tuple(problems), taken)


def _read_manifests(
    export: Export, names: Sequence[str], manifests: Mapping[str, tuple[str, bytes]]
) -> tuple[list[Item], list[Problem]]:
    """What is to be brought, of all manifests, and what is wrong with the rest."""
    items: list[Item] = []
    problems: list[Problem] = []
    for split, (name, content) in manifests.items():
        parsed = parse_lines(content, name, allow_paths=True)
        found = _find(export, names, split, name, parsed.manifest.entries)
        items += [one for one in found if isinstance(one, Item)]
        problems += parsed.problems
        problems += [one for one in found if isinstance(one, Problem)]
    mixed_up = list(_mixed_up(items))
    wrong = {(problem.manifest, problem.line) for problem in mixed_up}
    sound = [item for item in items if (item.manifest, item.entry.line) not in wrong]
    return _with_names(sound), problems + mixed_up


def _total(split: Split) -> int:
    return split.normals + split.anomalies + split.unlabelled


def _find(
    export: Export, names: Sequence[str], split: str, manifest: str, entries: Sequence[Entry]
) -> list[Item | Problem]:
    """Where the pictures and the masks that are needed lie, or which of them is missing."""
    result: list[Item | Problem] = []
    for entry, (picture, mask, missing) in zip(entries, locate_entries(export, names, entries), strict=True):
        if missing:
            message = f"{missing} is not below {export.title}: copy it there, or take the line out"
            result.append(Problem(entry.line, message, manifest))
        elif picture:
            result.append(Item(split, manifest, entry, picture, mask, ""))
    return result


def _mixed_up(items: Sequence[Item]) -> Iterator[Problem]:
    """Different pictures of a manifest that would be the same file."""
    first: dict[str, Item] = {}
    for item in items:
        other = first.setdefault(item.picture, item)
        if other.entry.source != item.entry.source:
            message = (
                f"{item.entry.source} and {other.entry.source} would both be the file {item.picture}: "
                "name the folder that holds both"
            )
            yield Problem(item.entry.line, message, item.manifest)


def _with_names(items: Sequence[Item]) -> list[Item]:
    """File names that no two pictures share: a mask is found by its picture's name, whatever the split."""
    taken: set[str] = set()
    named = []
    for item in items:
        path = PurePosixPath(_UNSAFE.sub("_", PurePosixPath(item.entry.source.key).name).lstrip(".") or "_")
        stem = path.stem.encode()[:_MAX_STEM_BYTES].decode(errors="ignore")
        free, number = stem, 2
        while free.lower() in taken:
            free, number = f"{stem}-{number}", number + 1
        taken.add(free.lower())
        named.append(item._replace(name=free + path.suffix[:10]))
    return named


def _bring_all(
    export: Export,
    items: Sequence[Item],
    folder: Path,
    splits: Mapping[str, Split],
    progress: Callable[[int, int], None] | None,
) -> list[Problem]:
    """Copies pictures and masks, several at once; counts them, and gives back what was wrong."""
    problems = []
    folder.mkdir()
    with ThreadPoolExecutor(_WORKERS) as pool:
        brought = pool.map(lambda item: _bring(export, item, folder), items)
        for done, (item, kinds) in enumerate(zip(items, brought, strict=True), start=1):
            if isinstance(kinds, Problem):
                problems.append(kinds)
            else:
                _count(splits[item.split], item.entry, kinds)
            if progress:
                progress(done, len(items))
    return problems


def _count(split: Split, entry: Entry, kinds: Sequence[str]) -> None:
    split.normals += entry.label == "normal"
    split.anomalies += entry.label == "anomaly"
    split.unlabelled += entry.label is None
    split.masks += bool(kinds)
    split.kinds.update(kinds)


def _bring(export: Export, item: Item, folder: Path) -> tuple[str, ...] | Problem:
    """Copies one picture and its mask; gives the kinds of anomaly that the mask shows."""
    try:
        picture = export.read(item.picture)
        kinds: tuple[str, ...] = ()
        if item.mask and item.entry.mask:
            pixels = import_mask(export.read(item.mask), item.entry.mask, picture)
            kinds, mask = pixels.names, kinds_mask(pixels, pixels.names)
    except InputError as error:
        message = f"{error}: copy it to where the export lies, or take the line out"
        return Problem(item.entry.line, message, item.manifest)
    except MaskInvalidError as error:
        return Problem(item.entry.line, str(error), item.manifest)
    kind = _folder_name(kinds)
    label = item.entry.label
    where = (
        folder / UNLABELLED
        if label is None
        else folder / item.split / ("good" if label == "normal" else kind)
    )
    _write(where / item.name, picture)
    if kinds:
        _write(folder / "ground_truth" / kind / f"{PurePosixPath(item.name).stem}_mask.png", mask)
    return kinds


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _folder_name(kinds: Sequence[str]) -> str:
    """A folder for pictures that show these kinds of anomaly; never one that means normal.

    Examples:
        >>> _folder_name(("dent", "scratch")), _folder_name(()), _folder_name(("good",))
        ('dent+scratch', 'anomaly', 'anomaly-good')
    """
    name = _UNSAFE.sub("_", "+".join(kinds)).strip(". ")[:100] or _NO_KIND
    return f"anomaly-{name}" if is_normal_name(name) else name
