"""From the distances of patches to the score of a picture, in NumPy and as graph: one definition for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.training.graph import GraphBuilder

_TOP_SHARE = 0.01


def top_patches(patches: int) -> int:
    """How many of the largest patch distances a score averages: 1 %, at least one."""
    return max(1, round(_TOP_SHARE * patches))


def scores(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Anomaly scores `(pictures,)` of patch distances `(pictures, patches)`."""
    count = top_patches(distances.shape[1])
    result: NDArray[np.float64] = np.sort(distances, axis=1)[:, -count:].mean(axis=1)
    return result


def add_score(graph: GraphBuilder, distances: str, patches: int, *, output: str | None = None) -> str:
    """Adds the score of a vector of patch distances to a graph, and gives the scalar's name."""
    top = graph.top_values(distances, top_patches(patches))
    return graph.add("ReduceMean", [top], output=output, axes=[0], keepdims=0)


def add_outputs(graph: GraphBuilder, distances: str, patches: int) -> None:
    """Adds the outputs `score` (a scalar) and `heat_map` `(grid, grid)` of a vector of patch distances."""
    side = round(patches**0.5)
    graph.add("Reshape", [distances, graph.indices(side, side)], output="heat_map")
    add_score(graph, distances, patches, output="score")
