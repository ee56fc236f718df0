"""The two files of an evaluation, as Lookout for Vision wrote them into `OutputConfig`.

Schema: its developer guide, "Viewing performance metrics". `EvaluationResult` has the figures,
`EvaluationManifest` each picture's truth and what the model said of it. For a segmentation model the guide
adds `PixelAnomalyClassMetrics` to the former, "for each anomaly label found in the test dataset", and nothing
to the latter: its lines keep the true mask as the dataset has it, and tell no predicted one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chalicelib.calibration import probability
from chalicelib.lookout.evaluation import EvaluationResult, LabelMetrics
from chalicelib.measuring.charts import precision_recall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.lookout.entries import Entry
    from chalicelib.measuring.evaluation import Evaluation
    from chalicelib.model_metadata import ModelMetadata

_DETECTED = "anomaly-label-detected"
_JOB = "training-job/anomaly-detection"  # the guide's own


def evaluation_result(
    evaluation: Evaluation, metadata: ModelMetadata, model_arn: str, ended_at: str
) -> EvaluationResult:
    """The figures.

    Args:
        evaluation: What was measured.
        metadata: Of the model.
        model_arn: Of its version.
        ended_at: When the evaluation ended, ISO 8601.
    """
    labels = [one.labelled.is_anomalous for one in evaluation.judged]
    scores = [one.score for one in evaluation.judged]
    both = True in labels and False in labels
    learnt = len(metadata.training_images) + (
        len(metadata.anomaly_images) if metadata.judged_by_labels else 0
    )
    return EvaluationResult(
        model_arn=model_arn,
        evaluated_at=ended_at,
        training_images=learnt,
        testing_images=evaluation.images,
        roc_auc=evaluation.image_auroc,
        average_precision=precision_recall(labels, scores, evaluation.threshold).area if both else None,
        precision=evaluation.precision,
        recall=evaluation.recall,
        f1=evaluation.f1,
        labels=_labels(evaluation) if metadata.with_masks else (),
    )


def _labels(evaluation: Evaluation) -> tuple[LabelMetrics, ...]:
    """Pixel metrics of each kind of anomaly that masks showed, by the name that DetectAnomalies gives it."""
    return tuple(
        LabelMetrics(kind.name, kind.precision, kind.recall, kind.f1, kind.average_iou)
        for kind in evaluation.pixel_kinds
    )


def evaluation_manifest(
    evaluation: Evaluation,
    metadata: ModelMetadata,
    entries: Mapping[str, Entry],
    model: Mapping[str, str],
    ended_at: str,
) -> bytes:
    """The pictures: each line of the dataset with what the model said of it.

    Args:
        evaluation: What was measured.
        metadata: Of the model.
        entries: By the picture's name.
        model: `model-arn`, `project-name` and `model-version`.
        ended_at: When the evaluation ended, ISO 8601.
    """
    lines = []
    for one in evaluation.judged:
        is_called = one.score > evaluation.threshold
        likelihood = probability(one.score, evaluation.threshold, metadata.normal_median, metadata.steepness)
        detected: dict[str, Any] = {
            _DETECTED: int(is_called),
            f"{_DETECTED}-metadata": {
                "class-name": "anomaly" if is_called else "normal",
                "confidence": likelihood if is_called else 1 - likelihood,
                "human-annotated": "no",
                "creation-date": ended_at,
                "job-name": _JOB,
                "type": "groundtruth/image-classification",
                **model,
            },
        }
        line = {**entries[one.labelled.name].values, **detected}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode()
