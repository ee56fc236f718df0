"""PaDiM: a Gaussian for each patch position, and how far a picture's patch is from it.

Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization"
(2020), with all channels kept, a coarse grid, and a ridge that is a share of the mean variance. The distance
of a patch x at one position is |W (x - m)|, where m is the mean and W the inverse Cholesky factor of
A = S / (n - 2) + r I: S is the scatter matrix of n normal pictures, r the ridge.

Leave-one-out distances need no second fit. Without picture i the mean moves by u / (n - 1), u = x_i - m, and
the scatter loses n / (n - 1) u u'. Sherman and Morrison's formula then gives, with h = |W u|² and
c = n / ((n - 1)(n - 2)):

    d² = (n / (n - 1))² · h / (1 - c h)

Pictures of one part are left out together. Without a group of g pictures the mean moves by g ū / (n - g), ū
the group's mean of u, and the scatter loses V V', V's columns being each u and g / √(n - g) · ū. With Z = W V
and w = W (u + g ū / (n - g)), Woodbury's formula gives

    d² = (n - g - 1) / (n - 2) · (|w|² + (Z' w)' ((n - 2) I - Z' Z)⁻¹ Z' w)

with a ridge smaller by the same factor, which does not matter.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from onnx import TensorProto
from threadpoolctl import threadpool_limits

from chalicelib.exceptions import TrainingError
from chalicelib.training.numerics import invert_lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.graph import GraphBuilder

# Factors are lower triangular: in so many blocks of rows, each without the zeros on its right, they take 5/8
# of the room, in the file and in what a verdict reads from memory.
_ROW_BLOCKS = 4


ALL_THE_SAME = "All pictures are the same: training needs pictures of different parts."
# Of the factors alone: a model has to fit into one file that Lambda loads.
_MOST_BYTES = 300_000_000


class Padim(NamedTuple):
    """A fitted model of normal patches.

    Attributes:
        means: `(patches, channels)` float32, in the features' own units.
        factors: `(patches, channels, channels)` float16, lower triangular: the distance of a patch is
            `|factor @ (feature - mean)|`. Half precision leaves scores the same to three digits and more.
        leave_one_out: `(pictures, patches)` distances of each picture from the model fitted on the others,
            or on the other groups.
    """

    means: NDArray[np.float32]
    factors: NDArray[np.float16]
    leave_one_out: NDArray[np.float64]


def fit_padim(
    features: NDArray[np.float32],
    channels: Sequence[int],
    ridge: float,
    groups: NDArray[np.intp] | None = None,
) -> Padim:
    """Fits the Gaussians, and scores each picture by the model of all others.

    The taps' scales and the ridge are those of all pictures: leaving one out hardly moves them.

    Args:
        features: `(pictures, channels, patches)`, at least three pictures.
        channels: Channels of each tap; each tap is scaled to a total variance of one, so that none drowns
            another.
        ridge: Added to the diagonal, as a share of the mean variance.
        groups: `(pictures,)`, the same number for pictures of one part; None where each shows its own.

    Raises:
        TrainingError: All pictures are the same, so there is nothing to learn; or the model would be too
            large.
    """
    count, width, patches = features.shape
    if patches * width**2 * 2 > _MOST_BYTES:
        message = (
            f"PaDiM of {patches} patches with {width} features each would need "
            f"{patches * width**2 * 2 / 1e6:.0f} MB: take fewer taps, a coarser grid, or --method patchcore."
        )
        raise TrainingError(message)
    scales = tap_scales(features, channels)
    together = _groups_of_several(groups)
    if any(len(members) > count - 3 for members in together):
        message = "Nearly all pictures show the same part: training needs pictures of different parts."
        raise TrainingError(message)
    mean = features.mean(axis=0)
    variance = np.zeros((width, patches))
    for picture in features:  # one at a time, because memory is short
        variance += np.square(picture - mean)
    jitter = ridge * float((variance * scales[:, None] ** 2).mean()) / (count - 1)
    means = np.empty((patches, width), np.float32)
    factors = np.empty((patches, width, width), np.float16)
    distances = np.empty((count, patches))
    # Threads cost more than they bring at this size, and many times more when the CPUs are busy: a fit of
    # 200 pictures took 6 s with two BLAS threads beside other work and 0.2 s with one. With one, the
    # numbers do not depend on how many CPUs there are, either.
    with threadpool_limits(1, "blas"), np.errstate(over="ignore"):
        for patch in range(patches):
            samples = features[:, :, patch].astype(np.float64) * scales
            means[patch] = samples.mean(axis=0) / scales
            factor, distances[:, patch] = _fit_patch(samples, jitter, together)
            factors[patch] = factor * scales
    if not np.isfinite(factors).all():
        message = (
            "The pictures are too much alike to tell normal from anomalous: take more, and different ones."
        )
        raise TrainingError(message)
    return Padim(means, factors, distances)


def _fit_patch(
    samples: NDArray[np.float64], jitter: float, together: Sequence[NDArray[np.intp]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The inverse Cholesky factor of one position, and the leave-one-out distance of each picture."""
    count, width = samples.shape
    centred = samples - samples.mean(axis=0)
    covariance = centred.T @ centred / (count - 2) + jitter * np.eye(width)
    factor = invert_lower(np.linalg.cholesky(covariance))
    whitened = centred @ factor.T
    distances = _leave_one_out(np.square(whitened).sum(axis=1), count)
    for members in together:
        distances[members] = _leave_group_out(whitened[members], count)
    return factor, distances


def _leave_one_out(squared: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    shrink = 1 - count / ((count - 1) * (count - 2)) * squared
    distances: NDArray[np.float64] = count / (count - 1) * np.sqrt(squared / np.maximum(shrink, 1e-12))
    return distances


def _leave_group_out(
    whitened: NDArray[np.float64], count: int, rows: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Distances of a group's pictures, `W u` of each in the rows, from the model of the other pictures.

    Or, from the same model, those of other pictures, whose `W u` is in `rows`.
    """
    size = len(whitened)
    mean = whitened.mean(axis=0)
    moved = (whitened if rows is None else rows) + size / (count - size) * mean
    lost = np.vstack([whitened, size / np.sqrt(count - size) * mean])
    if len(lost) > whitened.shape[1]:  # more pictures than features: the other side of Woodbury's is smaller
        left = (count - 2) * np.eye(whitened.shape[1]) - lost.T @ lost
        direct = (moved * np.linalg.solve(left, moved.T).T).sum(axis=1)
        result: NDArray[np.float64] = np.sqrt((count - size - 1) * np.maximum(direct, 0))
        return result
    along = moved @ lost.T
    inner = (count - 2) * np.eye(size + 1) - lost @ lost.T
    added = (along * np.linalg.solve(inner, along.T).T).sum(axis=1)
    squared = np.square(moved).sum(axis=1) + np.maximum(added, 0)
    distances: NDArray[np.float64] = np.sqrt((count - size - 1) / (count - 2) * squared)
    return distances


def _groups_of_several(groups: NDArray[np.intp] | None) -> list[NDArray[np.intp]]:
    if groups is None:
        return []
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return [places for places in members if len(places) > 1]


def tap_scales(features: NDArray[np.float32], channels: Sequence[int]) -> NDArray[np.float64]:
    """A factor for each channel that gives each tap a total variance of one, over pictures and patches."""
    scales, start = [], 0
    for width in channels:
        tap = features[:, start : start + width]
        mean = tap.mean(axis=(0, 2))[:, None]
        varied = float(np.mean([np.square(one - mean).sum(axis=0, dtype=np.float64) for one in tap]))
        if (tap == tap[0]).all():
            raise TrainingError(ALL_THE_SAME)
        scales.append(np.full(width, varied**-0.5))
        start += width
    return np.concatenate(scales)


def padim_distances(model: Padim, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distances `(pictures, patches)` of pictures that the model was not fitted to.

    Args:
        model: The fitted model.
        features: `(pictures, channels, patches)`.
    """
    distances = np.empty((len(features), len(model.means)))
    with threadpool_limits(1, "blas"):
        for patch, factor in enumerate(model.factors):
            away = features[:, :, patch] - model.means[patch]
            distances[:, patch] = np.linalg.norm(away @ factor.astype(np.float32).T, axis=1)
    return distances


def padim_distances_without(
    model: Padim,
    features: NDArray[np.float32],
    sources: NDArray[np.intp],
    normals: NDArray[np.float32],
    groups: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Distances `(pictures, patches)` of altered training pictures, by models that have not seen their parts.

    Args:
        model: Fitted to all normal pictures.
        features: `(pictures, channels, patches)` of the altered pictures.
        sources: `(pictures,)`, the group of the normal picture that each was made of.
        normals: `(normals, channels, patches)`, what the model was fitted to.
        groups: `(normals,)`, the same number for pictures of one part.
    """
    distances = np.empty((len(features), len(model.means)))
    members = {source: np.flatnonzero(groups == source) for source in np.unique(sources)}
    with threadpool_limits(1, "blas"):
        for patch, half in enumerate(model.factors):
            factor = half.astype(np.float64).T
            rows = (features[:, :, patch] - model.means[patch]) @ factor
            for source, places in members.items():
                whitened = (normals[places, :, patch] - model.means[patch]) @ factor
                made = sources == source
                distances[made, patch] = _leave_group_out(whitened, len(normals), rows[made])
    return distances


def add_padim(graph: GraphBuilder, features: str, model: Padim) -> str:
    """Adds the distances to a graph.

    Args:
        graph: Where the nodes go.
        features: Name of the value `(1, channels, grid, grid)`.
        model: The fitted model.

    Returns:
        Name of the distances, a vector of one a patch.
    """
    patches, width = model.means.shape
    value = graph.add("Reshape", [features, graph.indices(width, patches)])
    value = graph.add("Transpose", [value], perm=[1, 0])
    value = graph.add("Sub", [value, graph.constant(model.means)])
    value = graph.add("Unsqueeze", [value, graph.indices(2)])
    squares = []
    edges = np.linspace(0, width, min(_ROW_BLOCKS, width) + 1).round().astype(int)
    for start, end in pairwise(edges.tolist()):
        factors = graph.add("Cast", [graph.constant(model.factors[:, start:end, :end])], to=TensorProto.FLOAT)
        product = graph.add("MatMul", [factors, _first_rows(graph, value, end)])
        squares.append(graph.add("ReduceSumSquare", [product], axes=[1, 2], keepdims=0))
    return graph.add("Sqrt", [graph.add("Sum", squares)])


def _first_rows(graph: GraphBuilder, value: str, rows: int) -> str:
    return graph.add("Slice", [value, graph.indices(0), graph.indices(rows), graph.indices(1)])
