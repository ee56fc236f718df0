"""Tells kinds of anomaly apart: scratches from dents, as folders or masks named them in training.

Each kind has a ridge regression against all others, on the mean features of an anomaly's patches. It is
linear: a region's value is the mean of its patches' values, and one matrix product in the graph gives them
all. With a handful of pictures of a kind and hundreds of features, what has been learnt from looks far
clearer than what has not: values are scaled by what leave-one-out says, in closed form (docs/adr/0018).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from chalicelib.anomalies import UNNAMED, Kind, with_colors
from chalicelib.model_metadata import MAX_KINDS
from chalicelib.regions import find_regions
from chalicelib.training.folds import deal_folds
from chalicelib.training.heads import Linear, fit_against_others

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from chalicelib.training.masks import Marks

# With fewer parts of a kind than this, neither a model nor its cross-validation can know it.
MIN_PARTS = 5
# Cross-validated accuracy has to be so much of the way from chance to certainty, and so many standard errors
# above chance.
MARGIN, ERRORS = 0.3, 2.0
# One kind alone names all anomalies where it is nine tenths of those whose kind is known, and half of all.
_MOSTLY, _HALF = 0.9, 0.5
_PENALTY = 10.0
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
    """

    features: NDArray[np.float32]
    heat_maps: NDArray[np.float64]
    marks: Sequence[Marks]
    groups: NDArray[np.intp]


class Kinds(NamedTuple):
    """What was learnt.

    Attributes:
        kinds: That the model names; one called `anomaly` where it names none.
        heads: Of a patch's features, one a kind; empty where there is nothing to tell apart.
        decision: What was decided, and why, in words and figures.
        held_out: The heads of cross-validation, by the anomalies that they had not seen.
    """

    kinds: tuple[Kind, ...]
    heads: tuple[Linear, ...]
    decision: dict[str, Any]
    held_out: Mapping[int, tuple[Linear, ...]] = MappingProxyType({})


NO_KINDS = Kinds((UNNAMED,), (), {})


class _Examples(NamedTuple):
    """Anomalies of one kind each; a picture with several kinds is one example of each.

    Attributes:
        rows: `(examples, channels)`, mean features of the patches that show the kind.
        labels: `(examples,)`, which kind.
        pictures: `(examples,)`, which picture.
        patches: Of each `(patches,)`, where to look when it is judged; None for the picture's worst region.
    """

    rows: NDArray[np.float64]
    labels: NDArray[np.intp]
    pictures: NDArray[np.intp]
    patches: Sequence[NDArray[np.bool_] | None]


def learn_kinds(anomalies: Anomalies, threshold: float, colors: Mapping[str, str]) -> Kinds:
    """Learns to name anomalies, and keeps that only where cross-validation says that the names are worth it.

    Args:
        anomalies: The labelled ones.
        threshold: The model's.
        colors: Colour (`#rrggbb`) by kind, where the dataset has them.
    """
    parts = _parts_of_each(anomalies)
    named = sorted(name for name, count in parts.items() if count >= MIN_PARTS)[:MAX_KINDS]
    decision: dict[str, Any] = {
        "parts": dict(sorted(parts.items())),
        "unnamed": sorted(set(parts) - set(named)),
        "named": [],
    }
    if len(named) < 2:
        return _at_most_one(anomalies, named, decision, colors)
    # One thread, as everywhere in training: the numbers must not depend on how many CPUs there are.
    with threadpool_limits(1, "blas"):
        examples = _examples(anomalies, named)
        confusion, held_out = _cross_validate(anomalies, examples, threshold, len(named))
        heads = _fit(examples.rows, examples.labels, len(named))
    accuracy, error = balanced_accuracy(confusion)
    is_worth_it = better_than_chance(accuracy, error, len(named))
    decision |= {
        "accuracy": round(accuracy, 4),
        "standard_error": round(error, 4),
        "by_chance": round(1 / len(named), 4),
        "confusion": {
            name: dict(zip(named, map(int, row), strict=True))
            for name, row in zip(named, confusion, strict=True)
        },
    }
    if not is_worth_it:
        decision["reason"] = (
            f"{_listed(named)} cannot be told apart well enough: {accuracy:.0%} right in cross-validation, "
            f"{1 / len(named):.0%} by chance. All are called anomaly."
        )
        return Kinds((UNNAMED,), (), decision)
    decision |= {
        "named": named,
        "reason": f"{_listed(named)} are told apart: {accuracy:.0%} right in cross-validation, "
        f"{1 / len(named):.0%} by chance.",
    }
    recalls = np.diag(confusion) / confusion.sum(axis=1)
    kinds = zip(named, with_colors(named, colors), recalls, strict=True)
    learnt = tuple(Kind(name, color, round(float(right), 4)) for name, color, right in kinds)
    return Kinds(learnt, heads, decision, held_out)


def balanced_accuracy(confusion: NDArray[np.intp]) -> tuple[float, float]:
    """How often names are right, each kind counting the same, and the standard error of that.

    The error takes each kind's share for that of one right and one wrong picture more: five of five right
    are no proof of never being wrong.

    Args:
        confusion: `(kinds, kinds)`, how many pictures of each kind (row) got each name.
    """
    right, total = np.diag(confusion), confusion.sum(axis=1)
    cautious = (right + 1) / (total + 2)
    variance = (cautious * (1 - cautious) / total).sum() / len(confusion) ** 2
    return float((right / total).mean()), float(variance**0.5)


def better_than_chance(accuracy: float, error: float, kinds: int) -> bool:
    """Whether names are right often enough to be worth giving.

    Args:
        accuracy: From `balanced_accuracy`.
        error: Likewise.
        kinds: How many there are to choose from.
    """
    chance = 1 / kinds
    return accuracy >= chance + MARGIN * (1 - chance) and accuracy > chance + ERRORS * error


def _parts_of_each(anomalies: Anomalies) -> dict[str, int]:
    """How many parts show each kind."""
    groups: dict[str, set[int]] = {}
    for marks, group in zip(anomalies.marks, anomalies.groups, strict=True):
        for name in marks:
            groups.setdefault(name, set()).add(int(group))
    return {name: len(members) for name, members in groups.items()}


def _at_most_one(
    anomalies: Anomalies, named: Sequence[str], decision: dict[str, Any], colors: Mapping[str, str]
) -> Kinds:
    known = [marks for marks in anomalies.marks if marks]
    if named:
        (name,) = named
        share = sum(name in marks for marks in known)
        if share >= _MOSTLY * len(known) and share >= _HALF * len(anomalies.marks):
            decision |= {"named": [name], "reason": f"All anomalies are called {name}."}
            return Kinds((Kind(name, with_colors([name], colors)[0]),), (), decision)
    if decision["parts"]:
        few = f"Fewer than {MIN_PARTS} parts show {_listed(decision['unnamed'], 'or')}"
        other = "too few anomalies are known to be of that kind alone"
        decision["reason"] = f"{few if decision['unnamed'] else other.capitalize()}: all are called anomaly."
    return Kinds((UNNAMED,), (), decision)


def _examples(anomalies: Anomalies, named: Sequence[str]) -> _Examples:
    rows, labels, pictures, patches = [], [], [], []
    for place, (features, heat, marks) in enumerate(
        zip(anomalies.features, anomalies.heat_maps, anomalies.marks, strict=True)
    ):
        for name, mark in marks.items():
            if name not in named or (len(marks) > 1 and not mark.any()):
                continue
            shown = _shown_by(mark, heat)
            rows.append(features[:, shown].mean(axis=1, dtype=np.float64))
            labels.append(named.index(name))
            pictures.append(place)
            patches.append(shown if len(marks) > 1 else None)
    return _Examples(np.stack(rows), np.array(labels, np.intp), np.array(pictures, np.intp), patches)


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


def _cross_validate(
    anomalies: Anomalies, examples: _Examples, threshold: float, kinds: int
) -> tuple[NDArray[np.intp], dict[int, tuple[Linear, ...]]]:
    """How many examples of each kind (row) heads that had not seen them gave each name; those heads.

    Returns:
        `(kinds, kinds)`, and the heads by the pictures that they had not seen.
    """
    groups = np.unique(anomalies.groups[examples.pictures], return_inverse=True)[1]
    folds = _deal(groups, examples.labels, kinds)
    confusion = np.zeros((kinds, kinds), np.intp)
    unseen: dict[int, tuple[Linear, ...]] = {}
    for fold in np.unique(folds):
        held_out = folds == fold
        heads = _fit(examples.rows[~held_out], examples.labels[~held_out], kinds)
        for example in np.flatnonzero(held_out).tolist():
            picture = int(examples.pictures[example])
            unseen[picture] = heads
            name = _name(
                heads,
                anomalies.features[picture],
                anomalies.heat_maps[picture],
                threshold,
                examples.patches[example],
            )
            confusion[examples.labels[example], name] += 1
    return confusion, unseen


def _deal(groups: NDArray[np.intp], labels: NDArray[np.intp], kinds: int) -> NDArray[np.intp]:
    """Folds in which parts stay together, and every kind is spread evenly: the rarest is dealt first."""
    parts = [len(np.unique(groups[labels == kind])) for kind in range(kinds)]
    rarest = np.argsort(parts, kind="stable")
    folds = np.full(len(labels), -1)
    for kind in rarest:
        of_kind = np.isin(groups, groups[labels == kind]) & (folds < 0)
        if of_kind.any():
            own = np.unique(groups[of_kind], return_inverse=True)[1]
            folds[of_kind] = deal_folds(own, np.ones(len(own), bool))
    return folds


def _name(
    heads: Sequence[Linear],
    features: NDArray[np.float32],
    heat: NDArray[np.float64],
    threshold: float,
    patches: NDArray[np.bool_] | None,
) -> int:
    """The kind of some patches, or of the worst region as a detector would find it.

    A picture that would be missed has no region: what stands out most is taken for one.
    """
    evidence = np.stack([head(features.T) for head in heads])
    if patches is None and heat.max() <= threshold:
        patches = _largest(heat, _UNUSUAL_SHARE)
    if patches is not None:
        return int(evidence[:, patches].mean(axis=1).argmax())
    side = round(len(heat) ** 0.5)
    names = [str(kind) for kind in range(len(heads))]
    maps = evidence.reshape(len(heads), side, side).astype(np.float32)
    found = find_regions(heat.reshape(side, side).astype(np.float32), threshold, names, maps)
    return int(found.regions[0].name)


def _fit(rows: NDArray[np.float64], labels: NDArray[np.intp], kinds: int) -> tuple[Linear, ...]:
    """A head for each kind; for one without examples, a head that never wins."""
    nothing = Linear(np.zeros(rows.shape[1]), -np.inf)
    return tuple(
        fit_against_others(rows, labels == kind, _PENALTY) if (labels == kind).any() else nothing
        for kind in range(kinds)
    )


def _listed(names: Sequence[str], word: str = "and") -> str:
    """Names as people list them: a, b and c."""
    *first, last = names or ("",)
    return f"{', '.join(first)} {word} {last}" if first else last
