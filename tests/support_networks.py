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


# Of `anomalib_export`, as anomalib found them on its validation pictures.
IMAGE_THRESHOLD, IMAGE_RANGE = 0.55, 0.8
PIXEL_THRESHOLD, PIXEL_RANGE = 0.4, 0.9


def anomalib_export(
    *,
    batch: int | str = "batch",
    sides: tuple[int | str, int | str] = (64, 64),
    score: str = "(B,1)",
    clipped: bool = True,
) -> onnx.ModelProto:
    """What anomalib 2 writes, with a small network within: how bright the brightest 4 × 4 pixels are.

    Args:
        batch: Of the input; PatchCore's exports have a fixed 2.
        sides: Height and width.
        score: Shape of `pred_score`: `(B,1)` as PaDiM's, `(B,)` as PatchCore's.
        clipped: Whether scores and maps are normalised.
    """  # noqa: RUF002 - the sign that people know
    mean = numpy_helper.from_array(np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1), "mean")
    std = numpy_helper.from_array(np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1), "std")
    nodes = [
        helper.make_node("Sub", ["input", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
        helper.make_node("Mul", ["scaled", "std"], ["unscaled"]),
        helper.make_node("Add", ["unscaled", "mean"], ["grey_in_colour"]),
        helper.make_node("ReduceMean", ["grey_in_colour", "colours"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["raw_map"], kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
        helper.make_node("ReduceMax", ["raw_map", "all_but_batch"], ["raw"], keepdims=0),
    ]
    shape: list[int | str] = [batch] if score == "(B,)" else [batch, 1]
    nodes.append(
        helper.make_node("Reshape", ["raw", "score_shape"], ["raw_score"])
        if score == "(B,1)"
        else helper.make_node("Identity", ["raw"], ["raw_score"])
    )
    constants = [
        mean,
        std,
        vector("colours", 1),
        vector("all_but_batch", 1, 2, 3),
        vector("score_shape", -1, 1),
    ]
    for raw, name, threshold, spread in (
        ("raw_score", "pred_score", IMAGE_THRESHOLD, IMAGE_RANGE),
        ("raw_map", "anomaly_map", PIXEL_THRESHOLD, PIXEL_RANGE),
    ):
        if clipped:
            constants += [
                _scalar(f"{name}_threshold", threshold),
                _scalar(f"{name}_range", spread),
                *(_scalar(f"{name}_{number}", number) for number in (0, 0.5, 1)),
            ]
            nodes += [
                helper.make_node("Sub", [raw, f"{name}_threshold"], [f"{name}_away"]),
                helper.make_node("Div", [f"{name}_away", f"{name}_range"], [f"{name}_share"]),
                helper.make_node("Add", [f"{name}_share", f"{name}_0.5"], [f"{name}_moved"]),
                helper.make_node("Clip", [f"{name}_moved", f"{name}_0", f"{name}_1"], [f"{name}_clipped"]),
                helper.make_node("Greater", [raw, f"{name}_threshold"], [f"{name}_above"]),
                helper.make_node(
                    "Where", [f"{name}_above", f"{name}_1", f"{name}_0"], [f"{name}_degenerate"]
                ),
                helper.make_node("Equal", [f"{name}_range", f"{name}_0"], [f"{name}_no_range"]),
                helper.make_node(
                    "Where", [f"{name}_no_range", f"{name}_degenerate", f"{name}_clipped"], [name]
                ),
            ]
        else:
            nodes.append(helper.make_node("Identity", [raw], [name]))
    constants.append(_scalar("half", 0.5))
    nodes += [
        helper.make_node("Greater", ["pred_score", "half"], ["pred_label"]),
        helper.make_node("Greater", ["anomaly_map", "half"], ["pred_mask"]),
    ]
    of_map: list[int | str] = [batch, 1, *sides]
    outputs = {"pred_score": shape, "pred_label": shape, "anomaly_map": of_map, "pred_mask": of_map}
    model = _model(nodes, constants, [batch, 3, *sides], outputs, 20, name="input")
    for value in model.graph.output:
        if value.name in {"pred_label", "pred_mask"}:
            value.type.tensor_type.elem_type = TensorProto.BOOL
    return model


def _scalar(name: str, value: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, np.float32), name)


def _model(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    taken: list[int | str],
    given: dict[str, list[int | str]],
    opset: int,
    name: str = "pixels",
) -> onnx.ModelProto:
    image = helper.make_tensor_value_info(name, TensorProto.FLOAT, taken)
    outputs = [
        helper.make_tensor_value_info(output, TensorProto.FLOAT, shape) for output, shape in given.items()
    ]
    graph = helper.make_graph(nodes, "network", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model


def save(model: onnx.ModelProto, path: Path, *, external: bool = False) -> Path:
    """Writes it; with its weights in a second file, `<name>.data`, as PyTorch's exporter does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(
        onnx.ModelProto.FromString(model.SerializeToString()),  # saving so empties the model
        path,
        save_as_external_data=external,
        location=f"{path.name}.data" if external else None,
        size_threshold=0,
    )
    return path
