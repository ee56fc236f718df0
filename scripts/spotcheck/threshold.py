"""`spotcheck threshold`: moves a trained model's threshold without training anew."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

from spotcheck.console import out, print_json


def threshold(
    *,
    model: Annotated[Path, typer.Option(help="The model.")],
    output: Annotated[Path, typer.Option(help="Where to write the model with the new threshold.")],
    value: Annotated[float | None, typer.Option(help="The score above which a picture is anomalous.")] = None,
    false_alarm_rate: Annotated[
        float | None, typer.Option(help="Share of normal pictures that may be called anomalous.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Move a model's threshold; publish the new file as a version of its own."""
    from rich.markup import escape

    from chalicelib.exceptions import ModelInvalidError
    from chalicelib.measuring.texts import score_text
    from chalicelib.training.moving import move_threshold
    from spotcheck.exceptions import InputError
    from spotcheck.files import write_file

    try:
        content = model.read_bytes()
    except OSError as error:
        message = f"{model} cannot be read: {error.strerror or error}."
        raise InputError(message) from error
    try:
        moved, metadata = move_threshold(content, value=value, false_alarm_rate=false_alarm_rate)
    except ModelInvalidError as error:
        message = f"{model}: {error}"
        raise ModelInvalidError(message) from error
    write_file(output, moved)
    missed = [score <= metadata.threshold for score in metadata.anomaly_scores]
    summary = {
        "model": str(output),
        "threshold": metadata.threshold,
        "threshold_method": metadata.threshold_method,
        "false_alarm_rate": metadata.false_alarm_rate,
        "labelled_anomalies": len(missed),
        "labelled_anomalies_missed": sum(missed),
        "warnings": list(metadata.warnings),
    }
    if json:
        print_json(summary)
        return
    out.print(
        f"{output}: anomalous above a score of {score_text(metadata.threshold)}; about "
        f"{metadata.false_alarm_rate:.1%} of normal pictures would be called so.",
        markup=False,
        highlight=False,
    )
    if missed:
        out.print(f"Of {len(missed)} labelled anomalies, held out, {sum(missed)} would be missed.")
    for warning in metadata.warnings:
        out.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False)
