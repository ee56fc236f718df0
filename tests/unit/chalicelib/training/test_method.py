"""`auto` chooses PaDiM for aligned parts and PatchCore for parts that move, on normal pictures alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support_models import normal_png

from chalicelib.detector import Detector
from chalicelib.training import NamedPicture, TrainingConfig, train
from chalicelib.training.efficientnet import load_weights
from chalicelib.training.features import extract_features
from chalicelib.training.method import Choice, choose_method

CONFIG = TrainingConfig(input_size=160)


def part_png(seed: int, *, moves: bool) -> bytes:
    """A striped plate that fills most of the picture; how it lies is chance if it moves."""
    generator = np.random.default_rng(seed)
    image = Image.new("RGB", (160, 160), (118, 120, 122))
    draw = ImageDraw.Draw(image)
    for stripe in range(8):
        shade = 40 + 20 * stripe
        draw.rectangle((20 + 15 * stripe, 20, 34 + 15 * stripe, 140), fill=(shade, 90, 220 - shade))
    if moves:
        angle, across, down = generator.uniform(0, 360), *generator.integers(-25, 25, 2)
        image = image.rotate(angle, translate=(int(across), int(down)), fillcolor=(118, 120, 122))
    noise = generator.normal(0, 4, (160, 160, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def choice(count: int, *, moves: bool, config: TrainingConfig = CONFIG) -> Choice:
    pictures = [NamedPicture.of_bytes(f"{seed:02}", part_png(seed, moves=moves)) for seed in range(count)]
    weights = load_weights()
    features = extract_features(pictures, weights, config)
    return choose_method(pictures, features, np.arange(count), weights, config)


@pytest.mark.parametrize(("moves", "expected"), [(False, "padim"), (True, "patchcore")])
def test_the_trial_chooses_by_whether_parts_move(moves: bool, expected: str) -> None:  # noqa: FBT001
    chosen = choice(30, moves=moves)
    assert chosen.method == expected
    assert chosen.decision["by"] == "trial"
    assert f"{expected} was taken" in chosen.decision["reason"]
    assert ("patchcore has to make" in chosen.decision["reason"]) == (expected == "padim")


def test_few_pictures_get_padim_without_a_trial() -> None:
    assert choice(12, moves=True).decision["by"].startswith("default")


def test_what_the_configuration_says_is_not_tried() -> None:
    config = TrainingConfig(input_size=160, method="patchcore")
    assert choice(12, moves=False, config=config).decision == {"chosen": "patchcore", "by": "configuration"}


def test_a_patchcore_model_judges_and_says_what_it_is() -> None:
    pictures = [NamedPicture.of_bytes(f"{seed:02}.png", normal_png(seed)) for seed in range(12)]
    config = TrainingConfig(input_size=160, method="patchcore")
    trained = train(pictures, config)
    assert trained.model == train(pictures[::-1], config).model
    assert Detector.load(trained.model).metadata.method == "patchcore+synthetic"
    assert trained.metadata.decisions["method"]["by"] == "configuration"
