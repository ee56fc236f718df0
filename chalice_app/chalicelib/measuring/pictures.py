"""Labelled pictures in files: what a model is trained on and measured on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture whose label is known.

    Attributes:
        path: The file.
        name: How reports and the model's metadata call it, with `/`.
        is_anomalous: The label.
        mask: A picture of where the anomaly is (white), if there is one.
        kinds: Of anomaly that it may show; where there are several, the mask tells which
            (`chalicelib.training.masks`).
    """

    path: Path
    name: str
    is_anomalous: bool
    mask: Path | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that takes no part, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was understood of a set of pictures.

    Attributes:
        root: The folder that holds the splits or the labelled folders.
        train: The training split; everything, where there are no splits.
        test: The test or validation split; empty where there are no splits.
        skipped: What takes no part.
        colors: Colour (`#rrggbb`) of each kind of anomaly, where the set has them.
    """

    root: Path
    train: tuple[LabelledPicture, ...]
    test: tuple[LabelledPicture, ...]
    skipped: tuple[Skipped, ...]
    colors: Mapping[str, str] = field(default_factory=dict)

    @property
    def normals(self) -> tuple[LabelledPicture, ...]:
        """What a model is trained on."""
        return tuple(picture for picture in self.train if not picture.is_anomalous)

    @property
    def anomalies(self) -> tuple[LabelledPicture, ...]:
        """Anomalous pictures outside the test split."""
        return tuple(picture for picture in self.train if picture.is_anomalous)
