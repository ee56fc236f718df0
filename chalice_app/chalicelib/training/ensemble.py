"""Four judges that learn from labelled anomalies, each on the same features, added up.

- unsupervised: how far a picture departs from normal, which needs no label;
- picture: ridge regression on each stage's mean and largest value, on the mean features of the most unusual
  patches, and on how the distances are spread;
- patch discriminant: a linear discriminant of single patches, on their features and their distance;
- patch logistic: the same by logistic regression, against the normal patches that fool the discriminant.

Masks say which patches of an anomalous picture are anomalous; where there is none, those most unusual do,
chosen once more by the discriminant. Each judge is brought to mean 0 and deviation 1 on normal pictures that
it has not seen, then they are added: docs/adr/0009 says what that gained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.heads import Linear, Moments, fit_discriminant, fit_logistic, fit_ridge
from chalicelib.training.scoring import scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

JUDGES = ("unsupervised", "picture", "patch discriminant", "patch logistic")
# Of an anomalous picture without a mask, the share of its patches taken for anomalous; two at least.
_ANOMALOUS_SHARE = 0.02
# Negatives of the patch logistic for each normal picture: those that fool the discriminant, and any.
_FOOLING, _ANY = 4, 4
_UNUSUAL_SHARE = 0.03
# The distances' spread: means over the largest shares of them, and their deviation. Each such figure counts
# as much as eight features.
_SPREAD_SHARES = (0.0, 0.01, 0.02, 0.04, 0.08, 0.25, 1.0)
_SPREAD_COPIES = 8


# Deviations are bent beyond so many: judges that learn set an anomaly a hundred deviations off with ease,
# where a distance is ten at most, and exp(100) is no score to show to people.
BEND = 3.0


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


class Heads(NamedTuple):
    """The three judges that learn.

    Attributes:
        picture: Of `picture_rows`.
        discriminant: Of a patch's features, then the logarithm of its distance.
        logistic: Of the same.
    """

    picture: Linear
    discriminant: Linear
    logistic: Linear

    def before(self, mean: NDArray[np.float64], scale: NDArray[np.float64]) -> Heads:
        """The same judges of patches not yet standardised by `(x - mean) * scale`."""
        return Heads(self.picture, self.discriminant.before(mean, scale), self.logistic.before(mean, scale))


class Scale(NamedTuple):
    """Mean and deviation on normal pictures."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Scale:
        """Of values, which may all be the same."""
        return cls(float(values.mean()), float(values.std()) or 1.0)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """In deviations from the mean."""
        return (values - self.mean) / self.deviation


class Ensemble(NamedTuple):
    """A fitted ensemble.

    Attributes:
        heads: Fitted to all pictures.
        judges: Scale of each of `JUDGES` on normal pictures that it has not seen.
        total: Scale of their sum.
        patch_total: Scale of the score of the three patch judges' sum.
        held_out: `(judges, pictures)`, what each judge said of the pictures when it had not seen them.
        held_out_patches: `(pictures, patches)`, the same of the patch judges' sum: logarithms of heat maps.
    """

    heads: Heads
    judges: tuple[Scale, ...]
    total: Scale
    patch_total: Scale
    held_out: NDArray[np.float64]
    held_out_patches: NDArray[np.float64]

    def log_scores(self, judgements: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithms of scores `(pictures,)` of judgements `(judges, pictures)`.

        The sum is brought to the unsupervised score's scale: normal pictures have about the same mean and
        deviation of log-scores by either, so that a score stays something like a distance.
        """
        total = sum(scale(values) for scale, values in zip(self.judges, judgements, strict=True))
        return self.on_distance_scale(self.total(np.asarray(total)))

    def on_distance_scale(self, deviations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithms of scores that are so many deviations from the mean normal picture's."""
        distance = self.judges[0]
        result: NDArray[np.float64] = distance.mean + distance.deviation * bent(deviations)
        return result


def bent(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the same near 0, and growing as a logarithm does far from it; the order stays."""
    result: NDArray[np.float64] = BEND * np.arcsinh(deviations / BEND)
    return result


def picture_rows(sample: Sample) -> NDArray[np.float64]:
    """What the picture judge sees `(pictures, features)`: whole picture, unusual patches, spread."""
    count = sample.distances.shape[1]
    unusual = np.argsort(-sample.distances, axis=1, kind="stable")[:, : unusual_patches(count)]
    features = np.take_along_axis(sample.patches, unusual[:, None, :], axis=2).mean(axis=2)
    logs = np.log(sample.distances)
    means = -np.sort(-logs, axis=1) @ spread_weights(count)
    spread = np.column_stack([means, logs.std(axis=1)])
    return np.column_stack([sample.pooled, features, np.repeat(spread, _SPREAD_COPIES, axis=1)]).astype(
        np.float64
    )


def unusual_patches(patches: int) -> int:
    """How many of the most unusual patches describe a picture: 3 %, at least two."""
    return max(2, round(_UNUSUAL_SHARE * patches))


def spread_weights(patches: int) -> NDArray[np.float64]:
    """`(patches, figures)`: falling distances times this are the means that describe their spread."""
    weights = np.zeros((patches, len(_SPREAD_SHARES)))
    for figure, share in enumerate(_SPREAD_SHARES):
        largest = max(1, int(share * patches))
        weights[:largest, figure] = 1 / largest
    return weights


def split_picture_weights(
    weights: NDArray[np.float64], pooled: int, channels: int, patches: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """The picture judge's weights: of pooled features, unusual patches, sorted log-distances, deviation."""
    spread = weights[pooled + channels :].reshape(-1, _SPREAD_COPIES).sum(axis=1)
    of_sorted = spread_weights(patches) @ spread[:-1]
    return weights[:pooled], weights[pooled : pooled + channels], of_sorted, float(spread[-1])


def fit_ensemble(sample: Sample) -> Ensemble:
    """Fits the judges to all pictures, and once without each fold to cross-validate and scale them.

    Args:
        sample: With normal and anomalous pictures inside and outside each fold that holds an anomaly.
    """
    learning = _Learning(sample)
    normal = ~sample.is_anomalous
    pictures = np.empty(len(normal))
    patches = np.empty((3, *sample.distances.shape))
    patches[0] = np.log(sample.distances)
    for fold in np.unique(sample.folds):
        held_out = sample.folds == fold
        heads = learning.fit(fold)
        pictures[held_out] = heads.picture(learning.rows[held_out])
        patches[1, held_out] = heads.discriminant(learning.patches[held_out])
        patches[2, held_out] = heads.logistic(learning.patches[held_out])
    unsupervised, *of_patches = (scores(values) for values in patches)
    judgements = np.stack([unsupervised, pictures, *of_patches])
    judges = tuple(Scale.of(values[normal]) for values in judgements)
    patch_judges = [judges[0], *judges[2:]]
    by_patch = sum(scale(values) for scale, values in zip(patch_judges, patches, strict=True))
    total = sum(scale(values) for scale, values in zip(judges, judgements, strict=True))
    patch_total = Scale.of(scores(np.asarray(by_patch))[normal])
    ensemble = Ensemble(
        heads=learning.fit(None).before(learning.mean, learning.scale),
        judges=judges,
        total=Scale.of(np.asarray(total)[normal]),
        patch_total=patch_total,
        held_out=judgements,
        held_out_patches=patch_total(np.asarray(by_patch)),
    )
    return ensemble._replace(held_out_patches=ensemble.on_distance_scale(ensemble.held_out_patches))


class _Learning:
    """The features made ready, and what all fits share."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._normal = ~sample.is_anomalous
        self.rows = picture_rows(sample)
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

    def fit(self, held_out: int | None) -> Heads:
        """Fits to all pictures but those of one fold."""
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
        logistic = self._logistic(discriminant, normals, anomalies, chosen)
        return Heads(fit_ridge(self.rows[used], ~self._normal[used]), discriminant, logistic)

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
