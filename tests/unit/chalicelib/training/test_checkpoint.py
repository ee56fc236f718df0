"""Legacy checkpoints are read without PyTorch, and nothing in them is ever run."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chalicelib.exceptions import TrainingError
from chalicelib.training.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


class Named:
    """Pickles as a reference to a name in a module that need not exist."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.id = ("storage", Named("torch", kind), key, "cpu", count, None)


def opcodes(value: Any) -> bytes:
    """A pickle (protocol 2, without its frame) of the few things that a checkpoint holds."""
    if isinstance(value, Named):
        return b"c" + f"{value.module}\n{value.name}\n".encode()
    if isinstance(value, Call):
        return opcodes(value.function) + opcodes(value.arguments) + b"R"
    if isinstance(value, Storage):
        return opcodes(value.id) + b"Q"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(opcodes, value)) + b"t"
    if isinstance(value, dict):
        items = b"".join(opcodes(name) + opcodes(item) for name, item in value.items())
        return b"}(" + items + b"u"
    return pickle.dumps(value, 2)[2:-1]


def tensor(storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Call:
    function = Named("torch._utils", "_rebuild_tensor_v2")
    return Call(function, storage, offset, size, stride, False, collections.OrderedDict())


def checkpoint(state: Any, storages: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, state, list(storages)):
        file.write(b"\x80\x02" + opcodes(part) + b".")
    for content in storages.values():
        file.write(struct.pack("<q", len(content) // 4) + content)
    return file.getvalue()


def read(tmp_path: Path, content: bytes) -> dict[str, Any]:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return read_checkpoint(path)


NUMBERS = np.arange(6, dtype="<f4")


def test_tensors_come_with_their_names_shapes_and_strides(tmp_path: Path) -> None:
    storage = Storage("7", 6)
    state = {
        "matrix": tensor(storage, 0, (2, 3), (3, 1)),
        "turned": tensor(storage, 0, (3, 2), (1, 3)),
        "tail": tensor(storage, 4, (2,), (1,)),
    }
    tensors = read(tmp_path, checkpoint(state, {"7": NUMBERS.tobytes()}))
    np.testing.assert_array_equal(tensors["matrix"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(tensors["turned"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(tensors["tail"], [4, 5])


def test_a_call_of_anything_else_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    state = {"matrix": Call(Named(os.mkdir.__module__, "mkdir"), str(trap))}
    with pytest.raises(TrainingError, match="no place in a file of weights"):
        read(tmp_path, checkpoint(state, {}))
    assert not trap.exists()


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (7,), (1,)), (5, (2,), (1,)), (-1, (2,), (1,)), (0, (2,), (-1,)), (0, (2, 2), (1,))],
)
def test_a_tensor_beyond_its_storage_is_refused(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    state = {"matrix": tensor(Storage("7", 6), offset, size, stride)}
    with pytest.raises(TrainingError, match="cannot be read"):
        read(tmp_path, checkpoint(state, {"7": NUMBERS.tobytes()}))


@pytest.mark.parametrize("keep", [0, 5, 60, -5])
def test_a_damaged_file_is_refused(tmp_path: Path, keep: int) -> None:
    content = checkpoint({"matrix": tensor(Storage("7", 6), 0, (6,), (1,))}, {"7": NUMBERS.tobytes()})
    with pytest.raises(TrainingError, match=r"weights\.pth cannot be read"):
        read(tmp_path, content[:keep])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_checkpoint(tmp_path / "none.pth")
