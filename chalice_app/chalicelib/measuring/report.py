"""A model's report: how good it is, how sure that is, its best and worst pictures, in one HTML file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.heatmaps import overlay_png
from chalicelib.measuring.charts import histogram, precision_recall, roc
from chalicelib.measuring.pages import data_uri, environment
from chalicelib.measuring.texts import number, score_text
from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.detector import Detector
    from chalicelib.measuring.evaluation import Evaluation, Judged
    from chalicelib.measuring.intervals import Interval
    from chalicelib.model_metadata import ModelMetadata

_CARDS = 6  # pictures of each kind


class Finding(Protocol):
    """What the dataset checks found: one thing to know about the pictures."""

    @property
    def severity(self) -> str:
        """`error`, `warning` or `note`."""

    @property
    def message(self) -> str:
        """What was found."""

    @property
    def files(self) -> tuple[str, ...]:
        """The pictures' names."""

    @property
    def advice(self) -> str:
        """What to do."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure, what it is, and between what it may lie."""

    value: str
    name: str
    interval: str = ""


def render_model_report(
    detector: Detector, model: bytes, evaluation: Evaluation, findings: Sequence[Finding]
) -> str:
    """Makes the report.

    Args:
        detector: The model, loaded: it draws the heat maps.
        model: The same model's file.
        evaluation: What was measured, with its pictures.
        findings: What the dataset checks found.

    Returns:
        HTML with everything inside: light or dark as the reader's system is.
    """
    metadata = detector.metadata
    labels = [one.labelled.is_anomalous for one in evaluation.judged]
    scores = [one.score for one in evaluation.judged]
    both = True in labels and False in labels
    return (
        environment()
        .get_template("model.html")
        .render(
            project=metadata.project,
            evaluation=evaluation,
            metadata=metadata,
            tiles=_tiles(evaluation),
            roc=roc(labels, scores, evaluation.threshold) if both else None,
            precision_recall=precision_recall(labels, scores, evaluation.threshold) if both else None,
            histogram=histogram(labels, scores, evaluation.threshold) if scores else None,
            threshold=score_text(evaluation.threshold),
            confusion=_confusion(evaluation),
            defects=evaluation.defects(),
            groups=_groups(detector, evaluation),
            findings=findings,
            provenance=_provenance(metadata, model),
        )
    )


def _tiles(evaluation: Evaluation) -> list[Tile]:
    intervals = evaluation.intervals()

    def tile(attribute: str, name: str) -> Tile:
        value = getattr(evaluation, attribute)
        return Tile(number(value, ".3f"), name, _between(intervals.get(attribute), ".3f"))

    alarms = intervals.get("false_alarm_rate")
    per_thousand = Tile(
        number(_times_1000(evaluation.false_alarm_rate), ",.0f"),
        "false alarms expected in 1,000 normal pictures",
        _between((alarms[0] * 1000, alarms[1] * 1000) if alarms else None, ",.0f"),
    )
    tiles = [
        tile("image_auroc", "image AUROC"),
        tile("recall", "recall"),
        tile("precision", "precision"),
        tile("f1", "F1"),
        per_thousand,
        tile("pixel_auroc", "pixel AUROC"),
        tile("pixel_aupro", "pixel AUPRO"),
    ]
    if evaluation.latency_ms_p50 is not None:
        tiles.append(Tile(f"{evaluation.latency_ms_p50:.0f} ms", "from bytes to verdict, median, here"))
    return [tile for tile in tiles if tile.value != "-"]


def _times_1000(share: float | None) -> float | None:
    return None if share is None else share * 1000


def _between(interval: Interval | None, shape: str) -> str:
    if interval is None:
        return ""
    low, high = interval
    return f"{low:{shape}} to {high:{shape}}"


def _confusion(evaluation: Evaluation) -> dict[str, int]:
    def count(*, is_anomalous: bool, is_called: bool) -> int:
        return sum(
            one.labelled.is_anomalous == is_anomalous and (one.score > evaluation.threshold) == is_called
            for one in evaluation.judged
        )

    return {
        "found": count(is_anomalous=True, is_called=True),
        "missed": count(is_anomalous=True, is_called=False),
        "alarms": count(is_anomalous=False, is_called=True),
        "passed": count(is_anomalous=False, is_called=False),
    }


def _groups(detector: Detector, evaluation: Evaluation) -> list[dict[str, Any]]:
    """The pictures that teach most: the worst mistakes of both kinds, then the clearest of each label."""
    rising = sorted(evaluation.judged, key=lambda one: one.score)
    anomalous = [one for one in rising if one.labelled.is_anomalous]
    normal = [one for one in rising if not one.labelled.is_anomalous]
    missed = [one for one in anomalous if one.score <= evaluation.threshold]
    alarms = [one for one in reversed(normal) if one.score > evaluation.threshold]
    found = [one for one in reversed(anomalous) if one.score > evaluation.threshold]
    passed = [one for one in normal if one.score <= evaluation.threshold]
    groups = (
        ("Missed anomalies", "lowest scores first", missed),
        ("False alarms", "highest scores first", alarms),
        ("Clearest anomalies", "highest scores first", found),
        ("Most normal", "lowest scores first", passed),
    )
    return [
        {
            "name": name,
            "note": f"{min(len(ones), _CARDS)} of {len(ones)}, {order}",
            "cards": [_card(detector, one, evaluation.threshold) for one in ones[:_CARDS]],
        }
        for name, order, ones in groups
        if ones
    ]


def _card(detector: Detector, one: Judged, threshold: float) -> dict[str, Any]:
    data = one.labelled.path.read_bytes()
    picture = read_picture(data, min_decoded_side=detector.min_decoded_side)
    is_called = one.score > threshold
    return {
        "name": one.labelled.name,
        "picture": data_uri(data),
        "heat_map": data_uri(overlay_png(picture, detector.detect(picture))),
        "verdict": "Anomalous" if is_called else "Normal",
        "wrong": is_called != one.labelled.is_anomalous,
        "truth": "anomalous" if one.labelled.is_anomalous else "normal",
        "figures": f"score {score_text(one.score)}",
    }


def _provenance(metadata: ModelMetadata, model: bytes) -> list[tuple[str, str]]:
    threshold = (
        f"{score_text(metadata.threshold)}, {metadata.threshold_method}, "
        f"set for {metadata.false_alarm_rate:.1%} false alarms"
    )
    return [
        ("model", f"{len(model) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(model).hexdigest()}"),
        ("method", f"{metadata.method} on {metadata.backbone}"),
        ("input", f"{metadata.input_size} × {metadata.input_size} pixels, {metadata.resize}"),  # noqa: RUF001 - the sign that people know
        (
            "trained on",
            f"{metadata.normals} normal and {len(metadata.anomaly_images)} anomalous pictures",
        ),
        ("threshold", threshold),
        ("libraries", ", ".join(f"{name} {version}" for name, version in metadata.libraries.items())),
    ]
