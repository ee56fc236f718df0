"""Moves a trained model's threshold: its metadata is written anew, its graph stays as it is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError
from chalicelib.training.graph import with_metadata
from chalicelib.training.threshold import choose_threshold, is_about_threshold

if TYPE_CHECKING:
    from chalicelib.model_metadata import ModelMetadata

# Measured at the old threshold: no longer true.
_AT_THRESHOLD = ("threshold", "precision", "recall", "f1", "false_alarm_rate", "pixel_kinds")


def move_threshold(
    model: bytes, *, value: float | None = None, false_alarm_rate: float | None = None
) -> tuple[bytes, ModelMetadata]:
    """The same model with another threshold; probabilities stay 0.5 at it.

    Args:
        model: Content of the ONNX file.
        value: The new threshold, or
        false_alarm_rate: the share of normal pictures that may be called anomalous: the threshold then comes
            from the scores that the model's normal training pictures had when they were held out.

    Returns:
        Content of the new file, and its metadata.

    Raises:
        ConfigurationError: Not exactly one of the two is given, or it cannot work for this model.
        ModelInvalidError: The model cannot be read.
    """
    metadata = Detector.load(model, threads=1).metadata
    if (value is None) == (false_alarm_rate is None):
        message = "Give either the threshold's value or a false-alarm rate."
        raise ConfigurationError(message)
    metrics = {name: figure for name, figure in metadata.metrics.items() if name not in _AT_THRESHOLD}
    if value is not None:
        moved = _by_hand(metadata, value)
    else:
        moved = _by_rate(metadata, float(false_alarm_rate or 0))
    moved = replace(moved, metrics=metrics)
    return with_metadata(model, moved), moved


def _by_hand(metadata: ModelMetadata, value: float) -> ModelMetadata:
    if not 0 < value < math.inf:
        message = f"A threshold has to be greater than 0, not {value:g}."
        raise ConfigurationError(message)
    above = sum(score > value for score in metadata.normal_scores)
    expected = above / len(metadata.normal_scores) if metadata.normal_scores else metadata.false_alarm_rate
    return replace(
        metadata,
        threshold=value,
        threshold_method="set by hand",
        false_alarm_rate=expected,
        warnings=_other_warnings(metadata),
    )


def _by_rate(metadata: ModelMetadata, rate: float) -> ModelMetadata:
    if not 0 < rate < 0.5:
        message = f"The false-alarm rate has to be between 0 and 0.5, not {rate:g}."
        raise ConfigurationError(message)
    if not metadata.normal_scores:
        message = "The model kept no scores of its normal pictures: train it anew, or give the value itself."
        raise ConfigurationError(message)
    threshold = choose_threshold(np.array(metadata.normal_scores), rate, metadata.normals)
    others = _other_warnings(metadata)
    return replace(
        metadata,
        threshold=threshold.value,
        threshold_method=threshold.method,
        false_alarm_rate=rate,
        warnings=(*others, threshold.warning) if threshold.warning else others,
    )


def _other_warnings(metadata: ModelMetadata) -> tuple[str, ...]:
    """The model's warnings but those about the threshold that it had."""
    return tuple(line for line in metadata.warnings if not is_about_threshold(line))
