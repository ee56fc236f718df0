"""One line of a manifest: a picture, its label, and where its anomalies are.

Facts from the developer guide of Lookout for Vision ("Defining JSON lines for image classification" and
"... for image segmentation") and from the manifest of the cookie sample, which has no BACKGROUND entry. The
names of the label and mask attributes are free; `class-name` decides and the number beside it means nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_LINE = 8192
"""Longest JSON line, in characters (`DatasetEntry`)."""

Label = Literal["normal", "anomaly"]

_SOURCE = "source-ref"
_METADATA = "-metadata"
_COLOURS = "internal-color-map"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_KEY = r"[^\x00-\x1f\x7f\ud800-\udfff]*[^\x00-\x1f\x7f\ud800-\udfff/]"
_URI = re.compile(rf"s3://(?P<bucket>{_BUCKET})/(?P<key>{_KEY})")
_PATH = re.compile(_KEY)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a picture or mask lies.

    Attributes:
        bucket: None for a path without bucket, as AWS's sample manifests have before they are filled in.
        key: The object's key, or that path.
    """

    bucket: str | None
    key: str

    def __str__(self) -> str:
        """The S3 URI, or the path."""
        return f"s3://{self.bucket}/{self.key}" if self.bucket else self.key


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask picture and what its colours mean.

    Attributes:
        location: Where the PNG lies.
        labels: Kind of anomaly by its colour (`#rrggbb`, lower case), without the background.
        background: The background's colour; None where the line names none.
    """

    location: Location
    labels: Mapping[str, str]
    background: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a dataset.

    Attributes:
        text: The line as it was read, for writing it back; two entries are equal when their texts are.
        values: The JSON object.
        line: Of the manifest, from 1.
        source: Where the picture lies.
        label: None for a picture without label, or with a class that is neither: kept, not trained on.
        mask: Where its anomalies are, if the line says so.
    """

    text: str
    values: Mapping[str, Any] = field(compare=False, repr=False)
    line: int = field(compare=False)
    source: Location = field(compare=False)
    label: Label | None = field(compare=False)
    mask: Mask | None = field(compare=False)


class _WrongError(Exception):
    """What is wrong with one part of a line."""


def parse_line(line: int, raw: bytes, *, allow_paths: bool) -> Entry | list[str]:
    """Reads one line.

    Args:
        line: Its number in the manifest, from 1.
        raw: The line, without white space around it.
        allow_paths: Take locations without bucket, too.

    Returns:
        The entry, or everything that is wrong with the line, each with what to do.
    """
    problems: list[str] = []
    try:
        text, values = _decode(raw)
    except _WrongError as wrong:
        return [str(wrong)]
    source, label, mask = Location(None, ""), None, None
    try:
        source = _location(values.get(_SOURCE), _SOURCE, allow_paths)
    except _WrongError as wrong:
        problems.append(str(wrong))
    try:
        label = _label(values)
    except _WrongError as wrong:
        problems.append(str(wrong))
    try:
        mask = _mask(values, allow_paths)
    except _WrongError as wrong:
        problems.append(str(wrong))
    return list(dict.fromkeys(problems)) or Entry(text, values, line, source, label, mask)


def _decode(raw: bytes) -> tuple[str, dict[str, Any]]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        message = "the line is not UTF-8: save the manifest as UTF-8"
        raise _WrongError(message) from None
    if len(text) > MAX_LINE:
        message = f"the line has {len(text)} characters, {MAX_LINE} are allowed: shorten its attributes"
        raise _WrongError(message)
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        message = f"the line is not JSON ({error}): write one JSON object on one line for each picture"
        raise _WrongError(message) from None
    if not isinstance(values, dict):
        message = "the line is JSON, but no object: write {...} with a source-ref"
        raise _WrongError(message)
    return text, values


def _refuse_constant(name: str) -> None:
    message = f"{name} is no JSON number"
    raise ValueError(message)


def _location(value: object, attribute: str, allow_paths: bool) -> Location:  # noqa: FBT001 - positional
    if not isinstance(value, str) or not value:
        message = f"{attribute} is missing or no text: say where the picture lies, s3://bucket/key"
        raise _WrongError(message)
    match = _URI.fullmatch(value)
    if match:
        return Location(match["bucket"], match["key"])
    if allow_paths and "://" not in value and _PATH.fullmatch(value):
        return Location(None, value)
    message = f"{attribute} {value[:200]!r} is no S3 URI of an object: write s3://bucket/key"
    raise _WrongError(message)


def _attributes(values: Mapping[str, Any], kind: str, mark: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The attributes of a kind: told by the `type` in their metadata or by what only that kind has.

    What a model predicted (evaluation manifests) is no label.
    """
    found = []
    for key, metadata in values.items():
        name = key.removesuffix(_METADATA)
        if not name or name == key:
            continue
        if not isinstance(metadata, dict):
            message = f"{key} is no JSON object: write it as Ground Truth does, or leave it out"
            raise _WrongError(message)
        is_kind = mark in metadata or metadata.get("type") == f"groundtruth/{kind}"
        if is_kind and "model-arn" not in metadata:
            found.append((name, metadata))
    if len(found) > 1:
        names = ", ".join(name for name, _ in found)
        message = f"the line has several attributes of the kind {kind} ({names}): keep one"
        raise _WrongError(message)
    return found


def _label(values: Mapping[str, Any]) -> Label | None:
    for name, metadata in _attributes(values, "image-classification", "class-name"):
        label = metadata.get("class-name")
        if label is not None and not isinstance(label, str):
            message = f"class-name of {name} is no text: write normal or anomaly"
            raise _WrongError(message)
        folded = (label or "").strip().lower()
        return "normal" if folded == "normal" else "anomaly" if folded == "anomaly" else None
    return None


def _mask(values: Mapping[str, Any], allow_paths: bool) -> Mask | None:  # noqa: FBT001 - positional
    found = _attributes(values, "semantic-segmentation", _COLOURS)
    for name, metadata in found:
        if not name.endswith("-ref"):
            message = f"the mask's attribute is called {name}: its name has to end in -ref"
            raise _WrongError(message)
        labels, background = _colours(metadata.get(_COLOURS), name)
        return Mask(_location(values.get(name), name, allow_paths), labels, background)
    for key, value in values.items():
        is_mask = key.endswith("-ref") and key != _SOURCE and str(value).lower().endswith(".png")
        if is_mask and f"{key}{_METADATA}" not in values:
            message = f"{key} has no {key}{_METADATA}: add it, with an {_COLOURS} of the mask's colours"
            raise _WrongError(message)
    return None


def _colours(colour_map: object, name: str) -> tuple[dict[str, str], str | None]:
    """Kinds of anomaly by colour, and the background's colour if it is named."""
    if not isinstance(colour_map, dict) or not colour_map:
        message = f"{name}{_METADATA} has no {_COLOURS}: say what each colour of the mask means"
        raise _WrongError(message)
    labels: dict[str, str] = {}
    background = None
    for index, entry in colour_map.items():
        label, colour = _colour(str(index), entry)
        if label.lower() == "background":
            background = colour
        elif labels.setdefault(colour, label) != label:
            message = f"the colour {colour} means both {labels[colour]} and {label}: give each its own"
            raise _WrongError(message)
    if background in labels:
        message = f"the colour {background} means both BACKGROUND and {labels[background]}: give each its own"
        raise _WrongError(message)
    return labels, background


def _colour(index: str, entry: object) -> tuple[str, str]:
    """What a colour means, and the colour in lower case."""
    label = entry.get("class-name") if isinstance(entry, dict) else None
    colour = entry.get("hex-color") if isinstance(entry, dict) else None
    if not isinstance(label, str) or not label.strip():
        message = f"entry {index} of the {_COLOURS} has no class-name: name the anomaly, or BACKGROUND"
        raise _WrongError(message)
    if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
        message = f"hex-color {colour!r} of {label} is no colour: write #rrggbb"
        raise _WrongError(message)
    return label, colour.lower()
