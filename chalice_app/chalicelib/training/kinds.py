"""Tells kinds of anomaly apart: scratches from dents, as folders or masks named them in training.

Each kind has a ridge regression against all others, on the mean direction in which an anomaly's patches
depart from normal (`chalicelib.training.naming`). It is linear: a region's value is the mean of its patches'
values, and one matrix product in the graph gives them all. With a handful of pictures of a kind and hundreds
of features, what has been learnt from looks far clearer than what has not: values are scaled by what
leave-one-out says, in closed form. What looks like no kind as clearly as held-out examples of the kinds do
is left unnamed (docs/adr/0018).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from chalicelib.anomalies import ANOMALY, UNNAMED, Kind, with_colors
from chalicelib.model_metadata import MAX_KINDS
from chalicelib.training.kind_examples import deal_examples, examples_of, judged_patches
from chalicelib.training.naming import fit_naming, least_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from chalicelib.training.kind_examples import Anomalies, Examples
    from chalicelib.training.naming import Naming

# With fewer parts of a kind than this, neither a model nor its cross-validation can know it.
MIN_PARTS = 5
# Cross-validated accuracy has to be so much of the way from chance to certainty, and so many standard errors
# above chance.
MARGIN, ERRORS = 0.3, 2.0
# One kind alone names all anomalies where it is nine tenths of those whose kind is known, and half of all.
_MOSTLY, _HALF = 0.9, 0.5


class Kinds(NamedTuple):
    """What was learnt.

    Attributes:
        kinds: That the model names, in their order in `naming`; the last is called `anomaly`, for what looks
            like none of the others. It is the only one where the model names none.
        naming: Says of which kind a patch is; None where there is nothing to tell apart.
        decision: What was decided, and why, in words and figures.
        held_out: The same of cross-validation, by the anomalies that it had not seen.
    """

    kinds: tuple[Kind, ...]
    naming: Naming | None
    decision: dict[str, Any]
    held_out: Mapping[int, Naming] = MappingProxyType({})


NO_KINDS = Kinds((UNNAMED,), None, {})


class _HeldOut(NamedTuple):
    """What cross-validation says of the examples.

    Attributes:
        evidence: `(examples, kinds)`, by heads that had not seen them.
        labels: `(examples,)`, which kind they are of.
        namings: Those heads, by picture.
    """

    evidence: NDArray[np.float64]
    labels: NDArray[np.intp]
    namings: Mapping[int, Naming]

    def confusion(self, floor: float = -np.inf) -> NDArray[np.intp]:
        """How many examples of each kind (row) got each name, and how many (last column) none."""
        kinds = self.evidence.shape[1]
        best = self.evidence.max(axis=1)
        names = np.where(best < floor, kinds, self.evidence.argmax(axis=1))
        counts = np.zeros((kinds, kinds + 1), np.intp)
        np.add.at(counts, (self.labels, names), 1)
        return counts


def learn_kinds(anomalies: Anomalies, threshold: float, colors: Mapping[str, str]) -> Kinds:
    """Learns to name anomalies, and keeps that only where cross-validation says that the names are worth it.

    Args:
        anomalies: The labelled ones.
        threshold: The model's.
        colors: Colour (`#rrggbb`) by kind, where the dataset has them.
    """
    parts = _parts_of_each(anomalies)
    # One entry is for what is left unnamed.
    named = sorted(name for name, count in parts.items() if count >= MIN_PARTS)[: MAX_KINDS - 1]
    decision: dict[str, Any] = {
        "parts": dict(sorted(parts.items())),
        "unnamed": sorted(set(parts) - set(named)),
        "named": [],
    }
    if len(named) < 2:
        return _at_most_one(anomalies, named, decision, colors)
    # One thread, as everywhere in training: the numbers must not depend on how many CPUs there are.
    with threadpool_limits(1, "blas"):
        examples = examples_of(anomalies, named)
        held_out = _cross_validate(anomalies, examples, threshold, len(named))
        naming = fit_naming(examples.rows, examples.labels, len(named), anomalies.normal)
    confusion = held_out.confusion()[:, :-1]
    accuracy, error = balanced_accuracy(confusion)
    decision |= {
        "accuracy": round(accuracy, 4),
        "standard_error": round(error, 4),
        "by_chance": round(1 / len(named), 4),
    }
    told = f"{accuracy:.0%} right in cross-validation, {1 / len(named):.0%} by chance"
    if not better_than_chance(accuracy, error, len(named)):
        decision |= {
            "confusion": _by_name(named, named, confusion),
            "reason": f"{_listed(named)} cannot be told apart well enough: {told}. All are called anomaly.",
        }
        return Kinds((UNNAMED,), None, decision)
    floor = least_evidence(held_out.evidence, held_out.labels)
    with_none = held_out.confusion(floor)
    decision |= {
        "confusion": _by_name(named, (*named, ANOMALY), with_none),
        "least_evidence": round(floor, 4),
        "named": named,
        "reason": f"{_listed(named)} are told apart: {told}. {_left(confusion, with_none)}",
    }
    namings = {picture: one.with_floor(floor) for picture, one in held_out.namings.items()}
    return Kinds(_kinds(named, colors, with_none), naming.with_floor(floor), decision, namings)


def _kinds(named: Sequence[str], colors: Mapping[str, str], confusion: NDArray[np.intp]) -> tuple[Kind, ...]:
    """Those that are named, with the share that got its name, and what is left."""
    *of_names, of_rest = with_colors([*named, ANOMALY], colors)
    recalls = np.diag(confusion) / confusion.sum(axis=1)
    kinds = (
        Kind(name, color, round(float(right), 4))
        for name, color, right in zip(named, of_names, recalls, strict=True)
    )
    return (*kinds, Kind(ANOMALY, of_rest))


def _left(forced: NDArray[np.intp], confusion: NDArray[np.intp]) -> str:
    """In words, how many were left unnamed, and how many of them would have got a wrong name."""
    left = int(confusion[:, -1].sum())
    wrong = left - int(np.trace(forced) - np.trace(confusion))
    return (
        f"What looks like none of them is called anomaly: {left} of {confusion.sum()} were, {wrong} of which "
        "would have got a wrong name."
    )


def _by_name(
    rows: Sequence[str], columns: Sequence[str], confusion: NDArray[np.intp]
) -> dict[str, dict[str, int]]:
    return {
        kind: dict(zip(columns, map(int, row), strict=True))
        for kind, row in zip(rows, confusion, strict=True)
    }


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
            return Kinds((Kind(name, with_colors([name], colors)[0]),), None, decision)
    if decision["parts"]:
        few = f"Fewer than {MIN_PARTS} parts show {_listed(decision['unnamed'], 'or')}"
        other = "too few anomalies are known to be of that kind alone"
        decision["reason"] = f"{few if decision['unnamed'] else other.capitalize()}: all are called anomaly."
    return Kinds((UNNAMED,), None, decision)


def _cross_validate(anomalies: Anomalies, examples: Examples, threshold: float, kinds: int) -> _HeldOut:
    """What heads say of the examples that had not seen them."""
    groups = np.unique(anomalies.groups[examples.pictures], return_inverse=True)[1]
    folds = deal_examples(groups, examples.labels, kinds)
    evidence = np.empty((len(folds), kinds))
    namings: dict[int, Naming] = {}
    for fold in np.unique(folds):
        held_out = folds == fold
        naming = fit_naming(examples.rows[~held_out], examples.labels[~held_out], kinds, anomalies.normal)
        for example in np.flatnonzero(held_out).tolist():
            picture = int(examples.pictures[example])
            namings[picture] = naming
            judged = judged_patches(anomalies.heat_maps[picture], threshold, examples.patches[example])
            evidence[example] = naming(anomalies.features[picture])[:, judged].mean(axis=1)
    return _HeldOut(evidence, examples.labels, namings)


def _listed(names: Sequence[str], word: str = "and") -> str:
    """Names as people list them: a, b and c."""
    *first, last = names or ("",)
    return f"{', '.join(first)} {word} {last}" if first else last
