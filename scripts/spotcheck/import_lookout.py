"""`spotcheck import-lookout`: from an exported Lookout for Vision dataset to a dataset folder and a model."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck.console import err, out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chalicelib.lookout.evaluation import EvaluationResult
    from spotcheck.exports import Export
    from spotcheck.lookout_dataset import Imported
    from spotcheck.targets import Target

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


def import_lookout(
    source: Annotated[
        str, typer.Argument(metavar="DIR|s3://BUCKET/PREFIX", help="The export, or one manifest of it.")
    ],
    *,
    project: Annotated[
        str | None, typer.Option(help="The project's name. By default as the export tells it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the dataset. By default lookout-<project>.")
    ] = None,
    train: Annotated[bool, typer.Option("--train", help="Train a model on it at once.")] = False,
    model: Annotated[
        Path | None, typer.Option(help="Where to write that model. By default <project>.onnx.")
    ] = None,
    skip_problems: Annotated[
        bool, typer.Option("--skip-problems", help="Leave out lines with problems instead of stopping.")
    ] = False,
    upload: Annotated[
        bool,
        typer.Option(
            "--upload", help="Make it a project with datasets in the stack, too; --train trains there."
        ),
    ] = False,
    local: Annotated[bool, typer.Option("--local", help="S3 and stack are on the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="S3 (the default) and stack are on AWS.")] = False,
) -> None:
    """Bring a dataset along that was exported from Lookout for Vision."""
    from spotcheck import targets
    from spotcheck.exceptions import InputError
    from spotcheck.lookout_dataset import import_export
    from spotcheck.tables import progress_bars

    if upload and model:
        message = "--upload trains in the stack, which keeps the model: leave --model out"
        raise InputError(message)
    target = targets.resolve(local=local, aws=aws) if upload else None
    export = open_export(source, local=local, aws=aws)
    old = find_evaluation(export)
    name = project or (old[0] if old else _NOT_IN_NAMES.sub("-", export.name).strip("-_")) or "lookout"
    folder = output or Path(f"lookout-{name}")
    with progress_bars(err) as bar:
        imported = import_export(export, folder, skip_problems=skip_problems, progress=bar("copying"))
    print_imported(imported, folder)
    if target is not None:
        _bring_into(target, name, export, imported, old[1] if old else None, train=train)
        return
    model = model or Path(f"{name}.onnx")
    if train:
        _train(folder, model, name, old[1] if old else None)
    else:
        command = f"spotcheck train --data {folder} --project {name} --output {model}"
        out.print(f"next: {command}", highlight=False, markup=False, soft_wrap=True)


def open_export(source: str, *, local: bool = False, aws: bool = False) -> Export:
    """The export that a user named, by folder, by prefix in S3, or by one of its manifests.

    Raises:
        InputError: There is no such folder or file.
        TargetError: The embedded AWS was asked for and does not run, or both AWS were.
    """
    from spotcheck.exceptions import InputError, TargetError
    from spotcheck.exports import LocalExport, OneManifest, S3Export, top_of_manifest

    if local and aws:
        message = "--local and --aws exclude each other: choose one"
        raise TargetError(message)
    path = PurePosixPath(source.removeprefix("s3://"))
    if not source.startswith("s3://"):
        if Path(source).is_dir():
            return LocalExport(Path(source))
        if not Path(source).is_file():
            message = f"There is no folder or manifest {source}."
            raise InputError(message)
        top = top_of_manifest(PurePosixPath(Path(source).resolve()))
        inner = PurePosixPath(Path(source).resolve()).relative_to(top)
        return OneManifest(LocalExport(Path(top)), str(inner))
    bucket, *parts = path.parts or ("",)
    if not bucket:
        message = f"{source} names no bucket: write s3://bucket/prefix"
        raise InputError(message)
    s3 = _s3(local=local)
    if path.suffix in (".manifest", ".jsonl"):
        top = top_of_manifest(PurePosixPath(*parts))
        prefix = "" if str(top) == "." else str(top)
        return OneManifest(S3Export(s3, bucket, prefix), str(PurePosixPath(*parts).relative_to(top)))
    return S3Export(s3, bucket, "/".join(parts))


def _s3(*, local: bool) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    import boto3
    from botocore.config import Config

    from spotcheck import targets

    if local:
        target = targets.local_target()
        err.print(f"[dim]target:[/] {target.describe()}", highlight=False)
        return target.client("s3")
    s3 = boto3.Session().client("s3", config=Config(max_pool_connections=16))
    err.print(f"[dim]target:[/] S3 at {s3.meta.endpoint_url}", highlight=False)
    return s3


def find_evaluation(export: Export) -> tuple[str, EvaluationResult] | None:
    """How good the newest of Lookout for Vision's models was, and its project, if the export holds that."""
    from chalicelib.exceptions import EvaluationResultError
    from chalicelib.lookout.evaluation import EvaluationResult, parse_file_name

    found = [(parse_file_name(PurePosixPath(name).name), name) for name in export.names()]
    known = [(int(told.version or 0), told.project, name) for told, name in found if told]
    for _, project, name in sorted(known, reverse=True):
        try:
            return project, EvaluationResult.from_bytes(export.read(name))
        except EvaluationResultError as error:
            err.print(f"[yellow]skipped[/] {name}: {error}", highlight=False, soft_wrap=True)
    return None


def print_imported(imported: Imported, folder: Path) -> None:
    """Prints what was understood of an export."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"Taken over to {escape(str(folder))}", title_justify="left")
    for heading in ("", "normal", "anomalous", "with mask", "unlabelled"):
        table.add_column(heading, justify="right" if heading else "left")
    for split in imported.splits:
        figures = (split.normals, split.anomalies, split.masks, split.unlabelled)
        table.add_row("training" if split.name == "train" else "test", *map(str, figures))
        for kind, count in sorted(split.kinds.items()):
            table.add_row(f"  {escape(kind)}", "", str(count), str(count), "")
    out.print(table)
    for problem in imported.problems:
        err.print(f"[yellow]left out[/] {escape(str(problem))}", highlight=False, soft_wrap=True)


def _bring_into(
    target: Target,
    project: str,
    export: Export,
    imported: Imported,
    old: EvaluationResult | None,
    *,
    train: bool,
) -> None:
    from spotcheck.stack_import import StackImport

    work = StackImport(target, project)
    work.upload(export, imported)
    if train:
        new = work.train()
        labels = [{"name": one.name, "f1": one.f1, "average_iou": one.iou} for one in new.labels]
        figures = {"f1": new.f1, "precision": new.precision, "recall": new.recall, "pixel_kinds": labels}
        print_comparison(old, {**figures, "images": new.testing_images})


def _train(folder: Path, model: Path, project: str, old: EvaluationResult | None) -> None:
    from chalicelib.detector import Detector
    from spotcheck.train import train

    train(data=folder, output=model, project=project)
    print_comparison(old, Detector.load(model).metadata.metrics)


def print_comparison(old: EvaluationResult | None, new: Mapping[str, Any]) -> None:
    """Prints how good Lookout for Vision's model was and how good the new one is, side by side.

    Of models that learnt from masks F1 and average IoU of each kind of anomaly, too, by the new one's names.

    Args:
        old: From the export, if it holds one.
        new: The new model's metrics, as they stand in its metadata.
    """
    from rich.table import Table

    if old is None:
        out.print("The export holds no EvaluationResult-*.json: there is nothing to compare with.")
        return
    table = Table(title="Lookout for Vision's model and the new one", title_justify="left")
    for heading in ("", "Lookout for Vision", "Spotcheck"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = (("F1", old.f1, "f1"), ("precision", old.precision, "precision"), ("recall", old.recall, "recall"))
    for title, before, key in rows:
        table.add_row(title, _shown(before), _shown(new.get(key)))
    for row in _compared_labels(old, new.get("pixel_kinds") or ()):
        table.add_row(*row)
    table.add_row("measured on", f"{old.testing_images} pictures", f"{new.get('images') or 'no'} pictures")
    out.print(table)


def _compared_labels(
    old: EvaluationResult, new: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str, str]]:
    """F1 and average IoU of each kind of anomaly that either model was measured on."""
    from rich.markup import escape

    from chalicelib.anomalies import kind_name

    before = {kind_name(label.name) or label.name: label for label in old.labels}
    after = {str(kind["name"]): kind for kind in new}
    for name in sorted({*before, *after}):
        was, is_now = before.get(name), after.get(name, {})
        yield f"{escape(name)}: F1", _shown(was and was.f1), _shown(is_now.get("f1"))
        yield f"{escape(name)}: average IoU", _shown(was and was.iou), _shown(is_now.get("average_iou"))


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float | int) else "-"
