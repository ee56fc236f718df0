"""Pictures of one part belong together: which do, and how to hold them out together.

A part photographed twice is half known to a model that has seen one of the two pictures. Scores of held-out
pictures then look better than those of new parts will, and the threshold comes out too low.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from chalicelib.training.likeness import joined, same_part_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FOLDS = 5


def group_by_name(names: Sequence[str], expression: str) -> NDArray[np.intp]:
    """The group of each picture: the same where the expression finds the same in the name.

    Args:
        names: One for each picture.
        expression: A regular expression; what its first group finds counts, or all that it finds where it has
            none. A name in which it finds nothing is a group of its own.
    """
    pattern = re.compile(expression)
    groups: dict[object, int] = {}
    found = []
    for place, name in enumerate(names):
        match = pattern.search(name)
        text = match.group(min(1, pattern.groups)) if match else None
        key: object = place if text is None else text
        found.append(groups.setdefault(key, len(groups)))
    return np.array(found, np.intp)


def group_by_looks(thumbnails: Sequence[NDArray[np.float32]]) -> NDArray[np.intp]:
    """The group of each picture: the same where pictures seem to show the same part."""
    groups = np.arange(len(thumbnails))
    for members in joined(same_part_pairs(thumbnails)):
        groups[members] = members[0]
    return np.unique(groups, return_inverse=True)[1]


def deal_folds(groups: NDArray[np.intp], is_anomalous: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The fold of each picture: groups stay together, anomalies and normals are spread evenly.

    Five folds, or as many as there are groups with anomalies; so that a fit without one fold still has
    anomalies. Larger groups are dealt first, in an order that chance decided once and for all.

    Args:
        groups: `(pictures,)`.
        is_anomalous: `(pictures,)`.
    """
    anomalies = np.bincount(groups, is_anomalous)
    sizes = np.bincount(groups)
    folds = max(2, min(_FOLDS, int((anomalies > 0).sum())))
    chance = np.random.default_rng(0).permutation(len(sizes))
    dealt_anomalies, dealt = np.zeros(folds), np.zeros(folds)
    fold_of = np.zeros(len(sizes), np.intp)
    for group in sorted(
        range(len(sizes)), key=lambda group: (-anomalies[group], -sizes[group], chance[group])
    ):
        load = dealt_anomalies if anomalies[group] else dealt
        fold = int(np.lexsort((dealt, load))[0])
        fold_of[group] = fold
        dealt_anomalies[fold] += anomalies[group]
        dealt[fold] += sizes[group]
    return fold_of[groups]
