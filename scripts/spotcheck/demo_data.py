"""The demo's pictures: real solar cells of the package `elpv-dataset`, or a folder of the user's own."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spotcheck.console import err
from spotcheck.exceptions import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chalicelib.measuring.pictures import LabelledPicture

SEED = 1
TRAIN_NORMALS = 200
HELD_OUT_PER_CLASS = 30
LICENCE = (
    "ELPV dataset (S. Deitsch, C. Buerhop-Lutz and others, github.com/zae-bayern/elpv-dataset): "
    "CC BY-NC-SA 4.0, non-commercial use only. Neither its pictures nor a model of them is part of Spotcheck."
)


@dataclass(frozen=True)
class Sample:
    """A picture to upload.

    Attributes:
        name: Its name below the upload prefix.
        path: The file.
        is_defective: Its label; none for a broken file, or where labels are missing.
    """

    name: str
    path: Path
    is_defective: bool | None


@dataclass(frozen=True)
class DemoData:
    """What the demo trains on and what it uploads; no picture is in both.

    Attributes:
        title: The report's heading.
        description: What the pictures are and how they were chosen.
        train: Normal pictures to train on.
        samples: Held-out pictures, in the order of upload.
        notes: What else to say: licence, what was left out.
        least_auroc: The image AUROC below which the demo fails; none where nothing is promised.
    """

    title: str
    description: str
    train: Sequence[Path]
    samples: Sequence[Sample]
    notes: Sequence[str]
    least_auroc: float | None = None


def solar_cells(folder: Path) -> DemoData:
    """Writes the chosen cells below `folder` in MVTec layout, so that other verbs can use them too.

    Args:
        folder: Emptied first.
    """
    from elpv_dataset.utils import load_dataset

    images, probabilities, types = load_dataset()
    normal, defective = choose_cells(probabilities.tolist(), types.tolist())
    shutil.rmtree(folder, ignore_errors=True)

    def write(index: int, place: str, suffix: str) -> Path:
        path = folder / place / f"cell{index + 1:04d}{suffix}"
        save_cell(images[index], path)
        return path

    train = [write(index, "train/good", ".png") for index in normal[:TRAIN_NORMALS]]
    # Both file types among both classes, so that the type says nothing about the label.
    held_out = [(index, False) for index in normal[TRAIN_NORMALS:]] + [(index, True) for index in defective]
    samples = [
        Sample(path.name, path, label)
        for place, (index, label) in enumerate(held_out)
        for path in [write(index, "test/defective" if label else "test/good", (".png", ".jpg")[place % 2])]
    ]
    random.Random(SEED).shuffle(samples)  # noqa: S311 - an order, not a secret
    return DemoData(
        title="Solar cells, judged by a model trained a moment before",
        description=(
            f"{len(train)} normal cells to train on, {len(samples)} others uploaded, half of them defective: "
            "electroluminescence pictures of monocrystalline cells, 300 × 300, drawn with a fixed seed."  # noqa: RUF001
        ),
        train=train,
        samples=samples,
        notes=[
            LICENCE,
            (
                "Defective: the experts' defect probability is 1. Normal: it is 0. "
                "Cells of 1/3 and 2/3, on which they were unsure, are left out."
            ),
            (
                "Monocrystalline cells only: one product, one model. "
                "The set does not say which cells come from one solar module, so some on both sides may."
            ),
        ],
        least_auroc=0.85,
    )


def choose_cells(
    probabilities: Sequence[float], types: Sequence[str], seed: int = SEED
) -> tuple[list[int], list[int]]:
    """Draws the demo's cells.

    Args:
        probabilities: Of a defect, one for each cell: 0, 1/3, 2/3 or 1.
        types: `mono` or `poly`, one for each cell.
        seed: The same seed draws the same cells.

    Returns:
        Indices of normal cells, those to train on first, and of defective cells.
    """
    draw = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret

    def some(probability: float, count: int) -> list[int]:
        cells = [
            i
            for i, (p, kind) in enumerate(zip(probabilities, types, strict=True))
            if p == probability and kind == "mono"
        ]
        return draw.sample(cells, count)

    return some(0.0, TRAIN_NORMALS + HELD_OUT_PER_CLASS), some(1.0, HELD_OUT_PER_CLASS)


def save_cell(pixels: Any, path: Path) -> None:  # noqa: ANN401 - an array of the dataset's
    """Writes one picture as the type that its suffix names."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"quality": 95} if path.suffix == ".jpg" else {"compress_level": 1}
    Image.fromarray(pixels).save(path, **options)


def broken_files(folder: Path, picture: Path) -> list[Sample]:
    """Two files that can never be judged: a picture cut short, and a text that calls itself a picture.

    Args:
        folder: Where to write them.
        picture: Any picture, of which the first one takes the beginning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cut = folder / f"cut-short{picture.suffix}"
    data = picture.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    text = folder / "not-a-picture.jpg"
    text.write_text("This is no picture.\n", encoding="utf-8")
    return [Sample(f"broken/{path.name}", path, None) for path in (cut, text)]


def own_pictures(folder: Path) -> DemoData:
    """Splits a folder of the user's own pictures; says on stderr what was understood.

    The test split is uploaded where there is one. Otherwise a fifth of the normal pictures is held out, and
    the anomalous ones are uploaded. At most 30 of each, drawn with a fixed seed.

    Raises:
        DatasetError: The folder has no layout that is understood, or too few normal pictures.
    """
    from chalicelib.training.config import MIN_NORMALS
    from spotcheck.datasets import read_dataset

    dataset = read_dataset(folder)
    draw = random.Random(SEED)  # noqa: S311 - a repeatable choice, not a secret
    train, others = list(dataset.normals), list(dataset.test)
    if not others:
        draw.shuffle(train)
        held_out = min(HELD_OUT_PER_CLASS, len(train) // 5)
        others = [*train[:held_out], *dataset.anomalies]
        train = train[held_out:]
    if len(train) < MIN_NORMALS or not others:
        msg = (
            f"{folder}: {len(train)} normal pictures to train on and {len(others)} others to upload are too "
            f"few; {MIN_NORMALS} normal ones are the least, 60 or more are better"
        )
        raise DatasetError(msg)
    samples = [
        Sample(picture.name, picture.path, picture.is_anomalous)
        for label in (False, True)
        for picture in _some(draw, [one for one in others if one.is_anomalous is label])
    ]
    draw.shuffle(samples)
    defective = sum(bool(sample.is_defective) for sample in samples)
    description = (
        f"{len(train)} normal pictures to train on; of {len(others)} others {len(samples)} uploaded, "
        f"{defective} of them labelled anomalous."
    )
    skipped = [f"Left out: {one.name} ({one.reason})" for one in dataset.skipped]
    for line in (description, *skipped[:5], f"and {len(skipped) - 5} more left out" if skipped[5:] else ""):
        if line:
            err.print(line, highlight=False, markup=False)
    title = f"{folder.resolve().name}, judged by a model trained a moment before"
    return DemoData(title, description, [one.path for one in train], samples, skipped)


def _some(draw: random.Random, pictures: list[LabelledPicture]) -> list[LabelledPicture]:
    return draw.sample(pictures, min(HELD_OUT_PER_CLASS, len(pictures)))
