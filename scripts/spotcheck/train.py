"""`spotcheck train`: from a folder of normal pictures to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck.console import err, out, print_json

if TYPE_CHECKING:
    from spotcheck.datasets import Dataset
    from spotcheck.training import Result


def train(
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of pictures: MVTec layout, or normal/ and optionally anomaly/.")
    ],
    output: Annotated[Path, typer.Option(help="Where to write the model.")] = Path("model.onnx"),
    project: Annotated[str, typer.Option(help="The project that the model judges for.")] = "spotcheck",
    false_alarm_rate: Annotated[
        float, typer.Option(help="Share of normal pictures that may be called anomalous.")
    ] = 0.05,
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures, as HTML.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a model on pictures of normal parts."""
    from chalicelib.training import TrainingConfig
    from spotcheck.check import print_findings, suspects_of
    from spotcheck.checks import by_severity, check_pictures
    from spotcheck.datasets import read_dataset
    from spotcheck.files import write_file
    from spotcheck.model_report import write_report
    from spotcheck.survey import survey
    from spotcheck.tables import describe, print_skipped, progress_bars
    from spotcheck.training import evaluate_normals, train_on

    config = TrainingConfig(project=project, false_alarm_rate=false_alarm_rate)
    dataset = read_dataset(data)
    err.print(describe(dataset))
    print_skipped(err, [(item.name, item.reason) for item in dataset.skipped])
    with progress_bars(err) as bar:
        findings = check_pictures(survey(dataset, bar("looking")))
    print_findings(err, findings, notes=False)
    with progress_bars(err) as bar:
        result = train_on(dataset, config, on_train=bar("training"), on_evaluate=bar("measuring"))
    write_file(output, result.trained.model)
    suspects = suspects_of(result.trained, result.evaluation.judged if result.evaluation else ())
    print_findings(err, suspects, notes=False)
    findings = by_severity([*findings, *suspects])
    if report:
        write_report(
            report,
            result.trained.model,
            result.evaluation or evaluate_normals(dataset, result.trained),
            findings,
        )
    if json:
        checks = [finding.to_dict() for finding in findings]
        print_json({**_summary(output, dataset, result), "checks": checks})
    else:
        _print(output, dataset, result)


def _print(output: Path, dataset: Dataset, result: Result) -> None:
    from rich.markup import escape

    from spotcheck.tables import evaluation_table, print_skipped

    metadata, evaluation = result.trained.metadata, result.evaluation
    print_skipped(err, [(image.name, image.reason) for image in metadata.skipped])
    size = len(result.trained.model) / 1e6
    out.print(
        f"[bold]{escape(str(output))}[/] ({size:.1f} MB): learnt from {metadata.normals} normal pictures; "
        f"anomalous above a score of {metadata.threshold:.1f}, "
        f"set for {metadata.false_alarm_rate:.0%} false alarms.",
        highlight=False,
    )
    for warning in metadata.warnings:
        out.print(f"[yellow]warning:[/] {warning}", highlight=False)
    if evaluation:
        out.print(evaluation_table(evaluation))
        print_skipped(err, [(item.name, item.reason) for item in evaluation.skipped])
    else:
        out.print("There are no anomalous pictures: how many anomalies the model finds cannot be told.")
    if dataset.test and dataset.anomalies:
        out.print(
            f"The {len(dataset.anomalies)} anomalous training pictures were not used: "
            "this version learns from normal ones."
        )


def _summary(output: Path, dataset: Dataset, result: Result) -> dict[str, Any]:
    import hashlib

    metadata = result.trained.metadata
    skipped = [(item.name, item.reason) for item in dataset.skipped]
    skipped += [(image.name, image.reason) for image in metadata.skipped]
    return {
        "model": str(output),
        "sha256": hashlib.sha256(result.trained.model).hexdigest(),
        "project": metadata.project,
        "normals": metadata.normals,
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped],
        "threshold": metadata.threshold,
        "threshold_method": metadata.threshold_method,
        "false_alarm_rate": metadata.false_alarm_rate,
        "warnings": list(metadata.warnings),
        "evaluation": result.evaluation.to_dict() if result.evaluation else None,
    }
