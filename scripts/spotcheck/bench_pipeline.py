"""Measures the pipeline on the embedded AWS, into build/bench/pipeline.json (`make bench`).

Three things: how long `up` takes, how long a picture takes from upload to verdict on warm workers, and how
long the demo takes. All on this machine, with everything that AWS would do elsewhere on the same processors.
"""

from __future__ import annotations

import io
import json
import os
import platform
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from spotcheck import embedded, targets
from spotcheck.console import err, print_json
from spotcheck.exceptions import EmbeddedAwsError

if TYPE_CHECKING:
    from pathlib import Path

    from spotcheck.targets import Target

BENCH_DIR = targets.BUILD_DIR / "bench"

_WIDTH, _HEIGHT = 640, 480  # 0.3 megapixels
_TRAIN = 24
_WARM_UP = 8
_UPLOADS = 100
_BURST = 16


def main() -> None:
    """Runs all measurements, prints them as JSON and writes them to build/bench/pipeline.json."""
    if embedded.find_server() is not None:
        msg = "an embedded AWS runs and would be measured too: `spotcheck down` first"
        raise EmbeddedAwsError(msg)
    BENCH_DIR.mkdir(parents=True, exist_ok=True)
    figures = {
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        **measure_pipeline(BENCH_DIR / "localaws"),
        "demo": measure_demo(BENCH_DIR / "demo"),
    }
    (BENCH_DIR / "pipeline.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print_json(figures)


def measure_pipeline(state_dir: Path) -> dict[str, Any]:
    """`up` on nothing, then uploads one at a time and in bursts, on warm workers.

    Args:
        state_dir: Where this embedded AWS keeps its files.

    Returns:
        `up_seconds` by phase; `one_at_a_time` and `burst` with seconds from upload to verdict, p50 and p95,
        and pictures a second.
    """
    from spotcheck.up import bring_up

    err.print("embedded AWS, deployed with Terraform ...")
    try:
        standing = bring_up(0, state_dir=state_dir)
        target = targets.Target("local", standing.outputs, targets.LOCAL_ACCOUNT)
        err.print("model, warm-up, uploads ...")
        target.registry().publish(bench_model(), {})
        _upload(target, "warm-up", _WARM_UP, _BURST)
        return {
            "up_seconds": standing.seconds,
            "picture": f"{_WIDTH} x {_HEIGHT} JPEG",
            "one_at_a_time": _upload(target, "single", _UPLOADS, 1),
            "burst": {"in_flight": _BURST, **_upload(target, "burst", _UPLOADS, _BURST)},
        }
    finally:
        embedded.stop_server(state_dir)


def measure_demo(folder: Path) -> dict[str, Any]:
    """The summary of a demo that begins with nothing running.

    Args:
        folder: Where the demo's files go.
    """
    from spotcheck.demo import run

    err.print("demo ...")
    summary, _ = run(None, folder)
    return summary


def _upload(target: Target, name: str, count: int, in_flight: int) -> dict[str, float]:
    """Uploads so many pictures with at most `in_flight` without a verdict; the seconds to their verdicts."""
    from spotcheck.upload import Sender, record_finder
    from spotcheck.verdicts import Upload, send_and_follow

    folder = BENCH_DIR / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    sender = Sender(target.client("s3"), target.outputs["images_bucket"], f"image_inputs/bench-{name}/")

    def send(number: int) -> Upload:
        path = folder / f"{number:03}.jpg"
        if not path.exists():
            path.write_bytes(bench_picture(number))
        return sender.send((path.name, path))

    began = time.monotonic()
    outcomes = list(
        send_and_follow(range(count), send, record_finder(target), in_flight=in_flight, poll_seconds=0.01)
    )
    took = time.monotonic() - began
    seconds = [one.seconds for one in outcomes if one.has_result and one.seconds is not None]
    if len(seconds) < count:
        msg = f"{count - len(seconds)} of {count} uploads have no verdict"
        raise EmbeddedAwsError(msg)
    p50, p95 = np.percentile(seconds, [50, 95])
    return {
        "verdict_seconds_p50": round(float(p50), 3),
        "verdict_seconds_p95": round(float(p95), 3),
        "pictures_per_second": round(count / took, 1),
    }


def bench_model() -> bytes:
    """A model that has learnt pictures of `bench_picture`."""
    from chalicelib.training import NamedPicture, TrainingConfig, train

    pictures = [NamedPicture.of_bytes(f"{seed}", bench_picture(1000 + seed)) for seed in range(_TRAIN)]
    return train(pictures, TrainingConfig()).model


def bench_picture(seed: int) -> bytes:
    """A JPEG of noise with structure: costs as much to decode as a photograph of its size."""
    from PIL import Image

    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 255, (_HEIGHT // 16, _WIDTH // 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)
    pixels = np.asarray(image).astype(np.int16) + draw.integers(-12, 12, (_HEIGHT, _WIDTH, 1))
    with io.BytesIO() as file:
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        return file.getvalue()


if __name__ == "__main__":
    main()
