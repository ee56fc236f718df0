"""How a model bears what cameras do: the same pictures with other light, focus, noise, compression, place."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.exceptions import PictureRejectedError
from chalicelib.measuring.metrics import image_metrics
from chalicelib.pictures import read_picture
from chalicelib.training.altering import blurred, brighter, compressed, contrasted, moved, noisy

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


def _noisy(pixels: Pixels, deviation: float) -> Pixels:
    """The same noise on every picture and every day."""
    return noisy(pixels, deviation, np.random.default_rng(0))


CONDITIONS: dict[str, Change] = {
    **{f"brightness × {factor:g}": partial(brighter, factor=factor) for factor in (0.7, 0.85, 1.15, 1.3)},  # noqa: RUF001
    **{f"contrast × {factor:g}": partial(contrasted, factor=factor) for factor in (0.7, 1.3)},  # noqa: RUF001
    **{f"blur, radius {share:.1%} of a side": partial(blurred, share=share) for share in (0.003, 0.01)},
    **{f"noise, σ {level:g} of 255": partial(_noisy, deviation=level) for level in (5.0, 15.0)},  # noqa: RUF001
    **{f"JPEG quality {quality}": partial(compressed, quality=quality) for quality in (50, 20)},
    **{f"shifted by {share:.0%}": partial(moved, shift=(share, share)) for share in (0.02, 0.05)},
    **{f"turned by {angle}°": partial(moved, degrees=angle) for angle in (2, 5, -5)},
    **{f"scale × {scale:g}": partial(moved, scale=scale) for scale in (0.95, 1.05)},  # noqa: RUF001
}
"""What is done to the pictures, in the size at which they are decoded for the model; by name."""


def stress_dict(results: Sequence[StressResult], others: Sequence[StressResult] = ()) -> list[dict[str, Any]]:
    """As `spotcheck evaluate --stress --json` lists it.

    Args:
        results: From `stress_test`.
        others: The same of another model, if there is one: each condition then tells its figures, too, and by
            how much the model's AUROC and false alarms are higher.
    """
    listed = [asdict(result) for result in results]
    for one, result, other in zip(listed, results, others, strict=False):
        one["against"] = {
            "image_auroc": other.image_auroc,
            "recall": other.recall,
            "false_alarm_rate": other.false_alarm_rate,
            "image_auroc_difference": _difference(result.image_auroc, other.image_auroc),
            "false_alarm_rate_difference": _difference(result.false_alarm_rate, other.false_alarm_rate),
        }
    return listed


def stress_table(results: Sequence[StressResult], others: Sequence[StressResult] = ()) -> Table:
    """A row for each condition; what departs from the pictures as they are stands out. The last is the mean.

    Args:
        results: From `stress_test`.
        others: The same of another model, if there is one: two columns then say by how much the model's AUROC
            and false alarms are higher.
    """
    from rich.table import Table

    plain, title = results[0], f"{results[0].images} pictures under stress"
    headings = ["image AUROC", "recall", "false alarms"]
    if others:
        title += "; Δ: difference from the other model"
        headings = ["AUROC", "Δ", "recall", "alarms", "Δ"]
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right")
    for result, other in zip_longest(results, others):
        table.add_row(*_row(result, plain, other))
    table.add_section()
    table.add_row(*_row(_mean(results), plain, _mean(others) if others else None))
    return table


def _row(result: StressResult, plain: StressResult, other: StressResult | None) -> list[str]:
    auroc = _cell(result.image_auroc, plain.image_auroc, worse=-1)
    recall = _cell(result.recall, plain.recall, worse=-1)
    alarms = _cell(result.false_alarm_rate, plain.false_alarm_rate, worse=1)
    if other is None:
        return [result.condition, auroc, recall, alarms]
    auroc_gain = _gain(result.image_auroc, other.image_auroc, better=1)
    alarms_gain = _gain(result.false_alarm_rate, other.false_alarm_rate, better=-1)
    return [result.condition, auroc, auroc_gain, recall, alarms, alarms_gain]


def _mean(results: Sequence[StressResult]) -> StressResult:
    """Of all conditions but the pictures as they are."""
    stressed = results[1:]
    return StressResult(
        "mean under stress",
        results[0].images,
        _mean_of([result.image_auroc for result in stressed]),
        _mean_of([result.recall for result in stressed]),
        _mean_of([result.false_alarm_rate for result in stressed]),
    )


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _cell(value: float | None, plain: float | None, *, worse: int) -> str:
    """A share, yellow where it is 5 points worse than without stress, red where it is 15."""
    if value is None or plain is None:
        return "-"
    loss = (value - plain) * worse
    colour = "red" if loss > 0.15 else "yellow" if loss > 0.05 else ""
    return f"[{colour}]{value:.3f}[/]" if colour else f"{value:.3f}"


def _gain(value: float | None, other: float | None, *, better: int) -> str:
    """A difference, green where it is 5 points better than the other model, red where it is 5 worse."""
    difference = _difference(value, other)
    if difference is None:
        return "-"
    colour = "" if abs(difference) <= 0.05 else "green" if difference * better > 0 else "red"
    return f"[{colour}]{difference:+.3f}[/]" if colour else f"{difference:+.3f}"
