"""Measures DetectAnomalies on the embedded AWS, into build/bench/api.json (`make bench`).

From the signed request to the parsed answer. *Cold*: no environment is alive, so one is started, loads its
code and the model. *Started*: the first request to an environment that StartModel keeps warm. *Warm*: one
that has answered before.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from spotcheck import embedded, targets
from spotcheck.bench_pipeline import BENCH_DIR, bench_model, bench_picture
from spotcheck.console import err, print_json
from spotcheck.exceptions import EmbeddedAwsError
from spotcheck.lookout_api import LookoutApi
from spotcheck.model import Models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COLD, _STARTED, _WARM, _WARM_UP = 10, 5, 200, 10
_TIMEOUT = 120.0
_PLACES = (
    6  # environments at once: with fewer, those that StartModel keeps warm would make room for each other
)


def main() -> None:
    """Measures, prints the figures as JSON and writes them to build/bench/api.json."""
    if embedded.find_server() is not None:
        msg = "an embedded AWS runs and would be measured too: `spotcheck down` first"
        raise EmbeddedAwsError(msg)
    BENCH_DIR.mkdir(parents=True, exist_ok=True)
    figures = measure(BENCH_DIR / "localaws")
    (BENCH_DIR / "api.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print_json(figures)


def measure(state_dir: Path) -> dict[str, Any]:
    """Deploys, publishes a model, and times requests.

    Args:
        state_dir: Where this embedded AWS keeps its files.

    Returns:
        `cold`, `started` and `warm`, each with `requests` and milliseconds `p50` and `p95`.
    """
    from spotcheck.up import bring_up

    err.print("embedded AWS, deployed with Terraform ...")
    try:
        standing = bring_up(0, state_dir=state_dir, options=("--max-concurrency", str(_PLACES)))
        target = targets.Target("local", standing.outputs, targets.LOCAL_ACCOUNT)
        version = target.registry().publish(bench_model(), {}).version
        return _Requests(target, version).figures()
    finally:
        embedded.stop_server(state_dir)


class _Requests:
    """Requests to one version, and what each environment of the function has to do for them."""

    def __init__(self, target: targets.Target, version: str) -> None:
        self._target = target
        self._version = version
        api = LookoutApi.of(target)
        self._call = api.call
        self._models = Models(api.call, str(target.outputs["project_name"]))

    def figures(self) -> dict[str, Any]:
        err.print("DetectAnomalies: cold, started, warm ...")
        return {
            "picture": "640 x 480 JPEG",
            "cold": _summary([self._first(self._end_environments) for _ in range(_COLD)]),
            "started": _summary([self._first(self._start) for _ in range(_STARTED)]),
            "warm": _summary([self._timed(number) for number in range(_WARM_UP + _WARM)][_WARM_UP:]),
        }

    def _first(self, prepare: Callable[[], None]) -> float:
        prepare()
        return self._timed(0)

    def _start(self) -> None:
        """A fresh warm environment: those of before end, and StartModel makes new ones."""
        if self._models.describe(self._version).get("MinInferenceUnits"):
            self._models.stop(self._version)
            self._models.until(self._version, "TRAINED", _TIMEOUT)
        self._end_environments()
        self._models.start(self._version, 1, None)
        self._models.until(self._version, "HOSTED", _TIMEOUT)

    def _end_environments(self) -> None:
        """Has the alias name a new version of the function, which no environment runs yet."""
        functions, name = (
            self._target.client("lambda"),
            self._target.outputs["function_names"]["detect_anomalies"],
        )
        functions.update_function_configuration(FunctionName=name, Description=f"bench {time.time_ns()}")
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def _timed(self, seed: int) -> float:
        body = bench_picture(seed)
        began = time.perf_counter()
        self._call(
            "DetectAnomalies",
            ProjectName=self._target.outputs["project_name"],
            ModelVersion=self._version,
            Body=body,
            ContentType="image/jpeg",
        )
        return (time.perf_counter() - began) * 1000


def _summary(milliseconds: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {"requests": len(milliseconds), "p50": round(float(p50), 1), "p95": round(float(p95), 1)}


if __name__ == "__main__":
    main()
