"""Uploads judged by a model that sees in tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support_delivery import FixedModels, Stack
from support_pictures import png_bytes, texture

from chalicelib.detector import Detector
from chalicelib.model_metadata import TILED_FORMAT_VERSION
from chalicelib.records import Status
from chalicelib.training.graph import with_metadata

KEY = "image_inputs/panel.png"


@pytest.fixture(scope="module")
def in_tiles(model: bytes, detector: Detector) -> Detector:
    metadata = replace(detector.metadata, tile=64, format_version=TILED_FORMAT_VERSION)
    return Detector.load(with_metadata(model, metadata), threads=2)


def test_a_picture_has_a_verdict_of_its_own(stack: Stack, in_tiles: Detector) -> None:
    models = FixedModels("1", in_tiles)
    record = stack.judge(models).judge(stack.upload(KEY, png_bytes(texture(0, 300, 130))))
    assert record.status is Status.JUDGED
    assert (record.width, record.height) == (300, 130)
    assert record.is_anomalous == bool(record.regions)
    assert stack.read(str(record.heat_map_key)).startswith(b"\x89PNG")


def test_a_picture_of_too_many_tiles_is_rejected_with_the_reason(stack: Stack, in_tiles: Detector) -> None:
    large = png_bytes(np.full((2700, 2700, 3), 90, np.uint8))
    models = FixedModels("1", in_tiles)
    record = stack.judge(models).judge(stack.upload(KEY, large))
    assert record.status is Status.REJECTED
    assert record.reason == "The picture would be seen in 2401 tiles of 64 pixels; the limit is 2048."
