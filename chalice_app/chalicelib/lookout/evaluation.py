"""Evaluation results as Lookout for Vision wrote them: `EvaluationResult-<project>-<version>.json`.

The schema is that of its developer guide ("Evaluation results"). Its first version had neither `F1Score` nor
a version in the file's name; both are still read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from chalicelib.exceptions import EvaluationResultError

_FILE_NAME = re.compile(
    r"EvaluationResult-(?P<project>[a-zA-Z0-9][a-zA-Z0-9_-]*?)(-(?P<version>[1-9][0-9]*))?\.json"
)


class FileName(NamedTuple):
    """What a file's name tells: project and version (None in the oldest)."""

    project: str
    version: str | None


@dataclass(frozen=True, slots=True)
class LabelMetrics:
    """Pixel metrics of one kind of anomaly, 0 to 1.

    Attributes:
        name: The kind of anomaly.
        precision: Of the pixels found, the share that is of this kind.
        recall: Of the pixels of this kind, the share found.
        f1: Harmonic mean of the two.
        iou: Average intersection over union (`AIOU`).
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    iou: float | None


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How good a model is. Positives are anomalies; figures are 0 to 1, None where the file has none.

    Attributes:
        model_arn: Of the model's version.
        evaluated_at: When evaluation ended, as the file says it.
        training_images: How many pictures were trained on.
        testing_images: How many pictures were measured on.
        roc_auc: Area under the ROC curve.
        average_precision: Area under the precision-recall curve.
        precision: Of the pictures called anomalous, the share that is.
        recall: Of the anomalous pictures, the share that was called so.
        f1: Harmonic mean of the two.
        labels: Pixel metrics of each kind of anomaly; empty for a classification model.
    """

    model_arn: str
    evaluated_at: str
    training_images: int
    testing_images: int
    roc_auc: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    labels: tuple[LabelMetrics, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> EvaluationResult:
        """Reads the file.

        Raises:
            EvaluationResultError: It is not in the schema.
        """
        try:
            document = json.loads(data)
            details = document["EvaluationDetails"]
            metrics = document["AggregatedEvaluationResults"]["Metrics"]
            result = {name: _figure(metrics, key) for name, key in _METRICS.items()}
            if result["f1"] is None:
                result["f1"] = _f1(result["precision"], result["recall"])
            labels = [
                LabelMetrics(str(item["ClassName"]), *(_figure(item, key) for key in _LABEL_METRICS))
                for item in metrics.get("PixelAnomalyClassMetrics") or ()
            ]
            return cls(
                model_arn=str(details.get("ModelArn", "")),
                evaluated_at=str(details.get("EvaluationEndTimestamp", "")),
                training_images=int(details.get("NumberOfTrainingImages", 0)),
                testing_images=int(details.get("NumberOfTestingImages", 0)),
                **result,
                labels=tuple(labels),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            message = f"This is no evaluation result of Lookout for Vision ({type(error).__name__}: {error})."
            raise EvaluationResultError(message) from error

    def to_bytes(self) -> bytes:
        """Writes the file, without the figures that are None."""
        metrics: dict[str, Any] = {key: getattr(self, name) for name, key in _METRICS.items()}
        if self.labels:
            metrics["PixelAnomalyClassMetrics"] = [
                _known(dict(zip((*_LABEL_METRICS, "ClassName"), _label_values(label), strict=True)))
                for label in self.labels
            ]
        document = {
            "Version": 1,
            "EvaluationDetails": {
                "ModelArn": self.model_arn,
                "EvaluationEndTimestamp": self.evaluated_at,
                "NumberOfTrainingImages": self.training_images,
                "NumberOfTestingImages": self.testing_images,
            },
            "AggregatedEvaluationResults": {"Metrics": _known(metrics)},
        }
        return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


_METRICS = {
    "roc_auc": "ROCAUC",
    "average_precision": "AveragePrecision",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1Score",
}
_LABEL_METRICS = ("Precision", "Recall", "F1Score", "AIOU")


def file_name(project: str, version: str) -> str:
    """The file's name.

    Examples:
        >>> file_name("cookies", "2")
        'EvaluationResult-cookies-2.json'
    """
    return f"EvaluationResult-{project}-{version}.json"


def manifest_name(project: str, version: str) -> str:
    """The name of the file that tells of each picture.

    Examples:
        >>> manifest_name("cookies", "2")
        'EvaluationManifest-cookies-2.json'
    """
    return f"EvaluationManifest-{project}-{version}.json"


def parse_file_name(name: str) -> FileName | None:
    """Project and version by a file's name; None for another file.

    Examples:
        >>> parse_file_name("EvaluationResult-my-project-12.json")
        FileName(project='my-project', version='12')
    """
    match = _FILE_NAME.fullmatch(name)
    return FileName(match["project"], match["version"]) if match else None


def _figure(values: Any, key: str) -> float | None:  # noqa: ANN401 - JSON
    value = values.get(key)
    return None if value is None else float(value)


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _label_values(label: LabelMetrics) -> list[Any]:
    name, *figures = (getattr(label, item.name) for item in fields(label))
    return [*figures, name]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
