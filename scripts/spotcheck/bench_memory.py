"""How much memory judging and training take: each in a process of its own, whose peak is read at its end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def peak_mb(task: str, model: Path, pictures: Sequence[Path]) -> float:
    """The largest resident memory of a process that does one thing, in megabytes.

    Args:
        task: `judge` the pictures one after the other, or `train` on them.
        model: The model to judge with.
        pictures: The files.
    """
    command = [sys.executable, "-m", "spotcheck.bench_memory", task, str(model)]
    names = json.dumps([str(path) for path in pictures])
    done = subprocess.run(command, input=names, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Does the task named on the command line, with the pictures named on stdin, and prints the peak."""
    import resource

    task, model = sys.argv[1:]
    pictures = [Path(name) for name in json.load(sys.stdin)]
    if task == "judge":
        _judge(Path(model), pictures)
    else:
        _train(pictures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1))


def _judge(model: Path, pictures: Sequence[Path]) -> None:
    from chalicelib.detector import Detector
    from chalicelib.pictures import read_picture

    detector = Detector.load(model)
    for picture in pictures:
        detector.detect(read_picture(picture.read_bytes(), min_decoded_side=detector.min_decoded_side))


def _train(pictures: Sequence[Path]) -> None:
    from chalicelib.training import NamedPicture, TrainingConfig, train

    train([NamedPicture.of_file(picture) for picture in pictures], TrainingConfig())


if __name__ == "__main__":
    main()
