"""Trains a model on a dataset and measures it: what `train` and the benchmarks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.training import TrainedModel, TrainingConfig
    from spotcheck.datasets import Dataset
    from spotcheck.evaluation import Evaluation

# What of an evaluation travels in the model: times differ from run to run, and the same data has to give
# the same bytes.
_IN_METADATA = (
    *("images", "normals", "anomalies", "measured_on", "threshold"),
    *("image_auroc", "pixel_auroc", "pixel_aupro", "precision", "recall", "f1", "false_alarm_rate"),
)


class Result(NamedTuple):
    """A trained model, and what was measured of it; None where there is nothing to measure it on."""

    trained: TrainedModel
    evaluation: Evaluation | None


def train_on(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    on_train: Callable[[int, int], None] | None = None,
    on_evaluate: Callable[[int, int], None] | None = None,
) -> Result:
    """Trains on a dataset's normal pictures and measures on what it has besides.

    With a test split, that is measured. Without one, the anomalous pictures are judged, and the normal ones
    count with their leave-one-out scores: each by a model that has not seen it.

    Args:
        dataset: From `read_dataset`.
        config: How to train.
        on_train: Called with how many pictures were learnt from, of how many.
        on_evaluate: Called with how many pictures were judged, of how many.

    Raises:
        TrainingError: Fewer than ten normal pictures can be read.
    """
    from chalicelib.detector import Detector
    from chalicelib.training import NamedPicture, train, with_metrics
    from spotcheck.evaluation import evaluate_pictures

    normals = [NamedPicture.of_file(picture.path, picture.name) for picture in dataset.normals]
    trained = train(normals, config, on_train)
    if not (dataset.test or dataset.anomalies):
        return Result(trained, None)
    detector = Detector.load(trained.model)
    if dataset.test:
        measured_on = "the test split, none of it trained on"
        evaluation = evaluate_pictures(detector, dataset.test, measured_on, progress=on_evaluate)
    else:
        by_name = {picture.name: picture for picture in dataset.normals}
        evaluation = evaluate_pictures(
            detector,
            dataset.anomalies,
            "the anomalous pictures, and the normal ones each judged by a model trained on all others",
            normal_scores=trained.normal_scores,
            normals=[by_name[image.name] for image in trained.metadata.training_images],
            progress=on_evaluate,
        )
    values: dict[str, Any] = evaluation.to_dict()
    return Result(with_metrics(trained, {name: values[name] for name in _IN_METADATA}), evaluation)


def evaluate_normals(dataset: Dataset, trained: TrainedModel) -> Evaluation:
    """What the training pictures alone tell of a model: each judged by a model trained on all others.

    Args:
        dataset: That it was trained on.
        trained: The model.
    """
    from chalicelib.detector import Detector
    from spotcheck.evaluation import evaluate_pictures

    by_name = {picture.name: picture for picture in dataset.normals}
    return evaluate_pictures(
        Detector.load(trained.model),
        (),
        "the normal training pictures, each judged by a model trained on all others",
        normal_scores=trained.normal_scores,
        normals=[by_name[image.name] for image in trained.metadata.training_images],
    )
