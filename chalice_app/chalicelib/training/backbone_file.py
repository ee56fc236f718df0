"""A feature extractor that the user brought: any ONNX network of convolutions or of transformer tokens.

A TOML file of the same name beside it may say what the network wants and where its features are:

    size = 224                      # side of the square that it takes
    mean = [0.485, 0.456, 0.406]    # pixels become (x / 255 - mean) / std; ImageNet's, where it is silent
    std = [0.229, 0.224, 0.225]
    order = "rgb"                   # or "bgr"
    taps = ["layer2", "layer3"]     # names of values in the graph; its outputs, where it is silent
    grid = 14                       # patches a side

A tap is a map of features `(batch, channels, height, width)`, or tokens `(batch, tokens, channels)`: of
those, the last h² are the patches, row by row, and what stands before them (class token, registers) is left
out.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.detector import new_session
from chalicelib.exceptions import ConfigurationError, ModelInvalidError
from chalicelib.training.efficientnet import Tap
from chalicelib.training.foreign import Foreign, Scaling, add_foreign, cut, load_foreign
from chalicelib.training.graph import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# The names of a brought network's nodes begin so: what is not the network is never quantised.
PREFIX = "backbone/"

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_SIZE = 224
_SETTINGS = {"size", "mean", "std", "order", "taps", "grid"}
_MOST_PATCHES_A_SIDE, _FEWEST, _OTHERWISE = 14, 7, 10


@dataclass(frozen=True)
class BackboneFile:
    """A network from a file.

    Attributes:
        backbone: The file's name without its ending.
        foreign: The network, up to its taps.
        sha256: Of the file as it was brought, in hex.
        size: Side in pixels of the square that it takes.
        scaling: What it wants of pixels.
        taps: Names of the values that describe a patch.
        grid: Patches a side.
        shapes: Of each tap: channels, cells a side, and tokens that are no patches (None of a map).
    """

    backbone: str
    foreign: Foreign = field(repr=False)
    sha256: str
    size: int
    scaling: Scaling
    taps: tuple[str, ...]
    grid: int
    shapes: Mapping[str, tuple[int, int, int | None]]

    def to_dict(self) -> dict[str, Any]:
        """As it goes into the model's metadata."""
        scaling = self.scaling
        order = "bgr" if scaling.is_bgr else "rgb"
        return {"mean": list(scaling.mean), "std": list(scaling.std), "order": order}

    def add_to(self, graph: GraphBuilder, image: str, taps: Collection[str]) -> dict[str, Tap]:
        """Adds the network to a graph.

        Args:
            graph: Where the nodes go.
            image: Name of a value `(1, size, size, 3)`, uint8 RGB.
            taps: Which of its taps are wanted.

        Returns:
            Tap → its value `(1, channels, cells, cells)`.
        """
        add_foreign(graph, image, self.foreign, self.scaling, PREFIX, (self.size, self.size))
        return {name: self._tap(graph, name) for name in taps}

    def _tap(self, graph: GraphBuilder, name: str) -> Tap:
        channels, cells, before = self.shapes[name]
        value = graph.add("Cast", [f"{PREFIX}{name}"], to=1)
        if self.foreign.shape[0] > 1:
            value = _slice(graph, value, 0, 0, 1)
        if before is not None:
            value = _slice(graph, value, 1, before, before + cells**2)
            value = graph.add("Transpose", [value], perm=[0, 2, 1])
        value = graph.add("Reshape", [value, graph.indices(1, channels, cells, cells)])
        return Tap(value, channels, self.size / cells)


def read_backbone(path: Path) -> BackboneFile:
    """Reads a network and what the TOML file beside it says, and tries the network on a picture.

    Raises:
        ConfigurationError: The TOML file cannot be read, or what it says does not fit the network.
        ModelInvalidError: The network cannot be used.
    """
    settings = _read_settings(path.with_suffix(".toml"))
    foreign = load_foreign(path)
    sides = [side for side in foreign.shape[1:] if side not in {0, 3}]
    size = settings.get("size", max(sides, default=_SIZE))
    if any(side != size for side in sides):
        message = f"{path} takes pictures of {foreign.shape} and not of {size} pixels a side."
        raise ConfigurationError(message)
    taps = tuple(settings.get("taps") or (value.name for value in foreign.model.graph.output))
    foreign = foreign._replace(model=cut(foreign.model, taps))
    scaling = Scaling(
        tuple(map(float, settings.get("mean", _IMAGENET["mean"]))),
        tuple(map(float, settings.get("std", _IMAGENET["std"]))),
        settings.get("order", "rgb") == "bgr",
    )
    values = _try(foreign, scaling, taps, size, path)
    shapes = {name: _shape(name, value, path) for name, value in zip(taps, values, strict=True)}
    cells = [cells for _, cells, _ in shapes.values()]
    grid = settings.get("grid") or _grid(min(cells))
    if grid > max(cells):
        message = (
            f"{path.stem}.toml asks for a grid of {grid}, and the taps give {max(cells)} cells a side at "
            "most: name a smaller grid, or taps that come earlier."
        )
        raise ConfigurationError(message)
    return BackboneFile(path.stem, foreign, foreign.sha256, size, scaling, taps, grid, shapes)


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path} cannot be read: {error}."
        raise ConfigurationError(message) from error
    for name, value in settings.items():
        if not _is_setting(name, value):
            message = (
                f"{path}: {name} = {value!r} cannot be used. It may say size and grid (whole numbers), "
                'mean and std (three numbers), order ("rgb" or "bgr") and taps (a list of names).'
            )
            raise ConfigurationError(message)
    return settings


def _is_setting(name: str, value: Any) -> bool:  # noqa: ANN401 - whatever TOML can hold
    if name in {"size", "grid"}:
        return isinstance(value, int) and 0 < value <= 4096
    if name in {"mean", "std"}:
        numbers = isinstance(value, list) and [isinstance(one, int | float) for one in value] == [True] * 3
        return numbers and (name == "mean" or min(value) > 0)
    if name == "taps":
        return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    return name == "order" and value in {"rgb", "bgr"}


def _try(
    foreign: Foreign, scaling: Scaling, taps: Sequence[str], size: int, path: Path
) -> list[NDArray[np.float32]]:
    """What the taps give of a picture."""
    graph = GraphBuilder()
    add_foreign(graph, "image", foreign, scaling, PREFIX, (size, size))
    names = [graph.add("Cast", [f"{PREFIX}{name}"], to=1) for name in taps]
    try:
        session = new_session(graph.model(size, dict.fromkeys(names)))
        picture = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
        values: list[NDArray[np.float32]] = session.run(names, {"image": picture})
    except ModelInvalidError:
        raise
    except Exception as error:
        # onnxruntime's exceptions share no base class but Exception.
        message = f"{path} does not take a picture of {size} pixels a side ({error})."
        raise ConfigurationError(message) from error
    if not all(np.isfinite(value).all() for value in values):
        message = f"{path} gives no finite features: its weights are damaged, or mean and std do not fit."
        raise ModelInvalidError(message)
    return values


def _shape(name: str, value: NDArray[np.float32], path: Path) -> tuple[int, int, int | None]:
    """Channels, cells a side, and tokens that are no patches, of what a tap gave."""
    if value.ndim == 4 and value.shape[2] == value.shape[3]:
        return value.shape[1], value.shape[2], None
    if value.ndim == 3:
        cells = int(value.shape[1] ** 0.5)
        return value.shape[2], cells, value.shape[1] - cells**2
    message = (
        f"{path}: the value {name!r} has the shape {value.shape}. Features are square maps (batch, channels, "
        f"height, width) or tokens (batch, tokens, channels): name such values as taps in {path.stem}.toml."
    )
    raise ConfigurationError(message)


def _grid(cells: int) -> int:
    """Patches a side for a network whose coarsest tap has so many cells: an even share, if there is one."""
    if cells < _FEWEST:
        return cells
    even = max(side for side in range(1, _MOST_PATCHES_A_SIDE + 1) if cells % side == 0)
    return even if even >= _FEWEST else _OTHERWISE


def _slice(graph: GraphBuilder, value: str, axis: int, start: int, end: int) -> str:
    return graph.add("Slice", [value, graph.indices(start), graph.indices(end), graph.indices(axis)])
