"""The entries that a version is trained on: a copy of the datasets at the moment of CreateModel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.lookout.api.dataset_entries import StoredEntry
from chalicelib.lookout.training.book import entries_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.lookout.api.dataset_store import DatasetStore
    from chalicelib.lookout.entries import Entry


class TrainingEntries:
    """Reads the copies.

    Args:
        datasets: Of the models bucket.
    """

    def __init__(self, datasets: DatasetStore) -> None:
        self._datasets = datasets

    def __call__(self, project: str, version: str, dataset_type: str) -> Iterator[Entry]:
        """The entries, in their order; none where the project had no such dataset."""
        content = self._datasets.read_file(entries_key(project, version, dataset_type)) or b""
        # Not splitlines of a text: entries may hold any other line separator of Unicode's.
        for number, line in enumerate(content.splitlines(), start=1):
            yield StoredEntry.from_line(line).entry(number)
