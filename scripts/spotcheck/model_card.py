"""`spotcheck model-card`: what a model says of itself."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chalicelib.anomalies import ANOMALY
from spotcheck.console import out, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chalicelib.model_metadata import ModelMetadata


def model_card(
    model: Annotated[Path, typer.Argument(help="The model.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print all as JSON, every hash included.")] = False,
) -> None:
    """Print what a model is, what it was trained on and how good it was."""
    import hashlib
    import json as json_module

    from rich.markup import escape
    from rich.table import Table

    from chalicelib.detector import Detector

    metadata = Detector.load(model, threads=1).metadata
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    if json:
        print_json({"sha256": sha256, **json_module.loads(metadata.to_json())})
        return
    table = Table(title=f"Model {escape(str(model))}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("SHA-256", sha256)
    for name, value in _lines(metadata):
        table.add_row(name, escape(value))
    out.print(table)


def _lines(metadata: ModelMetadata) -> Iterator[tuple[str, str]]:
    yield "project", metadata.project
    yield "method", f"{metadata.method} on {metadata.backbone} (SHA-256 {metadata.backbone_sha256})"
    yield "input", f"{metadata.input_size} pixels a side, {metadata.resize}; {metadata.grid} patches a side"
    yield "trained on", _trained_on(metadata)
    yield "threshold", f"{metadata.threshold:.6g} ({metadata.threshold_method})"
    yield "false alarms expected", f"{metadata.false_alarm_rate:.1%} of normal pictures"
    if metadata.steepness is not None:
        yield "probability", f"calibrated by labelled anomalies, steepness {metadata.steepness:.3g}"
    yield "anomalies are called", _kinds(metadata)
    for name, decision in metadata.decisions.items():
        if words := _in_words(decision):
            yield f"decision: {name}", words
    yield "configuration", _in_words(metadata.config)
    yield "measured", _in_words(metadata.metrics) or "nothing"
    yield "libraries", _in_words(metadata.libraries)
    for warning in metadata.warnings:
        yield "warning", warning


def _trained_on(metadata: ModelMetadata) -> str:
    names = [image.name for image in metadata.training_images]
    span = f" ({names[0]} … {names[-1]})" if names else ""
    learnt = "learnt from" if metadata.judged_by_labels else "not learnt from"
    anomalies = f"; {len(metadata.anomaly_images)} labelled anomalies, {learnt}" * bool(
        metadata.anomaly_images
    )
    skipped = f"; {len(metadata.skipped)} skipped" if metadata.skipped else ""
    return f"{metadata.normals} normal pictures{span}{anomalies}{skipped}"


def _kinds(metadata: ModelMetadata) -> str:
    named = [
        f"{kind.name} ({kind.color}{'' if kind.accuracy is None else f', {kind.accuracy:.0%} right'})"
        for kind in metadata.kinds
    ]
    if len(named) > 1 and metadata.kinds[-1].name == ANOMALY:
        named[-1] += " where none of them fits"
    learnt = "with masks" if metadata.with_masks else "without masks"
    return f"{', '.join(named)}; trained {learnt}"


def _in_words(values: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{name.replace('_', ' ')}: {_value(value).removesuffix('.')}"
        for name, value in values.items()
        if _says_something(value)
    )


def _says_something(value: object) -> bool:
    """Whether it is more than nothing: a figure of zero and a no are."""
    return isinstance(value, bool | int | float) or bool(value)


def _value(value: object) -> str:
    """A value of the metadata, figures to four digits, whatever it is in."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items() if _says_something(item))
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
