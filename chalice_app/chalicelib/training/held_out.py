"""What the training pictures show, by models that have not seen them: for comparing with their masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chalicelib.regions import find_regions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.training.kinds import Kinds
    from chalicelib.training.labelled import Labelled
    from chalicelib.training.material import Material
    from chalicelib.training.naming import Naming


def held_out_maps(
    material: Material, labelled: Labelled | None, threshold: float, kinds: Kinds
) -> tuple[NDArray[np.uint8], ...]:
    """What each picture shows `(grid, grid)`, normal ones first, as `Detection.kind_map` would say it.

    Heat maps are held out; so are the heads that name anomalies, which learnt from anomalies alone.

    Args:
        material: The pictures.
        labelled: What anomalies taught, if there are any.
        threshold: The model's.
        kinds: How it names anomalies.

    Returns:
        Nothing where there is no mask to compare with.
    """
    if labelled is None or not material.masks.coverage.any():
        return ()
    values = material.features.described if labelled.ensemble else material.features.values
    scores = np.concatenate([labelled.normal_scores, labelled.anomaly_scores])
    names = [kind.name for kind in kinds.kinds]
    side = round(labelled.heat_maps.shape[1] ** 0.5)
    maps = []
    # Of the copies, which lie between, nobody asks.
    for place in (*range(len(material.pictures)), *range(material.normals, len(scores))):
        found = np.zeros((side, side), np.uint8)
        if scores[place] > threshold:
            naming = kinds.held_out.get(place - material.normals, kinds.naming)
            square = labelled.heat_maps[place].reshape(side, side).astype(np.float32)
            found = find_regions(square, threshold, names, _looks(naming, values[place], side)).kinds
        maps.append(found)
    return tuple(maps)


def _looks(naming: Naming | None, features: NDArray[np.float32], side: int) -> NDArray[np.float32] | None:
    """How much each patch looks like each kind, `(kinds, side, side)`; None where there is one kind."""
    if naming is None:
        return None
    return naming(features).reshape(-1, side, side).astype(np.float32)
