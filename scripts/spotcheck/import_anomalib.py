"""`spotcheck import-anomalib`: a model that anomalib exported, for the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spotcheck.console import err, out, print_json

if TYPE_CHECKING:
    from chalicelib.measuring.pictures import Dataset, LabelledPicture


def import_anomalib(
    file: Annotated[
        Path, typer.Argument(help="anomalib's model.onnx; its weights may lie in a file beside it.")
    ],
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of labelled pictures, as for `train`: they set the threshold.")
    ],
    output: Annotated[Path, typer.Option(help="Where to write the model.")] = Path("model.onnx"),
    project: Annotated[str, typer.Option(help="The project that the model judges for.")] = "spotcheck",
    size: Annotated[
        int | None,
        typer.Option(min=1, help="Side of its pictures in pixels, where the export leaves it open."),
    ] = None,
    false_alarm_rate: Annotated[
        float, typer.Option(help="Share of normal pictures that may be called anomalous.")
    ] = 0.05,
    keep_threshold: Annotated[
        bool, typer.Option("--keep-threshold", help="Keep anomalib's own threshold, and only measure it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make a model of anomalib's ONNX export: one file, its size, threshold and calibration inside."""
    from rich.markup import escape

    from chalicelib.measuring.texts import score_text
    from chalicelib.measuring.training import measured
    from chalicelib.training import NamedPicture, TrainingConfig
    from chalicelib.training.anomalib import Calibration, import_anomalib
    from chalicelib.training.foreign import load_foreign
    from spotcheck.datasets import read_dataset
    from spotcheck.files import check_writable, write_file
    from spotcheck.tables import describe, evaluation_table, print_skipped, progress_bars

    TrainingConfig(project=project, false_alarm_rate=false_alarm_rate)  # refuses what cannot work
    check_writable(output)
    dataset = read_dataset(data)
    err.print(describe(dataset))
    normals, anomalies, warning = _pictures(dataset)
    calibration = Calibration(project, false_alarm_rate, keep_threshold, size, warning)
    foreign = load_foreign(file)
    named = [
        [NamedPicture.of_file(picture.path, picture.name) for picture in pictures]
        for pictures in (normals, anomalies)
    ]
    with progress_bars(err) as bar:
        trained = import_anomalib(foreign, file.stem, named[0], named[1], calibration, bar("calibrating"))
        result = measured(
            trained, (*normals, *anomalies), "the pictures that set the threshold", bar("measuring")
        )
    metadata = result.trained.metadata
    write_file(output, result.trained.model)
    print_skipped(err, [(image.name, image.reason) for image in metadata.skipped])
    if json:
        evaluation = result.evaluation.to_dict() if result.evaluation else None
        print_json(
            {
                "model": str(output),
                "project": metadata.project,
                "input_size": metadata.input_size,
                "normals": metadata.normals,
                "threshold": metadata.threshold,
                "threshold_method": metadata.threshold_method,
                "false_alarm_rate": metadata.false_alarm_rate,
                "warnings": list(metadata.warnings),
                "evaluation": evaluation,
            }
        )
        return
    out.print(
        f"{output} ({len(result.trained.model) / 1e6:.1f} MB): anomalous above a score of "
        f"{score_text(metadata.threshold)} ({metadata.threshold_method}).",
        markup=False,
        highlight=False,
    )
    for text in metadata.warnings:
        out.print(f"[yellow]warning:[/] {escape(text)}", highlight=False)
    if result.evaluation:
        out.print(evaluation_table(result.evaluation))


def _pictures(dataset: Dataset) -> tuple[tuple[LabelledPicture, ...], tuple[LabelledPicture, ...], str]:
    """What to calibrate on, normal and anomalous, and a warning where anomalib may have seen it."""
    from chalicelib.training.config import MIN_NORMALS

    unseen = tuple(picture for picture in dataset.test if not picture.is_anomalous)
    anomalies = tuple(picture for picture in (*dataset.test, *dataset.anomalies) if picture.is_anomalous)
    if len(unseen) >= MIN_NORMALS:
        return unseen, anomalies, ""
    warning = (
        "The threshold comes from normal training pictures. If anomalib was trained on them, it is too low: "
        f"put {MIN_NORMALS} or more that it has not seen into test/good."
    )
    return dataset.normals or unseen, anomalies, warning
