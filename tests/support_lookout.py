"""Makers of manifest lines as Lookout for Vision wrote them, and of small exports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from support_pictures import png_bytes, scratched, texture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLOURS = {"scratch": "#2ca02c", "dent": "#1f77b4"}
WHITE = (255, 255, 255)


def label(class_name: str, attribute: str = "anomaly-label") -> dict[str, Any]:
    """The label's attribute and its metadata; the number is wrong on purpose: it means nothing."""
    return {
        attribute: 7,
        f"{attribute}-metadata": {
            "confidence": 1,
            "job-name": "labeling-job/auto-label",
            "class-name": class_name,
            "human-annotated": "yes",
            "creation-date": "2020-11-10T03:37:09.600",
            "type": "groundtruth/image-classification",
        },
    }


def mask(
    uri: str,
    labels: Mapping[str, str] = COLOURS,
    *,
    background: bool = True,
    attribute: str = "anomaly-mask-ref",
) -> dict[str, Any]:
    """The mask's attribute and its metadata, with or without the BACKGROUND entry."""
    entries = [("BACKGROUND", "#ffffff")] if background else []
    entries += labels.items()
    return {
        attribute: uri,
        f"{attribute}-metadata": {
            "internal-color-map": {
                str(index): {"class-name": name, "hex-color": colour, "confidence": 0.0}
                for index, (name, colour) in enumerate(entries)
            },
            "type": "groundtruth/semantic-segmentation",
            "human-annotated": "yes",
            "creation-date": "2021-11-23T20:31:57.758889",
            "job-name": "labeling-job/segmentation-job",
        },
    }


def line(source: str, *attributes: Mapping[str, Any]) -> dict[str, Any]:
    """One manifest line as an object."""
    result: dict[str, Any] = {"source-ref": source}
    for attribute in attributes:
        result.update(attribute)
    return result


def manifest_bytes(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """JSON Lines."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def mask_png(*boxes: tuple[str, int, int], side: int = 96) -> bytes:
    """A white mask with a square of 20 pixels for each (colour, left, top)."""
    pixels = np.full((side, side, 3), WHITE, np.uint8)
    for colour, left, top in boxes:
        pixels[top : top + 20, left : left + 20] = tuple(bytes.fromhex(colour[1:]))
    return png_bytes(pixels)


def write_export(
    root: Path, *, prefix: str = "exports/widgets", splits: Sequence[str] = ("train", "test")
) -> Path:
    """What AWS's export script wrote and `aws s3 sync` brought home.

    Each split: 12 normal pictures, 2 scratches with a mask, 1 dent with a mask, 1 anomaly without, and
    1 picture without label; the names of the normal ones and of the anomalies are the same.
    """
    for number, split in enumerate(splits):
        lines = []

        def put(key: str, content: bytes, folder: str = "images", split: str = split) -> str:
            path = root / split / folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return f"s3://my-bucket/{prefix}/{split}/{folder}/{key}"

        def picture(index: int, number: int = number) -> Any:
            return texture(1000 * number + index)

        lines += [
            line(put(f"photos/normal/{index}.png", png_bytes(picture(index))), label("normal"))
            for index in range(12)
        ]
        for index, kind in enumerate(("scratch", "scratch", "dent", None)):
            source = put(f"photos/anomaly/{index}.png", png_bytes(scratched(picture(100 + index))))
            attributes = [label("Anomaly")]
            if kind:
                drawn = mask_png((COLOURS[kind], 55, 15))
                attributes.append(mask(put(f"photos/anomaly/{index}.png", drawn, "masks")))
            lines.append(line(source, *attributes))
        lines.append(line(put("photos/new/a.png", png_bytes(picture(200)))))
        path = root / "datasets" / f"{split}.manifest"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(manifest_bytes(lines))
    return root
