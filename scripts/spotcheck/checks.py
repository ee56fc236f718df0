"""What is wrong with a set of pictures, before a model learns it: findings, their files and what to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chalicelib.training.config import MIN_NORMALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from chalicelib.framing import Framing
    from spotcheck.survey import Facts, Survey

Severity = Literal["error", "warning", "note"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "note")

# The quantile of the normal scores is measured from here on; below, it is estimated.
_GOOD_NORMALS = 60
_GOOD_TESTS = 20
# Robust standard deviations from the normal pictures' median, and how much that has to be at the least:
# pictures from a machine are so alike that the eye sees nothing in what the statistics call far.
_FAR = 5.0
_LEAST_GREY_LEVELS = 25.0
_LEAST_BLUR = 0.5
_SAME_SHAPE = 0.02
_NORMAL_IQR = 1.349  # interquartile range of the standard normal distribution
_SUSPECT = 3.5
_TELLING_AUROC = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a set of pictures.

    Attributes:
        check: Its kind: `unreadable`, `too-few`, `label-conflict`, `duplicates`, `leak`, `near-duplicates`,
            `near-leak`, `shapes`, `sizes`, `masks`, `blur`, `exposure`, `label-normal`, `label-anomaly`.
        severity: `error` (the figures or the model will be wrong), `warning` (look at it) or `note`.
        message: What was found.
        files: The pictures' names.
        advice: What to do.
    """

    check: str
    severity: Severity
    message: str
    files: tuple[str, ...]
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """As `spotcheck check --json` lists it."""
        return {**asdict(self), "files": list(self.files)}


def check_pictures(survey: Survey, framing: Framing | None = None) -> list[Finding]:
    """Everything that can be told without a model, the most severe first.

    Args:
        survey: Of the pictures.
        framing: How the model sees them, where that is known; else as models do by default.
    """
    facts = survey.facts
    checks: tuple[Callable[[Sequence[Facts]], Iterable[Finding]], ...] = (
        _too_few,
        _copies,
        _same_parts,
        partial(_dimensions, stretches=framing is None or framing.stretches),
        _masks,
        _blurred,
        _exposed,
    )
    findings = [
        Finding(
            "unreadable",
            "warning",
            f"cannot be read: {item.reason}",
            (item.name,),
            "Repair or remove it; it takes no part.",
        )
        for item in survey.unreadable
    ]
    for check in checks:
        findings += check(facts)
    return by_severity(findings)


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, errors first."""
    return sorted(findings, key=lambda finding: _ORDER.index(finding.severity))


def check_labels(normals: Mapping[str, float], anomalies: Mapping[str, float]) -> list[Finding]:
    """Pictures whose score contradicts their label.

    Normal pictures more than 3.5 robust standard deviations of the log-score above the median are suspects.
    Anomalous ones below the median normal are, too, but only where scores tell the two apart at all (an AUROC
    of .9): where they do not, no score says anything against a label.

    Args:
        normals: Name → score by a model that has not seen the picture (leave-one-out).
        anomalies: Name → score.
    """
    findings: list[Finding] = []
    if len(normals) < MIN_NORMALS:
        return findings
    scores = np.array(list(normals.values()))
    far = _robust(np.log(scores), np.log(scores), np.log(1.05)) > _SUSPECT
    suspects = [name for name, _ in sorted(zip(normals, -scores, strict=True), key=lambda pair: pair[1])]
    suspects = suspects[: int(far.sum())]
    if suspects:
        message = f"{_count(len(suspects), 'normal picture')} unlike all others: perhaps anomalous"
        advice = "Look at them: move anomalous ones to the anomalies, add more pictures like the rare ones."
        findings.append(Finding("label-normal", "warning", message, tuple(suspects), advice))
    if anomalies:
        findings += _anomalies_that_look_normal(scores, anomalies)
    return findings


def _anomalies_that_look_normal(
    normals: np.ndarray[Any, Any], anomalies: Mapping[str, float]
) -> list[Finding]:
    values = np.array(list(anomalies.values()))
    told_apart = (values[:, None] > normals).mean()
    if told_apart < _TELLING_AUROC:
        message = (
            f"anomalies and normal pictures score alike (AUROC {told_apart:.2f}): labels cannot be checked"
        )
        advice = "Departure from normal says little here; label more anomalies, or crop to the part itself."
        return [Finding("label-anomaly", "note", message, (), advice)]
    median = float(np.median(normals))
    alike = tuple(
        sorted((name for name, score in anomalies.items() if score < median), key=anomalies.__getitem__)
    )
    if not alike:
        return []
    message = f"{_count(len(alike), 'anomalous picture')} more normal than half of the normal ones"
    advice = "Look at them: either the label is wrong, or the anomaly is too small to be seen at this size."
    return [Finding("label-anomaly", "warning", message, alike, advice)]


def _too_few(facts: Sequence[Facts]) -> Iterator[Finding]:
    normals = sum(not (one.is_test or one.is_anomalous) for one in facts)
    if normals < MIN_NORMALS:
        message = f"{_count(normals, 'normal picture')} to train on; at least {MIN_NORMALS} are needed"
        yield Finding("too-few", "error", message, (), f"Add normal pictures, best {_GOOD_NORMALS} or more.")
    elif normals < _GOOD_NORMALS:
        message = f"{normals} normal pictures to train on: the threshold will be a rough estimate"
        yield Finding("too-few", "warning", message, (), f"From {_GOOD_NORMALS} on it is measured.")
    tests = [one for one in facts if one.is_test]
    for kind, count in (
        ("normal", sum(not one.is_anomalous for one in tests)),
        ("anomalous", sum(one.is_anomalous for one in tests)),
    ):
        if tests and count < _GOOD_TESTS:
            message = f"{_count(count, f'{kind} picture')} to test on: figures will be rough"
            yield Finding("too-few", "note", message, (), f"{_GOOD_TESTS} or more of each kind tell more.")


def _copies(facts: Sequence[Facts]) -> Iterator[Finding]:
    """The same file twice: within a split, across splits, or under both labels."""
    same: dict[str, list[Facts]] = {}
    for one in facts:
        same.setdefault(one.sha256, []).append(one)
    for group in same.values():
        if len(group) == 1:
            continue
        names = tuple(one.name for one in group)
        if len({one.is_anomalous for one in group}) == 2:
            advice = "Decide which label is right and delete the other copy."
            yield Finding("label-conflict", "error", "the same picture under both labels", names, advice)
        elif len({one.is_test for one in group}) == 2:
            advice = "Delete one: a test on pictures learnt from makes a model look better than it is."
            yield Finding("leak", "error", "the same picture in training and test", names, advice)
        else:
            advice = "Delete the copies: they narrow what is learnt as normal."
            yield Finding("duplicates", "warning", f"{len(names)} copies of one picture", names, advice)


def _same_parts(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Several pictures of one part, copies aside."""
    from chalicelib.training.likeness import joined, same_part_pairs

    unique = list({one.sha256: one for one in reversed(facts)}.values())[::-1]
    for group in joined(same_part_pairs([one.thumbnail for one in unique])):
        names = tuple(unique[index].name for index in group)
        message = f"{len(names)} pictures, probably of one part"
        if len({unique[index].is_test for index in group}) == 2:
            advice = "Keep all pictures of a part in one split, or the test flatters the model."
            yield Finding("near-leak", "warning", f"{message}, in training and test", names, advice)
        else:
            advice = "Fine if meant so; else keep one: repeated pictures make the threshold too low."
            yield Finding("near-duplicates", "note", message, names, advice)


def _dimensions(facts: Sequence[Facts], *, stretches: bool) -> Iterator[Finding]:
    if not facts:
        return
    sizes = Counter((one.width, one.height) for one in facts)
    (width, height), _ = sizes.most_common(1)[0]
    usual = f"{width} × {height}"  # noqa: RUF001 - the sign that people know
    misshapen = tuple(
        one.name
        for one in facts
        if stretches and abs(one.width * height / (one.height * width) - 1) > _SAME_SHAPE
    )
    if misshapen:
        message = f"{_count(len(misshapen), 'picture')} of another aspect ratio than {usual}"
        advice = "Stretched to a square, each looks different: crop all alike, or train with --letterbox."
        yield Finding("shapes", "warning", message, misshapen, advice)
    others = tuple(
        one.name
        for one in facts
        if (one.width, one.height) != (width, height) and one.name not in set(misshapen)
    )
    if others:
        message = f"{_count(len(others), 'picture')} of another size than {usual}"
        advice = "Sizes may differ, but an anomaly then differs in size, too; one camera setting is best."
        yield Finding("sizes", "note", message, others, advice)


def _masks(facts: Sequence[Facts]) -> Iterator[Finding]:
    names = tuple(
        one.name
        for one in facts
        if one.mask and abs(one.width * one.mask[1] / (one.height * one.mask[0]) - 1) > _SAME_SHAPE
    )
    if names:
        message = f"{_count(len(names), 'mask')} of another aspect ratio than the picture"
        advice = (
            "A mask is stretched over its picture: draw it on the picture as it is shown, upright and whole."
        )
        yield Finding("masks", "warning", message, names, advice)


def _blurred(facts: Sequence[Facts]) -> Iterator[Finding]:
    sharpness, reference = _values(facts, lambda one: np.log(one.sharpness + 1e-3))
    if not len(reference):
        return
    far = (_robust(sharpness, reference, 0.1) < -_FAR) & (
        sharpness < np.median(reference) + np.log(_LEAST_BLUR)
    )
    names = _normals(facts, far)
    if names:
        message = f"{_count(len(names), 'normal picture')} far less sharp than the others"
        yield Finding(
            "blur", "warning", message, names, "Take them again, or remove them if they are blurred."
        )


def _exposed(facts: Sequence[Facts]) -> Iterator[Finding]:
    levels, reference = _values(facts, lambda one: one.brightness)
    if not len(reference):
        return
    away = levels - np.median(reference)
    far = (np.abs(_robust(levels, reference, 1.0)) > _FAR) & (np.abs(away) > _LEAST_GREY_LEVELS)
    for chosen, word in ((far & (away < 0), "darker"), (far & (away > 0), "brighter")):
        names = _normals(facts, chosen)
        if names:
            message = f"{_count(len(names), 'normal picture')} far {word} than the others"
            yield Finding("exposure", "warning", message, names, "Check light and exposure; take them again.")


def _values(
    facts: Sequence[Facts], value: Callable[[Facts], float]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A value of every picture, and of the normal training pictures; the latter empty where they are few."""
    everyone = np.array([value(one) for one in facts])
    reference = np.array([value(one) for one in facts if not (one.is_test or one.is_anomalous)])
    return everyone, reference if len(reference) >= MIN_NORMALS else reference[:0]


def _robust(
    values: np.ndarray[Any, Any], reference: np.ndarray[Any, Any], least_spread: float
) -> np.ndarray[Any, Any]:
    """How many robust standard deviations (interquartile range / 1.349) values are above the median."""
    lower, median, upper = np.quantile(reference, (0.25, 0.5, 0.75))
    result: np.ndarray[Any, Any] = (values - median) / max((upper - lower) / _NORMAL_IQR, least_spread)
    return result


def _normals(facts: Sequence[Facts], chosen: np.ndarray[Any, Any]) -> tuple[str, ...]:
    """The names of those chosen; anomalous pictures may well look odd and are left out."""
    pairs = zip(facts, chosen, strict=True)
    return tuple(one.name for one, is_chosen in pairs if is_chosen and not one.is_anomalous)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"
