"""Fitting the judges of an ensemble, and what each says of pictures that it has not seen.

Masks say which patches of an anomalous picture are anomalous; where there is none, those most unusual do,
chosen once more by the discriminant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.ensemble import (
    DISCRIMINANT,
    LABELLED,
    LOGISTIC,
    PICTURE,
    UNSUPERVISED,
    Ensemble,
    Judge,
    Scale,
    added,
)
from chalicelib.training.heads import Linear, Moments, fit_discriminant, fit_logistic, fit_ridge
from chalicelib.training.picture_rows import picture_rows
from chalicelib.training.scoring import scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Of an anomalous picture without a mask, the share of its patches taken for anomalous; two at least.
_ANOMALOUS_SHARE = 0.02
# Negatives of the patch logistic for each normal picture: those that fool the discriminant, and any.
_FOOLING, _ANY = 4, 4


class Sample(NamedTuple):
    """Features of training pictures.

    Attributes:
        patches: `(pictures, channels, patches)` float32.
        pooled: `(pictures, features)` float32, of the whole picture.
        distances: `(pictures, patches)` by the unsupervised model, greater than 0: leave-one-out for normal
            pictures.
        is_anomalous: `(pictures,)`.
        masks: `(pictures, patches)`, the anomalous share of each patch; zeros where there is no mask.
        folds: `(pictures,)`, the fold in which a picture is held out.
    """

    patches: NDArray[np.float32]
    pooled: NDArray[np.float32]
    distances: NDArray[np.float64]
    is_anomalous: NDArray[np.bool_]
    masks: NDArray[np.float32]
    folds: NDArray[np.intp]


def fit_ensemble(sample: Sample, weights: Mapping[str, float] = LABELLED) -> Ensemble:
    """Fits the judges to all pictures, and once without each fold to cross-validate and scale them.

    Args:
        sample: With normal and anomalous pictures inside and outside each fold that holds an anomaly.
        weights: What each judge counts; the distance comes first.
    """
    learning = _Learning(sample, weights)
    normal = ~sample.is_anomalous
    said = learning.held_out()
    judgements = {name: values if name == PICTURE else scores(values) for name, values in said.items()}
    heads = learning.fit(None)
    judges = tuple(
        Judge(name, learning.raw(name, heads.get(name)), Scale.of(judgements[name][normal]), weight)
        for name, weight in weights.items()
    )
    total = added(judges, list(judgements.values()))
    of_patches = [judge for judge in judges if judge.name != PICTURE]
    by_patch = added(of_patches, [said[judge.name] for judge in of_patches])
    patch_total = Scale.of(scores(by_patch)[normal])
    ensemble = Ensemble(
        judges=judges,
        total=Scale.of(total[normal]),
        patch_total=patch_total,
        held_out=np.stack(list(judgements.values())),
        held_out_patches=patch_total(by_patch),
    )
    return ensemble._replace(held_out_patches=ensemble.on_distance_scale(ensemble.held_out_patches))


class _Learning:
    """The features made ready, and what all fits share."""

    def __init__(self, sample: Sample, weights: Mapping[str, float]) -> None:
        self._sample = sample
        self._names = tuple(weights)
        self._normal = ~sample.is_anomalous
        self._rows = {PICTURE: picture_rows(sample)} if PICTURE in weights else {}
        logs = np.log(sample.distances).astype(np.float32)
        count, width, patches = sample.patches.shape
        self.patches = np.empty((count, patches, width + 1), np.float32)
        self.patches[:, :, :width] = sample.patches.transpose(0, 2, 1)
        self.patches[:, :, width] = logs
        self.mean, self.scale = _mean_and_scale(self.patches, self._normal)
        self.patches -= self.mean.astype(np.float32)
        self.patches *= self.scale.astype(np.float32)
        self._logs = logs
        self._moments = {
            fold: Moments.of(self._patches_of(self._normal & (sample.folds == fold)))
            for fold in np.unique(sample.folds)
        }

    def held_out(self) -> dict[str, NDArray[np.float64]]:
        """What each judge says of each picture, or of its patches, when it has not seen it."""
        count = len(self._normal)
        said = {
            name: np.empty(count if name == PICTURE else self._sample.distances.shape) for name in self._names
        }
        said[UNSUPERVISED] = np.log(self._sample.distances)
        for fold in np.unique(self._sample.folds):
            held_out = self._sample.folds == fold
            for name, head in self.fit(fold).items():
                said[name][held_out] = head(self._rows.get(name, self.patches)[held_out])
        return said

    def raw(self, name: str, head: Linear | None) -> Linear | None:
        """The head for features as they come, which have not been standardised."""
        return head if head is None or name == PICTURE else head.before(self.mean, self.scale)

    def fit(self, held_out: int | None) -> dict[str, Linear]:
        """The heads, fitted to all pictures but those of one fold."""
        used = np.ones(len(self._normal), bool) if held_out is None else self._sample.folds != held_out
        anomalies, normals = used & ~self._normal, used & self._normal
        moments = [moments for fold, moments in self._moments.items() if fold != held_out]
        normal_moments = Moments.total_of(moments)
        chosen, has_masks = self._anomalous_patches(anomalies)
        discriminant = self._discriminant(normal_moments, anomalies, chosen)
        if not has_masks.all():
            again = _largest(discriminant(self.patches[anomalies]), self._sample.distances.shape[1])
            chosen[~has_masks] = again[~has_masks]
            discriminant = self._discriminant(normal_moments, anomalies, chosen)
        heads = {DISCRIMINANT: discriminant}
        if LOGISTIC in self._names:
            heads[LOGISTIC] = self._logistic(discriminant, normals, anomalies, chosen)
        if PICTURE in self._rows:
            heads[PICTURE] = fit_ridge(self._rows[PICTURE][used], ~self._normal[used])
        return heads

    def _anomalous_patches(self, anomalies: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which patches of the anomalies are anomalous at first, and which anomalies have a mask."""
        masks = self._sample.masks[anomalies]
        peaks = masks.max(axis=1, keepdims=True)
        has_masks = peaks[:, 0] > 0
        unusual = _largest(self._logs[anomalies], masks.shape[1])
        chosen: NDArray[np.bool_] = np.where(has_masks[:, None], masks > peaks / 2, unusual)
        return chosen, has_masks

    def _discriminant(
        self, normal: Moments, anomalies: NDArray[np.bool_], chosen: NDArray[np.bool_]
    ) -> Linear:
        return fit_discriminant(normal, self.patches[anomalies][chosen], _importance(chosen))

    def _logistic(
        self,
        discriminant: Linear,
        normals: NDArray[np.bool_],
        anomalies: NDArray[np.bool_],
        chosen: NDArray[np.bool_],
    ) -> Linear:
        pictures = np.flatnonzero(normals)
        fooling = np.argsort(-discriminant(self.patches)[pictures], axis=1, kind="stable")[:, :_FOOLING]
        any_patch = np.random.default_rng(0).integers(0, self.patches.shape[1], (len(pictures), _ANY))
        places = np.concatenate([fooling, any_patch], axis=1)
        negatives = self.patches[pictures[:, None], places].reshape(-1, self.patches.shape[2])
        positives = self.patches[anomalies][chosen]
        rows = np.concatenate([negatives, positives])
        importance = np.concatenate([np.full(len(negatives), 1 / len(negatives)), _importance(chosen)])
        is_anomalous = np.arange(len(rows)) >= len(negatives)
        return fit_logistic(rows, is_anomalous, importance * len(rows) / 2)

    def _patches_of(self, pictures: NDArray[np.bool_]) -> NDArray[np.float32]:
        patches: NDArray[np.float32] = self.patches[pictures].reshape(-1, self.patches.shape[2])
        return patches


def _mean_and_scale(
    patches: NDArray[np.float32], normal: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each feature over the normal pictures' patches; one picture at a time, because memory is short."""
    pictures = np.flatnonzero(normal)
    count = len(pictures) * patches.shape[1]
    mean = np.sum([patches[place].sum(axis=0, dtype=np.float64) for place in pictures], axis=0) / count
    squared = np.sum([np.square(patches[place] - mean).sum(axis=0) for place in pictures], axis=0)
    return mean, 1 / np.maximum(np.sqrt(squared / count), 1e-9)


def _largest(values: NDArray[np.floating], patches: int) -> NDArray[np.bool_]:
    """Where the largest hundredths of each row are, at least two."""
    count = max(2, round(_ANOMALOUS_SHARE * patches))
    places = np.argsort(-values, axis=1, kind="stable")[:, :count]
    found = np.zeros(values.shape, bool)
    np.put_along_axis(found, places, values=True, axis=1)
    return found


def _importance(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each anomalous picture counts the same, however many of its patches are chosen; sums to 1."""
    shares = chosen / chosen.sum(axis=1, keepdims=True)
    importance: NDArray[np.float64] = shares[chosen] / len(chosen)
    return importance
