"""The heads that tell kinds of anomaly apart as nodes of a graph, on the features that the score uses too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chalicelib.training.naming import LEAST_LENGTH

if TYPE_CHECKING:
    from chalicelib.training.features import FeatureValues
    from chalicelib.training.graph import GraphBuilder
    from chalicelib.training.naming import Naming


def add_kinds(graph: GraphBuilder, values: FeatureValues, naming: Naming) -> None:
    """Adds the output `kinds` `(kinds, grid, grid)`: how much each patch looks like each kind, and like none.

    Args:
        graph: Where the nodes go.
        values: The features, with their context if `naming` has learnt from it.
        naming: From `learn_kinds`.
    """
    features, channels = values.patches, sum(values.channels)
    if values.context:
        features = graph.add("Concat", [features, values.context], axis=1)
        channels += values.context_channels
    features = graph.add("Reshape", [features, graph.indices(channels, values.grid**2)])
    departures = graph.add("Sub", [features, graph.constant(naming.normal)])
    lengths = graph.add("ReduceL2", [departures], axes=[0], keepdims=1)
    lengths = graph.add("Add", [lengths, graph.scalar(LEAST_LENGTH)])
    weights = graph.constant(np.stack([head.weights for head in naming.heads]).astype(np.float32))
    biases = graph.constant(np.array([[head.bias] for head in naming.heads], np.float32))
    # Dividing what the heads make of the departures is dividing the departures, and fewer numbers.
    along = graph.add("Div", [graph.add("MatMul", [weights, departures]), lengths])
    evidence = graph.add("Add", [along, biases])
    shape = graph.indices(len(naming.heads), values.grid, values.grid)
    graph.add("Reshape", [evidence, shape], output="kinds")
