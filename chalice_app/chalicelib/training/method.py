"""PaDiM or PatchCore: decided by a trial on the training pictures alone.

PaDiM knows what belongs where, PatchCore only what belongs at all. Which of them a set suits shows without a
single anomaly: both are fitted to two thirds of the normal pictures; of the last third, each picture is
judged as it is, and again with a patch of another picture planted at random; and so for each third.
PatchCore is chosen where it makes at most half of PaDiM's mistakes: on real sets whose parts lie still it
makes a few less in the trial, and more on real anomalies.
"""

from __future__ import annotations

import io
import threading
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from chalicelib.pictures import read_picture
from chalicelib.training.config import NamedPicture
from chalicelib.training.features import extract_features
from chalicelib.training.numerics import auroc
from chalicelib.training.scoring import scores
from chalicelib.training.unsupervised import fit_unsupervised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.training.backbones import Backbone
    from chalicelib.training.config import TrainingConfig
    from chalicelib.training.features import Features

# With fewer normal pictures the trial is a lottery.
_MIN_NORMALS = 24
# More pictures make the trial longer and hardly surer.
_MOST_TRIED = 120
_THIRDS = 3
# Mistakes (1 - AUROC) that PatchCore may make for each of PaDiM's, and how many fewer they are at least. On
# four real sets the ratio was .55 and more where parts lay still, .45 and less where they were moved.
_RATIO, _MARGIN = 0.45, 0.005
# Sides of the planted patch, as shares of the picture's.
_SMALLEST, _LARGEST = 0.06, 0.2
# Decoded pictures that are kept: of two that are read at a time, and of the next.
_KEPT = 4


class Choice(NamedTuple):
    """The method, and how it came to be chosen."""

    method: str
    decision: dict[str, Any]


def choose_method(
    pictures: Sequence[NamedPicture],
    features: Features,
    groups: NDArray[np.intp],
    weights: Backbone,
    config: TrainingConfig,
) -> Choice:
    """Decides between PaDiM and PatchCore, unless the configuration has.

    Args:
        pictures: The normal pictures, all of them readable.
        features: Theirs, in the same order.
        groups: `(pictures,)`, the same number for pictures of one part.
        weights: The network's weights.
        config: The configuration.
    """
    if config.method != "auto":
        return Choice(config.method, {"chosen": config.method, "by": "configuration"})
    tried, thirds = _deal(groups)
    if min(np.bincount(thirds, minlength=_THIRDS)) < _MIN_NORMALS // _THIRDS:
        reason = f"Fewer than {_MIN_NORMALS} normal pictures are too few to try both methods: padim."
        by_default = {"chosen": "padim", "by": "default: too few normal pictures for a trial"}
        return Choice("padim", {**by_default, "reason": reason})
    values, channels = features.values[tried], features.channels
    often = max(1, _MOST_TRIED // len(tried))
    planting = _Planted([pictures[place] for place in tried], config.input_size)
    planted = extract_features(planting.named(often), weights, config).values
    trial = {
        method: [
            _separation(method, values, planted, thirds == third, channels, config)
            for third in range(_THIRDS)
        ]
        for method in ("padim", "patchcore")
    }
    means = {method: round(float(np.mean(found)), 4) for method, found in trial.items()}
    padim, patchcore = 1 - means["padim"], 1 - means["patchcore"]
    chosen = "patchcore" if patchcore <= _RATIO * padim and patchcore < padim - _MARGIN else "padim"
    rule = f", as patchcore has to make at most {_RATIO} of its mistakes" if chosen == "padim" else ""
    figures = " and ".join(f"{value:.3f} by {name}" for name, value in means.items())
    decision = {
        "chosen": chosen,
        "by": "trial",
        "reason": f"Pictures with a patch of another one planted in them were told from normal ones with an "
        f"AUROC of {figures}: {chosen} was taken{rule}.",
        "auroc": means,
    }
    return Choice(chosen, decision)


def _deal(groups: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the pictures to try, and the third that each is in: pictures of one part in the same."""
    parts = np.random.default_rng(0).permutation(np.unique(groups))
    order = np.argsort(parts)
    rank = order[np.searchsorted(parts[order], groups)]
    tried = np.sort(np.argsort(rank, kind="stable")[:_MOST_TRIED])
    return tried, rank[tried] % _THIRDS


def _separation(
    method: str,
    values: NDArray[np.float32],
    planted: NDArray[np.float32],
    held_out: NDArray[np.bool_],
    channels: Sequence[int],
    config: TrainingConfig,
) -> float:
    """How well a fit to the other pictures tells planted pictures from normal ones."""
    model = fit_unsupervised(method, values[~held_out], channels, config.ridge)
    spoilt = planted[np.tile(held_out, len(planted) // len(values))]
    found = np.concatenate([scores(model.distances(part)) for part in (values[held_out], spoilt)])
    return auroc(found, np.arange(len(found)) >= held_out.sum())


class _Planted:
    """Pictures, each with a patch of the next one planted in it when it is read: memory is short.

    Args:
        pictures: Which, all of them readable.
        size: What their shorter sides are reduced to.
    """

    def __init__(self, pictures: Sequence[NamedPicture], size: int) -> None:
        self._pictures, self._size = pictures, size
        self._lock = threading.Lock()
        self._decoded = lru_cache(_KEPT)(self._decode)

    def named(self, often: int) -> list[NamedPicture]:
        """All of the pictures so many times, each time with another patch."""
        generator = np.random.default_rng(0)
        named = []
        for place in range(often * len(self._pictures)):
            side = generator.uniform(_SMALLEST, _LARGEST, 2)
            corners = generator.uniform(0, 1 - side), generator.uniform(0, 1 - side)
            named.append(NamedPicture(f"planted-{place}", partial(self._plant, place, side, *corners)))
        return named

    def _plant(
        self,
        place: int,
        side: NDArray[np.float64],
        source: NDArray[np.float64],
        target: NDArray[np.float64],
    ) -> bytes:
        with self._lock:  # else both threads that read would decode the picture between them
            image, foreign = (self._decoded((place + step) % len(self._pictures)) for step in (0, 1))
        width, height = (max(1, round(share * full)) for share, full in zip(side, image.size, strict=True))
        corner = [source[0] * foreign.width, source[1] * foreign.height]
        box = (*corner, corner[0] + side[0] * foreign.width, corner[1] + side[1] * foreign.height)
        patch = foreign.crop(tuple(map(round, box))).resize((width, height))
        spoilt = image.copy()
        spoilt.paste(patch, (round(target[0] * image.width), round(target[1] * image.height)))
        return _png(spoilt)

    def _decode(self, place: int) -> Image.Image:
        """The picture, its shorter side about as the network needs it."""
        picture = read_picture(self._pictures[place].read(), min_decoded_side=self._size)
        image = Image.fromarray(picture.pixels)
        scale = self._size / min(image.size)
        if scale >= 1:
            return image
        return image.resize((round(image.width * scale), round(image.height * scale)), reducing_gap=3.0)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
