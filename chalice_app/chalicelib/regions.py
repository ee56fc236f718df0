"""Where the anomalies are: connected patches of the heat map above the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.anomalies import ANOMALY, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


# The most severe ones are enough to act on, and a record has to fit into a table's item.
MAX_REGIONS = 100

_Cell = tuple[int, int]


class Found(NamedTuple):
    """The anomalies of an anomalous picture.

    Attributes:
        regions: The most severe first; at least one, at most a hundred.
        kinds: `(rows, columns)`, 0 where nothing stands out, else 1 for the first kind and so on.
    """

    regions: tuple[Region, ...]
    kinds: NDArray[np.uint8]


def anomalous_patches(heat_map: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """The patches of an anomalous picture that stand out.

    Args:
        heat_map: `(rows, columns)` patch distances of a picture whose score is above the threshold.
        threshold: The model's threshold; the score averages the largest patches, so one scale serves both.

    Returns:
        `(rows, columns)`, True above the threshold. The largest patch is always among them.
    """
    # In double precision: NumPy would round the threshold to the heat map's float32 before comparing.
    distances = heat_map.astype(np.float64)
    above: NDArray[np.bool_] = (distances > threshold) | (distances == distances.max())
    return above


def find_regions(
    heat_map: NDArray[np.float32],
    threshold: float,
    names: Sequence[str] = (ANOMALY,),
    evidence: NDArray[np.float32] | None = None,
) -> Found:
    """The anomalous regions of an anomalous picture.

    Args:
        heat_map: `(rows, columns)` patch distances.
        threshold: The model's threshold.
        names: Of the kinds of anomaly.
        evidence: `(kinds, rows, columns)`, how much each patch looks like each kind. A region is of the kind
            that its patches together look most like; None makes all of them the first one's.
    """
    regions = []
    kinds = np.zeros(heat_map.shape, np.uint8)
    for cells in connected(anomalous_patches(heat_map, threshold)):
        places = tuple(np.transpose(cells))
        kind = 0 if evidence is None else int(evidence[:, *places].mean(axis=1).argmax())
        kinds[places] = kind + 1
        regions.append(_region(cells, heat_map, threshold, names[kind]))
    most_severe = sorted(regions, key=lambda region: -region.severity)[:MAX_REGIONS]
    return Found(tuple(most_severe), kinds)


def connected(mask: NDArray[np.bool_]) -> list[list[_Cell]]:
    """Cells (row, column) of each connected region; cells that touch at a corner are connected.

    Args:
        mask: `(rows, columns)`.
    """
    waiting = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    components = []
    while waiting:
        cells, frontier = [], [min(waiting)]
        waiting.remove(frontier[0])
        while frontier:
            row, column = frontier.pop()
            cells.append((row, column))
            around = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & waiting
            waiting -= around
            frontier.extend(around)
        components.append(cells)
    return components


def _region(cells: list[_Cell], heat_map: NDArray[np.float32], threshold: float, name: str) -> Region:
    rows, columns = heat_map.shape
    cell_rows, cell_columns = [row for row, _ in cells], [column for _, column in cells]
    peak = max(float(heat_map[cell]) for cell in cells)
    return Region(
        left=min(cell_columns) / columns,
        top=min(cell_rows) / rows,
        width=(max(cell_columns) - min(cell_columns) + 1) / columns,
        height=(max(cell_rows) - min(cell_rows) + 1) / rows,
        area=len(cells) / heat_map.size,
        severity=peak / threshold,
        polygon=tuple((round(x / columns, 6), round(y / rows, 6)) for x, y in _outline(set(cells))),
        name=name,
    )


def _outline(cells: set[_Cell]) -> list[tuple[int, int]]:
    """Corners `(x, y)` of the outer boundary of connected cells, clockwise from the top left.

    Each cell gives the edges that it shares with no other, clockwise. They are followed from the top left;
    where two cells touch at a corner only, four edges meet, and turning left goes round both.
    """
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in cells:
        for (down, right), start, step in _SIDES:
            if (row + down, column + right) not in cells:
                edges.setdefault((column + start[0], row + start[1]), []).append(step)
    row, column = min(cells)
    place, heading, corners = (column, row), (0, -1), []
    while edges.get(place):
        steps = edges[place]
        left = (heading[1], -heading[0])
        step = left if left in steps else steps[0]
        steps.remove(step)
        if step != heading:
            corners.append(place)
        place, heading = (place[0] + step[0], place[1] + step[1]), step
        if place == (column, row):
            break
    return corners


# The sides of a cell, clockwise: the neighbour beyond (down, right), the side's start (x, y), and its step.
_SIDES = (
    ((-1, 0), (0, 0), (1, 0)),
    ((0, 1), (1, 0), (0, 1)),
    ((1, 0), (1, 1), (-1, 0)),
    ((0, -1), (0, 1), (0, -1)),
)
