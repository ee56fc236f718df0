"""Training from end to end: pictures in, one ONNX file with its metadata out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.exceptions import TrainingError
from chalicelib.model_metadata import FORMAT_VERSION, TILED_FORMAT_VERSION, ModelMetadata
from chalicelib.training.provenance import library_versions, rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from chalicelib.training.backbones import Backbone
    from chalicelib.training.building import Learnt
    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.ensemble import Ensemble
    from chalicelib.training.kinds import Kinds
    from chalicelib.training.labelled import Labelled
    from chalicelib.training.material import Material
    from chalicelib.training.synthetic import WithoutLabels
    from chalicelib.training.threshold import Threshold

_NO_COLORS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model ready to publish.

    Attributes:
        model: Content of the ONNX file, metadata included.
        metadata: The same metadata, typed.
        normal_scores: Score of each normal training picture by a model that has not seen it, in the order of
            `metadata.training_images`: what unseen normal pictures will score.
        anomaly_scores: The same of the labelled anomalies, in the order of `metadata.anomaly_images`.
        kind_maps: The same of all of them, normal ones first: what of the square is which kind of anomaly
            `(grid, grid)`, as `Detection.kind_map`. Empty where no mask was learnt from.
    """

    model: bytes
    metadata: ModelMetadata
    normal_scores: tuple[float, ...]
    anomaly_scores: tuple[float, ...] = ()
    kind_maps: tuple[NDArray[np.uint8], ...] = field(default=(), compare=False, repr=False)


def train(
    pictures: Sequence[NamedPicture],
    config: TrainingConfig,
    progress: Callable[[int, int], None] | None = None,
    *,
    anomalies: Sequence[NamedPicture] = (),
    colors: Mapping[str, str] = _NO_COLORS,
) -> TrainedModel:
    """Trains a detector. The same pictures in any order give the same bytes.

    Args:
        pictures: Normal pictures; those that cannot be read are skipped and listed in the metadata.
        config: How to train, and for which project.
        progress: Called with how many pictures are done, of how many.
        anomalies: Labelled anomalous pictures, with masks where there are any. From three of them the model
            learns, if cross-validation says that this helps; fewer only shape the probability.
        colors: Colour (`#rrggbb`) of each kind of anomaly, where the dataset has them.

    Raises:
        TrainingError: Fewer than ten normal pictures can be read, all are the same, or weights are missing.
    """
    # onnx takes a moment to load: not before someone trains.
    from chalicelib.training.backbones import load_backbone  # noqa: PLC0415
    from chalicelib.training.building import build  # noqa: PLC0415

    _check_costs(config, len(anomalies))
    if config.tile:
        from chalicelib.training.tiled import train_tiled  # noqa: PLC0415

        return train_tiled(pictures, config, progress, anomalies)
    weights = load_backbone(config, pictures)
    # Features are let go of before the model is built, because memory is short.
    learnt, maps = _learn(pictures, anomalies, weights, config, colors, progress)
    model, metadata = build(weights, config, learnt), learnt.metadata
    return TrainedModel(
        model, metadata, metadata.normal_scores[: metadata.normals], metadata.anomaly_scores, maps
    )


def _learn(
    pictures: Sequence[NamedPicture],
    anomalies: Sequence[NamedPicture],
    weights: Backbone,
    config: TrainingConfig,
    colors: Mapping[str, str],
    progress: Callable[[int, int], None] | None,
) -> tuple[Learnt, tuple[NDArray[np.uint8], ...]]:
    """Everything but the graph; and what the training pictures show, by models that have not seen them."""
    from chalicelib.training.building import Learnt  # noqa: PLC0415 - as in `train`
    from chalicelib.training.held_out import held_out_maps  # noqa: PLC0415
    from chalicelib.training.material import describe_groups, read_material  # noqa: PLC0415
    from chalicelib.training.method import choose_method  # noqa: PLC0415
    from chalicelib.training.squares import Squares  # noqa: PLC0415
    from chalicelib.training.synthetic import Normals, learn_without_labels  # noqa: PLC0415
    from chalicelib.training.unsupervised import fit_unsupervised  # noqa: PLC0415

    material = read_material(pictures, anomalies, weights, config, progress)
    groups = material.groups(config)
    normals = material.features.values[: material.normals]
    of_normals = groups[: material.normals]
    method, why = choose_method(
        material.pictures, material.features, material.of_normals().groups(config), weights, config
    )
    unsupervised = fit_unsupervised(method, normals, material.features.channels, config.ridge, of_normals)
    without = learn_without_labels(
        Normals(Squares(material.pictures, config.framing, config.copies), normals, of_normals),
        material.features.values[material.normals :],
        unsupervised,
        weights,
        config,
    )
    labelled, warnings = _learn_from_anomalies(material, groups, without)
    normal_scores = labelled.normal_scores if labelled else without.normal_scores
    threshold, steepness = calibrate(normal_scores, labelled, config)
    warnings += [threshold.warning] if threshold.warning else []
    ensemble, suffix = _who_judges(labelled, without)
    kinds = _learn_kinds(material, groups, labelled, threshold.value, colors)
    metadata = ModelMetadata(
        **description(config, material, weights),
        method=method + suffix,
        **calibration(threshold, steepness, normal_scores, labelled, config),
        warnings=tuple(warnings),
        kinds=kinds.kinds,
        with_masks=bool(material.masks.coverage.any()),
        decisions={
            "method": why,
            "groups": describe_groups(material.groups_of_given(config), config),
            **_decisions(material, without, labelled, kinds, config),
        },
    )
    maps = held_out_maps(material, labelled, threshold.value, kinds)
    return Learnt(unsupervised, ensemble, kinds, metadata), maps


def _describe_copies(material: Material) -> dict[str, Any]:
    """What the metadata says of altered copies."""
    copies = len(material.origins)
    return {
        "copies": copies,
        "reason": f"{copies} altered copies of the normal pictures were learnt from, too.",
    }


def _learn_from_anomalies(
    material: Material, groups: NDArray[np.intp], without: WithoutLabels
) -> tuple[Labelled | None, list[str]]:
    """What anomalies taught, if there are any; warnings."""
    from chalicelib.training.labelled import learn_from_anomalies  # noqa: PLC0415 - as in `train`

    if not material.masks.marks:
        return None, []
    labelled = learn_from_anomalies(material.features, material.masks.coverage, groups, without)
    warnings = list(material.masks.warnings)
    if not labelled.ensemble:
        warnings.append(labelled.decision["reason"])
    return labelled, warnings


def _who_judges(labelled: Labelled | None, without: WithoutLabels) -> tuple[Ensemble | None, str]:
    """What is built into the graph, None for the distance alone; and how the method's name ends."""
    if labelled and labelled.ensemble:
        return labelled.ensemble, "+labels"
    return without.ensemble, "+synthetic" if without.ensemble else ""


def _decisions(
    material: Material,
    without: WithoutLabels,
    labelled: Labelled | None,
    kinds: Kinds,
    config: TrainingConfig,
) -> dict[str, Any]:
    """What was decided on, of what there was to decide on."""
    made = {
        "augment": _describe_copies(material) if config.augment else None,
        "synthetic": without.decision,
        "labels": labelled.decision if labelled else None,
        "kinds": kinds.decision,
    }
    return {name: decision for name, decision in made.items() if decision}


def _learn_kinds(
    material: Material,
    groups: NDArray[np.intp],
    labelled: Labelled | None,
    threshold: float,
    colors: Mapping[str, str],
) -> Kinds:
    """How to name anomalies, where anomalies were labelled."""
    from chalicelib.training.kind_examples import Anomalies  # noqa: PLC0415 - as in `train`
    from chalicelib.training.kinds import NO_KINDS, learn_kinds  # noqa: PLC0415

    if labelled is None:
        return NO_KINDS
    features, normals = material.features, material.normals
    values = features.described if labelled.ensemble else features.values
    heat_maps = labelled.heat_maps[normals:]
    normal = values[:normals].mean(axis=0, dtype=np.float64).astype(np.float32)
    anomalies = Anomalies(values[normals:], heat_maps, material.masks.marks, groups[normals:], normal)
    return learn_kinds(anomalies, threshold, colors)


def calibrate(
    normal_scores: NDArray[np.float64], labelled: Labelled | None, config: TrainingConfig
) -> tuple[Threshold, float | None]:
    """The threshold, and the steepness of the probability's curve where anomalies tell it."""
    from chalicelib.training.threshold import (  # noqa: PLC0415 - as in `train`
        choose_threshold,
        cost_threshold,
        fit_logistic_curve,
    )

    pictures = len(normal_scores) // (1 + config.copies)
    if labelled is None:
        _check_costs(config, anomalies=0)
        return choose_threshold(normal_scores, config.false_alarm_rate, pictures), None
    curve = fit_logistic_curve(normal_scores, labelled.anomaly_scores)
    if config.cost_miss is None:
        return choose_threshold(normal_scores, config.false_alarm_rate, pictures), curve.steepness
    scores = np.concatenate([normal_scores, labelled.anomaly_scores])
    return cost_threshold(curve, scores, config.cost_miss, config.cost_alarm), curve.steepness


def calibration(
    threshold: Threshold,
    steepness: float | None,
    normal_scores: NDArray[np.float64],
    labelled: Labelled | None,
    config: TrainingConfig,
) -> dict[str, Any]:
    """What the metadata says of the threshold, and of the scores that it was set by."""
    return {
        "threshold": threshold.value,
        "false_alarm_rate": _expected_false_alarms(threshold, normal_scores, config),
        "threshold_method": threshold.method,
        "normal_median": float(np.median(normal_scores)),
        "steepness": steepness,
        "normal_scores": rounded(normal_scores),
        "anomaly_scores": rounded(labelled.anomaly_scores) if labelled else (),
    }


def _check_costs(config: TrainingConfig, anomalies: int) -> None:
    if config.cost_miss is not None and not anomalies:
        message = (
            "Costs need labelled anomalies among the training pictures: without them nobody can tell how "
            "many are missed. Add some, or leave out the cost of a miss."
        )
        raise TrainingError(message)


def _expected_false_alarms(
    threshold: Threshold, normal_scores: NDArray[np.float64], config: TrainingConfig
) -> float:
    """What the threshold was set for; where costs set it, the share of held-out normal pictures above it."""
    if threshold.method == "cost":
        return float((normal_scores > threshold.value).mean())
    return config.false_alarm_rate


def description(config: TrainingConfig, material: Material, weights: Backbone) -> dict[str, Any]:
    """What of the metadata was known before anything was fitted."""
    return {
        "project": config.project,
        "input_size": config.input_size,
        "grid": config.grid,
        "resize": config.resize,
        "roi": config.roi,
        "mask": config.mask,
        "tile": config.tile,
        "format_version": TILED_FORMAT_VERSION if config.tile else FORMAT_VERSION,
        "backbone": weights.backbone,
        "backbone_sha256": weights.sha256,
        "config": config.to_dict(),
        "normals": len(material.pictures),
        "training_images": material.training_images,
        "anomaly_images": material.anomaly_images,
        "skipped": material.features.skipped,
        "libraries": library_versions(),
    }


def with_metrics(trained: TrainedModel, metrics: Mapping[str, Any]) -> TrainedModel:
    """The same model with what was measured of it in its metadata. Times do not belong: they vary."""
    from chalicelib.training.graph import with_metadata  # noqa: PLC0415 - as in `train`

    metadata = replace(trained.metadata, metrics=metrics)
    return replace(trained, model=with_metadata(trained.model, metadata), metadata=metadata)
