"""Trains anomalib's PaDiM and PatchCore on Spotcheck's network, in anomalib's own environment.

Run by `spotcheck.bench_anomalib`, never imported: PyTorch and anomalib are not among Spotcheck's
dependencies. Reads a job (JSON) and the network's weights (NPZ); writes an ONNX file for each method and set,
and prints one line of JSON for each: what was fitted, scores, seconds.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

# PyPI's torchvision looks for compiled operators that a CPU build of PyTorch cannot load, and fails when it
# is imported. anomalib uses none of them: that they have a name is enough.
for _operator in ("nms", "qnms"):
    torch.library.define(f"torchvision::{_operator}", "(Tensor dets, Tensor scores, float limit) -> Tensor")
warnings.filterwarnings("ignore")  # of what anomalib imports, and of what PyTorch's exporter traces

from anomalib.models.image.padim.torch_model import PadimModel  # noqa: E402 - the operators come first
from anomalib.models.image.patchcore.torch_model import PatchcoreModel  # noqa: E402

_TAPS = ("s2", "s4")
_STRIDES = (1, 2, 2, 2, 1)
_EPSILON = 1e-3
_BATCH = 8
# PaDiM's 100 random channels are what its paper takes, and anomalib for small networks; one patch in a
# hundred is what PatchCore's paper recommends.
_PADIM_CHANNELS, _CORESET = 100, 0.01


class Convolution(nn.Module):
    """A convolution padded as TensorFlow does, batch normalisation folded in, then ReLU6 unless linear."""

    def __init__(self, tensors: dict[str, Any], weight: str, norm: str, stride: int, *, linear: bool) -> None:
        super().__init__()
        kernel = tensors[f"{weight}.weight"]
        scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + _EPSILON)
        bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
        outputs, inputs, side, _ = kernel.shape
        groups = outputs if inputs == 1 else 1
        padding = max(side - stride, 0)
        self.pad = [padding // 2, padding - padding // 2] * 2
        self.convolution = nn.Conv2d(inputs * groups, outputs, side, stride, groups=groups)
        self.convolution.weight.data = torch.from_numpy(kernel * scale[:, None, None, None]).float()
        self.convolution.bias.data = torch.from_numpy(bias).float()
        self.linear = linear

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """The convolution's output."""
        value = self.convolution(functional.pad(value, self.pad))
        return value if self.linear else functional.relu6(value)


class Block(nn.Module):
    """An inverted residual."""

    def __init__(self, tensors: dict[str, Any], prefix: str, stride: int) -> None:
        super().__init__()
        parts = [
            ("_expand_conv", "_bn0", 1),
            ("_depthwise_conv", "_bn1", stride),
            ("_project_conv", "_bn2", 1),
        ]
        layers = [
            Convolution(tensors, prefix + name, prefix + norm, step, linear=name == "_project_conv")
            for name, norm, step in parts
            if f"{prefix}{name}.weight" in tensors
        ]
        self.layers = nn.Sequential(*layers)
        self.changes = layers[0].convolution.in_channels != layers[-1].convolution.out_channels

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return self.layers(value) if self.changes else value + self.layers(value)


class Backbone(nn.Module):
    """EfficientNet-lite from the stem to stage 4; takes RGB between 0 and 1, as anomalib gives it."""

    def __init__(self, tensors: dict[str, Any]) -> None:
        super().__init__()
        self.stem = Convolution(tensors, "_conv_stem", "_bn0", 2, linear=False)
        stages: list[list[nn.Module]] = []
        for number in range(len({name.split(".")[1] for name in tensors if name.startswith("_blocks.")})):
            prefix = f"_blocks.{number}."
            block = Block(tensors, prefix, 1)
            if block.changes:
                if len(stages) == len(_STRIDES):
                    break
                stages.append([])
                block = Block(tensors, prefix, _STRIDES[len(stages) - 1])
            stages[-1].append(block)
        for number, blocks in enumerate(stages):
            setattr(self, f"s{number}", nn.Sequential(*blocks))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Stage 4; the taps before it are found by their names."""
        value = self.stem((image * 255 - 127) / 128)
        for number in range(len(_STRIDES)):
            value = getattr(self, f"s{number}")(value)
        return value


def pictures(paths: list[str], size: int) -> torch.Tensor:
    """`(pictures, 3, size, size)` between 0 and 1."""
    squares = []
    for path in paths:
        with Image.open(path) as image:
            square = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        squares.append(np.asarray(square, np.float32) / 255)
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous()


def scores(model: nn.Module, images: torch.Tensor) -> list[float]:
    """The anomaly score of each picture."""
    found: list[float] = []
    for start in range(0, len(images), _BATCH):
        found += model(images[start : start + _BATCH]).pred_score.flatten().tolist()
    return found


def milliseconds(model: nn.Module, image: torch.Tensor, rounds: int) -> float:
    """Median time of one picture."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        model(image)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


def fit(method: str, tensors: dict[str, Any], images: torch.Tensor) -> nn.Module:
    """A model of anomalib's, fitted as its own training loop fits it."""
    torch.manual_seed(0)
    backbone = Backbone(tensors).eval()
    if method == "padim":
        model = PadimModel(backbone=backbone, layers=list(_TAPS), n_features=_PADIM_CHANNELS)
    else:
        model = PatchcoreModel(backbone=backbone, layers=list(_TAPS))
    model.train()
    for start in range(0, len(images), _BATCH):
        model(images[start : start + _BATCH])
    if method == "padim":
        model.fit()
        _check_inverse(model)
    else:
        model.subsample_embedding(_CORESET)
    return model.eval()


def _check_inverse(model: nn.Module) -> None:
    """Some builds of PyTorch invert wrongly with several threads: better no figure than a wrong one."""
    inverse = model.gaussian.inv_covariance
    if not torch.isfinite(inverse).all() or (torch.diagonal(inverse, dim1=-2, dim2=-1) <= 0).any():
        message = "PyTorch inverted PaDiM's covariances wrongly."
        raise ArithmeticError(message)


def main() -> None:
    """Does the job named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text())
    tensors = dict(np.load(job["weights"]))
    for task in job["tasks"]:
        train, test = (pictures(task[part], job["size"]) for part in ("train", "test"))
        for method in task["methods"]:
            torch.set_num_threads(1)  # see _check_inverse
            start = time.perf_counter()
            with torch.no_grad():
                model = fit(method, tensors, train)
            seconds = time.perf_counter() - start
            torch.set_num_threads(job["threads"])
            with torch.no_grad():
                found = scores(model, test)
                latency = milliseconds(model, test[:1], job["rounds"])
                file = Path(job["folder"]) / f"{task['set']}-{method}.onnx"
                # PatchCore's graph differs for one picture and for several: this is that of one.
                torch.onnx.export(model, (test[:1],), str(file), input_names=["input"], dynamo=False)
            print(
                json.dumps(
                    {
                        "set": task["set"],
                        "method": method,
                        "scores": found,
                        "fit_seconds": seconds,
                        "torch_ms_p50": latency,
                        "onnx": str(file),
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
