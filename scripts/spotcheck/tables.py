"""How datasets and evaluations look on a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from chalicelib.measuring.evaluation import Evaluation
    from chalicelib.measuring.pictures import Dataset, LabelledPicture

_MOST_SKIPPED = 10
_FIGURES = (
    ("image_auroc", "image AUROC", "1 tells all anomalous pictures from all normal ones, 0.5 none"),
    ("recall", "recall", "of the anomalous pictures, the share found"),
    ("precision", "precision", "of the pictures called anomalous, the share that is"),
    ("f1", "F1", "harmonic mean of the two"),
    ("false_alarm_rate", "false alarms", "of the normal pictures, the share called anomalous"),
    ("pixel_auroc", "pixel AUROC", "the same as image AUROC, of single pixels"),
    ("pixel_aupro", "pixel AUPRO", "how much of each anomaly is found, up to 30 % false pixels"),
)


def describe(dataset: Dataset) -> Table:
    """A table of what was understood of a folder."""
    table = Table(title=f"Pictures in {escape(str(dataset.root))}", title_justify="left")
    for heading in ("", "normal", "anomalous", "with mask"):
        table.add_column(heading, justify="right" if heading else "left")
    if dataset.test:
        table.add_row("training", *_counts(dataset.train))
        table.add_row("test", *_counts(dataset.test))
    else:
        table.add_row("all", *_counts(dataset.train))
    return table


def _counts(pictures: Sequence[LabelledPicture]) -> tuple[str, str, str]:
    anomalous = [picture for picture in pictures if picture.is_anomalous]
    masks = sum(picture.mask is not None for picture in anomalous)
    return str(len(pictures) - len(anomalous)), str(len(anomalous)), str(masks)


def print_skipped(console: Console, skipped: Sequence[tuple[str, str]]) -> None:
    """Prints names and reasons, the first ten in full."""
    for name, reason in skipped[:_MOST_SKIPPED]:
        console.print(f"[yellow]skipped[/] {escape(name)}: {escape(reason)}", highlight=False)
    if len(skipped) > _MOST_SKIPPED:
        console.print(f"[yellow]skipped[/] {len(skipped) - _MOST_SKIPPED} more")


def evaluation_table(evaluation: Evaluation) -> Group:
    """All figures that could be measured, each with what it means, and how well kinds of anomaly are told."""
    title = (
        f"Measured on {evaluation.normals} normal and {evaluation.anomalies} anomalous pictures "
        f"({evaluation.measured_on})"
    )
    table = Table(title=title, title_justify="left", show_header=False)
    for attribute, name, meaning in _FIGURES:
        value = getattr(evaluation, attribute)
        if value is not None:
            table.add_row(name, f"{value:.3f}", meaning)
    if evaluation.latency_ms_p50 is not None:
        latency = f"{evaluation.latency_ms_p50:.1f} / {evaluation.latency_ms_p95:.1f} ms"
        table.add_row("latency", latency, "from a file's bytes to its verdict, median / 95th percentile")
    more = [_kinds_table(evaluation)] if evaluation.kinds else []
    more += [_masks_table(evaluation)] if evaluation.pixel_kinds else []
    return Group(table, *more)


def _kinds_table(evaluation: Evaluation) -> Table:
    names = list(dict.fromkeys(name for row in evaluation.kinds.values() for name in row))
    table = Table(title="Kinds of anomaly, and the names that they were given", title_justify="left")
    for heading in ("", *names):
        table.add_column(heading, justify="right" if heading else "left")
    for kind, row in sorted(evaluation.kinds.items()):
        table.add_row(escape(kind), *(str(row.get(name, 0)) for name in names))
    return table


def _masks_table(evaluation: Evaluation) -> Table:
    table = Table(title="Predicted masks against the true ones, in pixels", title_justify="left")
    for heading in ("", "pictures", "precision", "recall", "F1", "average IoU"):
        table.add_column(heading, justify="right" if heading else "left")
    for kind in evaluation.pixel_kinds:
        figures = (kind.precision, kind.recall, kind.f1, kind.average_iou)
        shown = ("-" if figure is None else f"{figure:.3f}" for figure in figures)
        table.add_row(escape(kind.name), str(kind.pictures), *shown)
    return table


@contextmanager
def progress_bars(console: Console) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Shows a bar for each task while the block runs.

    Yields:
        A function from a task's name to a callback that takes how many are done, of how many; the bar shows
        from its first call on.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:

        def bar(description: str) -> Callable[[int, int], None]:
            task = progress.add_task(description, visible=False)
            return lambda done, total: progress.update(task, completed=done, total=total, visible=True)

        yield bar
