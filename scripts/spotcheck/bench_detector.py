"""Measures the detector on real pictures, beside the floor of its arithmetic and beside anomalib.

Run by `make bench`. Writes build/bench/detector.json. Solar cells come from the package elpv-dataset; the
sets in ../shared/data are measured where that folder exists.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from chalicelib.detector import Detector
from chalicelib.measuring.training import Result, train_on
from chalicelib.pictures import read_picture
from chalicelib.training import TrainingConfig
from spotcheck.bench_anomalib import Ours, compare
from spotcheck.bench_floor import measure_floor
from spotcheck.bench_memory import peak_mb
from spotcheck.bench_sets import LABELS, sets, solar_cells, with_labels
from spotcheck.bench_tables import bench_tables
from spotcheck.console import err, out
from spotcheck.experiments import with_test_anomalies

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.measuring.pictures import Dataset

_FOLDER = Path("build/bench")
_REPORT = _FOLDER / "detector.json"
_SIZES = {"0.3_mp": (640, 480), "2_mp": (1632, 1224), "12_mp": (4000, 3000)}
_ROUNDS = 40
_TIMED_PICTURES = 300
# anomalib takes minutes to fit PatchCore to more pictures, and a quarter of an hour to 400.
_MOST_COMPARED = 200
_FIGURES = (
    *("normals", "anomalies", "image_auroc", "recall", "false_alarm_rate"),
    *("pixel_auroc", "pixel_aupro"),
)


def main() -> None:
    """Measures everything, prints it and writes the report."""
    report: dict[str, Any] = {"cpus": os.cpu_count(), "sets": {}, f"sets_with_{LABELS}_labels": {}}
    compared: dict[str, Ours] = {}
    labelled_model = b""
    for name, dataset in sets():
        if dataset is None:
            err.print(f"{name}: not measured, there is no such folder in ../shared/data")
            continue
        result = _measure(name, dataset, report["sets"])
        if len(dataset.normals) <= _MOST_COMPARED:
            compared[name] = _ours(dataset, result)
        for variant, labelled in with_labels(name, dataset):
            result = _measure(variant, labelled, report[f"sets_with_{LABELS}_labels"])
            labelled_model = result.trained.model
    fewer = solar_cells("mono", _MOST_COMPARED)
    result = train_on(fewer, TrainingConfig(project="bench"))
    compared[f"elpv_mono_{_MOST_COMPARED}"] = _ours(fewer, result)
    report |= _costs(result.trained.model, labelled_model, fewer)
    report |= compare(compared, _FOLDER / "anomalib")
    _REPORT.parent.mkdir(parents=True, exist_ok=True)
    _REPORT.write_text(json.dumps(report, indent=2) + "\n")
    for table in bench_tables(report):
        out.print(table)
    out.print(f"Written to {_REPORT}.", highlight=False)


def _measure(name: str, dataset: Dataset, figures: dict[str, Any]) -> Result:
    """Trains on a set, measures, and puts the figures down."""
    err.print(f"{name}: training and measuring ...")
    times = [time.perf_counter()]

    def on_evaluate(_done: int, _total: int) -> None:
        times.append(time.perf_counter())

    result = train_on(dataset, TrainingConfig(project="bench"), on_evaluate=on_evaluate)
    values = result.evaluation.to_dict() if result.evaluation else {}
    metadata = result.trained.metadata
    figures[name] = {
        "method": metadata.method,
        "trained_on": metadata.normals,
        **{figure: values[figure] for figure in _FIGURES},
        "model_mb": round(len(result.trained.model) / 1e6, 2),
        "training_seconds": round(times[1] - times[0], 2),
    }
    return result


def _ours(dataset: Dataset, result: Result) -> Ours:
    auroc = result.evaluation.image_auroc if result.evaluation else None
    return Ours(dataset, result.trained.model, auroc or 0.0)


def _costs(model: bytes, labelled_model: bytes, cells: Dataset) -> dict[str, Any]:
    """Size, time and memory of a model trained without labels and of one trained with them."""
    err.print("latency, floor, training time and memory ...")
    file = _FOLDER / "model.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(model)
    picture = cells.train[0].path
    many = solar_cells("mono", _TIMED_PICTURES)
    normals = [labelled.path for labelled in many.train]
    anomalies = [labelled.path for labelled in with_test_anomalies(many, LABELS).anomalies]
    figures: dict[str, Any] = {
        "model_mb": round(len(model) / 1e6, 2),
        "model_with_labels_mb": round(len(labelled_model) / 1e6, 2),
        f"training_seconds_{_TIMED_PICTURES}_images": _training_seconds(many),
        "peak_memory_mb": {
            "judging": peak_mb("judge", file, [labelled.path for labelled in cells.test[:50]]),
            f"training_{_TIMED_PICTURES}_images": peak_mb("train", file, normals),
            f"training_{_TIMED_PICTURES}_images_and_{LABELS}_anomalies": peak_mb(
                "train", file, normals, anomalies
            ),
        },
        "latency_ms_p50": _latencies(model, picture),
        "latency_with_labels_ms_p50": _latencies(labelled_model, picture),
        "floor": {},
    }
    for threads, key in ((1, "1_thread"), (2, "2_threads")):
        detector = Detector.load(model, threads=threads)
        square = next(
            detector.model_inputs(
                read_picture(picture.read_bytes(), min_decoded_side=detector.min_decoded_side)
            )
        )
        floor = measure_floor(model, partial(detector.infer, square), threads)
        figures["floor"][key] = floor._asdict()
        figures[f"floor_ratio_{key}"] = floor.ratio
    return figures


def _training_seconds(dataset: Dataset) -> float:
    start = time.perf_counter()
    train_on(replace(dataset, test=()), TrainingConfig(project="bench"))
    return round(time.perf_counter() - start, 2)


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


if __name__ == "__main__":
    main()
