"""What the detector's benchmark prints: accuracy, costs, and anomalib beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table


def bench_tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of a report of `spotcheck.bench_detector`."""
    yield from (_accuracy(title, sets) for title, sets in report.items() if title.startswith("sets"))
    yield _costs(report)
    if "sets" in report["anomalib"]:
        yield _beside(report)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _accuracy(title: str, sets: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = ("set", "method", "trained on", "image AUROC", "recall", "false alarms", "pixel AUROC", "AUPRO")
    table = _table(title.replace("_", " ").capitalize(), *columns)
    for name, row in sets.items():
        shares = ("image_auroc", "recall", "false_alarm_rate", "pixel_auroc", "pixel_aupro")
        figures = ("" if row[share] is None else f"{row[share]:.3f}" for share in shares)
        table.add_row(name, row["method"], str(row["trained_on"]), *figures)
    return table


def _costs(report: Mapping[str, Any]) -> Table:
    table = _table("Costs", "", "measured")
    table.add_row("model", f"{report['model_mb']:.1f} MB")
    table.add_row("model with labels", f"{report['model_with_labels_mb']:.1f} MB")
    table.add_row("training, 300 pictures", f"{report['training_seconds_300_images']:.1f} s")
    for task, megabytes in report["peak_memory_mb"].items():
        table.add_row(f"peak memory, {task.replace('_', ' ')}", f"{megabytes:.0f} MB")
    for key, kind in (("latency_ms_p50", ""), ("latency_with_labels_ms_p50", ", with labels")):
        for threads, values in report[key].items():
            for name, value in values.items():
                row = f"{name.replace('_', ' ')}, {threads.replace('_', ' ')}{kind}"
                table.add_row(row, f"{value:.1f} ms")
    for threads, floor in report["floor"].items():
        made_of = f"{floor['latency_ms_best']:.1f} ms over {floor['floor_ms']:.1f} ms"
        at = f"{floor['gemm_gflops']:.0f} GFLOP/s"
        row = f"latency over the floor, {threads.replace('_', ' ')}"
        table.add_row(row, f"{floor['ratio']:.2f} ({made_of} at {at})")
    return table


def _beside(report: Mapping[str, Any]) -> Table:
    names = ("set", "method", "image AUROC", "ms a picture", "fitted in")
    auroc, speed = report["auroc_ratio_anomalib"], report["speed_ratio_anomalib"]
    title = (
        f"Beside anomalib, same weights: {auroc:.4f} times its better method's AUROC, {speed:.2f} its speed"
    )
    table = _table(title, *names)
    for name, methods in report["anomalib"]["sets"].items():
        for method, row in methods.items():
            fitted = f"{row['fit_seconds']:.0f} s" if "fit_seconds" in row else ""
            table.add_row(name, method, f"{row['image_auroc']:.3f}", f"{row['ms_p50']:.1f}", fitted)
    return table
