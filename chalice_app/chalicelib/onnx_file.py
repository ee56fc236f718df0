"""What an ONNX file may hold: everything within itself, and operators of the standard only.

A model is a file from somebody. onnxruntime runs no code of it, but it would read other files that the model
names as "external data", and look for operators of other people's libraries. Both are refused before it sees
the file. The fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; the package `onnx`
is too large for Lambda, and its parser is not needed for so few messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.exceptions import ModelInvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MODEL_BYTES = 500_000_000

_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_MAX_DEPTH = 16  # graphs within graphs (the branches of an If): ours have none
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL = 1  # TensorProto.DataLocation

# Message => number of a field => message that it holds. What is not listed is skipped, weights included.
_CHILDREN = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
_NODE_OPERATOR, _NODE_DOMAIN, _FUNCTION_DOMAIN = 4, 7, 10
_TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION = 13, 14


def check(model: bytes) -> None:
    """Refuses a model that is too large, reads other files or needs other libraries.

    Raises:
        ModelInvalidError: With what is wrong with it.
    """
    if len(model) > MAX_MODEL_BYTES:
        message = f"The model has {len(model)} bytes, more than the {MAX_MODEL_BYTES} that may be loaded."
        raise ModelInvalidError(message)
    try:
        _check(memoryview(model), "Model", _DOMAINS | _own_domains(memoryview(model)), _MAX_DEPTH)
    except (IndexError, ValueError) as error:
        message = (
            f"The file is no ONNX model that onnxruntime can load ({error}): copy it again, or train it anew."
        )
        raise ModelInvalidError(message) from error


def _check(data: memoryview, message: str, domains: frozenset[str], depth: int) -> None:
    if depth == 0:
        text = "The model's graphs are nested too deeply."
        raise ModelInvalidError(text)
    children = _CHILDREN[message]
    operator, domain = "", ""
    for number, value in _fields(data):
        if message == "Tensor":
            _check_tensor(number, value)
        elif isinstance(value, int):
            continue
        elif message == "Node" and number == _NODE_DOMAIN:
            domain = str(value, "utf-8")
        elif message == "Node" and number == _NODE_OPERATOR:
            operator = str(value, "utf-8", "replace")
        elif child := children.get(number):
            _check(value, child, domains, depth - 1)
    if domain not in domains:
        text = f"The model needs the operator {domain}.{operator}, which is not of the ONNX standard."
        raise ModelInvalidError(text)


def _check_tensor(number: int, value: int | memoryview) -> None:
    if number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_LOCATION and value == _EXTERNAL):
        text = "The model keeps weights in another file; only a model that is one file is loaded."
        raise ModelInvalidError(text)


def _own_domains(model: memoryview) -> frozenset[str]:
    """Domains of the functions that the file itself defines, as PyTorch's exporter does."""
    functions = [value for number, value in _fields(model) if number == 25 and isinstance(value, memoryview)]
    return frozenset(
        str(value, "utf-8")
        for function in functions
        for number, value in _fields(function)
        if number == _FUNCTION_DOMAIN and isinstance(value, memoryview)
    )


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message: number and value (bytes unread, floats skipped as zero)."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        value: int | memoryview = 0
        if kind == _VARINT:
            value, place = _varint(data, place)
        elif kind == _BYTES:
            length, place = _varint(data, place)
            value = data[place : place + length]
            place += length
        elif kind in {_FIXED32, _FIXED64}:
            place += 4 if kind == _FIXED32 else 8
        else:
            message = f"unknown wire type {kind}"
            raise ValueError(message)
        if place > len(data):
            message = "it ends in the middle of a field"
            raise ValueError(message)
        yield key >> 3, value


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            message = "a number is too long"
            raise ValueError(message)
