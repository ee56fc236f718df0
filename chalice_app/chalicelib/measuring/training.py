"""Trains a model on a dataset and measures it, at the desk and in the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.detector import Detector
from chalicelib.measuring.evaluation import evaluate_pictures
from chalicelib.training import NamedPicture, train, with_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.measuring.evaluation import Evaluation
    from chalicelib.measuring.pictures import Dataset, LabelledPicture
    from chalicelib.training import TrainedModel, TrainingConfig

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
    """Trains on a dataset's training pictures, anomalies included, and measures what came of it.

    With a test split, that is measured. Without one, all pictures count with the score that they got from a
    model that had not seen them: by leave-one-out, or by cross-validation where anomalies were learnt from.

    Args:
        dataset: The pictures.
        config: How to train.
        on_train: Called with how many pictures were learnt from, of how many.
        on_evaluate: Called with how many pictures were judged, of how many.

    Raises:
        TrainingError: Fewer than ten normal pictures can be read.
    """
    trained = train(
        [NamedPicture.of_file(picture.path, picture.name) for picture in dataset.normals],
        config,
        on_train,
        anomalies=[
            NamedPicture.of_file(picture.path, picture.name, picture.mask, picture.kinds)
            for picture in dataset.anomalies
        ],
        colors=dataset.colors,
    )
    if dataset.test:
        return measured(trained, dataset.test, "the test split, none of it trained on", on_evaluate)
    if dataset.anomalies:
        evaluation = _evaluate_training_pictures(dataset, trained, on_evaluate)
        return Result(_with_metrics(trained, evaluation), evaluation)
    return Result(trained, None)


def _evaluate_training_pictures(
    dataset: Dataset, trained: TrainedModel, progress: Callable[[int, int], None] | None
) -> Evaluation:
    """Measures without a test split: no picture is judged by a model that has seen it."""
    detector = Detector.load(trained.model)
    by_name = {picture.name: picture for picture in dataset.train}
    metadata = trained.metadata
    normals = [by_name[image.name] for image in metadata.training_images]
    anomalies = [by_name[image.name] for image in metadata.anomaly_images]
    kind_maps = list(zip((*normals, *anomalies), trained.kind_maps, strict=bool(trained.kind_maps)))
    if metadata.judged_by_labels:
        return evaluate_pictures(
            detector,
            (),
            "the training pictures, each judged by a model trained on others",
            normal_scores=trained.normal_scores,
            normals=normals,
            anomaly_scores=trained.anomaly_scores,
            anomalies=anomalies,
            kind_maps=kind_maps,
        )
    return evaluate_pictures(
        detector,
        dataset.anomalies,
        "the anomalous pictures, and the normal ones each judged by a model trained on all others",
        normal_scores=trained.normal_scores,
        normals=normals,
        kind_maps=kind_maps,
        progress=progress,
    )


def measured(
    trained: TrainedModel,
    pictures: Sequence[LabelledPicture],
    measured_on: str,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Measures a model on labelled pictures, and puts what was measured into its metadata.

    Args:
        trained: The model.
        pictures: What to judge.
        measured_on: What the pictures are, in words.
        progress: Called with how many pictures are done, of how many.
    """
    evaluation = evaluate_pictures(Detector.load(trained.model), pictures, measured_on, progress=progress)
    return Result(_with_metrics(trained, evaluation), evaluation)


def _with_metrics(trained: TrainedModel, evaluation: Evaluation) -> TrainedModel:
    """The model with what was measured of it in its metadata."""
    values: dict[str, Any] = evaluation.to_dict()
    metrics = {name: values[name] for name in _IN_METADATA}
    if evaluation.pixel_kinds:
        metrics["pixel_kinds"] = values["pixel_kinds"]
    return with_metrics(trained, metrics)


def evaluate_normals(dataset: Dataset, trained: TrainedModel) -> Evaluation:
    """What the training pictures alone tell of a model: each judged by a model trained on all others.

    Args:
        dataset: That it was trained on.
        trained: The model.
    """
    by_name = {picture.name: picture for picture in dataset.normals}
    return evaluate_pictures(
        Detector.load(trained.model),
        (),
        "the normal training pictures, each judged by a model trained on all others",
        normal_scores=trained.normal_scores,
        normals=[by_name[image.name] for image in trained.metadata.training_images],
    )
