"""Reads PyTorch's legacy checkpoint files without PyTorch, and without running what is in them.

The format (torch.save before version 1.6): three pickles (a magic number, a protocol version, system
information), the pickled state dictionary, the pickled list of storage keys; then each storage, its number of
elements as a little-endian int64 followed by the elements. A tensor pickles as a call of
`torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)` with the storage as a persistent id.
Pickles can name any function to call: only the three that a state dictionary of tensors needs are known here.
"""

from __future__ import annotations

import collections
import pickle
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chalicelib.exceptions import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_STORAGES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_DAMAGE = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, pickle.UnpicklingError)


class _Tensor(NamedTuple):
    storage: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    """Knows ordered dictionaries, tensors and two kinds of storages; refuses every other name."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - pickle's own signature
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: _Tensor(storage, offset, size, stride)
        if module == "torch" and name in _STORAGES:
            return name
        message = f"{module}.{name} has no place in a file of weights"
        raise pickle.UnpicklingError(message)

    def persistent_load(self, pid: Any) -> str:  # noqa: ANN401 - pickle's own signature
        _, storage_type, key, *_ = pid
        self.dtypes[key] = _STORAGES[storage_type]
        return str(key)


def read_checkpoint(path: Path) -> dict[str, NDArray[Any]]:
    """Reads the tensors of a state dictionary.

    Args:
        path: A file that torch.save wrote in the legacy format.

    Returns:
        Name → array, in the file's order.

    Raises:
        TrainingError: The file is missing, damaged, or holds anything but tensors.
    """
    try:
        with path.open("rb") as file:
            for _ in range(3):
                _Unpickler(file).load()
            unpickler = _Unpickler(file)
            tensors = unpickler.load()
            keys = _Unpickler(file).load()
            storages = {key: _read_storage(file, unpickler.dtypes[key]) for key in keys}
        return {name: _as_array(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}
    except _DAMAGE as error:
        message = f"The network's weights in {path.name} cannot be read ({error}); install the package again."
        raise TrainingError(message) from error


def _read_storage(file: IO[bytes], dtype: np.dtype[Any]) -> NDArray[Any]:
    count = int(np.frombuffer(file.read(8), "<i8")[0])
    return np.frombuffer(file.read(count * dtype.itemsize), dtype, count)


def _as_array(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    """A copy of the tensor; an index beyond the storage raises ValueError and reads no foreign memory."""
    reach = sum((size - 1) * stride for size, stride in zip(tensor.size, tensor.stride, strict=True))
    if tensor.offset < 0 or min(tensor.stride, default=0) < 0 or tensor.offset + reach >= len(storage):
        message = "a tensor reaches beyond its storage"
        raise ValueError(message)
    strides = tuple(stride * storage.itemsize for stride in tensor.stride)
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.size, strides, writeable=False)
    return view.copy()
