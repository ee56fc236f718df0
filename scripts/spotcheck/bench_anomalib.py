"""Spotcheck beside anomalib: PaDiM and PatchCore on the same weights and the same pictures, in one run.

anomalib and PyTorch live in an environment of their own (requirements/bench.txt), which pip installs: where
that cannot be done, the comparison is left out, with the reason.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chalicelib.detector import Detector, new_session
from chalicelib.measuring.metrics import image_metrics
from chalicelib.pictures import read_picture
from chalicelib.training import TrainingConfig
from spotcheck.console import err
from spotcheck.tools import tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from chalicelib.measuring.pictures import Dataset

METHODS = ("padim", "patchcore")
# What the study behind docs/adr/0003 gave anomalib: at 320 pixels its PatchCore takes half an hour to fit.
_SIZE = 224
_THREADS = 2
_ROUNDS = 30
_WORKER = Path(__file__).with_name("anomalib_worker.py")


class Ours(NamedTuple):
    """A set, the model that Spotcheck trained on it, and the image AUROC that it reached."""

    dataset: Dataset
    model: bytes
    image_auroc: float


def compare(trained: Mapping[str, Ours], folder: Path) -> dict[str, Any]:
    """Trains anomalib on the same sets and measures both.

    Args:
        trained: Each set by its name.
        folder: Where weights, job and exported models go.

    Returns:
        `speed_ratio_anomalib`, the latency of anomalib's faster method over Spotcheck's, and
        `auroc_ratio_anomalib`, Spotcheck's mean image AUROC over that of anomalib's better method: above 1,
        Spotcheck is better. Below `anomalib`, what they are made of. Where anomalib cannot be had, both are
        None and `anomalib` says why.
    """
    try:
        err.print("anomalib: installing it in an environment of its own, where that has not been done ...")
        python = tool("python", "bench", by_pip=True)
        rows = _run(python, trained, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"anomalib was not measured: its environment could not be installed or run ({error})."
        err.print(reason)
        return {"speed_ratio_anomalib": None, "auroc_ratio_anomalib": None, "anomalib": {"skipped": reason}}
    found = {
        name: _of_set(ours, [row for row in rows if row["set"] == name]) for name, ours in trained.items()
    }
    return ratios(found) | {"anomalib": {"input_size": _SIZE, "threads": _THREADS, "sets": found}}


def ratios(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """The two ratios of `compare`, of set → method → figures."""

    def mean(method: str, figure: str) -> float:
        return statistics.fmean(methods[method][figure] for methods in found.values())

    fastest = min(mean(method, "ms_p50") for method in METHODS)
    best = max(mean(method, "image_auroc") for method in METHODS)
    return {
        "speed_ratio_anomalib": round(fastest / mean("spotcheck", "ms_p50"), 3),
        "auroc_ratio_anomalib": round(mean("spotcheck", "image_auroc") / best, 4),
    }


def _run(python: Path, trained: Mapping[str, Ours], folder: Path) -> list[dict[str, Any]]:
    """What the worker says of each method on each set."""
    from chalicelib.training.efficientnet import load_weights

    folder.mkdir(parents=True, exist_ok=True)
    weights, job = (folder / "weights.npz").resolve(), folder / "job.json"
    np.savez(weights, allow_pickle=False, **load_weights(TrainingConfig().backbone).tensors)
    tasks = [
        {
            "set": name,
            "methods": METHODS,
            "train": [str(picture.path.resolve()) for picture in ours.dataset.normals],
            "test": [str(picture.path.resolve()) for picture in ours.dataset.test],
        }
        for name, ours in trained.items()
    ]
    shared = {"weights": str(weights), "size": _SIZE, "threads": _THREADS, "rounds": _ROUNDS}
    job.write_text(json.dumps({**shared, "folder": str(folder.resolve()), "tasks": tasks}))
    # -P: the folder of the worker has modules whose names others use, too.
    command = [str(python), "-P", str(_WORKER), str(job)]
    quiet = {**os.environ, "TQDM_DISABLE": "1"}
    rows = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quiet) as worker:
        for line in worker.stdout or ():
            if line.startswith("{"):
                rows.append(json.loads(line))
                err.print(f"anomalib: {rows[-1]['method']} measured on {rows[-1]['set']}")
    if worker.returncode:
        raise subprocess.CalledProcessError(worker.returncode, _WORKER.name)
    return rows


def _of_set(ours: Ours, rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Figures of Spotcheck and of anomalib's methods on one set."""
    labels = [picture.is_anomalous for picture in ours.dataset.test]
    detector = Detector.load(ours.model, threads=_THREADS)
    data = ours.dataset.test[0].path.read_bytes()
    square = next(detector.model_inputs(read_picture(data, min_decoded_side=detector.min_decoded_side)))
    tensor = np.random.default_rng(0).random((1, 3, _SIZE, _SIZE), np.float32)
    calls: dict[str, Callable[[], object]] = {"spotcheck": lambda: detector.infer(square)}
    for row in rows:
        calls[row["method"]] = _call(Path(row["onnx"]), tensor)
    latencies = _medians_in_turns(calls)
    figures = {"spotcheck": {"image_auroc": round(ours.image_auroc, 4), "ms_p50": latencies["spotcheck"]}}
    for row in rows:
        onnx_ms, torch_ms = latencies[row["method"]], round(row["torch_ms_p50"], 2)
        figures[row["method"]] = {
            "image_auroc": round(image_metrics(labels, row["scores"], 0).image_auroc or 0, 4),
            "ms_p50": min(onnx_ms, torch_ms),
            "onnxruntime_ms_p50": onnx_ms,
            "torch_ms_p50": torch_ms,
            "fit_seconds": round(row["fit_seconds"], 1),
        }
    return figures


def _call(model: Path, tensor: NDArray[np.float32]) -> Callable[[], object]:
    session = new_session(model.read_bytes(), _THREADS)
    return lambda: session.run(None, {"input": tensor})


def _medians_in_turns(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median milliseconds of each; in turns, so that what else the machine does slows all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: round(statistics.median(values) * 1000, 2) for name, values in times.items()}
