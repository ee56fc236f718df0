"""`spotcheck train`: from a folder of pictures to a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from spotcheck.console import err, out, print_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from chalicelib.measuring.pictures import Dataset
    from chalicelib.measuring.training import Result
    from chalicelib.model_metadata import ModelMetadata
    from chalicelib.training import TrainingConfig


def train(  # noqa: PLR0913 - one for each option
    *,
    data: Annotated[
        Path,
        typer.Option(
            help="Folder of pictures: MVTec layout, or normal/ and optionally anomaly/; or one manifest."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Where to write the model.")] = Path("model.onnx"),
    project: Annotated[str, typer.Option(help="The project that the model judges for.")] = "spotcheck",
    false_alarm_rate: Annotated[
        float, typer.Option(help="Share of normal pictures that may be called anomalous.")
    ] = 0.05,
    cost_miss: Annotated[
        float | None,
        typer.Option(help="What a missed anomaly costs; with labelled anomalies, sets the threshold."),
    ] = None,
    cost_alarm: Annotated[
        float | None, typer.Option(help="What a false alarm costs; 1, unless told. Needs --cost-miss.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="padim (aligned parts), patchcore (parts that move), or auto.")
    ] = "auto",
    group: Annotated[
        str | None,
        typer.Option(help="Regular expression: names in which it finds the same show the same part."),
    ] = None,
    detail: Annotated[
        bool, typer.Option("--detail", help="Finer heat map (grid 20): a larger model, a little slower.")
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="Smaller network at 224 pixels: half the time, a little less sure.")
    ] = False,
    backbone: Annotated[
        Path | None,
        typer.Option(help="An ONNX feature extractor of yours; a TOML file beside it may say how it sees."),
    ] = None,
    use_test_anomalies: Annotated[
        int,
        typer.Option(
            min=0, help="Experiment: so many anomalies of the test split are trained on, not measured on."
        ),
    ] = 0,
    letterbox: Annotated[
        bool, typer.Option("--letterbox", help="Keep the ratio of the sides, and fill up with grey.")
    ] = False,
    roi: Annotated[
        str | None,
        typer.Option(help="See only this part: LEFT,TOP,WIDTH,HEIGHT in fractions of the picture."),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A picture, white where pictures count, black where they do not.")
    ] = None,
    tile: Annotated[
        int,
        typer.Option(
            min=0, help="See pictures in tiles of so many pixels a side: small anomalies, large pictures."
        ),
    ] = 0,
    int8: Annotated[
        bool, typer.Option("--int8", help="Compute the network in eight bits, if it judges as well so.")
    ] = False,
    synthetic: Annotated[
        bool, typer.Option(help="Learn from anomalies planted in the normal pictures, if that helps.")
    ] = True,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Also learn from altered copies: light, focus and place may vary."),
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures, as HTML.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a model on pictures of normal parts, and of anomalous ones where there are any."""
    from chalicelib.measuring.training import evaluate_normals, train_on
    from chalicelib.training import TrainingConfig
    from spotcheck.check import print_findings, suspects_of
    from spotcheck.checks import by_severity, check_pictures
    from spotcheck.datasets import read_dataset
    from spotcheck.experiments import with_test_anomalies
    from spotcheck.files import check_writable, write_file
    from spotcheck.int8 import accept_int8
    from spotcheck.model_report import write_report
    from spotcheck.survey import survey
    from spotcheck.tables import describe, print_skipped, progress_bars

    config = TrainingConfig(
        project=project,
        false_alarm_rate=false_alarm_rate,
        method=cast("Any", method),
        group=group,
        **_costs(cost_miss, cost_alarm),
        **_preset(detail=detail, fast=fast),
        **_framing(letterbox=letterbox, roi=roi, mask=mask),
        tile=tile,
        int8=int8,
        synthetic=synthetic,
        augment=augment,
    )
    if backbone:
        config = _with_backbone(config, backbone, is_preset=detail or fast)
    check_writable(output, report)
    dataset = read_dataset(data)
    if use_test_anomalies:
        dataset = with_test_anomalies(dataset, use_test_anomalies)
    err.print(describe(dataset))
    print_skipped(err, [(item.name, item.reason) for item in dataset.skipped])
    with progress_bars(err) as bar:
        findings = check_pictures(survey(dataset, bar("looking")), config.framing)
    print_findings(err, findings, notes=False)
    with progress_bars(err) as bar:
        result = train_on(dataset, config, on_train=bar("training"), on_evaluate=bar("measuring"))
    if int8:
        with progress_bars(err) as bar:
            plain = train_on(
                dataset,
                replace(config, int8=False),
                on_train=bar("training in floating point"),
                on_evaluate=bar("measuring it"),
            )
        result = accept_int8(plain, result)
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
        told = {name for finding in findings if finding.check == "unreadable" for name in finding.files}
        _print(output, result, told)


def _costs(miss: float | None, alarm: float | None) -> dict[str, Any]:
    """What `--cost-miss` and `--cost-alarm` mean for the configuration."""
    if alarm is None:
        return {"cost_miss": miss}
    if miss is None:
        message = "--cost-alarm says what a false alarm costs beside a miss: say --cost-miss, too."
        raise typer.BadParameter(message)
    return {"cost_miss": miss, "cost_alarm": alarm}


def _framing(*, letterbox: bool, roi: str | None, mask: Path | None) -> dict[str, Any]:
    """What `--letterbox`, `--roi` and `--mask` mean for the configuration."""
    from chalicelib.framing import LETTERBOX, mask_text
    from spotcheck.exceptions import InputError

    values: dict[str, Any] = {"resize": LETTERBOX} if letterbox else {}
    if roi:
        try:
            left, top, width, height = map(float, roi.split(","))
        except ValueError as error:
            message = f"--roi takes four numbers, LEFT,TOP,WIDTH,HEIGHT, and not {roi!r}."
            raise typer.BadParameter(message) from error
        values["roi"] = (left, top, width, height)
    if mask:
        try:
            values["mask"] = mask_text(mask.read_bytes())
        except (OSError, ValueError) as error:
            message = f"{mask} cannot be used: {getattr(error, 'strerror', None) or error}."
            raise InputError(message) from error
    return values


def _preset(*, detail: bool, fast: bool) -> dict[str, Any]:
    """What `--detail` and `--fast` mean for the configuration."""
    if detail and fast:
        message = "Choose one of --detail and --fast."
        raise typer.BadParameter(message)
    if detail:
        return {"grid": 20}
    return {"backbone": "efficientnet-lite0", "input_size": 224, "grid": 14} if fast else {}


def _with_backbone(config: TrainingConfig, path: Path, *, is_preset: bool) -> TrainingConfig:
    """What `--backbone` means for the configuration."""
    from chalicelib.training.backbone_file import read_backbone

    if is_preset:
        message = "--detail and --fast are about our own networks: say grid in the TOML file beside yours."
        raise typer.BadParameter(message)
    return config.with_backbone(read_backbone(path))


def _print(output: Path, result: Result, told: Collection[str]) -> None:
    """What came of it; files that are `told` of already are not told of again."""
    from rich.markup import escape

    from chalicelib.measuring.texts import score_text
    from spotcheck.tables import evaluation_table, print_skipped

    metadata, evaluation = result.trained.metadata, result.evaluation
    skipped = [(item.name, item.reason) for item in metadata.skipped]
    skipped += [(item.name, item.reason) for item in (evaluation.skipped if evaluation else ())]
    print_skipped(err, [item for item in skipped if item[0] not in told])
    anomalies = f" and {len(metadata.anomaly_images)} anomalous ones" * metadata.judged_by_labels
    size = len(result.trained.model) / 1e6
    out.print(
        f"[bold]{escape(str(output))}[/] ({size:.1f} MB): learnt from {metadata.normals} normal pictures"
        f"{anomalies}; anomalous above a score of {score_text(metadata.threshold)}, {_set_for(metadata)}.",
        highlight=False,
    )
    for decision in metadata.decisions.values():
        if decision.get("reason") not in (None, *metadata.warnings):
            out.print(escape(decision["reason"]), highlight=False)
    for warning in metadata.warnings:
        out.print(f"[yellow]warning:[/] {escape(warning)}", highlight=False)
    if evaluation:
        out.print(evaluation_table(evaluation))
    else:
        out.print("There are no anomalous pictures: how many anomalies the model finds cannot be told.")


def _set_for(metadata: ModelMetadata) -> str:
    """What the threshold was set for, in words."""
    if metadata.threshold_method == "cost":
        costs = metadata.config
        return f"where a miss costs {costs['cost_miss']:g} and a false alarm {costs['cost_alarm']:g}"
    return f"set for {metadata.false_alarm_rate:.0%} false alarms"


def _summary(output: Path, dataset: Dataset, result: Result) -> dict[str, Any]:
    import hashlib

    metadata = result.trained.metadata
    skipped = [(item.name, item.reason) for item in dataset.skipped]
    skipped += [(image.name, image.reason) for image in metadata.skipped]
    return {
        "model": str(output),
        "sha256": hashlib.sha256(result.trained.model).hexdigest(),
        "project": metadata.project,
        "method": metadata.method,
        "normals": metadata.normals,
        "anomalies": len(metadata.anomaly_images),
        "decisions": metadata.decisions,
        "skipped": [{"name": name, "reason": reason} for name, reason in skipped],
        "threshold": metadata.threshold,
        "threshold_method": metadata.threshold_method,
        "false_alarm_rate": metadata.false_alarm_rate,
        "warnings": list(metadata.warnings),
        "evaluation": result.evaluation.to_dict() if result.evaluation else None,
    }
