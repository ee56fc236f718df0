"""The network that gives the features: EfficientNet-lite, or one that the user brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from chalicelib.training import efficientnet
from chalicelib.training.backbone_file import BackboneFile
from chalicelib.training.efficientnet import Tap, Weights

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.graph import GraphBuilder
    from chalicelib.training.quantised import QuantisedBackbone

Network: TypeAlias = Weights | BackboneFile
Backbone: TypeAlias = "Weights | BackboneFile | QuantisedBackbone"

# What judges that learn from anomalies see besides the patches: a coarser stage, and whole stages pooled.
_CONTEXT_STAGES = ("s5",)
_POOLED_STAGES = ("s2", "s3", "s4", "s5", "s6")


def load_backbone(config: TrainingConfig, pictures: Sequence[NamedPicture]) -> Backbone:
    """The network that a configuration names.

    Args:
        config: Which network, and whether in eight bits.
        pictures: What the model is trained on: in eight bits, a network is made for such pictures.

    Raises:
        TrainingError: Its weights are not installed, or damaged; or no picture can be read.
    """
    network = config.backbone_file or efficientnet.load_weights(config.backbone)
    if not config.int8:
        return network
    from chalicelib.training.quantised import quantise  # noqa: PLC0415 - it needs this module

    return quantise(network, pictures, config)


def add_backbone(
    graph: GraphBuilder, image: str, backbone: Backbone, taps: Collection[str]
) -> dict[str, Tap]:
    """Adds the network up to the last tap; gives each tap's value."""
    if isinstance(backbone, Weights):
        return efficientnet.add_backbone(graph, image, backbone, taps)
    return backbone.add_to(graph, image, taps)


def context_taps(backbone: Backbone) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What judges that learn from anomalies see besides the patches: taps by patch, and taps pooled.

    A brought network has no other taps than those that were named: its last serves once more.
    """
    if isinstance(backbone, BackboneFile):
        return backbone.taps[-1:], backbone.taps
    if not isinstance(backbone, Weights):
        return backbone.context
    return _CONTEXT_STAGES, _POOLED_STAGES
