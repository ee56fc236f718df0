"""Builds ONNX graphs node by node, with nothing in them that changes from one build to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from chalicelib.model_metadata import METADATA_KEY, ModelMetadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_OPSET = 17
_IR_VERSION = 9  # the one that came with opset 17: older onnxruntimes can read it


class GraphBuilder:
    """Collects nodes and constants, and names what they give in the order of their making."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: NDArray[Any]) -> str:
        """Adds a constant and gives its name."""
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def indices(self, *values: int) -> str:
        """Adds a constant vector of int64: shapes, axes and counts."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """Adds a constant float32 without dimensions."""
        return self.constant(np.array(value, np.float32))

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        *,
        output: str | None = None,
        **attributes: Any,  # noqa: ANN401 - an ONNX attribute is a number, a list, a string or a tensor
    ) -> str:
        """Adds a node with one output and gives the output's name."""
        output = output or f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def top_values(self, values: str, count: int) -> str:
        """The `count` largest elements of a vector."""
        return self.sorted_values(values, count)[0]

    def sorted_values(self, values: str, count: int) -> tuple[str, str]:
        """The `count` largest elements of a vector in falling order, and their places."""
        output = f"value{len(self._nodes)}"
        places = f"{output}_places"
        self._nodes.append(helper.make_node("TopK", [values, self.indices(count)], [output, places], axis=0))
        return output, places

    def model(self, image_size: int, outputs: Mapping[str, Sequence[int]]) -> bytes:
        """The whole graph as an ONNX file: `image` `(1, size, size, 3)` uint8 in, float32 `outputs` out."""
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, image_size, image_size, 3])
        values = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in outputs.items()
        ]
        graph = helper.make_graph(self._nodes, "spotcheck", [image], values, self._constants)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, producer_name="spotcheck", opset_imports=[opset])
        model.ir_version = _IR_VERSION
        return serialised(model)


def with_metadata(model: bytes, metadata: ModelMetadata) -> bytes:
    """The same model with this metadata in place of what it had."""
    proto = onnx.load_from_string(model)
    del proto.metadata_props[:]
    helper.set_model_props(proto, {METADATA_KEY: metadata.to_json()})
    return serialised(proto)


def serialised(model: onnx.ModelProto) -> bytes:
    """The same model gives the same bytes."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content
