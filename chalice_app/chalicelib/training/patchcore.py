"""PatchCore: normal patches remembered, wherever in a picture they were, and how far a patch is from them.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection" (2022): the distance of a patch is that to
its nearest neighbour in a bank of normal patches, chosen greedily so that none is far from all of the bank.
Here features are whitened first, which makes unusual directions count, and the greedy choice looks at a
random projection to few dimensions, as the paper's does. Leave-one-out distances need no second bank: a
picture's own patches are passed over, in a space that was whitened without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from onnx import TensorProto
from threadpoolctl import threadpool_limits

from chalicelib.training.heads import Moments
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
# Spaces whitened without some of the pictures: each picture is left out of one.
_FOLDS = 10


class Space(NamedTuple):
    """Where patches are compared: centred, whitened, with the bank in it.

    Attributes:
        mean: `(channels,)` float32, of normal patches, in the features' own units.
        whitening: `(channels, channels)` float32; `(feature - mean) @ whitening` has uncorrelated components.
        bank: `(remembered, channels)` float16, whitened.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    bank: NDArray[np.float16]

    def nearest(
        self, picture: NDArray[np.float32], passed_over: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Distances `(patches,)` of a picture `(channels, patches)` to all of the bank not passed over."""
        patches, bank = (picture.T - self.mean) @ self.whitening, self.bank.astype(np.float32)
        between = np.square(bank).sum(axis=1) - 2 * patches @ bank.T
        if passed_over is not None:
            between[:, passed_over] = _FAR
        squared = between.min(axis=1) + np.square(patches).sum(axis=1)
        distances: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0)).astype(np.float64)
        return distances


class PatchCore(NamedTuple):
    """A bank of normal patches.

    Attributes:
        space: Of all pictures; what a graph computes in.
        owners: `(remembered,)`, the group of the picture that gave each patch of the bank.
        folds: The fold of each group, whose number is the place.
        spaces: For each fold, of the pictures outside of it.
        leave_one_out: `(pictures, patches)` distances of each picture from what the others gave the bank.
    """

    space: Space
    owners: NDArray[np.intp]
    folds: NDArray[np.intp]
    spaces: tuple[Space, ...]
    leave_one_out: NDArray[np.float64]

    def unseen(self, picture: NDArray[np.float32], group: int) -> NDArray[np.float64]:
        """Distances `(patches,)` of a training picture `(channels, patches)` of a group, altered or not.

        Its part has given nothing to the bank, nor to the whitening: with few pictures, that fits itself to
        them, and others are farther away.
        """
        space: Space = self.spaces[self.folds[group]]
        return space.nearest(picture, self.owners == group)


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
    count, _, patches = features.shape
    scales = tap_scales(features, channels)
    owners = np.arange(count) if groups is None else groups
    folds = np.random.default_rng(0).permutation(int(owners.max()) + 1) % _FOLDS
    with threadpool_limits(1, "blas"):
        of_folds = [Moments.of(_rows(features[folds[owners] == fold])) for fold in range(_FOLDS)]
        generator = np.random.default_rng(0)
        candidates = generator.permutation(count * patches)[:_CANDIDATES]
        rows = features[candidates // patches, :, candidates % patches]
        spread = _spread_out(rows @ _whitened(of_folds, scales)[1], generator)
        chosen, bank = candidates[spread], rows[spread]
        model = PatchCore(
            _space(of_folds, scales, bank),
            owners[chosen // patches],
            folds,
            tuple(_space(of_folds[:fold] + of_folds[fold + 1 :], scales, bank) for fold in range(_FOLDS)),
            np.empty((count, patches)),
        )
        for place, picture in enumerate(features):
            model.leave_one_out[place] = model.unseen(picture, owners[place])
    return model


def patchcore_distances(
    model: PatchCore, features: NDArray[np.float32], sources: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Distances `(pictures, patches)` of pictures.

    Args:
        model: The fitted model.
        features: `(pictures, channels, patches)`.
        sources: `(pictures,)`, the group of the training picture that each was made of; None where they are
            new.
    """
    with threadpool_limits(1, "blas"):
        if sources is None:
            rows = [model.space.nearest(picture) for picture in features]
        else:
            rows = [model.unseen(picture, group) for picture, group in zip(features, sources, strict=True)]
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
    space = model.space
    value = graph.add("Reshape", [features, graph.indices(len(space.mean), patches)])
    value = graph.add("Transpose", [value], perm=[1, 0])
    value = graph.add("Sub", [value, graph.constant(space.mean)])
    value = graph.add("MatMul", [value, graph.constant(space.whitening)])
    bank = graph.add("Cast", [graph.constant(space.bank)], to=TensorProto.FLOAT)
    own = graph.add("ReduceSumSquare", [value], axes=[1], keepdims=1)
    lengths = graph.constant(np.square(space.bank.astype(np.float32)).sum(axis=1))
    products = graph.add("MatMul", [value, graph.add("Transpose", [bank], perm=[1, 0])])
    between = graph.add("Sub", [lengths, graph.add("Mul", [products, graph.scalar(2)])])
    squared = graph.add("Add", [graph.add("ReduceMin", [between], axes=[1], keepdims=1), own])
    distances = graph.add("Sqrt", [graph.add("Relu", [squared])])
    return graph.add("Reshape", [distances, graph.indices(patches)])


def _space(parts: Sequence[Moments], scales: NDArray[np.float64], bank: NDArray[np.float32]) -> Space:
    """The space that parts of the patches give, with a bank `(remembered, channels)` in it."""
    mean, whitening = _whitened(parts, scales)
    return Space(mean, whitening, ((bank - mean) @ whitening).astype(np.float16))


def _whitened(
    parts: Sequence[Moments], scales: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and whitening of patches."""
    whole = Moments.total_of(parts)
    mean = whole.total / whole.patches
    covariance = (whole.products / whole.patches - np.outer(mean, mean)) * np.outer(scales, scales)
    variances, directions = np.linalg.eigh(covariance)
    shrunk = directions / np.sqrt(np.maximum(variances, 0) + _WHITENING_RIDGE * variances.mean())
    return mean.astype(np.float32), (shrunk * scales[:, None]).astype(np.float32)


def _rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(pictures * patches, channels)` of `(pictures, channels, patches)`."""
    return features.transpose(0, 2, 1).reshape(-1, features.shape[1])


def _spread_out(patches: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.intp]:
    """Places of patches, each the farthest from those before it."""
    directions = generator.standard_normal((patches.shape[1], _DIRECTIONS)).astype(np.float32)
    points = patches @ directions
    lengths = np.square(points).sum(axis=1)
    distances = np.full(len(points), _FAR, np.float32)
    chosen = [0]
    for _ in range(min(_BANK, len(points)) - 1):
        last = chosen[-1]
        distances = np.minimum(distances, lengths - 2 * (points @ points[last]) + lengths[last])
        chosen.append(int(distances.argmax()))
    return np.array(chosen, np.intp)
