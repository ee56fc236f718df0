"""What tells normal from unusual without a label: PaDiM or PatchCore, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.padim import (
    Padim,
    add_padim,
    fit_padim,
    padim_distances,
    padim_distances_without,
)
from chalicelib.training.patchcore import PatchCore, add_patchcore, fit_patchcore, patchcore_distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.features import FeatureValues
    from chalicelib.training.graph import GraphBuilder

# What a distance is taken for at least: scores have logarithms, even of a patch seen in training.
MIN_DISTANCE = 1e-6


class Unsupervised(NamedTuple):
    """A fitted model of normal patches, whichever it is."""

    model: Padim | PatchCore

    @property
    def leave_one_out(self) -> NDArray[np.float64]:
        """`(pictures, patches)` distances of the training pictures, each by a model that has not seen it."""
        return np.maximum(self.model.leave_one_out, MIN_DISTANCE)

    def distances(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """`(pictures, patches)` distances of pictures `(pictures, channels, patches)` not trained on."""
        if isinstance(self.model, Padim):
            return np.maximum(padim_distances(self.model, features), MIN_DISTANCE)
        return np.maximum(patchcore_distances(self.model, features), MIN_DISTANCE)

    def distances_without(
        self,
        features: NDArray[np.float32],
        sources: NDArray[np.intp],
        normals: NDArray[np.float32],
        groups: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """`(pictures, patches)` distances of altered training pictures, by models without their parts.

        Args:
            features: `(pictures, channels, patches)` of the altered pictures.
            sources: `(pictures,)`, the group of the normal picture that each was made of.
            normals: `(normals, channels, patches)`, what was fitted to.
            groups: `(normals,)`, the same number for pictures of one part, as they were fitted.
        """
        if isinstance(self.model, Padim):
            found = padim_distances_without(self.model, features, sources, normals, groups)
        else:
            found = patchcore_distances(self.model, features, sources)
        return np.maximum(found, MIN_DISTANCE)

    def add_to(self, graph: GraphBuilder, values: FeatureValues) -> str:
        """Adds the distances to a graph and gives the name of the vector."""
        if isinstance(self.model, Padim):
            return add_padim(graph, values.patches, self.model)
        return add_patchcore(graph, values.patches, self.model, values.grid**2)


def fit_unsupervised(
    method: str,
    features: NDArray[np.float32],
    channels: Sequence[int],
    ridge: float,
    groups: NDArray[np.intp] | None = None,
) -> Unsupervised:
    """Fits `padim` or `patchcore`.

    Args:
        method: Which.
        features: `(pictures, channels, patches)`.
        channels: Channels of each tap.
        ridge: PaDiM's, as a share of the mean variance.
        groups: `(pictures,)`, the same number for pictures of one part.

    Raises:
        TrainingError: Nothing can be learnt from these pictures.
    """
    if method == "patchcore":
        return Unsupervised(fit_patchcore(features, channels, groups))
    return Unsupervised(fit_padim(features, channels, ridge, groups))
