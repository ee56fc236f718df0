"""A model that anomalib exported, made a model of ours: one file, calibrated on pictures of the user's.

anomalib 2.x exports `input` (float, RGB from 0 to 1; mean and deviation are inside, a resize is not), and
`pred_score`, `pred_label`, `anomaly_map`, `pred_mask`. Scores and maps are what its `PostProcessor` made of
them: x = clip((s - threshold) / (largest - smallest) + 0.5, 0, 1), so that 0.5 is its own threshold
(https://github.com/open-edge-platform/anomalib, `post_processing/post_processor.py`).

Whatever is clipped cannot be ranked or calibrated: the clip is taken out. The score is then exp(x - 0.5): 1
at anomalib's threshold, greater than 0 everywhere as ours are. The map is brought to the score's scale: its
largest values get the mean and deviation that the scores have.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.exceptions import ModelInvalidError, PictureRejectedError, TrainingError
from chalicelib.framing import STRETCH, Framing
from chalicelib.model_metadata import ModelMetadata, SkippedImage, TrainingImage
from chalicelib.pictures import read_picture
from chalicelib.training.anomalib_graph import Export
from chalicelib.training.config import MIN_NORMALS
from chalicelib.training.graph import with_metadata
from chalicelib.training.provenance import library_versions, rounded
from chalicelib.training.threshold import Threshold, choose_threshold, fit_logistic_curve
from chalicelib.training.trainer import TrainedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from chalicelib.training.config import NamedPicture
    from chalicelib.training.foreign import Foreign


class Calibration(NamedTuple):
    """How to calibrate.

    Attributes:
        project: The project that the model will judge for.
        false_alarm_rate: The share of normal pictures that may be called anomalous.
        keeps_threshold: Whether anomalib's own threshold stays, whatever the rate.
        size: Side in pixels of its pictures, where the export leaves it open.
        warning: About the pictures, to go with the model.
    """

    project: str = "spotcheck"
    false_alarm_rate: float = 0.05
    keeps_threshold: bool = False
    size: int | None = None
    warning: str = ""


def import_anomalib(
    foreign: Foreign,
    name: str,
    normals: Sequence[NamedPicture],
    anomalies: Sequence[NamedPicture],
    calibration: Calibration,
    progress: Callable[[int, int], None] | None = None,
) -> TrainedModel:
    """Makes a model of ours of an export.

    Args:
        foreign: From `load_foreign`.
        name: How the metadata calls the network.
        normals: Normal pictures, best those that anomalib was not trained on: they set the threshold.
        anomalies: Anomalous pictures, which shape the probability; there may be none.
        calibration: How to calibrate.
        progress: Called with how many pictures are done, of how many.

    Raises:
        ModelInvalidError: The file is no such export.
        TrainingError: Too few normal pictures can be read, or the size is missing or does not fit.
    """
    height, width = _sides(foreign, calibration.size)
    framing = Framing(max(height, width), STRETCH)
    export = Export(foreign, (height, width))
    seen = _look(export, framing, _in_order(normals), progress)
    abnormal = _look(export, framing, _in_order(anomalies), None)
    if len(seen.images) < MIN_NORMALS:
        message = f"At least {MIN_NORMALS} normal pictures have to be read to calibrate, better 60 or more."
        raise TrainingError(message)
    slope, shift = _map_scale(np.concatenate([seen.values, abnormal.values]))
    scores, others = (export.score_of(look.values[:, 0]) for look in (seen, abnormal))
    threshold = _threshold(scores, calibration)
    warnings = [text for text in (calibration.warning, threshold.warning) if text]
    metadata = ModelMetadata(
        project=calibration.project,
        threshold=threshold.value,
        normal_median=float(np.median(scores)),
        false_alarm_rate=_expected(scores, threshold, calibration),
        threshold_method=threshold.method,
        normals=len(scores),
        input_size=framing.size,
        grid=export.grid,
        resize=STRETCH,
        method="anomalib",
        backbone=name,
        backbone_sha256=foreign.sha256,
        config={"height": height, "width": width, "false_alarm_rate": calibration.false_alarm_rate},
        training_images=seen.images,
        anomaly_images=abnormal.images,
        skipped=(*seen.skipped, *abnormal.skipped),
        libraries=library_versions(),
        warnings=tuple(warnings),
        steepness=fit_logistic_curve(scores, others).steepness if len(others) else None,
        normal_scores=rounded(scores),
        anomaly_scores=rounded(others),
    )
    model = with_metadata(export.model(slope, shift), metadata)
    return TrainedModel(model, metadata, metadata.normal_scores, metadata.anomaly_scores)


class _Look(NamedTuple):
    """Pictures, and the values `(pictures, 2)` that the export gives of them."""

    values: NDArray[np.float64]
    images: tuple[TrainingImage, ...]
    skipped: tuple[SkippedImage, ...]


def _look(
    export: Export,
    framing: Framing,
    pictures: Sequence[NamedPicture],
    progress: Callable[[int, int], None] | None,
) -> _Look:
    values, images, skipped = [], [], []
    for done, picture in enumerate(pictures, start=1):
        try:
            data = picture.read()
            pixels = read_picture(data, min_decoded_side=framing.min_decoded_side).pixels
        except PictureRejectedError as rejected:
            skipped.append(SkippedImage(picture.name, rejected.reason))
        except OSError as error:
            skipped.append(SkippedImage(picture.name, f"The file cannot be read: {error.strerror or error}."))
        else:
            values.append(export.values(framing.square(pixels)))
            images.append(TrainingImage(picture.name, hashlib.sha256(data).hexdigest()))
        if progress:
            progress(done, len(pictures))
    return _Look(np.array(values, np.float64).reshape(-1, 2), tuple(images), tuple(skipped))


def _map_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and shift that give the maps' largest values the scores' mean and deviation."""
    if not np.isfinite(values).all():
        message = "The export gives no finite scores: it was not fitted, or its weights are damaged."
        raise ModelInvalidError(message)
    deviations = values.std(axis=0)
    slope = float(deviations[0] / deviations[1]) if deviations.min() > 0 else 1.0
    return slope, float(values[:, 0].mean() - slope * values[:, 1].mean())


def _threshold(scores: NDArray[np.float64], calibration: Calibration) -> Threshold:
    if calibration.keeps_threshold:
        return Threshold(1.0, "anomalib's own", None)
    return choose_threshold(scores, calibration.false_alarm_rate)


def _expected(scores: NDArray[np.float64], threshold: Threshold, calibration: Calibration) -> float:
    """The share of false alarms to expect."""
    if calibration.keeps_threshold:
        return float((scores > threshold.value).mean())
    return calibration.false_alarm_rate


def _in_order(pictures: Sequence[NamedPicture]) -> list[NamedPicture]:
    return sorted(pictures, key=lambda picture: picture.name)


def _sides(foreign: Foreign, size: int | None) -> tuple[int, int]:
    shape = foreign.shape[2:] if foreign.is_channels_first else foreign.shape[1:3]
    sides = tuple(side or size or 0 for side in shape)
    if 0 in sides:
        message = "The export takes pictures of any size: say the one that it was trained with, --size 256."
        raise TrainingError(message)
    if size and size not in sides:
        message = f"The export takes pictures of {shape[0]} by {shape[1]} pixels, and not of {size}."
        raise TrainingError(message)
    return sides[0], sides[1]
