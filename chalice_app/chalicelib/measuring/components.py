"""Connected components of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def label_components(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Numbers the connected components of a mask; pixels that touch at a corner are connected.

    Row by row, runs of pixels that touch a run of the row above are joined with it (Rosenfeld and Pfaltz,
    "Sequential Operations in Digital Picture Processing", 1966).

    Args:
        mask: `(H, W)`.

    Returns:
        `(H, W)`, 0 outside the mask, else 1, 2, ... by component.
    """
    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    rows, starts = np.nonzero(np.diff(padded, axis=1) == 1)
    _, ends = np.nonzero(np.diff(padded, axis=1) == -1)
    parents = list(range(len(rows)))

    def root(run: int) -> int:
        while parents[run] != run:
            parents[run] = run = parents[parents[run]]
        return run

    first = np.searchsorted(rows, np.arange(len(mask) + 1))
    for row in range(1, len(mask)):
        above, below = range(first[row - 1], first[row]), range(first[row], first[row + 1])
        for run in below:
            for other in above:
                if starts[other] <= ends[run] and starts[run] <= ends[other]:
                    parents[root(run)] = root(other)
    _, numbers = np.unique([root(run) for run in parents], return_inverse=True)
    labels = np.zeros(mask.shape, np.intp)
    for run, number in enumerate(numbers):
        labels[rows[run], starts[run] : ends[run]] = number + 1
    return labels
