"""What an anomaly is once it is found: its kind, how much of the picture it covers, and where it is."""

from __future__ import annotations

import re
import unicodedata
from colorsys import hls_to_rgb
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# Lookout for Vision's colours: white for the background, its first class of anomaly green.
BACKGROUND = "background"
BACKGROUND_COLOR = "#FFFFFF"
ANOMALY = "anomaly"
# Told apart by those who cannot tell red from green, too; none is near white.
COLORS = (
    *("#23A436", "#D55E00", "#0072B2", "#CC79A7", "#F0C000", "#56B4E9"),
    *("#7F3C8D", "#8C564B", "#00857A", "#E31A1C", "#4D4D4D", "#B5BD00"),
)

# What such a name says is that something is wrong, and not what.
_SAYS_NOTHING = {
    *("anomaly", "anomalies", "anomalous", "abnormal", "background", "bad", "ng", "nok", "ko", "fail"),
    *("defect", "defects", "defective", "faulty", "unlabelled"),
    *("combined", "mixed", "misc", "other", "others"),
}
_NUMBER = re.compile(r"^\d+[\s._-]+")
_MAX_NAME = 256
_GOLDEN = 0.618034

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of anomaly that a model tells from others.

    Attributes:
        name: In Lookout for Vision's pattern of anomaly names, `[a-zA-Z0-9]*`.
        color: Of its patches in the mask, `#RRGGBB`.
        accuracy: Share of the pictures of this kind that got its name from a model that had not seen them;
            None where there was nothing to tell apart.
    """

    name: str
    color: str
    accuracy: float | None = None


UNNAMED = Kind(ANOMALY, COLORS[0])


@dataclass(frozen=True, slots=True)
class FoundKind:
    """A kind of anomaly that was found in a picture.

    Attributes:
        name: The kind's.
        area: Fraction (0-1) of the picture that anomalies of this kind cover.
        color: The kind's.
    """

    name: str
    area: float
    color: str


@dataclass(frozen=True, slots=True)
class Region:
    """A connected anomaly, its box and its outline, in fractions (0 to 1) of the upright picture.

    Attributes:
        left: Left edge of the box.
        top: Upper edge of the box.
        width: Width of the box.
        height: Height of the box.
        area: Fraction of the picture that the region covers (its patches, not its box).
        severity: Its largest patch distance, divided by the threshold.
        polygon: Its outline along the patches, clockwise from the top left, as points (x, y); holes are not
            cut out, and where patches touch at a corner the outline touches itself. Empty in older records.
        name: Its kind's name; `anomaly` where the model names none.
    """

    left: float
    top: float
    width: float
    height: float
    area: float
    severity: float
    polygon: tuple[Point, ...] = ()
    name: str = ANOMALY

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Region:
        """Reads what a record's JSON lists; keys it does not know are left alone."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        return cls(**{**known, "polygon": tuple((x, y) for x, y in known.get("polygon", ()))})


def kind_name(text: str) -> str | None:
    """The kind that a folder's name or a mask's label names, in Lookout for Vision's pattern.

    What the pattern does not allow is left out, and the letter after it is capital. A name that says only
    that something is wrong names no kind.

    Args:
        text: As people wrote it.

    Returns:
        The name, or None where it names no kind.

    Examples:
        >>> kind_name("01-broken_large"), kind_name("Kratzer, groß"), kind_name("defect")
        ('brokenLarge', 'KratzerGross', None)
    """
    plain = unicodedata.normalize("NFKD", _NUMBER.sub("", text.strip()).replace("ß", "ss"))
    first, *others = re.findall(r"[a-zA-Z0-9]+", plain.encode("ascii", "ignore").decode()) or [""]
    name = (first + "".join(word[0].upper() + word[1:] for word in others))[:_MAX_NAME]
    return None if not name or name.lower() in _SAYS_NOTHING else name


def kinds_of_folder(name: str) -> tuple[str, ...]:
    """The kinds of anomaly that a folder's pictures show; empty where its name does not tell all of them.

    Args:
        name: One kind, or several joined by `+`.

    Examples:
        >>> kinds_of_folder("dent+scratch"), kinds_of_folder("bad")
        (('dent', 'scratch'), ())
    """
    return kinds_of(name.split("+"))


def kinds_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The kinds that labels name; empty where one of them names none."""
    names = [kind_name(label) for label in labels]
    return tuple(name for name in names if name) if all(names) else ()


def anomaly_list(kinds: Iterable[FoundKind]) -> list[dict[str, Any]]:
    """`Anomalies` of Lookout for Vision's answer: the background first, then each kind; areas sum to 1."""
    found = list(kinds)
    background = max(0.0, 1 - sum(kind.area for kind in found))
    listed = (FoundKind(BACKGROUND, background, BACKGROUND_COLOR), *found)
    return [
        {"Name": kind.name, "PixelAnomaly": {"TotalPercentageArea": kind.area, "Color": kind.color}}
        for kind in listed
    ]


def with_colors(names: Sequence[str], wanted: Mapping[str, str]) -> list[str]:
    """A colour for each kind, as `#RRGGBB`: the one wanted, else one that no other kind has.

    Args:
        names: Of the kinds.
        wanted: Colour by name, `#rrggbb`; white is the background's and is not given.
    """
    given: dict[str, str] = {}
    for name in names:
        color = wanted.get(name, "").upper()
        if color not in ("", BACKGROUND_COLOR, *given.values()):
            given[name] = color
    others = (color for color in _endless_colors() if color not in given.values())
    return [given.get(name) or next(others) for name in names]


def _endless_colors() -> Iterator[str]:
    """`COLORS`, then dark ones whose hues are as far apart as so many can be."""
    yield from COLORS
    for step in count():
        rgb = hls_to_rgb(step * _GOLDEN % 1, 0.35, 0.6)
        yield "#" + "".join(f"{round(255 * part):02X}" for part in rgb)
