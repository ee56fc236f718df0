"""What synthetic anomalies teach, where there may be no real one: what anomalies look like.

A distance says how far a patch departs from normal, and not whether the direction is one in which things
break. A linear discriminant of patches learns that from anomalies planted in the training pictures, and
counts a quarter of what the distance does: docs/adr/0020 says what that gained.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from chalicelib.training.ensemble import SYNTHETIC, Ensemble, patch_judgements
from chalicelib.training.ensemble_fit import Sample, fit_ensemble
from chalicelib.training.features import extract_features
from chalicelib.training.folds import deal_folds
from chalicelib.training.masks import patch_shares
from chalicelib.training.numerics import auroc
from chalicelib.training.planting import plant
from chalicelib.training.scoring import scores
from chalicelib.training.squares import framed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.training.backbones import Backbone
    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.squares import Squares
    from chalicelib.training.unsupervised import Unsupervised

# 150 taught nothing more.
_PLANTED = 60


class WithoutLabels(NamedTuple):
    """What the model says that has seen no labelled anomaly.

    Attributes:
        ensemble: The distance, and what synthetic anomalies taught; None where the distance judges alone.
        normal_scores: Of each normal picture, by a model that has not seen it.
        anomaly_scores: Of each labelled anomaly.
        distances: Of each picture's patches `(pictures, patches)`, normal ones first, likewise.
        heat_maps: The same as the model shows it: the distances, where they judge alone.
        decision: Whether synthetic anomalies were learnt from, and why, in words and figures; empty where
            the configuration wants none.
    """

    ensemble: Ensemble | None
    normal_scores: NDArray[np.float64]
    anomaly_scores: NDArray[np.float64]
    distances: NDArray[np.float64]
    heat_maps: NDArray[np.float64]
    decision: dict[str, Any]


class Normals(NamedTuple):
    """The normal pictures.

    Attributes:
        squares: All of them can be read.
        features: `(pictures, channels, patches)`.
        groups: `(pictures,)`, the same number for pictures of one part.
    """

    squares: Squares
    features: NDArray[np.float32]
    groups: NDArray[np.intp]


def learn_without_labels(
    normals: Normals,
    anomalies: NDArray[np.float32],
    unsupervised: Unsupervised,
    weights: Backbone,
    config: TrainingConfig,
) -> WithoutLabels:
    """Learns from synthetic anomalies, and scores everything.

    Args:
        normals: The normal pictures.
        anomalies: `(anomalies, channels, patches)`, features of the labelled anomalies, not learnt from.
        unsupervised: Fitted to the normal pictures.
        weights: The network's weights.
        config: The configuration.
    """
    count = len(normals.features)
    distances = np.concatenate([unsupervised.leave_one_out, unsupervised.distances(anomalies)])
    by_distance = scores(distances)
    alone = WithoutLabels(None, by_distance[:count], by_distance[count:], distances, distances, {})
    if not config.synthetic:
        return alone
    sample = _with_planted(normals, unsupervised, weights, config)
    # One thread, as everywhere in training: the numbers must not depend on how many CPUs there are.
    with threadpool_limits(1, "blas"):
        ensemble = fit_ensemble(sample, SYNTHETIC)
    together = np.exp(ensemble.log_scores(ensemble.held_out))
    without = auroc(scores(sample.distances), sample.is_anomalous)
    taught = auroc(together, sample.is_anomalous)
    helps = taught >= without
    decision = {
        "pictures": int(sample.is_anomalous.sum()),
        "image_auroc_without": round(without, 4),
        "image_auroc_with": round(taught, 4),
        "used": helps,
        "reason": f"Synthetic anomalies were told from normal pictures with an AUROC of {taught:.3f}, "
        f"by the distance alone {without:.3f}" + ("." if helps else ": it judges alone."),
    }
    if not helps:
        return alone._replace(decision=decision)
    of_anomalies, of_patches = patch_judgements(ensemble, anomalies, distances[count:])
    maps = np.exp(np.concatenate([ensemble.held_out_patches[:count], of_patches]))
    return WithoutLabels(ensemble, together[:count], np.exp(of_anomalies), distances, maps, decision)


def _with_planted(
    normals: Normals, unsupervised: Unsupervised, weights: Backbone, config: TrainingConfig
) -> Sample:
    """The normal pictures, and some of them again with an anomaly, which knows no model of its own part."""
    planted = _PlantedPictures(normals.squares, config.grid)
    features = extract_features(planted.named(), weights, config)
    used = list(features.places)
    sources = normals.groups[normals.squares.origins[planted.sources[used]]]
    distances = unsupervised.distances_without(features.values, sources, normals.features, normals.groups)
    count = len(normals.features)
    is_anomalous = np.arange(count + len(used)) >= count
    return Sample(
        [*normals.features, *features.values],
        np.zeros((len(is_anomalous), 0), np.float32),
        np.concatenate([unsupervised.leave_one_out, distances]),
        is_anomalous,
        np.concatenate([np.zeros((count, config.grid**2), np.float32), planted.coverage[used]]),
        deal_folds(np.concatenate([normals.groups, sources]), is_anomalous),
    )


class _PlantedPictures:
    """Pictures with an anomaly, made when they are read: memory is short.

    Attributes:
        sources: `(planted,)`, places of the squares that they are made of.
        coverage: `(planted, patches)`, the anomalous share of each patch, once a picture was read.
    """

    def __init__(self, squares: Squares, grid: int) -> None:
        self._squares, self._grid = squares, grid
        self.sources = np.resize(np.random.default_rng(0).permutation(len(squares.origins)), _PLANTED)
        self.coverage = np.zeros((_PLANTED, grid**2), np.float32)

    def named(self) -> list[NamedPicture]:
        """As pictures to extract features from."""
        return [framed(f"planted-{place}", partial(self._plant, place)) for place in range(len(self.sources))]

    def _plant(self, place: int) -> NDArray[np.uint8]:
        generator = np.random.default_rng((0, place))
        square, seen = self._squares[self.sources[place]]
        foreign = self.sources[generator.integers(len(self.sources))]
        planted = plant(generator, square, lambda: self._squares[foreign].pixels, seen)
        self.coverage[place] = patch_shares(planted.mask, self._grid)
        return planted.pixels
