"""ONNX files that other programs wrote, made ready to be parts of a model of ours.

They come with weights in a second file, a batch of any size or of a fixed one, float pictures in their own
scale, and outputs that nobody here needs. A model of ours is one file that takes one uint8 picture.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, inliner, version_converter

from chalicelib import onnx_file
from chalicelib.exceptions import ModelInvalidError
from chalicelib.training.graph import OPSET, serialised

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from chalicelib.training.graph import GraphBuilder

_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16}


class Foreign(NamedTuple):
    """Somebody's network.

    Attributes:
        model: With all its weights inside, without functions of its own, in a version of the operators that
            `GraphBuilder` can join.
        sha256: Of its file or files, in hex.
    """

    model: onnx.ModelProto
    sha256: str

    @property
    def image(self) -> onnx.ValueInfoProto:
        """Its only input."""
        return _inputs(self.model)[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the input: 0 stands for a dimension that may be of any size."""
        return tuple(dim.dim_value for dim in self.image.type.tensor_type.shape.dim)

    @property
    def is_channels_first(self) -> bool:
        """Whether it takes `(batch, 3, height, width)`, and not the channels last."""
        return self.shape[1] == 3


class Scaling(NamedTuple):
    """What a network wants of pixels: `(x / 255 - mean) / std`, a number for each of red, green and blue.

    Attributes:
        mean: As PyTorch's networks have it, of pixels from 0 to 1.
        std: Likewise.
        is_bgr: Whether blue comes first; `mean` and `std` stay in the order red, green, blue.
    """

    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    is_bgr: bool = False


def load_foreign(path: Path) -> Foreign:
    """Reads an ONNX file of a network that takes pictures, and the files with weights beside it.

    Raises:
        ModelInvalidError: A file is missing, lies outside of the folder, is damaged or too large, needs
            operators of other libraries, or takes anything but a picture.
    """
    try:
        content = path.read_bytes()
        model = onnx.load_from_string(content)
        beside = sorted(set(_external_files(model)))
        onnx.load_external_data_for_model(model, str(path.parent))
        whole = serialised(model)
        sha256 = hashlib.sha256(content)
        for name in beside:
            sha256.update((path.parent / name).read_bytes())
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}."
        raise ModelInvalidError(message) from error
    except Exception as error:
        # protobuf and onnx raise many kinds of exceptions: all of them are the file's fault.
        message = f"{path} is no ONNX model that can be read ({error})."
        raise ModelInvalidError(message) from error
    onnx_file.check(whole)
    foreign = Foreign(_modern(model, path), sha256.hexdigest())
    _check_takes_pictures(foreign, path)
    return foreign


def cut(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """What of a model leads to some of its values; they become its outputs.

    Raises:
        ModelInvalidError: A value does not exist.
    """
    by_output = {name: node for node in model.graph.node for name in node.output}
    missing = [name for name in outputs if name not in by_output]
    if missing:
        message = (
            f"The network has no value {', '.join(map(repr, missing))}; see it with a viewer such as Netron."
        )
        raise ModelInvalidError(message)
    waiting, needed = list(outputs), set()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _taken_by(by_output[name]) if name in by_output else []
    part = onnx.ModelProto()
    part.CopyFrom(model)
    graph = part.graph
    for kept, all_of_them in (
        ([node for node in graph.node if needed.intersection(node.output)], graph.node),
        ([tensor for tensor in graph.initializer if tensor.name in needed], graph.initializer),
    ):
        copies = [type(one).FromString(one.SerializeToString()) for one in kept]
        del all_of_them[:]
        all_of_them.extend(copies)
    del graph.value_info[:], graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    return part


def add_foreign(
    graph: GraphBuilder, image: str, foreign: Foreign, scaling: Scaling, prefix: str, size: tuple[int, int]
) -> None:
    """Adds a network; its values keep their names, with the prefix before them.

    Args:
        graph: Where the nodes go.
        image: Name of a value `(1, height, width, 3)`, uint8 RGB.
        foreign: The network.
        scaling: What it wants of pixels.
        prefix: Put before each of its names.
        size: Height and width of the picture.
    """
    batch = max(1, foreign.shape[0])
    mean, std = np.array(scaling.mean, np.float32), np.array(scaling.std, np.float32)
    value = graph.add("Cast", [image], to=TensorProto.FLOAT)
    value = graph.add("Mul", [value, graph.constant(1 / (255 * std))])
    value = graph.add("Sub", [value, graph.constant(mean / std)])
    if scaling.is_bgr:
        value = graph.add("Gather", [value, graph.indices(2, 1, 0)], axis=3)
    shape = (batch, *size, 3)
    if foreign.is_channels_first:
        value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
        shape = (batch, 3, *size)
    if batch > 1:
        value = graph.add("Expand", [value, graph.indices(*shape)])
    if foreign.image.type.tensor_type.elem_type == TensorProto.FLOAT16:
        value = graph.add("Cast", [value], to=TensorProto.FLOAT16)
    graph.add("Identity", [value], output=f"{prefix}{foreign.image.name}")
    graph.graft(foreign.model, prefix)


def _modern(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Without functions of its own, and in the operators' version of `GraphBuilder` or a later one."""
    try:
        model = inliner.inline_local_functions(model)
        versions = [opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"}]
        return version_converter.convert_version(model, OPSET) if max(versions) < OPSET else model
    except Exception as error:
        # The converter raises RuntimeError, ValueError and more: what it cannot convert, nobody here can use.
        message = f"{path} is written in a version of ONNX that cannot be converted ({error})."
        raise ModelInvalidError(message) from error


def _check_takes_pictures(foreign: Foreign, path: Path) -> None:
    inputs = _inputs(foreign.model)
    kinds = [value.type.tensor_type.elem_type for value in inputs]
    if len(inputs) != 1 or kinds[0] not in _FLOATS or len(foreign.shape) != 4 or 3 not in foreign.shape[1::2]:
        taken = ", ".join(value.name for value in inputs) or "nothing"
        message = (
            f"{path} takes {taken}: a network that takes one floating-point picture in three colours, "
            "(batch, 3, height, width) or (batch, height, width, 3), can be used."
        )
        raise ModelInvalidError(message)


def _inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """What has to be given; old files list their weights among the inputs, too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def _external_files(model: onnx.ModelProto) -> Iterable[str]:
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            yield from (entry.value for entry in tensor.external_data if entry.key == "location")


def _taken_by(node: onnx.NodeProto) -> list[str]:
    """Names that a node reads, and those that graphs within it may read from around them."""
    names = list(node.input)
    for attribute in node.attribute:
        for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            names += [name for child in inner.node for name in _taken_by(child)]
            names += [value.name for value in inner.output]
    return names
