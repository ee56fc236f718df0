"""The whole graph: network, method, and what anomalies taught."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chalicelib.training.ensemble_graph import add_ensemble
from chalicelib.training.features import add_features
from chalicelib.training.graph import GraphBuilder
from chalicelib.training.kinds_graph import add_kinds
from chalicelib.training.memory import sparing_memory
from chalicelib.training.scoring import add_outputs

if TYPE_CHECKING:
    from chalicelib.model_metadata import ModelMetadata
    from chalicelib.training.backbones import Backbone
    from chalicelib.training.config import TrainingConfig
    from chalicelib.training.ensemble import Ensemble
    from chalicelib.training.kinds import Kinds
    from chalicelib.training.unsupervised import Unsupervised


class Learnt(NamedTuple):
    """What a model is made of, besides its network.

    Attributes:
        unsupervised: What tells normal from unusual.
        ensemble: What anomalies taught; None where the distance judges alone.
        kinds: How anomalies are named.
        metadata: What the model says of itself.
    """

    unsupervised: Unsupervised
    ensemble: Ensemble | None
    kinds: Kinds
    metadata: ModelMetadata


@sparing_memory()
def build(weights: Backbone, config: TrainingConfig, learnt: Learnt) -> bytes:
    """The graph from picture to `score`, `heat_map` and, where there are kinds to tell apart, `kinds`."""
    graph = GraphBuilder()
    ensemble, kinds = learnt.ensemble, learnt.kinds
    values = add_features(
        graph, "image", weights, config, with_context=ensemble is not None and ensemble.needs_context
    )
    distances = learnt.unsupervised.add_to(graph, values)
    if ensemble:
        add_ensemble(graph, values, distances, ensemble)
    else:
        add_outputs(graph, distances, config.grid**2)
    outputs: dict[str, tuple[int, ...]] = {"score": (), "heat_map": (config.grid, config.grid)}
    if kinds.naming:
        add_kinds(graph, values, kinds.naming)
        outputs["kinds"] = (len(kinds.kinds), config.grid, config.grid)
    return graph.model(config.input_size, outputs, learnt.metadata)
