"""Measures the detector: latency, training time and AUROC on real pictures. Run by `make bench`.

Writes build/bench/detector.json. Solar cells come from the package elpv-dataset; the sets in ../shared/data
are measured where that folder exists.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from chalicelib.detector import Detector
from chalicelib.measuring.pictures import Dataset, LabelledPicture
from chalicelib.measuring.training import Result, train_on
from chalicelib.pictures import read_picture
from chalicelib.training import TrainingConfig
from spotcheck.console import err, out
from spotcheck.datasets import read_dataset
from spotcheck.exceptions import PrerequisiteError

if TYPE_CHECKING:
    from collections.abc import Callable

_REPORT = Path("build/bench/detector.json")
_FOLDERS = Path("../shared/data")
_SETS = ("cookies", "aliens", "car_panel")
_TRAIN_NORMALS = 200
_SIZES = {"0.3_mp": (640, 480), "2_mp": (1632, 1224), "12_mp": (4000, 3000)}
_ROUNDS = 40
_FIGURES = (
    *("normals", "anomalies", "image_auroc", "recall", "false_alarm_rate"),
    *("pixel_auroc", "pixel_aupro"),
)


def main() -> None:
    """Measures everything, prints it and writes the report."""
    cells = solar_cells("mono")
    report: dict[str, Any] = {"cpus": os.cpu_count(), "sets": {}}
    err.print("solar cells: training and measuring ...")
    result, report["training_seconds_200_images"] = _timed_training(cells)
    report["model_mb"] = round(len(result.trained.model) / 1e6, 2)
    report["sets"]["elpv_mono"] = _figures(result)
    for name in _SETS:
        if (_FOLDERS / name).is_dir():
            err.print(f"{name}: training and measuring ...")
            result_of_set, seconds = _timed_training(read_dataset(_FOLDERS / name))
            report["sets"][name] = {**_figures(result_of_set), "training_seconds": seconds}
        else:
            err.print(f"{name}: not measured, there is no {_FOLDERS / name}")
    err.print("latency ...")
    report["latency_ms_p50"] = _latencies(result.trained.model, cells.train[0].path)
    _REPORT.parent.mkdir(parents=True, exist_ok=True)
    _REPORT.write_text(json.dumps(report, indent=2) + "\n")
    _print(report)


def solar_cells(kind: str) -> Dataset:
    """The ELPV cells of one kind: 200 normal ones to train on, all others to test.

    Cells on which the experts were unsure (a defect probability of 1/3 or 2/3) are left out.

    Args:
        kind: `mono` or `poly`.

    Raises:
        PrerequisiteError: The package is not installed.
    """
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        message = "The benchmark needs the Python package elpv-dataset: install requirements/dev.txt."
        raise PrerequisiteError(message)
    folder = Path(spec.origin).parent / "data"
    rows = [line.split() for line in (folder / "labels.csv").read_text().splitlines() if line.strip()]
    pictures = [
        LabelledPicture(folder / path, path, is_anomalous=float(probability) == 1)
        for path, probability, cell_kind in rows
        if cell_kind == kind and float(probability) in (0, 1)
    ]
    random.Random(1).shuffle(pictures)  # noqa: S311 - an order, not a secret
    normals = [picture for picture in pictures if not picture.is_anomalous]
    train = tuple(normals[:_TRAIN_NORMALS])
    return Dataset(folder, train, tuple(picture for picture in pictures if picture not in set(train)), ())


def _timed_training(dataset: Dataset) -> tuple[Result, float]:
    """Trains, measures, and tells how many seconds the training alone took."""
    times: list[float] = []
    start = time.perf_counter()

    def first_measured(_done: int, _total: int) -> None:
        if not times:
            times.append(time.perf_counter())

    result = train_on(dataset, TrainingConfig(project="bench"), on_evaluate=first_measured)
    return result, round(times[0] - start, 2)


def _figures(result: Result) -> dict[str, Any]:
    evaluation = result.evaluation
    values = evaluation.to_dict() if evaluation else {}
    names = (
        "normals",
        "anomalies",
        "image_auroc",
        "recall",
        "false_alarm_rate",
        "pixel_auroc",
        "pixel_aupro",
    )
    return {"trained_on": result.trained.metadata.normals, **{name: values[name] for name in names}}


def _latencies(model: bytes, cell: Path) -> dict[str, dict[str, float]]:
    """Median milliseconds, warm, by threads: detection of a decoded picture, and from JPEG bytes on."""
    files = {name: _jpeg(cell, size) for name, size in _SIZES.items()}
    latencies: dict[str, dict[str, float]] = {}
    for threads, key in ((1, "1_thread"), (2, "2_threads")):
        detector = Detector.load(model, threads=threads)
        smallest = read_picture(files["0.3_mp"], min_decoded_side=detector.min_decoded_side)
        latencies[key] = {"detect_0.3_mp": _median_ms(partial(detector.detect, smallest))}
        for name, data in files.items():
            latencies[key][f"decode_and_detect_{name}"] = _median_ms(partial(_judge, detector, data))
    return latencies


def _judge(detector: Detector, data: bytes) -> None:
    detector.detect(read_picture(data, min_decoded_side=detector.min_decoded_side))


def _jpeg(cell: Path, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    with Image.open(cell) as image:
        image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times) * 1000, 2)


def _print(report: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title="Detector", title_justify="left", show_header=False)
    table.add_row("training, 200 pictures", f"{report['training_seconds_200_images']:.1f} s")
    table.add_row("model", f"{report['model_mb']:.1f} MB")
    for threads, values in report["latency_ms_p50"].items():
        for name, value in values.items():
            table.add_row(f"{name.replace('_', ' ')}, {threads.replace('_', ' ')}", f"{value:.1f} ms")
    for name, figures in report["sets"].items():
        found = f"recall {figures['recall']:.3f}, false alarms {figures['false_alarm_rate']:.3f}"
        table.add_row(f"{name} image AUROC", f"{figures['image_auroc']:.3f} ({found})")
    out.print(table)
    out.print(f"Written to {_REPORT}.", highlight=False)


if __name__ == "__main__":
    main()
