"""What becomes of a dataset's entries when lines come in: all of them are taken, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.exceptions import DatasetLimitError, ManifestError
from chalicelib.lookout.api.dataset_entries import StoredEntry
from chalicelib.lookout.entries import Entry
from chalicelib.lookout.manifest import Problem, read_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from chalicelib.lookout.api.dataset_buckets import DatasetBuckets
    from chalicelib.lookout.api.dataset_records import DatasetType
    from chalicelib.lookout.entries import Location

MOST_IMAGES: dict[DatasetType, int] = {"train": 16_000, "test": 4_000}
MOST_IMAGES_WITH_MASKS: dict[DatasetType, int] = {"train": 8_000, "test": 800}
MOST_KINDS = 100
_MOST_PROBLEMS = 1_000


def take_in(
    lines: Iterable[bytes],
    present: Iterable[StoredEntry],
    dataset_type: DatasetType,
    buckets: DatasetBuckets,
    created_at: str,
    elsewhere: Collection[str] = (),
) -> list[StoredEntry]:
    """The entries of a dataset after lines came in.

    A line replaces the one of the same picture, in its place and with the date at which that picture came.

    Args:
        lines: Without their ends.
        present: What the dataset has.
        dataset_type: Has the limits.
        buckets: Where pictures and masks may lie.
        created_at: Date of the new entries.
        elsewhere: Kinds of anomaly that masks of the project's other dataset name.

    Raises:
        ManifestError: Some lines are wrong: every problem is in it (of the first thousand).
        DatasetLimitError: There would be more of something than Lookout for Vision allowed.
    """
    entries = {entry.source: entry for entry in present}
    bucket = next(iter(entries)).removeprefix("s3://").partition("/")[0] if entries else None
    problems: list[Problem] = []
    refused: set[str | None] = set()
    is_empty = True
    for found in read_lines(lines, bucket=bucket):
        is_empty = False
        if isinstance(found, Entry):
            problems += _refusals(found, buckets, refused)
            old = entries.get(str(found.source))
            new = StoredEntry.of(found, old.created_at if old else created_at)
            entries[new.source] = new
        else:
            problems.append(found)
        if len(problems) >= _MOST_PROBLEMS:
            break
        _check_count(len(entries), MOST_IMAGES[dataset_type], dataset_type, "")
    if is_empty:
        problems.append(Problem(1, "there are no lines: give one JSON object for each picture"))
    if problems:
        raise ManifestError(problems)
    _check_masks(entries.values(), dataset_type, elsewhere)
    return list(entries.values())


def _refusals(entry: Entry, buckets: DatasetBuckets, told: set[str | None]) -> Iterator[Problem]:
    """What an entry names that may not be used; each bucket is told of once."""
    named: list[Location] = [entry.source, *([entry.mask.location] if entry.mask else [])]
    for location in named:
        reason = buckets.refusal(location.bucket, location.key)
        if reason and location.bucket not in told:
            told.add(location.bucket)
            yield Problem(entry.line, reason)


def kinds_of_masks(entries: Iterable[StoredEntry]) -> set[str]:
    """The kinds of anomaly that masks of entries may show."""
    return {kind for entry in entries for kind in entry.kinds or ()}


def _check_masks(
    entries: Collection[StoredEntry], dataset_type: DatasetType, elsewhere: Collection[str]
) -> None:
    if all(entry.kinds is None for entry in entries):
        return
    _check_count(len(entries), MOST_IMAGES_WITH_MASKS[dataset_type], dataset_type, " with masks")
    kinds = kinds_of_masks(entries).union(elsewhere)
    if len(kinds) > MOST_KINDS:
        raise DatasetLimitError(too_many_kinds(len(kinds)))


def too_many_kinds(count: int) -> str:
    """What to do about more kinds of anomaly than a project may have."""
    return (
        f"The project's masks name {count} kinds of anomaly, and a project may have {MOST_KINDS}: give "
        "several kinds one name."
    )


def _check_count(count: int, most: int, dataset_type: DatasetType, which: str) -> None:
    if count > most:
        name = "training" if dataset_type == "train" else "test"
        message = (
            f"A {name} dataset{which} may have {most:,} images, and this would have more: leave some out."
        )
        raise DatasetLimitError(message)
