"""What the model was told to see at training, it sees at detection: nothing else counts."""

from __future__ import annotations

import numpy as np
import pytest
from support_models import NORMALS, normal_png
from support_pictures import png_bytes, scratched, texture

from chalicelib.detector import Detector
from chalicelib.framing import LETTERBOX, mask_text
from chalicelib.pictures import Picture, read_picture
from chalicelib.training import NamedPicture, TrainingConfig, train


def trained(**how: object) -> Detector:
    pictures = [NamedPicture.of_bytes(f"{seed:02}.png", normal_png(seed)) for seed in range(NORMALS)]
    config = TrainingConfig(**{"input_size": 160, "method": "padim", **how})  # type: ignore[arg-type]
    return Detector.load(train(pictures, config).model)


def scratched_at(left: float, top: float) -> Picture:
    return read_picture(png_bytes(scratched(texture(90, 160, 120), left, top)))


def left_half() -> str:
    mask = np.zeros((120, 160, 3), np.uint8)
    mask[:, :80] = 255
    return mask_text(png_bytes(mask))


@pytest.mark.parametrize("how", [{"roi": (0, 0, 0.5, 1)}, {"mask": left_half()}], ids=["roi", "mask"])
def test_a_scratch_counts_only_where_the_model_was_told_to_look(how: dict[str, object]) -> None:
    detector = trained(**how)
    assert not detector.detect(scratched_at(0.7, 0.3)).is_anomalous
    inside = detector.detect(scratched_at(0.15, 0.3))
    assert inside.is_anomalous
    assert all(region.left + region.width <= 0.56 for region in inside.regions)


@pytest.mark.parametrize(
    "how",
    [{"resize": LETTERBOX}, {"roi": (0.1, 0.1, 0.85, 0.85)}, {"resize": LETTERBOX, "roi": (0.2, 0, 0.8, 1)}],
)
def test_a_scratch_is_found_where_it_was_planted_however_the_picture_is_framed(
    how: dict[str, object],
) -> None:
    region = trained(**how).detect(scratched_at(0.55, 0.15)).regions[0]
    assert region.left < 0.65 < region.left + region.width + 0.05
    assert region.top < 0.25 < region.top + region.height + 0.05


def test_the_model_says_how_it_sees() -> None:
    metadata = trained(resize=LETTERBOX, roi=(0.1, 0.1, 0.8, 0.8), mask=left_half()).metadata
    assert (metadata.resize, metadata.roi) == (LETTERBOX, (0.1, 0.1, 0.8, 0.8))
    assert metadata.mask == left_half()
