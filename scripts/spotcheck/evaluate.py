"""`spotcheck evaluate`: how good a model is, on pictures whose labels are known."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from spotcheck.console import err, out, print_json
from spotcheck.runtimes import Runtime, load_detector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.detector import Detector
    from chalicelib.measuring.pictures import LabelledPicture


def evaluate(
    *,
    model: Annotated[Path, typer.Option(help="The model to measure.")],
    data: Annotated[Path, typer.Option(help="Folder of labelled pictures; its test split, if it has one.")],
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures, as HTML.")] = None,
    stress: Annotated[
        bool, typer.Option(help="Also judge the pictures under other light, focus, noise and place.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(help="With --stress: another model, to say how much better or worse it bears all that."),
    ] = None,
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
    from spotcheck.files import check_writable
    from spotcheck.model_report import write_report
    from spotcheck.stress import stress_dict, stress_table, stress_test
    from spotcheck.survey import survey
    from spotcheck.tables import describe, evaluation_table, print_skipped, progress_bars

    if against and not stress:
        message = "--against compares models under stress: say --stress, too."
        raise typer.BadParameter(message)
    detector = load_detector(model, runtime)
    other = load_detector(against, runtime) if against else None
    check_writable(report)
    dataset = read_dataset(data)
    err.print(describe(dataset))
    with progress_bars(err) as bar:
        evaluation = evaluate_dataset(detector, dataset, bar("measuring"))
        pictures = dataset.test or dataset.train
        stressed = stress_test(detector, pictures, bar("stressing")) if stress else []
        others = stress_test(other, pictures, bar("stressing the other model")) if other else []
    skipped = [*dataset.skipped, *evaluation.skipped]
    print_skipped(err, [(item.name, item.reason) for item in skipped])
    if not evaluation.images:
        message = f"None of the pictures in {data} can be judged."
        raise DatasetError(message)
    _warn("the model", evaluation.trained_on)
    if other:
        _warn("the other model", _trained_on(other, pictures))
    if report:
        findings = check_pictures(survey(dataset), detector.metadata.framing)
        write_report(report, model.read_bytes(), evaluation, findings)
    if json:
        figures = evaluation.to_dict()
        print_json({**figures, "stress": stress_dict(stressed, others)} if stress else figures)
    else:
        out.print(evaluation_table(evaluation))
        if stressed:
            out.print(stress_table(stressed, others))


def _warn(model: str, trained_on: int) -> None:
    if trained_on:
        err.print(
            f"[yellow]warning:[/] {model} was trained on {trained_on} of these pictures: "
            "it will look better than it is.",
            highlight=False,
        )


def _trained_on(detector: Detector, pictures: Sequence[LabelledPicture]) -> int:
    """How many of the pictures the model knows."""
    import hashlib
    from contextlib import suppress

    seen, count = detector.metadata.seen_hashes, 0
    for picture in pictures:
        with suppress(OSError):  # told already
            count += hashlib.sha256(picture.path.read_bytes()).hexdigest() in seen
    return count
