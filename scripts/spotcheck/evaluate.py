"""`spotcheck evaluate`: how good a model is, on pictures whose labels are known."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

from spotcheck.console import err, out, print_json
from spotcheck.runtimes import Runtime, load_detector


def evaluate(
    *,
    model: Annotated[Path, typer.Option(help="The model to measure.")],
    data: Annotated[Path, typer.Option(help="Folder of labelled pictures; its test split, if it has one.")],
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures, as HTML.")] = None,
    stress: Annotated[
        bool, typer.Option(help="Also judge the pictures under other light, focus, noise and place.")
    ] = False,
    runtime: Annotated[
        Runtime, typer.Option(help="What runs the model: openvino, where it is installed, may be quicker.")
    ] = "onnxruntime",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a model on labelled pictures."""
    from chalicelib.measuring.evaluation import evaluate_dataset
    from spotcheck.checks import check_pictures
    from spotcheck.datasets import read_dataset
    from spotcheck.exceptions import DatasetError
    from spotcheck.model_report import write_report
    from spotcheck.stress import stress_table, stress_test
    from spotcheck.survey import survey
    from spotcheck.tables import describe, evaluation_table, print_skipped, progress_bars

    detector = load_detector(model, runtime)
    dataset = read_dataset(data)
    err.print(describe(dataset))
    with progress_bars(err) as bar:
        evaluation = evaluate_dataset(detector, dataset, bar("measuring"))
        stressed = stress_test(detector, dataset.test or dataset.train, bar("stressing")) if stress else []
    skipped = [*dataset.skipped, *evaluation.skipped]
    print_skipped(err, [(item.name, item.reason) for item in skipped])
    if not evaluation.images:
        message = f"None of the pictures in {data} can be judged."
        raise DatasetError(message)
    if evaluation.trained_on:
        err.print(
            f"[yellow]warning:[/] the model was trained on {evaluation.trained_on} of these pictures: "
            "it will look better than it is.",
            highlight=False,
        )
    if report:
        write_report(report, model.read_bytes(), evaluation, check_pictures(survey(dataset)))
    if json:
        figures = evaluation.to_dict()
        print_json({**figures, "stress": [one.to_dict() for one in stressed]} if stress else figures)
    else:
        out.print(evaluation_table(evaluation))
        if stressed:
            out.print(stress_table(stressed))
