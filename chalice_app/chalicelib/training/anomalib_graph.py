"""anomalib's export as nodes between a picture of ours and a score and heat map of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, numpy_helper

from chalicelib.detector import new_session
from chalicelib.exceptions import ModelInvalidError, TrainingError
from chalicelib.training.foreign import Foreign, Scaling, add_foreign, cut
from chalicelib.training.graph import GraphBuilder

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

_PREFIX = "anomalib/"
_SCORE, _MAP = "pred_score", "anomaly_map"
_OWN_THRESHOLD = 0.5
# Through these a clip still decides what comes out.
_PASSING = {"Where", "Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}
_MOST_PATCHES_A_SIDE = 32
# exp() stays a finite float32 below this.
_LARGEST_LOG = 80.0


def without_clip(model: onnx.ModelProto) -> tuple[onnx.ModelProto, bool]:
    """The same model with what clips its scores and maps to 0 to 1 taken out, and whether anything did."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    constants |= {
        node.output[0]: attribute.t
        for node in model.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    by_output = {name: node for node in model.graph.node for name in node.output}
    waiting, found = [value.name for value in model.graph.output], False
    while waiting:
        node = by_output.get(waiting.pop())
        if node is not None and node.op_type == "Clip" and _bounds(node, constants) == [0.0, 1.0]:
            node.op_type, found = "Identity", True
            del node.input[1:]
        elif node is not None and node.op_type in _PASSING:
            waiting += node.input
    return model, found


class Export:
    """The network between a picture of ours and numbers of ours.

    Args:
        foreign: From `load_foreign`.
        sides: Height and width of the pictures that it was trained with.

    Raises:
        ModelInvalidError: The file is no such export.
        TrainingError: It does not take pictures of these sides.
    """

    def __init__(self, foreign: Foreign, sides: tuple[int, int]) -> None:
        names = {value.name for value in foreign.model.graph.output}
        if _SCORE not in names:
            message = (
                f"The file is no export of anomalib 2: it gives {', '.join(sorted(names))} and no {_SCORE}."
            )
            raise ModelInvalidError(message)
        self._names = [_SCORE, *([_MAP] if _MAP in names else [])]
        model, self._is_normalised = without_clip(cut(foreign.model, self._names))
        self._foreign = foreign._replace(model=model)
        self._sides = sides
        self._map_sides = self._try()
        side = max(self._map_sides)
        self.grid = max(n for n in range(1, _MOST_PATCHES_A_SIDE + 1) if side % n == 0)
        graph, values = self._begin()
        outputs = {graph.add("Identity", [value]): None for value in values}
        self._raw = list(outputs)
        self._session = new_session(graph.model(max(sides), outputs))

    def values(self, square: NDArray[np.uint8]) -> tuple[float, float]:
        """Score and largest value of the map, in anomalib's units and not clipped."""
        score, heat = self._session.run(self._raw, {"image": square[None]})
        return float(score), float(heat.max())

    def score_of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the graph makes of anomalib's scores."""
        if self._is_normalised:
            return np.exp(np.clip(values - _OWN_THRESHOLD, -_LARGEST_LOG, _LARGEST_LOG))
        if len(values) and values.min() <= 0:
            message = "The export gives scores below 0: export it with anomalib's normalisation."
            raise TrainingError(message)
        return values

    def model(self, slope: float, shift: float) -> bytes:
        """The whole graph; the map is `slope` times anomalib's plus `shift`, then as the score is."""
        graph, (score, heat) = self._begin()
        heat = graph.add("Add", [graph.add("Mul", [heat, graph.scalar(slope)]), graph.scalar(shift)])
        for value, output in ((score, "score"), (heat, "heat_map")):
            if self._is_normalised:
                value = graph.add("Sub", [value, graph.scalar(_OWN_THRESHOLD)])  # noqa: PLW2901
                bounds = [graph.scalar(-_LARGEST_LOG), graph.scalar(_LARGEST_LOG)]
                graph.add("Exp", [graph.add("Clip", [value, *bounds])], output=output)
            else:
                graph.add("Max", [value, graph.scalar(1e-6)], output=output)
        shapes = {"score": (), "heat_map": (self.grid, self.grid)}
        return graph.model(max(self._sides), shapes)

    def _try(self) -> tuple[int, int]:
        """Height and width of the map; 1 and 1 where there is none."""
        graph = GraphBuilder()
        self._add(graph)
        names = [f"{_PREFIX}{name}" for name in self._names]
        side = max(self._sides)
        try:
            session = new_session(graph.model(side, dict.fromkeys(names)))
            values = session.run(names, {"image": np.full((1, side, side, 3), 127, np.uint8)})
        except ModelInvalidError:
            raise
        except Exception as error:
            # onnxruntime's exceptions share no base class but Exception.
            message = f"The export does not take pictures of {self._sides} pixels ({error})."
            raise TrainingError(message) from error
        return values[1].shape[-2:] if len(values) > 1 else (1, 1)

    def _add(self, graph: GraphBuilder) -> None:
        height, width = self._sides
        image = "image"
        if height != width:
            image = graph.add("Cast", [image], to=TensorProto.FLOAT)
            shape = graph.indices(1, height, width, 3)
            image = graph.add(
                "Resize", [image, "", "", shape], mode="linear", coordinate_transformation_mode="half_pixel"
            )
        add_foreign(graph, image, self._foreign, Scaling(), _PREFIX, self._sides)

    def _begin(self) -> tuple[GraphBuilder, tuple[str, str]]:
        """A graph as far as anomalib's score, a scalar, and its map `(grid, grid)`."""
        graph = GraphBuilder()
        self._add(graph)
        flat = graph.add("Reshape", [f"{_PREFIX}{_SCORE}", graph.indices(-1)])
        flat = graph.add("Cast", [_first(graph, flat)], to=TensorProto.FLOAT)
        score = graph.add("ReduceMax", [flat], axes=[0], keepdims=0)
        if len(self._names) == 1:
            return graph, (score, graph.add("Reshape", [score, graph.indices(1, 1)]))
        height, width = self._map_sides
        side = max(height, width)
        heat = graph.add("Cast", [_first(graph, f"{_PREFIX}{_MAP}")], to=TensorProto.FLOAT)
        heat = graph.add("Reshape", [heat, graph.indices(1, 1, height, width)])
        if height != width:
            shape = graph.indices(1, 1, side, side)
            heat = graph.add(
                "Resize", [heat, "", "", shape], mode="linear", coordinate_transformation_mode="half_pixel"
            )
        cells = side // self.grid
        heat = graph.add("AveragePool", [heat], kernel_shape=[cells, cells], strides=[cells, cells])
        return graph, (score, graph.add("Reshape", [heat, graph.indices(self.grid, self.grid)]))


def _first(graph: GraphBuilder, value: str) -> str:
    """The first picture of the batch; the others are copies."""
    return graph.add("Slice", [value, graph.indices(0), graph.indices(1), graph.indices(0)])


def _bounds(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> list[float]:
    return [
        float(numpy_helper.to_array(constants[name]).reshape(-1)[0])
        for name in node.input[1:]
        if name in constants
    ]
