"""What the picture judge sees: the whole picture, its most unusual patches, how distances are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.training.ensemble_fit import Sample

_UNUSUAL_SHARE = 0.03
# The distances' spread: means over the largest shares of them, and their deviation. Each such figure counts
# as much as eight features.
_SPREAD_SHARES = (0.0, 0.01, 0.02, 0.04, 0.08, 0.25, 1.0)
_SPREAD_COPIES = 8


def picture_rows(sample: Sample) -> NDArray[np.float64]:
    """What the picture judge sees `(pictures, features)`: whole picture, unusual patches, spread."""
    count = sample.distances.shape[1]
    unusual = np.argsort(-sample.distances, axis=1, kind="stable")[:, : unusual_patches(count)]
    chosen = zip(sample.patches, unusual, strict=True)
    features = np.stack([patches[:, places].mean(axis=1) for patches, places in chosen])
    logs = np.log(sample.distances)
    means = -np.sort(-logs, axis=1) @ spread_weights(count)
    spread = np.column_stack([means, logs.std(axis=1)])
    return np.column_stack([sample.pooled, features, np.repeat(spread, _SPREAD_COPIES, axis=1)]).astype(
        np.float64
    )


def unusual_patches(patches: int) -> int:
    """How many of the most unusual patches describe a picture: 3 %, at least two."""
    return max(2, round(_UNUSUAL_SHARE * patches))


def spread_weights(patches: int) -> NDArray[np.float64]:
    """`(patches, figures)`: falling distances times this are the means that describe their spread."""
    weights = np.zeros((patches, len(_SPREAD_SHARES)))
    for figure, share in enumerate(_SPREAD_SHARES):
        largest = max(1, int(share * patches))
        weights[:largest, figure] = 1 / largest
    return weights


def split_picture_weights(
    weights: NDArray[np.float64], pooled: int, channels: int, patches: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """The picture judge's weights: of pooled features, unusual patches, sorted log-distances, deviation."""
    spread = weights[pooled + channels :].reshape(-1, _SPREAD_COPIES).sum(axis=1)
    of_sorted = spread_weights(patches) @ spread[:-1]
    return weights[:pooled], weights[pooled : pooled + channels], of_sorted, float(spread[-1])
