"""Builds ONNX graphs node by node, with nothing in them that changes from one build to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from chalicelib.model_metadata import METADATA_KEY, ModelMetadata
from chalicelib.training.memory import sparing_memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

OPSET = 17
_IR_VERSION = 9  # the one that came with opset 17: older onnxruntimes can read it
_AXES_ARE_INPUTS = 18  # from this opset on, of every operator that reduces


class GraphBuilder:
    """Collects nodes and constants, and names what they give in the order of their making."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        # Constants go into the model at once: they are most of it, and memory is short.
        self._model = onnx.ModelProto(producer_name="spotcheck")
        self._model.graph.name = "spotcheck"
        self._constants = self._model.graph.initializer
        self._opsets = {"": OPSET}
        self._ir_version = _IR_VERSION

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

    def graft(self, model: onnx.ModelProto, prefix: str) -> None:
        """Adds another model's nodes and weights, its inputs being values that are there.

        Args:
            model: In opset 17 or a later one: the whole graph will be in that.
            prefix: Put before each of its names, inputs included.
        """
        foreign = compose.add_prefix(model, prefix)
        self._nodes += foreign.graph.node
        self._constants.extend(foreign.graph.initializer)
        for opset in foreign.opset_import:
            domain = "" if opset.domain == "ai.onnx" else opset.domain
            self._opsets[domain] = max(opset.version, self._opsets.get(domain, 0))
        self._ir_version = max(self._ir_version, foreign.ir_version)

    def model(
        self,
        image_size: int,
        outputs: Mapping[str, Sequence[int] | None],
        metadata: ModelMetadata | None = None,
    ) -> bytes:
        """The whole graph as an ONNX file: `image` `(1, size, size, 3)` uint8 in, float32 `outputs` out.

        A graph can be had once: its nodes go into the file.

        Args:
            image_size: Side of the picture.
            outputs: Values and their shapes; None where nobody knows it yet.
            metadata: What the model says of itself; None where it is for training alone.
        """
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, image_size, image_size, 3])
        values = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()
        ]
        if self._opsets[""] >= _AXES_ARE_INPUTS:
            self._nodes = [self._with_axes_as_input(node) for node in self._nodes]
        self._model.graph.node.extend(self._nodes)
        self._model.graph.input.append(image)
        self._model.graph.output.extend(values)
        self._model.opset_import.extend(
            helper.make_opsetid(domain, version) for domain, version in sorted(self._opsets.items())
        )
        self._model.ir_version = self._ir_version
        if metadata:
            helper.set_model_props(self._model, {METADATA_KEY: metadata.to_json()})
        return serialised(self._model)

    def _with_axes_as_input(self, node: onnx.NodeProto) -> onnx.NodeProto:
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if not node.op_type.startswith("Reduce") or "axes" not in attributes:
            return node
        axes = self.indices(*attributes.pop("axes"))
        return helper.make_node(node.op_type, [*node.input, axes], list(node.output), **attributes)


@sparing_memory()
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
