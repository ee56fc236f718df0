"""Training from end to end: pictures in, one ONNX file with its metadata out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.exceptions import TrainingError
from chalicelib.model_metadata import ModelMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.features import Features

MIN_NORMALS = 10
_LIBRARIES = ("numpy", "scipy", "onnx", "onnxruntime", "pillow", "simplejpeg")


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model ready to publish.

    Attributes:
        model: Content of the ONNX file, metadata included.
        metadata: The same metadata, typed.
        normal_scores: Score of each training picture by the model of all others, in the order of
            `metadata.training_images`: what unseen normal pictures will score.
    """

    model: bytes
    metadata: ModelMetadata
    normal_scores: tuple[float, ...]


def train(
    pictures: Sequence[NamedPicture],
    config: TrainingConfig,
    progress: Callable[[int, int], None] | None = None,
) -> TrainedModel:
    """Trains a detector on normal pictures. The same pictures in any order give the same bytes.

    Args:
        pictures: Normal pictures; those that cannot be read are skipped and listed in the metadata.
        config: How to train, and for which project.
        progress: Called with how many pictures are done, of how many.

    Raises:
        TrainingError: Fewer than ten pictures can be read, or all are the same, or the weights are missing.
    """
    # onnx and scipy take half a second to load: not before someone trains.
    from chalicelib.training.efficientnet import NAME, load_weights  # noqa: PLC0415
    from chalicelib.training.features import add_patch_features, extract_features  # noqa: PLC0415
    from chalicelib.training.graph import GraphBuilder, with_metadata  # noqa: PLC0415
    from chalicelib.training.padim import add_padim, fit_padim, scores  # noqa: PLC0415
    from chalicelib.training.threshold import choose_threshold  # noqa: PLC0415

    weights = load_weights()
    in_order = sorted(pictures, key=lambda picture: picture.name)
    features = extract_features(in_order, weights, config, progress)
    _check_enough(features, config)
    padim = fit_padim(features.values, features.channels, config.ridge)
    normal_scores = scores(padim.leave_one_out)
    threshold = choose_threshold(normal_scores, config.false_alarm_rate)

    graph = GraphBuilder()
    value, _ = add_patch_features(graph, "image", weights, config)
    add_padim(graph, value, padim)
    model = graph.model(config.input_size, {"score": (), "heat_map": (config.grid, config.grid)})
    metadata = ModelMetadata(
        **_description(config, features),
        threshold=threshold.value,
        normal_median=float(np.median(normal_scores)),
        threshold_method=threshold.method,
        backbone=NAME,
        backbone_sha256=weights.sha256,
        warnings=(threshold.warning,) if threshold.warning else (),
    )
    return TrainedModel(with_metadata(model, metadata), metadata, tuple(normal_scores.tolist()))


def _description(config: TrainingConfig, features: Features) -> dict[str, Any]:
    """What of the metadata was known before anything was fitted."""
    return {
        "project": config.project,
        "false_alarm_rate": config.false_alarm_rate,
        "normals": len(features.images),
        "input_size": config.input_size,
        "grid": config.grid,
        "resize": "stretch-bilinear",
        "method": "padim",
        "config": config.to_dict(),
        "training_images": features.images,
        "skipped": features.skipped,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def with_metrics(trained: TrainedModel, metrics: Mapping[str, Any]) -> TrainedModel:
    """The same model with what was measured of it in its metadata. Times do not belong: they vary."""
    from chalicelib.training.graph import with_metadata  # noqa: PLC0415 - as in `train`

    metadata = replace(trained.metadata, metrics=metrics)
    return replace(trained, model=with_metadata(trained.model, metadata), metadata=metadata)


def _check_enough(features: Features, config: TrainingConfig) -> None:
    count = len(features.images)
    if count >= MIN_NORMALS:
        return
    message = (
        f"Training {config.project} needs at least {MIN_NORMALS} normal pictures, better 60 or more; "
        f"{count} could be read."
    )
    if features.skipped:
        examples = "; ".join(f"{image.name}: {image.reason}" for image in features.skipped[:3])
        message += f" {len(features.skipped)} were skipped ({examples})."
    raise TrainingError(message)
