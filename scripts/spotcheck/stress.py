"""How a model bears what cameras do: the same pictures with other light, focus, noise, compression, place."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from chalicelib.exceptions import PictureRejectedError
from chalicelib.measuring.metrics import image_metrics
from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from rich.table import Table

    from chalicelib.detector import Detector
    from chalicelib.measuring.pictures import LabelledPicture
    from chalicelib.pictures import Picture

    Pixels = NDArray[np.uint8]
    Change = Callable[[Pixels], Pixels]

# Of each label; more tell little more and take long: every picture is judged under every condition.
_MOST_OF_A_LABEL = 60
UNCHANGED = "as they are"


@dataclass(frozen=True, slots=True)
class StressResult:
    """How the model did under one condition; a figure is None where the pictures cannot tell it.

    Attributes:
        condition: What was done to the pictures.
        images: How many pictures were judged.
        image_auroc: Area under the ROC curve.
        recall: Of the anomalous pictures, the share found.
        false_alarm_rate: Of the normal pictures, the share called anomalous.
    """

    condition: str
    images: int
    image_auroc: float | None
    recall: float | None
    false_alarm_rate: float | None

    def to_dict(self) -> dict[str, Any]:
        """As `spotcheck evaluate --stress --json` lists it."""
        return asdict(self)


def stress_test(
    detector: Detector,
    pictures: Sequence[LabelledPicture],
    progress: Callable[[int, int], None] | None = None,
    conditions: dict[str, Change] | None = None,
) -> list[StressResult]:
    """Judges pictures as they are and under each condition.

    Args:
        detector: The model.
        pictures: Labelled ones; sixty of each label are taken, evenly spread. Unreadable ones are left out.
        progress: Called with how many pictures are done, of how many.
        conditions: What to do to them, by name; `CONDITIONS` where not given.
    """
    changes: dict[str, Change] = {UNCHANGED: lambda pixels: pixels}
    changes |= CONDITIONS if conditions is None else conditions
    chosen = _spread(pictures, is_anomalous=False) + _spread(pictures, is_anomalous=True)
    labels: list[bool] = []
    scores: dict[str, list[float]] = {name: [] for name in changes}
    for done, labelled in enumerate(chosen, start=1):
        picture = _read(labelled, detector)
        if picture is not None:
            labels.append(labelled.is_anomalous)
            for name, change in changes.items():
                changed = replace(picture, pixels=change(picture.pixels))
                scores[name].append(detector.detect(changed).score)
        if progress:
            progress(done, len(chosen))
    return [_result(name, labels, values, detector.metadata.threshold) for name, values in scores.items()]


def _result(name: str, labels: Sequence[bool], scores: Sequence[float], threshold: float) -> StressResult:
    metrics = image_metrics(labels, scores, threshold)
    return StressResult(name, len(scores), metrics.image_auroc, metrics.recall, metrics.false_alarm_rate)


def _spread(pictures: Sequence[LabelledPicture], *, is_anomalous: bool) -> list[LabelledPicture]:
    """At most sixty pictures of one label, evenly spread over all."""
    of_label = [picture for picture in pictures if picture.is_anomalous == is_anomalous]
    count = min(len(of_label), _MOST_OF_A_LABEL)
    return [of_label[index * len(of_label) // count] for index in range(count)]


def _read(labelled: LabelledPicture, detector: Detector) -> Picture | None:
    try:
        data = labelled.path.read_bytes()
        return read_picture(data, min_decoded_side=detector.min_decoded_side)
    except (PictureRejectedError, OSError):
        return None


def _brighter(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor))


def _contrasted(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(pixels)).enhance(factor))


def _blurred(pixels: Pixels, share: float) -> Pixels:
    radius = share * min(pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def _noisy(pixels: Pixels, deviation: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, deviation, pixels.shape)
    result: Pixels = np.clip(pixels + noise, 0, 255).round().astype(np.uint8)
    return result


def _compressed(pixels: Pixels, quality: int) -> Pixels:
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file).convert("RGB"))


def _moved(pixels: Pixels, *, shift: float = 0, degrees: float = 0, scale: float = 1) -> Pixels:
    """Shifted by a share of its sides, turned and magnified; what comes in from outside is mirrored."""
    height, width = pixels.shape[:2]
    pad_y, pad_x = height // 4, width // 4
    wide = np.pad(pixels, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="reflect")
    turned = Image.fromarray(wide).rotate(degrees, Image.Resampling.BICUBIC)
    left = pad_x + width * (1 - 1 / scale) / 2 - shift * width
    top = pad_y + height * (1 - 1 / scale) / 2 - shift * height
    box = (left, top, left + width / scale, top + height / scale)
    return np.asarray(turned.resize((width, height), Image.Resampling.BICUBIC, box=box))


CONDITIONS: dict[str, Change] = {
    **{f"brightness × {factor:g}": partial(_brighter, factor=factor) for factor in (0.7, 0.85, 1.15, 1.3)},  # noqa: RUF001
    **{f"contrast × {factor:g}": partial(_contrasted, factor=factor) for factor in (0.7, 1.3)},  # noqa: RUF001
    **{f"blur, radius {share:.1%} of a side": partial(_blurred, share=share) for share in (0.003, 0.01)},
    **{f"noise, σ {level:g} of 255": partial(_noisy, deviation=level) for level in (5.0, 15.0)},  # noqa: RUF001
    **{f"JPEG quality {quality}": partial(_compressed, quality=quality) for quality in (50, 20)},
    **{f"shifted by {share:.0%}": partial(_moved, shift=share) for share in (0.02, 0.05)},
    **{f"turned by {angle}°": partial(_moved, degrees=angle) for angle in (2, 5, -5)},
    **{f"scale × {scale:g}": partial(_moved, scale=scale) for scale in (0.95, 1.05)},  # noqa: RUF001
}
"""What is done to the pictures, in the size at which they are decoded for the model; by name."""


def stress_table(results: Sequence[StressResult]) -> Table:
    """A row for each condition; what departs from the pictures as they are stands out.

    Args:
        results: From `stress_test`.
    """
    from rich.table import Table

    plain = results[0]
    title = f"{plain.images} pictures under stress"
    table = Table(title=title, title_justify="left")
    for heading in ("", "image AUROC", "recall", "false alarms"):
        table.add_column(heading, justify="right" if heading else "left")
    for result in results:
        table.add_row(
            result.condition,
            _cell(result.image_auroc, plain.image_auroc, worse=-1),
            _cell(result.recall, plain.recall, worse=-1),
            _cell(result.false_alarm_rate, plain.false_alarm_rate, worse=1),
        )
    return table


def _cell(value: float | None, plain: float | None, *, worse: int) -> str:
    """A share, yellow where it is 5 points worse than without stress, red where it is 15."""
    if value is None or plain is None:
        return "-"
    loss = (value - plain) * worse
    colour = "red" if loss > 0.15 else "yellow" if loss > 0.05 else ""
    return f"[{colour}]{value:.3f}[/]" if colour else f"{value:.3f}"
