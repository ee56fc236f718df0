"""Makers of small networks, in the shapes in which other programs write them, with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def weights(name: str, *shape: int) -> onnx.TensorProto:
    """Random weights that keep the scale of what they are multiplied with."""
    seed = sum(name.encode())
    values = np.random.default_rng(seed).normal(0, np.prod(shape[1:]) ** -0.5, shape)
    return numpy_helper.from_array(values.astype(np.float32), name)


def vector(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def convolutional_network(*, opset: int = 17, batch: int | str = "batch") -> onnx.ModelProto:
    """Two convolutions with ReLU, of strides 4 and 8, then a classifier; 96 pixels a side."""
    nodes = [
        helper.make_node(
            "Conv", ["pixels", "first"], ["c1"], strides=[4, 4], kernel_shape=[4, 4], name="first_conv"
        ),
        helper.make_node("Relu", ["c1"], ["stage1"]),
        helper.make_node("Conv", ["stage1", "second"], ["c2"], strides=[2, 2], kernel_shape=[2, 2]),
        helper.make_node("Relu", ["c2"], ["stage2"]),
        helper.make_node("GlobalAveragePool", ["stage2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "classes"], ["logits"]),
    ]
    constants = [weights("first", 12, 3, 4, 4), weights("second", 20, 12, 2, 2), weights("classes", 20, 5)]
    return _model(nodes, constants, [batch, 3, 96, 96], {"logits": [batch, 5]}, opset)


def token_network(*, before: int = 1, opset: int = 17) -> onnx.ModelProto:
    """A transformer's beginning: patches of 8 pixels as tokens, others before them, and attention."""
    nodes = [
        helper.make_node("Conv", ["pixels", "embed"], ["maps"], strides=[8, 8], kernel_shape=[8, 8]),
        helper.make_node("Reshape", ["maps", "to_rows"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["patches"], perm=[0, 2, 1]),
        helper.make_node("Concat", ["class_token", "patches"], ["tokens"], axis=1),
        helper.make_node("MatMul", ["tokens", "query"], ["queries"]),
        helper.make_node("Transpose", ["tokens"], ["keys"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["queries", "keys"], ["products"]),
        helper.make_node("Softmax", ["products"], ["attention"], axis=-1),
        helper.make_node("MatMul", ["attention", "tokens"], ["seen"]),
        helper.make_node("Add", ["seen", "tokens"], ["layer0"]),
    ]
    constants = [
        weights("embed", 16, 3, 8, 8),
        weights("class_token", 1, before, 16),
        weights("query", 16, 16),
        vector("to_rows", 1, 16, 144),
    ]
    return _model(nodes, constants, [1, 3, 96, 96], {"layer0": [1, 144 + before, 16]}, opset)


def token_features(model: onnx.ModelProto, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `token_network` gives of normalised pixels `(96, 96, 3)`, in NumPy: `(tokens, 16)`."""
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    blocks = pixels.reshape(12, 8, 12, 8, 3).transpose(0, 2, 4, 1, 3).reshape(144, -1)
    tokens = np.concatenate([given["class_token"][0], blocks @ given["embed"].reshape(16, -1).T])
    products = tokens @ given["query"] @ tokens.T
    attention = np.exp(products - products.max(axis=1, keepdims=True))
    result: NDArray[np.float32] = attention / attention.sum(axis=1, keepdims=True) @ tokens + tokens
    return result


def _model(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    taken: list[int | str],
    given: dict[str, list[int | str]],
    opset: int,
) -> onnx.ModelProto:
    image = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, taken)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in given.items()]
    graph = helper.make_graph(nodes, "network", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


def save(model: onnx.ModelProto, path: Path, *, external: bool = False) -> Path:
    """Writes it; with its weights in a second file, `<name>.data`, as PyTorch's exporter does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(
        model,
        path,
        save_as_external_data=external,
        location=f"{path.name}.data" if external else None,
        size_threshold=0,
    )
    return path
