"""From normal pictures to a model: features of a pretrained network, then closed-form linear algebra.

Nothing on the detection path imports this package: it needs onnx, and Lambda's detector does not.
"""

from __future__ import annotations

from chalicelib.training.config import NamedPicture, TrainingConfig
from chalicelib.training.trainer import TrainedModel, train, with_metrics

__all__ = ["NamedPicture", "TrainedModel", "TrainingConfig", "train", "with_metrics"]
