"""How well predicted masks fit the true ones, for each kind of anomaly.

Lookout for Vision's developer guide ("Improving your Amazon Lookout for Vision model") defines precision,
recall and F1 for pictures, and Average IoU as "the average percentage overlap" of predicted masks and those
of the test pictures. Of a label's own precision, recall and F1 it gives no formula. The plainest reading is
taken: the three count pixels, of all pictures together; the IoU is that of each picture in which the kind is
shown or was predicted, and Average IoU their mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from chalicelib.anomalies import ANOMALY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class KindMetrics:
    """Pixel metrics of one kind of anomaly, 0 to 1.

    Attributes:
        name: The kind.
        pictures: In how many pictures the true masks show it.
        precision: Of the pixels predicted to be of this kind, the share that is; None where none was.
        recall: Of the pixels of this kind, the share predicted to be.
        f1: Harmonic mean of the two; 0 where none was predicted.
        average_iou: Mean, over the pictures in which it is shown or predicted, of intersection over union.
    """

    name: str
    pictures: int
    precision: float | None
    recall: float
    f1: float
    average_iou: float


@dataclass(slots=True)
class _Count:
    """Pixels of one kind in all pictures so far."""

    both: int = 0
    predicted: int = 0
    true: int = 0
    pictures: int = 0
    ious: list[float] = field(default_factory=list)

    def add(self, both: int, predicted: int, true: int) -> None:
        union = predicted + true - both
        if not union:
            return
        self.both += both
        self.predicted += predicted
        self.true += true
        self.pictures += true > 0
        self.ious.append(both / union)

    def metrics(self, name: str) -> KindMetrics:
        return KindMetrics(
            name=name,
            pictures=self.pictures,
            precision=self.both / self.predicted if self.predicted else None,
            recall=self.both / self.true,
            f1=2 * self.both / (self.predicted + self.true),
            average_iou=float(np.mean(self.ious)),
        )


class KindPixels:
    """Counts pixels of predicted and true masks over any number of pictures.

    Args:
        names: Of the kinds that the model names. Where it names none (`anomaly` alone), all true kinds are
            that one.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._counts: dict[str, _Count] = {}

    def add(
        self,
        kind_map: NDArray[np.uint8],
        width: int,
        height: int,
        truth: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        """Counts one picture.

        Args:
            kind_map: `(rows, columns)`, what the model predicted: 0 for the background, 1 for the first of
                its kinds and so on. It is compared as `AnomalyMask` shows it: at the mask's size, each
                pixel as its patch.
            width: Of the picture, in pixels.
            height: Of the picture, in pixels.
            truth: `(H, W)` by kind; empty for a normal picture.
        """
        if self._names == (ANOMALY,) and truth:
            truth = {ANOMALY: np.logical_or.reduce(list(truth.values()))}
        if not truth and not kind_map.any():
            return
        shape = next(iter(truth.values())).shape if truth else (height, width)
        size = (shape[1], shape[0])
        predicted = np.asarray(Image.fromarray(kind_map).resize(size, Image.Resampling.NEAREST))
        nothing = np.zeros(shape, bool)
        for name in sorted({*self._names, *truth}):
            true = truth.get(name, nothing)
            found = predicted == self._names.index(name) + 1 if name in self._names else nothing
            count = self._counts.setdefault(name, _Count())
            count.add(*(int(np.count_nonzero(one)) for one in (true & found, found, true)))

    def metrics(self) -> tuple[KindMetrics, ...]:
        """Those of each kind that the true masks show, by name; also of those that the model cannot name."""
        shown = sorted((name, count) for name, count in self._counts.items() if count.true)
        return tuple(count.metrics(name) for name, count in shown)
