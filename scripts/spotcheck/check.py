"""`spotcheck check`: what is wrong with a set of pictures, before a model learns it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from spotcheck.console import err, out, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from chalicelib.measuring.evaluation import Judged, Progress
    from chalicelib.measuring.pictures import Dataset
    from chalicelib.training import TrainedModel
    from spotcheck.checks import Finding

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
_MOST_OF_A_KIND = 3
_MOST_FILES = 3


def check(
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of pictures: MVTec layout, or normal/ and optionally anomaly/.")
    ],
    labels: Annotated[
        bool, typer.Option(help="Also train a model in passing, to find probable label errors.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, all of them.")] = False,
) -> None:
    """Check pictures before training: copies, odd ones, probable label errors, too few."""
    from spotcheck.checks import by_severity, check_pictures
    from spotcheck.datasets import read_dataset
    from spotcheck.survey import survey
    from spotcheck.tables import describe, print_skipped, progress_bars

    dataset = read_dataset(data)
    err.print(describe(dataset))
    print_skipped(err, [(item.name, item.reason) for item in dataset.skipped])
    with progress_bars(err) as bar:
        findings = check_pictures(survey(dataset, bar("looking")))
        if labels and not any(one.check == "too-few" and one.severity == "error" for one in findings):
            findings = by_severity([*findings, *suspect_labels(dataset, bar("training"), bar("scoring"))])
    if json:
        print_json([finding.to_dict() for finding in findings])
    elif findings:
        print_findings(out, findings)
    else:
        out.print("[green]nothing to complain about[/]")


def suspect_labels(
    dataset: Dataset, on_train: Progress | None = None, on_score: Progress | None = None
) -> list[Finding]:
    """Probable label errors, by a model trained on the normal pictures.

    Args:
        dataset: With at least ten normal pictures that can be read.
        on_train: Called with how many pictures were learnt from, of how many.
        on_score: Called with how many anomalous pictures were scored, of how many.
    """
    from chalicelib.detector import Detector
    from chalicelib.measuring.evaluation import evaluate_pictures
    from chalicelib.training import NamedPicture, TrainingConfig, train

    normals = [NamedPicture.of_file(picture.path, picture.name) for picture in dataset.normals]
    trained = train(normals, TrainingConfig(), on_train)
    anomalies = [picture for picture in (*dataset.train, *dataset.test) if picture.is_anomalous]
    evaluation = evaluate_pictures(Detector.load(trained.model), anomalies, "", progress=on_score)
    return suspects_of(trained, evaluation.judged)


def suspects_of(trained: TrainedModel, judged: Sequence[Judged]) -> list[Finding]:
    """Probable label errors.

    Args:
        trained: The model; its leave-one-out scores tell of the normal pictures.
        judged: Pictures that it was not trained on; the anomalous ones are looked at.
    """
    from spotcheck.checks import check_labels

    names = [image.name for image in trained.metadata.training_images]
    scores = {one.labelled.name: one.score for one in judged if one.labelled.is_anomalous}
    return check_labels(dict(zip(names, trained.normal_scores, strict=True)), scores)


def print_findings(console: Console, findings: Sequence[Finding], *, notes: bool = True) -> None:
    """Prints findings, three of a kind in full.

    Args:
        console: Where to.
        findings: The most severe first.
        notes: Whether to print the notes, too.
    """
    from rich.markup import escape

    shown: dict[str, int] = {}
    for finding in findings:
        if finding.severity == "note" and not notes:
            continue
        shown[finding.check] = shown.get(finding.check, 0) + 1
        if shown[finding.check] > _MOST_OF_A_KIND:
            continue
        colour = _COLOURS[finding.severity]
        console.print(
            f"[{colour}]{finding.severity}[/] {escape(_line(finding))} [dim]{escape(finding.advice)}[/]",
            highlight=False,
            soft_wrap=True,
        )
    for kind, count in shown.items():
        if count > _MOST_OF_A_KIND:
            more = f"... and {count - _MOST_OF_A_KIND} more of the kind {kind}: --json lists all"
            console.print(f"[dim]{more}[/]", highlight=False)


def _line(finding: Finding) -> str:
    if not finding.files:
        return f"{finding.message}."
    if finding.check == "unreadable":  # one file, and a sentence about it
        return f"{finding.files[0]} {finding.message}"
    rest = len(finding.files) - _MOST_FILES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{finding.message}: {', '.join(finding.files[:_MOST_FILES])}{more}."
