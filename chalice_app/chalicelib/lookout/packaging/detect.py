"""Judges pictures with the model beside this file.

It needs numpy, onnxruntime and Pillow, and nothing of AWS:

    python -m pip install -r requirements.txt
    python detect.py picture.jpg folder/*.png

One line of JSON for each picture: IsAnomalous and Confidence as DetectAnomalies gave them, the anomaly score
and the threshold that it is compared with, and where the anomalies are, in fractions of the picture.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from PIL import Image, ImageOps

from chalicelib.detector import Detector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.pictures import Picture

HERE = Path(__file__).resolve().parent


class Upright(NamedTuple):
    """What the detector takes: `(H, W, 3)` RGB, and its size."""

    pixels: NDArray[np.uint8]
    width: int
    height: int


def read(path: Path) -> Upright:
    """Reads a picture, upright whatever the camera noted."""
    with Image.open(path, formats=["PNG", "JPEG"]) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    return Upright(np.asarray(image), image.width, image.height)


def load() -> Detector:
    """The model beside this file, if it is what was packaged."""
    model = (HERE / "model.onnx").read_bytes()
    wanted = json.loads((HERE / "metadata.json").read_text(encoding="utf-8"))["sha256"]
    if hashlib.sha256(model).hexdigest() != wanted:
        sys.exit("model.onnx is not what was packaged: unpack the archive again.")
    return Detector.load(model)


def judge(detector: Detector, path: Path) -> dict[str, Any]:
    """The verdict on one picture."""
    found = detector.detect(cast("Picture", read(path)))
    return {
        "Picture": str(path),
        "IsAnomalous": found.is_anomalous,
        "Confidence": found.confidence,
        "Score": found.score,
        "Threshold": found.threshold,
        "Regions": [asdict(region) for region in found.regions],
    }


def main(names: list[str]) -> int:
    """Judges the pictures named; 1 when one cannot be read."""
    if not names:
        sys.exit("usage: python detect.py PICTURE ...")
    detector, failed = load(), False
    for name in names:
        try:
            line = judge(detector, Path(name))
        except (OSError, Image.DecompressionBombError) as error:
            line, failed = {"Picture": name, "Error": str(error)}, True
        sys.stdout.write(json.dumps(line) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
