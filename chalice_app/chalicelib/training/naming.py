"""Says how much each patch of an anomaly looks like each kind, and like none of them.

What a patch shows is how it departs from the mean normal patch at the same place. Of that the direction
counts and not the length: a faint scratch and a deep one are scratches, and what departs in a direction of
its own looks like no kind at all, however far it departs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.heads import Linear, fit_against_others

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A patch that is the mean normal one departs in no direction.
LEAST_LENGTH = 1e-6
_PENALTY = 10.0
# Of the anomalies that were named rightly when they were held out, each kind counting the same, so many had
# less evidence than is asked for.
_REFUSED = 0.05
# The graph computes in single precision or in eight bits: what was just enough must not be too little there.
_SLACK = 0.01


class Naming(NamedTuple):
    """How anomalies are named.

    Attributes:
        normal: `(channels, patches)` float32, mean features of the normal pictures.
        heads: Of the direction of a patch's departure, one a kind; behind them, where it was set, one that
            says the same everywhere: what has less evidence of every kind is of none.
    """

    normal: NDArray[np.float32]
    heads: tuple[Linear, ...]

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Evidence `(heads, patches)` of a picture's features `(channels, patches)`."""
        rows = directions(features, self.normal).T
        return np.stack([head(rows) for head in self.heads])

    def with_floor(self, floor: float) -> Naming:
        """The same with one head more, which wins where there is less evidence of every kind."""
        nothing = Linear(np.zeros(len(self.normal)), floor)
        return self._replace(heads=(*self.heads, nothing))


def directions(features: NDArray[np.float32], normal: NDArray[np.float32]) -> NDArray[np.float32]:
    """How patches depart from normal ones, as vectors of length one.

    Args:
        features: `(channels, patches)`.
        normal: The same of the mean normal picture.
    """
    departures = features - normal
    result: NDArray[np.float32] = departures / (np.linalg.norm(departures, axis=0) + LEAST_LENGTH)
    return result


def fit_naming(
    rows: NDArray[np.float64], labels: NDArray[np.intp], kinds: int, normal: NDArray[np.float32]
) -> Naming:
    """A head for each kind; for one without examples, a head that never wins.

    Args:
        rows: `(examples, channels)`, mean directions.
        labels: `(examples,)`, which kind.
        kinds: How many there are.
        normal: Mean features of the normal pictures.
    """
    never = Linear(np.zeros(rows.shape[1]), -np.inf)
    heads = (
        fit_against_others(rows, labels == kind, _PENALTY) if (labels == kind).any() else never
        for kind in range(kinds)
    )
    return Naming(normal, tuple(heads))


def least_evidence(evidence: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    """How much evidence a name needs: what nearly all had that were named rightly when they were held out.

    Args:
        evidence: `(examples, kinds)`, by heads that had not seen them.
        labels: `(examples,)`, which kind they are of; one of them at least has its name.
    """
    right = evidence.argmax(axis=1) == labels
    shares = 1 / np.bincount(labels[right])[labels[right]]
    best = evidence[right].max(axis=1)
    return float(np.quantile(best, _REFUSED, weights=shares, method="inverted_cdf")) - _SLACK
