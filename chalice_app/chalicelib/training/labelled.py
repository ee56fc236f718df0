"""What labelled anomalies bring: an ensemble where cross-validation says that it helps, and a calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from chalicelib.training.ensemble import LABELLED, Ensemble
from chalicelib.training.ensemble_fit import Sample, fit_ensemble
from chalicelib.training.folds import deal_folds
from chalicelib.training.memory import sparing_memory
from chalicelib.training.numerics import auroc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.training.features import Features
    from chalicelib.training.synthetic import WithoutLabels

# With one or two, what the judges learn is those pictures and not the defect: AUROC fell by up to .09.
MIN_ANOMALIES = 3


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was learnt from labelled anomalies.

    Attributes:
        ensemble: None where there were too few anomalies, or it would not have helped.
        normal_scores: Of each normal picture, by a model that has not seen it.
        anomaly_scores: The same of each anomaly.
        heat_maps: Of all pictures `(pictures, patches)`, normal ones first, likewise.
        decision: Whether the ensemble judges, and why, in words and figures.
    """

    ensemble: Ensemble | None
    normal_scores: NDArray[np.float64]
    anomaly_scores: NDArray[np.float64]
    heat_maps: NDArray[np.float64]
    decision: dict[str, Any]


@sparing_memory()
def learn_from_anomalies(
    features: Features,
    masks: NDArray[np.float32],
    groups: NDArray[np.intp],
    without: WithoutLabels,
) -> Labelled:
    """Fits the ensemble, and keeps it only where cross-validation says that it is no worse without it.

    Args:
        features: Of all pictures, normal ones first, with context where there are anomalies enough.
        masks: `(anomalies, patches)`, zeros where there is no mask.
        groups: `(pictures,)`, the same number for pictures of one part.
        without: What is known without the labels.
    """
    anomalies = len(masks)
    normals = len(features.images) - anomalies
    is_anomalous = np.arange(len(features.images)) >= normals
    alone = Labelled(None, without.normal_scores, without.anomaly_scores, without.heat_maps, {})
    decision: dict[str, Any] = {"anomalies": anomalies, "with_masks": int((masks.max(axis=1) > 0).sum())}
    parts = len(np.unique(groups[normals:]))
    if parts < MIN_ANOMALIES:
        decision |= {
            "used": False,
            "reason": f"Anomalies of {parts} part{'s' * (parts != 1)} are too few to learn from; "
            f"{MIN_ANOMALIES} or more are learnt from. They shaped the probability only.",
        }
        return replace(alone, decision=decision)
    sample = Sample(
        list(features.described),
        features.pooled,
        without.distances,
        is_anomalous,
        np.concatenate([np.zeros((normals, masks.shape[1]), np.float32), masks]),
        deal_folds(groups, is_anomalous),
    )
    # One thread, as everywhere in training: the numbers must not depend on how many CPUs there are.
    with threadpool_limits(1, "blas"):
        ensemble = fit_ensemble(sample)
    together = np.exp(ensemble.log_scores(ensemble.held_out))
    before = np.concatenate([without.normal_scores, without.anomaly_scores])
    helps, figures = _compare(before, together, is_anomalous, ensemble)
    decision |= {"folds": len(np.unique(sample.folds)), **figures, "used": helps}
    if helps:
        decision["reason"] = "Cross-validated, the labels are no loss."
        heat_maps = np.exp(ensemble.held_out_patches)
        return Labelled(ensemble, together[:normals], together[normals:], heat_maps, decision)
    decision["reason"] = "Cross-validated, the model without the labels is better, and was kept."
    return replace(alone, decision=decision)


def _compare(
    alone: NDArray[np.float64],
    together: NDArray[np.float64],
    is_anomalous: NDArray[np.bool_],
    ensemble: Ensemble,
) -> tuple[bool, dict[str, Any]]:
    """The guard: never worse than without labels, on pictures that each fit had not seen."""
    without, with_labels = auroc(alone, is_anomalous), auroc(together, is_anomalous)
    judges = {
        name: round(auroc(values, is_anomalous), 4)
        for name, values in zip(LABELLED, ensemble.held_out, strict=True)
    }
    figures = {
        "image_auroc_without_labels": round(without, 4),
        "image_auroc_with_labels": round(with_labels, 4),
        "image_auroc_of_each": judges,
    }
    return with_labels >= without, figures
