"""What a model's metadata says of how it was made."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "simplejpeg")
_DIGITS = 7


def library_versions() -> dict[str, str]:
    """Of the libraries that shape a model's numbers."""
    return {name: version(name) for name in _LIBRARIES}


def rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Scores as the metadata keeps them."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
