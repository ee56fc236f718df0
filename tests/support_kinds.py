"""Pictures with two kinds of anomaly, their masks, and a model that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from support_models import normal_png
from support_pictures import Pixels, png_bytes, scratched, texture

from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train

if TYPE_CHECKING:
    from collections.abc import Sequence

COLORS = {"dent": "#1f77b4"}
WIDTH, HEIGHT = 160, 120


def is_dent(seed: int) -> bool:
    """Whether `anomaly` shows a dent; a scratch otherwise."""
    return seed % 2 == 0


def dented(pixels: Pixels, left: float, top: float, size: float = 0.2) -> Pixels:
    """The picture with a dark round dent in the box given in fractions."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot(x / width - left - size / 2, y / height - top - size / 2)
    shade = np.where(away < size / 2, 0.35, 1.0)
    result: Pixels = (pixels * shade[..., None]).astype(np.uint8)
    return result


def stained(pixels: Pixels, left: float, top: float, size: float = 0.2) -> Pixels:
    """The picture with a patch of blue, a kind of anomaly that `named_model` has not seen."""
    height, width = pixels.shape[:2]
    result = pixels.copy()
    box = result[round(top * height) : round((top + size) * height), round(left * width) :]
    box[:, : round(size * width)] //= np.array([4, 4, 1], np.uint8)
    return result


def damaged(seed: int) -> tuple[Pixels, Pixels]:
    """The picture before and after."""
    left, top = 0.05 + 0.65 * np.random.default_rng(seed).random(2)
    whole = texture(seed, WIDTH, HEIGHT)
    return whole, (dented if is_dent(seed) else scratched)(whole, left, top)


def mask_of(seed: int) -> bytes:
    """Where `anomaly` differs from a normal picture, white on black, as PNG."""
    before, after = damaged(seed)
    return png_bytes(np.where((before != after).any(axis=2), 255, 0).astype(np.uint8))


def anomaly(seed: int) -> NamedPicture:
    """An anomalous picture as training takes it."""
    kinds = ("dent",) if is_dent(seed) else ("scratch",)
    return NamedPicture(
        f"{kinds[0]}-{seed}.png", lambda: png_bytes(damaged(seed)[1]), lambda: mask_of(seed), kinds
    )


def named_model(
    project: str = "weave", *, seeds: Sequence[int] = range(200, 212), reverse: bool = False
) -> TrainedModel:
    """A model that tells dents from scratches, trained on masks."""
    step = -1 if reverse else 1
    pictures = [NamedPicture.of_bytes(f"{seed:02}.png", normal_png(seed)) for seed in range(16)]
    anomalies = [anomaly(seed) for seed in seeds]
    config = TrainingConfig(project=project)
    return train(pictures[::step], config, anomalies=anomalies[::step], colors=COLORS)
