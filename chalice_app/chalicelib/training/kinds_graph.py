"""The heads that tell kinds of anomaly apart as nodes of a graph, on the features that the score uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.training.features import FeatureValues
    from chalicelib.training.graph import GraphBuilder
    from chalicelib.training.heads import Linear


def add_kinds(graph: GraphBuilder, values: FeatureValues, heads: Sequence[Linear]) -> None:
    """Adds the output `kinds` `(kinds, grid, grid)`: how much each patch looks like each kind.

    Args:
        graph: Where the nodes go.
        values: The features, with their context if the heads have learnt from it.
        heads: From `learn_kinds`.
    """
    features, channels = values.patches, sum(values.channels)
    if values.context:
        features = graph.add("Concat", [features, values.context], axis=1)
        channels += values.context_channels
    features = graph.add("Reshape", [features, graph.indices(channels, values.grid**2)])
    weights = graph.constant(np.stack([head.weights for head in heads]).astype(np.float32))
    biases = graph.constant(np.array([[head.bias] for head in heads], np.float32))
    evidence = graph.add("Add", [graph.add("MatMul", [weights, features]), biases])
    shape = graph.indices(len(heads), values.grid, values.grid)
    graph.add("Reshape", [evidence, shape], output="kinds")
