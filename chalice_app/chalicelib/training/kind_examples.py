"""Labelled anomalies as examples of their kinds: what of each shows its kind, and in which fold it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.regions import anomalous_patches, connected
from chalicelib.training.folds import deal_folds
from chalicelib.training.naming import directions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.masks import Marks

# Of an anomaly's patches, those that stand out most show its kind; two at least.
_UNUSUAL_SHARE, _MARKED_SHARE = 0.02, 0.04


class Anomalies(NamedTuple):
    """What is known of the labelled anomalies.

    Attributes:
        features: `(anomalies, channels, patches)`.
        heat_maps: `(anomalies, patches)`, on the threshold's scale, by a model that has not seen them.
        marks: Of each, the kinds that it shows, each with the share of every patch `(patches,)` that its mask
            covers; zeros where there is no mask.
        groups: `(anomalies,)`, the same number for pictures of one part.
        normal: `(channels, patches)` float32, mean features of the normal pictures.
    """

    features: NDArray[np.float32]
    heat_maps: NDArray[np.float64]
    marks: Sequence[Marks]
    groups: NDArray[np.intp]
    normal: NDArray[np.float32]


class Examples(NamedTuple):
    """Anomalies of one kind each; a picture with several kinds is one example of each.

    Attributes:
        rows: `(examples, channels)`, mean directions of the patches that show the kind.
        labels: `(examples,)`, which kind.
        pictures: `(examples,)`, which picture.
        patches: Of each `(patches,)`, where to look when it is judged; None for the picture's worst region.
    """

    rows: NDArray[np.float64]
    labels: NDArray[np.intp]
    pictures: NDArray[np.intp]
    patches: Sequence[NDArray[np.bool_] | None]


def examples_of(anomalies: Anomalies, named: Sequence[str]) -> Examples:
    """The examples of some kinds.

    Args:
        anomalies: The labelled ones.
        named: The kinds.
    """
    rows, labels, pictures, patches = [], [], [], []
    for place, (features, heat, marks) in enumerate(
        zip(anomalies.features, anomalies.heat_maps, anomalies.marks, strict=True)
    ):
        for name, mark in marks.items():
            if name not in named or (len(marks) > 1 and not mark.any()):
                continue
            shown = _shown_by(mark, heat)
            departures = directions(features[:, shown], anomalies.normal[:, shown])
            rows.append(departures.mean(axis=1, dtype=np.float64))
            labels.append(named.index(name))
            pictures.append(place)
            patches.append(shown if len(marks) > 1 else None)
    return Examples(np.stack(rows), np.array(labels, np.intp), np.array(pictures, np.intp), patches)


def judged_patches(
    heat: NDArray[np.float64], threshold: float, patches: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Where to look to name a picture: some patches, or the worst region as a detector would find it.

    A picture that would be missed has no region: what stands out most is taken for one.

    Args:
        heat: `(patches,)`, on the threshold's scale.
        threshold: The model's.
        patches: `(patches,)`, where that is known.
    """
    if patches is not None:
        return patches
    if heat.max() <= threshold:
        return _largest(heat, _UNUSUAL_SHARE)
    side = round(len(heat) ** 0.5)
    square = heat.reshape(side, side).astype(np.float32)
    regions = connected(anomalous_patches(square, threshold))
    worst = max(regions, key=lambda cells: max(float(square[cell]) for cell in cells))
    found = np.zeros(square.shape, bool)
    found[tuple(np.transpose(worst))] = True
    return found.ravel()


def deal_examples(groups: NDArray[np.intp], labels: NDArray[np.intp], kinds: int) -> NDArray[np.intp]:
    """Folds in which parts stay together, and every kind is spread evenly: the rarest is dealt first.

    Args:
        groups: `(examples,)`, numbered without a gap.
        labels: `(examples,)`, which kind.
        kinds: How many there are.
    """
    parts = [len(np.unique(groups[labels == kind])) for kind in range(kinds)]
    rarest = np.argsort(parts, kind="stable")
    folds = np.full(len(labels), -1)
    for kind in rarest:
        of_kind = np.isin(groups, groups[labels == kind]) & (folds < 0)
        if of_kind.any():
            own = np.unique(groups[of_kind], return_inverse=True)[1]
            folds[of_kind] = deal_folds(own, np.ones(len(own), bool))
    return folds


def _shown_by(mark: NDArray[np.float32], heat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The patches that show a kind: the most unusual ones, of those that its mask covers if it has one."""
    if not mark.any():
        return _largest(heat, _UNUSUAL_SHARE)
    marked: NDArray[np.bool_] = mark > mark.max() / 2
    both = marked & _largest(heat, _MARKED_SHARE)
    return both if both.any() else marked


def _largest(values: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    found = np.zeros(values.shape, bool)
    found[np.argsort(-values, kind="stable")[: max(2, round(share * len(values)))]] = True
    return found
