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
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Of an anomalous picture without a mask, the share of its patches taken for anomalous; two at least.
_ANOMALOUS_SHARE = 0.02
# Negatives of the patch logistic for each normal picture: those that fool the discriminant, and any.
_FOOLING, _ANY = 4, 4


class Sample(NamedTuple):
    """Features of training pictures.

    Attributes:
        patches: Of each picture `(channels, patches)` float32; they may be parts of larger arrays.
        pooled: `(pictures, features)` float32, of the whole picture.
        distances: `(pictures, patches)` by the unsupervised model, greater than 0: leave-one-out for normal
            pictures.
        is_anomalous: `(pictures,)`.
        masks: `(pictures, patches)`, the anomalous share of each patch; zeros where there is no mask.
        folds: `(pictures,)`, the fold in which a picture is held out.
    """

    patches: Sequence[NDArray[np.float32]]
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
    """What all fits share; features are made ready when they are needed, because memory is short."""

    def __init__(self, sample: Sample, weights: Mapping[str, float]) -> None:
        self._sample = sample
        self._names = tuple(weights)
        self._normal = ~sample.is_anomalous
        self._rows = {PICTURE: picture_rows(sample)} if PICTURE in weights else {}
        self._logs = np.log(sample.distances).astype(np.float32)
        self.mean, self.scale = self._mean_and_scale()
        self._shift, self._factor = self.mean.astype(np.float32), self.scale.astype(np.float32)
        self._moments = {
            fold: Moments.of(self._patches(self._normal & (sample.folds == fold)).reshape(-1, len(self.mean)))
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
                seen = self._rows[name][held_out] if name == PICTURE else self._patches(held_out)
                said[name][held_out] = head(seen)
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
        patches = self._patches(anomalies)
        discriminant = fit_discriminant(normal_moments, patches[chosen], _importance(chosen))
        if not has_masks.all():
            again = _largest(discriminant(patches), self._sample.distances.shape[1])
            chosen[~has_masks] = again[~has_masks]
            discriminant = fit_discriminant(normal_moments, patches[chosen], _importance(chosen))
        heads = {DISCRIMINANT: discriminant}
        if LOGISTIC in self._names:
            heads[LOGISTIC] = self._logistic(discriminant, normals, patches[chosen], _importance(chosen))
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

    def _logistic(
        self,
        discriminant: Linear,
        normals: NDArray[np.bool_],
        positives: NDArray[np.float32],
        importance: NDArray[np.float64],
    ) -> Linear:
        pictures = np.flatnonzero(normals).tolist()
        any_patch = np.random.default_rng(0).integers(0, self._logs.shape[1], (len(pictures), _ANY))
        chosen = []
        for place, others in zip(pictures, any_patch, strict=True):
            patches = self._patches_of(place)
            fooling = np.argsort(-discriminant(patches), kind="stable")[:_FOOLING]
            chosen.append(patches[np.concatenate([fooling, others])])
        negatives = np.concatenate(chosen)
        rows = np.concatenate([negatives, positives])
        importance = np.concatenate([np.full(len(negatives), 1 / len(negatives)), importance])
        is_anomalous = np.arange(len(rows)) >= len(negatives)
        return fit_logistic(rows, is_anomalous, importance * len(rows) / 2)

    def _patches(self, pictures: NDArray[np.bool_]) -> NDArray[np.float32]:
        """`(pictures, patches, features)` of some pictures, standardised."""
        places = np.flatnonzero(pictures).tolist()
        ready = np.empty((len(places), self._logs.shape[1], len(self.mean)), np.float32)
        for row, place in enumerate(places):
            ready[row] = self._patches_of(place)
        return ready

    def _patches_of(self, place: int) -> NDArray[np.float32]:
        """`(patches, features)` of a picture, standardised."""
        patches = self._raw(place)
        patches -= self._shift
        patches *= self._factor
        return patches

    def _raw(self, place: int) -> NDArray[np.float32]:
        """`(patches, features)` of a picture: its features, and the logarithms of its distances."""
        return np.ascontiguousarray(np.vstack([self._sample.patches[place], self._logs[place]]).T)

    def _mean_and_scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each feature over the normal pictures' patches."""
        pictures = np.flatnonzero(self._normal).tolist()
        count = len(pictures) * self._logs.shape[1]
        mean = np.sum([self._raw(place).sum(axis=0, dtype=np.float64) for place in pictures], axis=0) / count
        squared = np.sum([np.square(self._raw(place) - mean).sum(axis=0) for place in pictures], axis=0)
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
