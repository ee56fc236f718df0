"""How much memory judging and training take: each in a process of its own, whose peak is read at its end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def peak_mb(task: str, model: Path, pictures: Sequence[Path], anomalies: Sequence[Path] = ()) -> float:
    """The largest resident memory of a process that does one thing, in megabytes.

    Args:
        task: `judge` the pictures one after the other, or `train` on them.
        model: The model to judge with.
        pictures: The files.
        anomalies: Those of labelled anomalies to train on, too.
    """
    command = [sys.executable, "-m", "spotcheck.bench_memory", task, str(model)]
    names = json.dumps([[str(path) for path in paths] for paths in (pictures, anomalies)])
    done = subprocess.run(command, input=names, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Does the task named on the command line, with the pictures named on stdin, and prints the peak."""
    task, model = sys.argv[1:]
    pictures, anomalies = ([Path(name) for name in names] for names in json.load(sys.stdin))
    if task == "judge":
        _judge(Path(model), pictures)
    else:
        _train(pictures, anomalies)
    print(round(_peak_kilobytes() / 1e3, 1))


def _peak_kilobytes() -> float:
    """The peak of this process. On Linux getrusage() would count what its parent held when it forked."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text().splitlines()
        return float(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _judge(model: Path, pictures: Sequence[Path]) -> None:
    from chalicelib.detector import Detector
    from chalicelib.pictures import read_picture

    detector = Detector.load(model)
    for picture in pictures:
        detector.detect(read_picture(picture.read_bytes(), min_decoded_side=detector.min_decoded_side))


def _train(pictures: Sequence[Path], anomalies: Sequence[Path]) -> None:
    from chalicelib.training import NamedPicture, TrainingConfig, train

    train(
        [NamedPicture.of_file(picture) for picture in pictures],
        TrainingConfig(),
        anomalies=[NamedPicture.of_file(picture) for picture in anomalies],
    )


if __name__ == "__main__":
    main()
