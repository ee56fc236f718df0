"""PatchCore: normal patches remembered, wherever in a picture they were, and how far a patch is from them.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection" (2022): the distance of a patch is that to
its nearest neighbour in a bank of normal patches, chosen greedily so that none is far from all of the bank.
Here features are whitened first, which makes unusual directions count, and the greedy choice looks at a
random projection to few dimensions, as the paper's does. Leave-one-out distances need no second bank: a
picture's own patches are passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from onnx import TensorProto
from threadpoolctl import threadpool_limits

from chalicelib.training.padim import tap_scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.graph import GraphBuilder

_BANK = 2000
# The bank is chosen among so many patches, by so many random directions.
_CANDIDATES, _DIRECTIONS = 20_000, 48
# Added to the variance of each direction before it is brought to one, as a share of the mean variance.
_WHITENING_RIDGE = 0.1
_FAR = 1e30


class PatchCore(NamedTuple):
    """A bank of normal patches.

    Attributes:
        mean: `(channels,)` float32, of all normal patches, in the features' own units.
        whitening: `(channels, channels)` float32; `(feature - mean) @ whitening` has uncorrelated components.
        bank: `(remembered, channels)` float16, whitened.
        owners: `(remembered,)`, the group of the picture that gave each.
        leave_one_out: `(pictures, patches)` distances of each picture from what the others gave the bank.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    bank: NDArray[np.float16]
    owners: NDArray[np.intp]
    leave_one_out: NDArray[np.float64]


def fit_patchcore(
    features: NDArray[np.float32], channels: Sequence[int], groups: NDArray[np.intp] | None = None
) -> PatchCore:
    """Whitens the patches and chooses the bank.

    Args:
        features: `(pictures, channels, patches)`, at least three pictures.
        channels: Channels of each tap; each tap is scaled to a total variance of one.
        groups: `(pictures,)`, the same number for pictures of one part; None where each shows its own.

    Raises:
        TrainingError: All pictures are the same.
    """
    count, width, patches = features.shape
    scales = tap_scales(features, channels)
    owners = np.arange(count) if groups is None else groups
    with threadpool_limits(1, "blas"):
        rows = features.transpose(0, 2, 1).reshape(-1, width)
        mean = rows.mean(axis=0, dtype=np.float64)
        scaled = rows - mean.astype(np.float32)
        scaled *= scales.astype(np.float32)
        variances, directions = np.linalg.eigh((scaled.T @ scaled).astype(np.float64) / len(scaled))
        shrunk = directions / np.sqrt(variances + _WHITENING_RIDGE * variances.mean())
        whitening = (shrunk * scales[:, None]).astype(np.float32)
        white = (rows - mean.astype(np.float32)) @ whitening
        chosen = _spread_out(white)
        model = PatchCore(
            mean.astype(np.float32),
            whitening,
            white[chosen].astype(np.float16),
            owners[chosen // patches],
            np.empty((count, patches)),
        )
        for place, picture in enumerate(white.reshape(count, patches, width)):
            model.leave_one_out[place] = _nearest(picture, model, model.owners == owners[place])
    return model


def patchcore_distances(
    model: PatchCore, features: NDArray[np.float32], sources: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Distances `(pictures, patches)` of pictures that gave the bank nothing.

    Args:
        model: The fitted model.
        features: `(pictures, channels, patches)`.
        sources: `(pictures,)`, the group whose patches are passed over for each: altered training pictures
            must not be found in the bank. None where they are no such pictures.
    """
    passed_over = np.full(len(features), -1) if sources is None else sources
    with threadpool_limits(1, "blas"):
        rows = [
            _nearest((picture.T - model.mean) @ model.whitening, model, model.owners == source)
            for picture, source in zip(features, passed_over, strict=True)
        ]
    return np.stack(rows) if rows else np.empty((0, features.shape[2]))


def add_patchcore(graph: GraphBuilder, features: str, model: PatchCore, patches: int) -> str:
    """Adds the distances to a graph.

    Args:
        graph: Where the nodes go.
        features: Name of the value `(1, channels, grid, grid)`.
        model: The fitted model.
        patches: How many there are, `grid * grid`.

    Returns:
        Name of the distances, a vector of one a patch.
    """
    value = graph.add("Reshape", [features, graph.indices(len(model.mean), patches)])
    value = graph.add("Transpose", [value], perm=[1, 0])
    value = graph.add("Sub", [value, graph.constant(model.mean)])
    value = graph.add("MatMul", [value, graph.constant(model.whitening)])
    bank = graph.add("Cast", [graph.constant(model.bank)], to=TensorProto.FLOAT)
    own = graph.add("ReduceSumSquare", [value], axes=[1], keepdims=1)
    lengths = graph.constant(np.square(model.bank.astype(np.float32)).sum(axis=1))
    products = graph.add("MatMul", [value, graph.add("Transpose", [bank], perm=[1, 0])])
    between = graph.add("Sub", [lengths, graph.add("Mul", [products, graph.scalar(2)])])
    squared = graph.add("Add", [graph.add("ReduceMin", [between], axes=[1], keepdims=1), own])
    distances = graph.add("Sqrt", [graph.add("Relu", [squared])])
    return graph.add("Reshape", [distances, graph.indices(patches)])


def _nearest(
    patches: NDArray[np.float32], model: PatchCore, passed_over: NDArray[np.bool_]
) -> NDArray[np.float64]:
    bank = model.bank.astype(np.float32)
    between = np.square(bank).sum(axis=1) - 2 * patches @ bank.T
    between[:, passed_over] = _FAR
    squared = between.min(axis=1) + np.square(patches).sum(axis=1)
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0)).astype(np.float64)
    return distances


def _spread_out(patches: NDArray[np.float32]) -> NDArray[np.intp]:
    """Places of patches, each the farthest from those before it."""
    generator = np.random.default_rng(0)
    candidates = generator.permutation(len(patches))[:_CANDIDATES]
    directions = generator.standard_normal((patches.shape[1], _DIRECTIONS)).astype(np.float32)
    points = patches[candidates] @ directions
    lengths = np.square(points).sum(axis=1)
    distances = np.full(len(points), _FAR, np.float32)
    chosen = [0]
    for _ in range(min(_BANK, len(points)) - 1):
        last = chosen[-1]
        distances = np.minimum(distances, lengths - 2 * (points @ points[last]) + lengths[last])
        chosen.append(int(distances.argmax()))
    result: NDArray[np.intp] = candidates[np.array(chosen)].astype(np.intp)
    return result
