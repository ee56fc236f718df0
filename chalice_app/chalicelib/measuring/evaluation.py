"""Measures a model on labelled pictures, at the desk and in the cloud."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from chalicelib.exceptions import PictureRejectedError
from chalicelib.measuring.intervals import confidence_intervals
from chalicelib.measuring.mask_comparison import MaskComparison
from chalicelib.measuring.metrics import SIDE, PixelMetrics, image_metrics
from chalicelib.measuring.pictures import Skipped
from chalicelib.pictures import read_picture
from chalicelib.training.masks import QUARTER, anomalous_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Progress = Callable[[int, int], None]

    from numpy.typing import NDArray

    from chalicelib.detector import Detection, Detector
    from chalicelib.measuring.intervals import Interval
    from chalicelib.measuring.kind_pixels import KindMetrics
    from chalicelib.measuring.pictures import Dataset, LabelledPicture
    from chalicelib.pictures import Picture

# No kind has such a name: it has a space.
CALLED_NORMAL = "called normal"
# Heat maps of pictures seen in tiles are compared with masks pixel by pixel up to this.
_LONGEST_SIDE = 4096


@dataclass(frozen=True, slots=True)
class Defect:
    """A kind of anomaly: how many pictures show it, and how many of them were called anomalous."""

    name: str
    pictures: int
    found: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled picture and its score, by a model that was not trained on it or was: `Evaluation` tells."""

    labelled: LabelledPicture
    score: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, and on what. A figure is None where the pictures cannot tell it.

    Attributes:
        images: How many pictures were judged.
        image_auroc: Area under the ROC curve of the anomaly scores.
        pixel_auroc: The same of single pixels, where masks tell which are anomalous.
        pixel_aupro: Area under the per-region overlap curve up to a false-positive rate of 0.3.
        precision: Of the pictures called anomalous, the share that is.
        recall: Of the anomalous pictures, the share that was called so.
        f1: Harmonic mean of precision and recall.
        false_alarm_rate: Of the normal pictures, the share that was called anomalous.
        threshold: The model's, at which the four before were measured.
        latency_ms_p50: Median time from a file's bytes to its verdict, in milliseconds.
        latency_ms_p95: The 95th percentile of the same.
        normals: How many of the pictures are normal.
        anomalies: How many are anomalous.
        trained_on: How many of them the model was trained on: those make it look better than it is.
        measured_on: The pictures, in words.
        skipped: Pictures that could not be judged.
        kinds: Of the pictures of each kind of anomaly, how many were given each name, by their worst region;
            `called normal` counts the missed ones. Empty where the model tells no kinds apart.
        pixel_kinds: How well predicted masks fit the true ones, for each kind of anomaly that masks show.
        judged: Every picture that was, with its score.
    """

    images: int
    image_auroc: float | None
    pixel_auroc: float | None
    pixel_aupro: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    false_alarm_rate: float | None
    threshold: float
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    normals: int
    anomalies: int
    trained_on: int
    measured_on: str
    skipped: tuple[Skipped, ...]
    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pixel_kinds: tuple[KindMetrics, ...] = ()
    judged: tuple[Judged, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `spotcheck evaluate --json` prints it."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "judged"}
        return {
            **values,
            "pixel_kinds": [asdict(kind) for kind in self.pixel_kinds],
            "skipped": [{"name": item.name, "reason": item.reason} for item in self.skipped],
            "intervals": self.intervals(),
            "defects": [asdict(defect) for defect in self.defects()],
        }

    def intervals(self) -> dict[str, Interval]:
        """95 % confidence intervals of the figures about whole pictures, where there are any."""
        labels = [one.labelled.is_anomalous for one in self.judged]
        return confidence_intervals(labels, [one.score for one in self.judged], self.threshold)

    def defects(self) -> list[Defect]:
        """How many of each kind of anomaly were found; the kind is the name of the picture's folder."""
        found: dict[str, list[bool]] = {}
        for one in self.judged:
            if one.labelled.is_anomalous:
                kind = PurePosixPath(one.labelled.name).parent.name
                found.setdefault(kind, []).append(one.score > self.threshold)
        return [Defect(name, len(calls), sum(calls)) for name, calls in sorted(found.items())]


def evaluate_dataset(
    detector: Detector, dataset: Dataset, progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Measures a model on a dataset's test split, or on all its pictures where it has no splits."""
    if dataset.test:
        return evaluate_pictures(detector, dataset.test, "the test split", progress=progress)
    return evaluate_pictures(detector, dataset.train, "all pictures of the folder", progress=progress)


def evaluate_pictures(
    detector: Detector,
    pictures: Sequence[LabelledPicture],
    measured_on: str,
    *,
    normal_scores: Sequence[float] = (),
    normals: Sequence[LabelledPicture] = (),
    anomaly_scores: Sequence[float] = (),
    anomalies: Sequence[LabelledPicture] = (),
    kind_maps: Sequence[tuple[LabelledPicture, NDArray[np.uint8]]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measures a model on labelled pictures.

    Args:
        detector: The model.
        pictures: What to judge.
        measured_on: What the pictures are, in words.
        normal_scores: Scores of further normal pictures that need no judging: leave-one-out scores.
        normals: Those pictures, in the same order, so that reports can show them.
        anomaly_scores: Scores of further anomalous pictures that need no judging: cross-validated scores.
        anomalies: Those pictures, in the same order.
        kind_maps: Those of these pictures of which it is known what masks a model predicted that had not
            seen them (`TrainedModel.kind_maps`). With `normal_scores`, masks are compared by these alone.
        progress: Called with how many pictures are done, of how many.
    """
    tally = _Tally(detector, compares_masks=not normal_scores)
    for labelled, kind_map in kind_maps:
        tally.masks.add_held_out(labelled, kind_map)
    for done, picture in enumerate(pictures, start=1):
        tally.judge(picture)
        if progress:
            progress(done, len(pictures))
    labels = [False] * len(normal_scores) + [True] * len(anomaly_scores) + tally.labels
    scores = [*normal_scores, *anomaly_scores, *tally.scores]
    metrics = image_metrics(labels, scores, detector.metadata.threshold)
    p50, p95 = np.percentile(tally.milliseconds, (50, 95)) if tally.milliseconds else (None, None)
    return Evaluation(
        images=len(labels),
        image_auroc=metrics.image_auroc,
        pixel_auroc=tally.pixels.auroc(),
        pixel_aupro=tally.pixels.aupro(),
        precision=metrics.precision,
        recall=metrics.recall,
        f1=metrics.f1,
        false_alarm_rate=metrics.false_alarm_rate,
        threshold=detector.metadata.threshold,
        latency_ms_p50=p50 if p50 is None else round(float(p50), 2),
        latency_ms_p95=p95 if p95 is None else round(float(p95), 2),
        normals=labels.count(False),
        anomalies=labels.count(True),
        trained_on=tally.trained_on,
        measured_on=measured_on,
        skipped=tuple(tally.skipped),
        kinds=tally.kinds or (_cross_validated_kinds(detector) if anomaly_scores else {}),
        pixel_kinds=tally.masks.metrics(),
        judged=(
            *map(Judged, normals, normal_scores),
            *map(Judged, anomalies, anomaly_scores),
            *tally.judged,
        ),
    )


def _cross_validated_kinds(detector: Detector) -> Mapping[str, Mapping[str, int]]:
    """What training measured, of pictures that are not judged once more."""
    metadata = detector.metadata
    confusion: Mapping[str, Mapping[str, int]] = metadata.decisions.get("kinds", {}).get("confusion", {})
    return confusion if len(metadata.kinds) > 1 else {}


class _Tally:
    """Judges pictures one by one and keeps what the metrics need."""

    def __init__(self, detector: Detector, *, compares_masks: bool) -> None:
        self._detector = detector
        self._compares_masks = compares_masks
        self._training_hashes = detector.metadata.seen_hashes
        self.pixels = PixelMetrics(detector.metadata.threshold)
        self.masks = MaskComparison(detector)
        self.labels: list[bool] = []
        self.scores: list[float] = []
        self.milliseconds: list[float] = []
        self.skipped: list[Skipped] = []
        self.judged: list[Judged] = []
        self.kinds: dict[str, dict[str, int]] = {}
        self.trained_on = 0

    def judge(self, labelled: LabelledPicture) -> None:
        try:
            data = labelled.path.read_bytes()
            picture, detection, milliseconds = self._timed(data)
        except PictureRejectedError as rejected:
            self.skipped.append(Skipped(labelled.name, rejected.reason))
            return
        except OSError as error:
            reason = f"The file cannot be read: {error.strerror or error}."
            self.skipped.append(Skipped(labelled.name, reason))
            return
        size = self._compared_at(picture)
        labelled, mask = self._with_usable_mask(labelled, size)
        self.trained_on += hashlib.sha256(data).hexdigest() in self._training_hashes
        self.labels.append(labelled.is_anomalous)
        self.scores.append(detection.score)
        self.judged.append(Judged(labelled, detection.score))
        self.milliseconds.append(milliseconds)
        self._note_kind(labelled, detection)
        if self._compares_masks:
            self.masks.add(labelled, picture, detection.kind_map)
        if mask is not None or not labelled.is_anomalous:
            self.pixels.add(_enlarged(detection.heat_map, size), mask)

    def _with_usable_mask(
        self, labelled: LabelledPicture, size: tuple[int, int]
    ) -> tuple[LabelledPicture, NDArray[np.bool_] | None]:
        """The picture and its mask at a size; without one where it is of no use, which is said."""
        if labelled.mask is None:
            return labelled, None
        try:
            mask = _read_mask(labelled.mask, size)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
        else:
            if mask.any():
                return labelled, mask
            reason = "it is black"
        self.skipped.append(Skipped(labelled.name, f"Its mask was not used: {reason}."))
        return replace(labelled, mask=None), None

    def _compared_at(self, picture: Picture) -> tuple[int, int]:
        """Width and height at which heat map and mask are compared: in full size where details are found."""
        if not self._detector.metadata.tile:
            return SIDE, SIDE
        return min(picture.width, _LONGEST_SIDE), min(picture.height, _LONGEST_SIDE)

    def _note_kind(self, labelled: LabelledPicture, detection: Detection) -> None:
        if len(detection.model_kinds) < 2 or len(labelled.kinds) != 1:
            return
        names = [*(kind.name for kind in detection.model_kinds), CALLED_NORMAL]
        row = self.kinds.setdefault(labelled.kinds[0], dict.fromkeys(names, 0))
        row[detection.regions[0].name if detection.regions else CALLED_NORMAL] += 1

    def _timed(self, data: bytes) -> tuple[Picture, Detection, float]:
        start = time.perf_counter()
        picture = read_picture(data, min_decoded_side=self._detector.min_decoded_side)
        detection = self._detector.detect(picture)
        return picture, detection, (time.perf_counter() - start) * 1000


def _enlarged(heat_map: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(heat_map).resize(size, Image.Resampling.BILINEAR))


def _read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask `(height, width)` at a size `(width, height)`."""
    white = Image.fromarray(anomalous_pixels(path.read_bytes())).convert("L")
    coverage = np.asarray(white.resize(size, Image.Resampling.BOX))
    mask: NDArray[np.bool_] = coverage > QUARTER
    return mask
