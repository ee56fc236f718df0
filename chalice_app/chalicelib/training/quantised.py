"""The network in eight bits: less to compute and a smaller file.

Only the network: quantised distances tell nothing apart. The method is fitted to what the quantised network
gives, so that its rounding is part of what is normal, and thresholds and leave-one-out scores are those of
the model that comes out. Weights keep seven of their eight bits: without VNNI, x86 processors add pairs of
products in 16 bits, and full weights overflow there (onnxruntime's documentation of `reduce_range`).
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

from chalicelib.exceptions import PictureRejectedError, TrainingError
from chalicelib.pictures import read_picture
from chalicelib.tiling import Tiles
from chalicelib.training.backbones import add_backbone, context_taps
from chalicelib.training.foreign import cut
from chalicelib.training.graph import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from chalicelib.training.backbones import Network
    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.efficientnet import Tap

_PREFIX = "int8/"
# Enough to know the range of every value; each goes through the whole network in floating point.
_PICTURES, _TILES_EACH = 32, 4


@dataclass(frozen=True)
class QuantisedBackbone:
    """A network in eight bits.

    Attributes:
        backbone: Its name.
        sha256: Of the file that the weights came from, in hex.
        model: From `image`, uint8, to its taps, float.
        taps: Name of each tap → its value in `model`.
        context: What `context_taps` gave of the network itself.
    """

    backbone: str
    sha256: str
    model: onnx.ModelProto = field(repr=False)
    taps: Mapping[str, Tap]
    context: tuple[tuple[str, ...], tuple[str, ...]]

    def add_to(self, graph: GraphBuilder, image: str, taps: Collection[str]) -> dict[str, Tap]:
        """Adds the network up to the taps wanted to a graph; gives each tap's value."""
        graph.add("Identity", [image], output=f"{_PREFIX}image")
        graph.graft(cut(self.model, [self.taps[name].value for name in taps]), _PREFIX)
        return {name: self.taps[name]._replace(value=f"{_PREFIX}{self.taps[name].value}") for name in taps}


def quantise(network: Network, pictures: Sequence[NamedPicture], config: TrainingConfig) -> QuantisedBackbone:
    """Quantises a network, the ranges of its values being those that pictures give.

    Args:
        network: In floating point.
        pictures: What the model is trained on; some of them are looked at.
        config: Input size, framing and taps.

    Raises:
        TrainingError: No picture can be read.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # noqa: PLC0415 - half a second

    context = context_taps(network)
    wanted = tuple(dict.fromkeys((*config.taps, *context[0], *context[1])))
    graph = GraphBuilder()
    taps = add_backbone(graph, "image", network, wanted)
    model = onnx.load_from_string(graph.model(config.input_size, {tap.value: None for tap in taps.values()}))
    _name_nodes(model)
    squares = list(_some_squares(pictures, config))
    if not squares:
        message = "None of the pictures can be read: there is nothing to quantise the network with."
        raise TrainingError(message)
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        path = Path(folder) / "int8.onnx"
        quantize_static(
            model,
            path,
            _Reader(squares),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=_products(model),
        )
        quantised = onnx.load(path)
    return QuantisedBackbone(f"{network.backbone}, int8", network.sha256, quantised, taps, context)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Without onnxruntime's advice to fold batch normalisation first, which is done."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Reader:
    """Gives pictures one by one, as `onnxruntime.quantization` asks for them."""

    def __init__(self, squares: Sequence[NDArray[np.uint8]]) -> None:
        self._squares = iter(squares)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        square = next(self._squares, None)
        return None if square is None else {"image": square[None]}


def _some_squares(pictures: Sequence[NamedPicture], config: TrainingConfig) -> Iterator[NDArray[np.uint8]]:
    in_order = sorted(pictures, key=lambda picture: picture.name)
    count, framing = min(_PICTURES, len(in_order)), config.framing
    for index in range(count):
        try:
            data = in_order[index * len(in_order) // count].read()
            picture = read_picture(data, min_decoded_side=framing.min_decoded_side)
            if not framing.tile:
                yield framing.square(picture.pixels)
                continue
            tiles = Tiles(framing, picture.width, picture.height)
        except (PictureRejectedError, OSError):
            continue
        step = -(-len(tiles.places) // _TILES_EACH)
        yield from (square for _, square in tiles.squares(picture.pixels, tiles.places[::step]))


def _name_nodes(model: onnx.ModelProto) -> None:
    """Nodes are told apart by names, which ours do not have."""
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node{number}"


def _products(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that multiply with weights: where the time goes."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" or (node.op_type == "MatMul" and weights.intersection(node.input))
    ]
