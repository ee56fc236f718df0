"""Scratches planted on photographs of real solar cells are found where they were planted."""

from __future__ import annotations

import numpy as np
import pytest
from support_modules import module_picture
from support_pictures import jpeg_bytes, scratched

from chalicelib.detector import Detector
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainingConfig, train

CELL = 300


@pytest.fixture(scope="module")
def cells() -> Detector:
    pictures = [
        NamedPicture.of_bytes(f"{seed:02}.jpg", jpeg_bytes(module_picture(seed, CELL, CELL), quality=95))
        for seed in range(60)
    ]
    return Detector.load(train(pictures, TrainingConfig(method="padim")).model)


@pytest.mark.parametrize(("left", "top"), [(0.1, 0.15), (0.6, 0.1), (0.15, 0.65), (0.65, 0.6), (0.4, 0.4)])
def test_a_scratch_is_found_where_it_was_planted(cells: Detector, left: float, top: float) -> None:
    pixels = scratched(module_picture(900, CELL, CELL), left, top)
    found = cells.detect(read_picture(jpeg_bytes(pixels, quality=95)))
    assert found.is_anomalous
    row, column = np.unravel_index(found.heat_map.argmax(), found.heat_map.shape)
    assert left - 0.1 <= (column + 0.5) / 10 <= left + 0.3
    assert top - 0.1 <= (row + 0.5) / 10 <= top + 0.3
    worst = found.regions[0]
    assert worst.left <= left + 0.1 <= worst.left + worst.width
    assert worst.top <= top + 0.1 <= worst.top + worst.height


def test_the_cell_without_a_scratch_is_normal(cells: Detector) -> None:
    assert not cells.detect(
        read_picture(jpeg_bytes(module_picture(900, CELL, CELL), quality=95))
    ).is_anomalous
