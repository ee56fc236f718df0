"""The sets on which the detector is measured, each as it is and with labelled anomalies to learn from."""

from __future__ import annotations

import importlib.util
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.measuring.pictures import Dataset, LabelledPicture
from spotcheck.datasets import read_dataset
from spotcheck.exceptions import PrerequisiteError
from spotcheck.experiments import with_test_anomalies

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = Path("../shared/data")
_FOLDER_SETS = ("cookies", "aliens", "car_panel")
_TRAINED_ON = 0.7
LABELS = 20


def sets() -> Iterator[tuple[str, Dataset | None]]:
    """Name and pictures of each set; None where its folder is missing."""
    for name in _FOLDER_SETS:
        yield name, read_dataset(_FOLDERS / name) if (_FOLDERS / name).is_dir() else None
    for kind in ("mono", "poly"):
        yield f"elpv_{kind}", solar_cells(kind)


def with_labels(name: str, dataset: Dataset) -> Iterator[tuple[str, Dataset]]:
    """The set with twenty of its test anomalies to learn from; where it has masks, without them, too."""
    labelled = with_test_anomalies(dataset, LABELS)
    yield name, labelled
    if any(picture.mask for picture in labelled.anomalies):
        bare = tuple(replace(picture, mask=None) for picture in labelled.train)
        yield f"{name}_without_masks", replace(labelled, train=bare)


def solar_cells(kind: str, normals: int | None = None) -> Dataset:
    """The ELPV cells of one kind: some normal ones, drawn once and for all, to train on; the others to test.

    Cells on which the experts were unsure (a defect probability of 1/3 or 2/3) are left out.

    Args:
        kind: `mono` or `poly`.
        normals: How many; None for 70 % of them.

    Raises:
        PrerequisiteError: The package is not installed.
    """
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        message = "The benchmark needs the Python package elpv-dataset: install requirements/dev.txt."
        raise PrerequisiteError(message)
    folder = Path(spec.origin).parent / "data"
    rows = [line.split() for line in (folder / "labels.csv").read_text().splitlines() if line.strip()]
    pictures = [
        LabelledPicture(folder / path, path, is_anomalous=float(probability) == 1)
        for path, probability, cell_kind in rows
        if cell_kind == kind and float(probability) in (0, 1)
    ]
    random.Random(1).shuffle(pictures)  # noqa: S311 - an order, not a secret
    whole = [picture for picture in pictures if not picture.is_anomalous]
    train = tuple(whole[: round(_TRAINED_ON * len(whole)) if normals is None else normals])
    return Dataset(folder, train, tuple(picture for picture in pictures if picture not in set(train)), ())
