"""Judges whose opinions are added up: the distance from normal, and heads that learn from anomalies.

- unsupervised: how far a picture departs from normal, which needs no label;
- picture: ridge regression on each stage's mean and largest value, on the mean features of the most unusual
  patches, and on how the distances are spread;
- patch discriminant: a linear discriminant of single patches, on their features and their distance;
- patch logistic: the same by logistic regression, against the normal patches that fool the discriminant.

From labelled anomalies all of them learn, and count the same (docs/adr/0009). From synthetic ones the
discriminant does, and counts a quarter (docs/adr/0020). Each judge is brought to mean 0 and deviation 1 on
normal pictures that it has not seen, then they are added.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.scoring import scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from chalicelib.training.heads import Linear

UNSUPERVISED, PICTURE = "unsupervised", "picture"
DISCRIMINANT, LOGISTIC = "patch discriminant", "patch logistic"

# What each judge counts, in the order in which they are added: the distance comes first.
LABELLED: Mapping[str, float] = MappingProxyType(
    {UNSUPERVISED: 1.0, PICTURE: 1.0, DISCRIMINANT: 1.0, LOGISTIC: 1.0}
)
SYNTHETIC: Mapping[str, float] = MappingProxyType({UNSUPERVISED: 1.0, DISCRIMINANT: 0.25})

# Deviations are bent beyond so many: judges that learn set an anomaly a hundred deviations off with ease,
# where a distance is ten at most, and exp(100) is no score to show to people.
BEND = 3.0


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


class Judge(NamedTuple):
    """One of those who are added up.

    Attributes:
        name: Which.
        head: Of `picture_rows`, or of a patch's features and the logarithm of its distance. The distance
            itself needs none.
        scale: Of what it says of normal pictures that it has not seen.
        weight: What a deviation by it counts.
    """

    name: str
    head: Linear | None
    scale: Scale
    weight: float


class Ensemble(NamedTuple):
    """A fitted ensemble.

    Attributes:
        judges: Fitted to all pictures; the distance is the first.
        total: Scale of their sum.
        patch_total: Scale of the score of the patch judges' sum.
        held_out: `(judges, pictures)`, what each judge said of the pictures when it had not seen them.
        held_out_patches: `(pictures, patches)`, the same of the patch judges' sum: logarithms of heat maps.
    """

    judges: tuple[Judge, ...]
    total: Scale
    patch_total: Scale
    held_out: NDArray[np.float64]
    held_out_patches: NDArray[np.float64]

    @property
    def of_patches(self) -> tuple[Judge, ...]:
        """The judges that say something of every patch."""
        return tuple(judge for judge in self.judges if judge.name != PICTURE)

    @property
    def needs_context(self) -> bool:
        """Whether its judges look at more than the distance does."""
        return len(self.of_patches) < len(self.judges)

    def log_scores(self, judgements: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithms of scores `(pictures,)` of judgements `(judges, pictures)`.

        The sum is brought to the unsupervised score's scale: normal pictures have about the same mean and
        deviation of log-scores by either, so that a score stays something like a distance.
        """
        return self.on_distance_scale(self.total(added(self.judges, tuple(judgements))))

    def on_distance_scale(self, deviations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithms of scores that are so many deviations from the mean normal picture's."""
        distance = self.judges[0].scale
        result: NDArray[np.float64] = distance.mean + distance.deviation * bent(deviations)
        return result


def added(judges: Sequence[Judge], judgements: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The weighted sum of what judges said, each in its own deviations."""
    parts = [judge.weight * judge.scale(said) for judge, said in zip(judges, judgements, strict=True)]
    return np.asarray(sum(parts))


def patch_judgements(
    ensemble: Ensemble, features: NDArray[np.float32], distances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of scores `(pictures,)` and heat maps `(pictures, patches)` of unseen pictures.

    Args:
        ensemble: Of judges of patches only.
        features: `(pictures, channels, patches)`.
        distances: `(pictures, patches)`.
    """
    logs = np.log(distances)
    rows = np.concatenate([features, logs[:, None]], axis=1).transpose(0, 2, 1)
    said = [judge.head(rows) if judge.head else logs for judge in ensemble.judges]
    of_pictures = ensemble.log_scores(np.stack([scores(values) for values in said]))
    heat = ensemble.patch_total(added(ensemble.judges, said))
    return of_pictures, ensemble.on_distance_scale(heat)


def bent(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the same near 0, and growing as a logarithm does far from it; the order stays."""
    result: NDArray[np.float64] = BEND * np.arcsinh(deviations / BEND)
    return result
