"""Entries of a dataset as the models bucket keeps them: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from chalicelib.lookout.entries import MAX_LINE, Entry, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.lookout.entries import Label

_LONGEST = MAX_LINE * 4  # bytes: no character takes more in UTF-8


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry, without what only training needs.

    Attributes:
        text: The JSON line as it was given.
        source: S3 URI of its picture.
        label: None for a picture without label.
        kinds: Kinds of anomaly that its mask may show; None where the line names no mask.
        created_at: When its picture came into the dataset; ISO 8601 in UTC, sorts as text.
    """

    text: str
    source: str
    label: Label | None
    kinds: tuple[str, ...] | None
    created_at: str

    @classmethod
    def of(cls, entry: Entry, created_at: str) -> Self:
        """An entry that was just read."""
        kinds = tuple(dict.fromkeys(entry.mask.labels.values())) if entry.mask else None
        return cls(entry.text, str(entry.source), entry.label, kinds, created_at)

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Reads what `to_line` wrote."""
        value = json.loads(line)
        kinds = None if value["kinds"] is None else tuple(value["kinds"])
        return cls(value["entry"], value["source"], value["label"], kinds, value["created"])

    def to_line(self) -> bytes:
        """As it is kept, with its line's end."""
        value = {
            "created": self.created_at,
            "source": self.source,
            "label": self.label,
            "kinds": self.kinds,
            "entry": self.text,
        }
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"

    def entry(self, line: int) -> Entry:
        """The whole entry, mask and all.

        Args:
            line: Its number among the entries, from 1.
        """
        found = parse_line(line, self.text.encode(), allow_paths=False)
        assert isinstance(found, Entry)  # noqa: S101 - nothing else is ever stored
        return found


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of a file that comes in pieces, without their ends; memory does not grow with the file.

    A line longer than any that a manifest may have is cut short: what is wrong with it shows all the same.

    Examples:
        >>> list(split_lines([b"on", b"e", bytes([10]), b"two"]))
        [b'one', b'two']
    """
    rest = b""
    for chunk in chunks:
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            yield rest + line
            rest = b""
        rest = (rest + tail)[: _LONGEST + 1]
    if rest:
        yield rest
