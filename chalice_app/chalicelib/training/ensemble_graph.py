"""The ensemble's judges as nodes of a graph, on the features that the unsupervised model uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.training.ensemble import BEND, PICTURE
from chalicelib.training.picture_rows import split_picture_weights, unusual_patches
from chalicelib.training.scoring import add_score
from chalicelib.training.unsupervised import MIN_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.ensemble import Ensemble, Judge, Scale
    from chalicelib.training.features import FeatureValues
    from chalicelib.training.graph import GraphBuilder
    from chalicelib.training.heads import Linear

# exp() stays a finite float32 between these.
_MIN_LOG_SCORE, _MAX_LOG_SCORE = -80.0, 80.0


def add_ensemble(graph: GraphBuilder, values: FeatureValues, distances: str, ensemble: Ensemble) -> None:
    """Adds the judges, and the outputs `score` and `heat_map` on one scale.

    Args:
        graph: Where the nodes go.
        values: Features; with their context where a judge of whole pictures is among the judges.
        distances: Name of the unsupervised model's distances, a vector of one a patch.
        ensemble: From `fit_ensemble`.
    """
    nodes = _Nodes(graph)
    side, patches = values.grid, values.grid**2
    channels = sum(values.channels) + values.context_channels
    logs = graph.add("Log", [graph.add("Max", [distances, graph.scalar(MIN_DISTANCE)])])
    features = (
        graph.add("Concat", [values.patches, values.context], axis=1) if values.context else values.patches
    )
    features = graph.add("Reshape", [features, graph.indices(channels, patches)])
    judgements, by_patch = [], []
    for judge in ensemble.judges:
        if judge.head and judge.name == PICTURE:
            judgements.append(_add_picture_head(nodes, values, features, logs, judge.head))
            continue
        by_patch.append(_add_patch_head(nodes, features, logs, judge.head, patches) if judge.head else logs)
        judgements.append(add_score(graph, by_patch[-1], patches))
    distance = ensemble.judges[0].scale
    total = nodes.added(ensemble.judges, judgements)
    patch_total = nodes.added(ensemble.of_patches, by_patch)
    nodes.exponential(nodes.scaled(total, ensemble.total), distance, output="score")
    heat = nodes.exponential(nodes.scaled(patch_total, ensemble.patch_total), distance)
    graph.add("Reshape", [heat, graph.indices(side, side)], output="heat_map")


def _add_patch_head(nodes: _Nodes, features: str, logs: str, head: Linear, patches: int) -> str:
    # Weights on the left, as a matrix: onnxruntime 1.32 gives wrong numbers for a transposed matrix times a
    # vector, which it fuses into one node.
    weights = nodes.graph.constant(head.weights[None, :-1].astype(np.float32))
    of_features = nodes.graph.add("MatMul", [weights, features])
    of_features = nodes.graph.add("Reshape", [of_features, nodes.graph.indices(patches)])
    of_distance = nodes.times(logs, float(head.weights[-1]))
    return nodes.plus(nodes.graph.add("Add", [of_features, of_distance]), head.bias)


def _add_picture_head(nodes: _Nodes, values: FeatureValues, features: str, logs: str, head: Linear) -> str:
    graph, patches = nodes.graph, values.grid**2
    channels = sum(values.channels) + values.context_channels
    of_pooled, of_unusual, of_sorted, of_deviation = split_picture_weights(
        head.weights, values.pooled_channels, channels, patches
    )
    ordered, places = graph.sorted_values(logs, patches)
    unusual = graph.add(
        "Slice", [places, graph.indices(0), graph.indices(unusual_patches(patches)), graph.indices(0)]
    )
    unusual = graph.add("Gather", [features, unusual], axis=1)
    unusual = graph.add("ReduceMean", [unusual], axes=[1], keepdims=0)
    centred = graph.add("Sub", [logs, graph.add("ReduceMean", [logs], axes=[0], keepdims=1)])
    variance = graph.add("ReduceMean", [graph.add("Mul", [centred, centred])], axes=[0], keepdims=0)
    deviation = graph.add("Sqrt", [variance])
    parts = [
        nodes.product(values.pooled, of_pooled),
        nodes.product(unusual, of_unusual),
        nodes.product(ordered, of_sorted),
        nodes.times(deviation, of_deviation),
    ]
    return nodes.plus(graph.add("Sum", parts), head.bias)


class _Nodes(NamedTuple):
    """Arithmetic with constants."""

    graph: GraphBuilder

    def product(self, value: str, weights: NDArray[np.float64]) -> str:
        """`value @ weights`."""
        return self.graph.add("MatMul", [value, self.graph.constant(weights.astype(np.float32))])

    def plus(self, value: str, number: float) -> str:
        """`value + number`."""
        return self.graph.add("Add", [value, self.graph.scalar(number)])

    def times(self, value: str, number: float) -> str:
        """`value * number`."""
        return self.graph.add("Mul", [value, self.graph.scalar(number)])

    def scaled(self, value: str, scale: Scale) -> str:
        """In deviations from the mean."""
        return self.times(self.plus(value, -scale.mean), 1 / scale.deviation)

    def added(self, judges: Sequence[Judge], judgements: Sequence[str]) -> str:
        """The weighted sum of what judges said, each in its own deviations."""
        scaled = [
            self.times(self.plus(said, -judge.scale.mean), judge.weight / judge.scale.deviation)
            for judge, said in zip(judges, judgements, strict=True)
        ]
        return self.graph.add("Sum", scaled)

    def exponential(self, value: str, scale: Scale, *, output: str | None = None) -> str:
        """From deviations, bent, to the scale's own logarithms, then exp(): always finite."""
        bent = self.times(self.graph.add("Asinh", [self.times(value, 1 / BEND)]), BEND)
        logarithm = self.plus(self.times(bent, scale.deviation), scale.mean)
        bounds = [self.graph.scalar(_MIN_LOG_SCORE), self.graph.scalar(_MAX_LOG_SCORE)]
        return self.graph.add("Exp", [self.graph.add("Clip", [logarithm, *bounds])], output=output)
