"""Patch features: what the network says of each patch of a picture, extracted with onnxruntime."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chalicelib.detector import new_session
from chalicelib.exceptions import PictureRejectedError
from chalicelib.model_metadata import SkippedImage, TrainingImage
from chalicelib.pictures import read_picture
from chalicelib.training.backbones import add_backbone, context_taps
from chalicelib.training.graph import GraphBuilder
from chalicelib.training.likeness import thumbnail
from chalicelib.training.memory import sparing_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from chalicelib.framing import Framing
    from chalicelib.training.backbones import Backbone
    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.efficientnet import Tap

_DECODERS = 2
_AHEAD = 16


class FeatureValues(NamedTuple):
    """Where in a graph the features are.

    Attributes:
        patches: Name of the value `(1, channels, grid, grid)` that tells normal from unusual.
        channels: Channels of each tap of `patches`.
        grid: Patches a side.
        context: Name of the same with further stages; empty where it was not asked for.
        context_channels: Its channels.
        pooled: Name of the vector of each stage's mean and largest values; empty likewise.
        pooled_channels: Its length.
    """

    patches: str
    channels: tuple[int, ...]
    grid: int
    context: str = ""
    context_channels: int = 0
    pooled: str = ""
    pooled_channels: int = 0

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The values that there are, each with its shape."""
        shapes: dict[str, tuple[int, ...]] = {self.patches: (1, sum(self.channels), self.grid, self.grid)}
        if self.context:
            shapes[self.context] = (1, self.context_channels, self.grid, self.grid)
            shapes[self.pooled] = (self.pooled_channels,)
        return shapes


class Features(NamedTuple):
    """What was extracted, and from what.

    Attributes:
        described: `(pictures, channels and context channels, patches)` float32, patches row by row.
        channels: Channels of each tap, in the order of the taps.
        images: The pictures, in the order of `described`.
        skipped: Pictures that could not be read.
        pooled: `(pictures, pooled channels)` float32; without any unless asked for.
        thumbnails: Of each picture, for `chalicelib.training.likeness`.
        places: Which of the pictures asked for each one is.
    """

    described: NDArray[np.float32]
    channels: tuple[int, ...]
    images: tuple[TrainingImage, ...]
    skipped: tuple[SkippedImage, ...]
    pooled: NDArray[np.float32]
    thumbnails: tuple[NDArray[np.float32], ...]
    places: tuple[int, ...]

    @property
    def values(self) -> NDArray[np.float32]:
        """`(pictures, channels, patches)`: what tells normal from unusual. A view, as memory is short."""
        return self.described[:, : sum(self.channels)]


def add_features(
    graph: GraphBuilder, image: str, weights: Backbone, config: TrainingConfig, *, with_context: bool = False
) -> FeatureValues:
    """Adds the network and the pooling that gives every patch its features.

    Each tap is averaged over 3 × 3 cells (a patch sees its surroundings), then over the cells of a patch.

    Args:
        graph: Where the nodes go.
        image: Name of a value `(1, size, size, 3)`, uint8 RGB.
        weights: The network's weights.
        config: Input size, grid and taps.
        with_context: Whether to add what judges that learn from anomalies need.
    """  # noqa: RUF002 - the sign that people know
    context_stages, pooled_stages = context_taps(weights)
    further = (*context_stages, *pooled_stages) if with_context else ()
    stages = add_backbone(graph, image, weights, tuple(dict.fromkeys((*config.taps, *further))))
    smooth = {name: _smoothed(graph, tap) for name, tap in stages.items()}
    taps = [stages[name] for name in config.taps]
    patches = _concatenated(
        graph, [_by_patch(graph, smooth[name], stages[name], config) for name in config.taps]
    )
    values = FeatureValues(patches, tuple(tap.channels for tap in taps), config.grid)
    if not with_context:
        return values
    context = [_by_patch(graph, smooth[name], stages[name], config) for name in context_stages]
    pooled = []
    for name in pooled_stages:
        pooled.append(graph.add("ReduceMean", [stages[name].value], axes=[0, 2, 3], keepdims=0))
        pooled.append(graph.add("ReduceMax", [smooth[name]], axes=[0, 2, 3], keepdims=0))
    return values._replace(
        context=_concatenated(graph, context),
        context_channels=sum(stages[name].channels for name in context_stages),
        pooled=graph.add("Concat", pooled, axis=0),
        pooled_channels=2 * sum(stages[name].channels for name in pooled_stages),
    )


def _concatenated(graph: GraphBuilder, values: Sequence[str]) -> str:
    return graph.add("Concat", values, axis=1) if len(values) > 1 else values[0]


def _smoothed(graph: GraphBuilder, tap: Tap) -> str:
    return graph.add(
        "AveragePool",
        [tap.value],
        kernel_shape=[3, 3],
        strides=[1, 1],
        pads=[1, 1, 1, 1],
        count_include_pad=1,
    )


def _by_patch(graph: GraphBuilder, value: str, tap: Tap, config: TrainingConfig) -> str:
    """A smoothed stage brought to one cell a patch: averaged where finer, interpolated where coarser."""
    cells, rest = divmod(round(config.input_size / tap.stride), config.grid)
    if cells == 1 and not rest:
        return value
    if cells and not rest:
        return graph.add("AveragePool", [value], kernel_shape=[cells, cells], strides=[cells, cells])
    size = graph.indices(1, tap.channels, config.grid, config.grid)
    return graph.add(
        "Resize", [value, "", "", size], mode="linear", coordinate_transformation_mode="half_pixel"
    )


@sparing_memory()
def extract_features(
    pictures: Sequence[NamedPicture],
    weights: Backbone,
    config: TrainingConfig,
    progress: Callable[[int, int], None] | None = None,
    *,
    with_context: bool = False,
) -> Features:
    """Extracts the features of every picture that can be read.

    Args:
        pictures: What to read; memory grows by 67 KB a picture at the default configuration, and by 150 KB
            with context.
        weights: The network's weights.
        config: Input size, grid and taps.
        progress: Called with how many pictures are done, of how many.
        with_context: Whether to extract what judges that learn from anomalies need.
    """
    session, values = _session(weights, config, with_context=with_context)
    names = list(values.shapes())
    width, patches = sum(values.channels), values.grid**2
    described = np.empty((len(pictures), width + values.context_channels, patches), np.float32)
    pooled = np.empty((len(pictures), values.pooled_channels), np.float32)
    images: list[TrainingImage] = []
    skipped: list[SkippedImage] = []
    thumbnails: list[NDArray[np.float32]] = []
    places: list[int] = []
    for done, (picture, prepared) in enumerate(_prepared(pictures, config.framing), start=1):
        if isinstance(prepared, str):
            skipped.append(SkippedImage(picture.name, prepared))
        else:
            image, sha256 = prepared
            of_patches, *context = session.run(names, {"image": image[None]})
            described[len(images), :width] = of_patches.reshape(width, patches)
            if context:
                described[len(images), width:] = context[0].reshape(-1, patches)
                pooled[len(images)] = context[1]
            images.append(TrainingImage(picture.name, sha256))
            thumbnails.append(thumbnail(image))
            places.append(done - 1)
        if progress:
            progress(done, len(pictures))
    return Features(
        described[: len(images)],
        values.channels,
        tuple(images),
        tuple(skipped),
        pooled[: len(images)],
        tuple(thumbnails),
        tuple(places),
    )


def _session(
    weights: Backbone, config: TrainingConfig, *, with_context: bool
) -> tuple[Any, FeatureValues]:  # onnxruntime has no types
    """What extracts features, and where they are; the graph is let go of, because memory is short."""
    graph = GraphBuilder()
    values = add_features(graph, "image", weights, config, with_context=with_context)
    return new_session(graph.model(config.input_size, values.shapes())), values


_Prepared = tuple["NDArray[np.uint8]", str] | str


def _prepared(pictures: Sequence[NamedPicture], framing: Framing) -> Iterator[tuple[NamedPicture, _Prepared]]:
    """Each picture with its input and hash, or with the reason why it was skipped; decoded a few ahead."""
    with ThreadPoolExecutor(_DECODERS) as pool:
        waiting: deque[tuple[NamedPicture, Future[_Prepared]]] = deque()
        for picture in pictures:
            waiting.append((picture, pool.submit(_prepare, picture, framing)))
            if len(waiting) > _AHEAD:
                ready, future = waiting.popleft()
                yield ready, future.result()
        for ready, future in waiting:
            yield ready, future.result()


def _prepare(picture: NamedPicture, framing: Framing) -> _Prepared:
    try:
        data = picture.read()
        pixels = read_picture(data, min_decoded_side=framing.min_decoded_side).pixels
    except PictureRejectedError as rejected:
        return rejected.reason
    except OSError as error:
        return f"The file cannot be read: {error.strerror or error}."
    return pixels if picture.is_framed else framing.square(pixels), hashlib.sha256(data).hexdigest()
