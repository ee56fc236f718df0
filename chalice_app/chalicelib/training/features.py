"""Patch features: what the network says of each patch of a picture, extracted with onnxruntime."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.detector import model_input, new_session
from chalicelib.exceptions import PictureRejectedError
from chalicelib.model_metadata import SkippedImage, TrainingImage
from chalicelib.pictures import read_picture
from chalicelib.training.efficientnet import Weights, add_backbone
from chalicelib.training.graph import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from chalicelib.training.config import NamedPicture, TrainingConfig

_DECODERS = 2
_AHEAD = 16


class Features(NamedTuple):
    """What was extracted, and from what.

    Attributes:
        values: `(pictures, channels, patches)` float32, patches row by row.
        channels: Channels of each tap, in the order of the taps.
        images: The pictures, in the order of `values`.
        skipped: Pictures that could not be read.
    """

    values: NDArray[np.float32]
    channels: tuple[int, ...]
    images: tuple[TrainingImage, ...]
    skipped: tuple[SkippedImage, ...]


def add_patch_features(
    graph: GraphBuilder, image: str, weights: Weights, config: TrainingConfig
) -> tuple[str, tuple[int, ...]]:
    """Adds the network and the pooling that gives every patch its features.

    Each tap is averaged over 3 × 3 cells (a patch sees its surroundings), then over the cells of a patch.

    Returns:
        Name of the value `(1, channels, grid, grid)`, and the channels of each tap.
    """  # noqa: RUF002 - the sign that people know
    taps = add_backbone(graph, image, weights, config.taps)
    pooled = []
    for tap in taps.values():
        value = graph.add(
            "AveragePool",
            [tap.value],
            kernel_shape=[3, 3],
            strides=[1, 1],
            pads=[1, 1, 1, 1],
            count_include_pad=1,
        )
        cells = config.input_size // tap.stride // config.grid
        if cells > 1:
            value = graph.add("AveragePool", [value], kernel_shape=[cells, cells], strides=[cells, cells])
        pooled.append(value)
    features = graph.add("Concat", pooled, axis=1) if len(pooled) > 1 else pooled[0]
    return features, tuple(tap.channels for tap in taps.values())


def extract_features(
    pictures: Sequence[NamedPicture],
    weights: Weights,
    config: TrainingConfig,
    progress: Callable[[int, int], None] | None = None,
) -> Features:
    """Extracts the features of every picture that can be read.

    Args:
        pictures: What to read; memory grows by 67 KB a picture at the default configuration.
        weights: The network's weights.
        config: Input size, grid and taps.
        progress: Called with how many pictures are done, of how many.
    """
    graph = GraphBuilder()
    value, channels = add_patch_features(graph, "image", weights, config)
    graph.add("Identity", [value], output="features")
    shape = (1, sum(channels), config.grid, config.grid)
    session = new_session(graph.model(config.input_size, {"features": shape}))
    values: list[NDArray[np.float32]] = []
    images: list[TrainingImage] = []
    skipped: list[SkippedImage] = []
    for done, (picture, prepared) in enumerate(_prepared(pictures, config.input_size), start=1):
        if isinstance(prepared, str):
            skipped.append(SkippedImage(picture.name, prepared))
        else:
            image, sha256 = prepared
            (output,) = session.run(("features",), {"image": image[None]})
            values.append(output.reshape(sum(channels), -1))
            images.append(TrainingImage(picture.name, sha256))
        if progress:
            progress(done, len(pictures))
    stacked = np.stack(values) if values else np.empty((0, sum(channels), config.grid**2), np.float32)
    return Features(stacked, channels, tuple(images), tuple(skipped))


_Prepared = tuple["NDArray[np.uint8]", str] | str


def _prepared(pictures: Sequence[NamedPicture], size: int) -> Iterator[tuple[NamedPicture, _Prepared]]:
    """Each picture with its input and hash, or with the reason why it was skipped; decoded a few ahead."""
    with ThreadPoolExecutor(_DECODERS) as pool:
        waiting: deque[tuple[NamedPicture, Future[_Prepared]]] = deque()
        for picture in pictures:
            waiting.append((picture, pool.submit(_prepare, picture, size)))
            if len(waiting) > _AHEAD:
                ready, future = waiting.popleft()
                yield ready, future.result()
        for ready, future in waiting:
            yield ready, future.result()


def _prepare(picture: NamedPicture, size: int) -> _Prepared:
    try:
        data = picture.read()
        pixels = read_picture(data, min_decoded_side=size).pixels
    except PictureRejectedError as rejected:
        return rejected.reason
    except OSError as error:
        return f"The file cannot be read: {error.strerror or error}."
    return model_input(pixels, size), hashlib.sha256(data).hexdigest()
