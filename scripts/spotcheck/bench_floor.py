"""How near a model's latency is to the least that its arithmetic takes on this machine."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable

_SIDE = 768
_ROUNDS = 50
# OpenBLAS's threads wait busily after a product, on the CPUs that the model needs; no longer than this.
_BLAS_SPINS = 0.08


class Floor(NamedTuple):
    """What was measured, in turns, with so many threads.

    Attributes:
        gemm_gflops: The fastest of the matrix products, in 10⁹ operations a second.
        floor_ms: What the model's operations take at that speed.
        latency_ms_p50: The model's median.
        latency_ms_best: Its shortest.
        ratio: The shortest over the floor, which is that of the fastest product: both are what other work
            on the machine slows the least.
        ratio_p50: The median over the same floor.
    """

    gemm_gflops: float
    floor_ms: float
    latency_ms_p50: float
    latency_ms_best: float
    ratio: float
    ratio_p50: float


def operations(model: bytes) -> int:
    """Multiplications and additions in a graph's convolutions and matrix products: all that counts.

    Args:
        model: An ONNX file whose shapes are all fixed.
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model), data_prop=True).graph
    shapes = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = tuple(side.dim_value for side in value.type.tensor_type.shape.dim)
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            total += int(np.prod(shapes[node.output[0]])) * int(np.prod(shapes[node.input[1]][1:]))
        elif node.op_type == "MatMul":
            total += int(np.prod(shapes[node.output[0]])) * shapes[node.input[0]][-1]
    return 2 * total


def measure_floor(model: bytes, infer: Callable[[], object], threads: int) -> Floor:
    """Measures a model and matrix products in turns, so that both meet the same machine.

    Args:
        model: The ONNX file.
        infer: Judges one picture with it.
        threads: How many `infer` uses.
    """
    factor = np.random.default_rng(0).standard_normal((_SIDE, _SIDE), np.float32)
    products, latencies = [], []
    with threadpool_limits(threads, "blas"):
        for _ in range(_ROUNDS):
            latencies.append(_seconds(infer))
            products.append(_seconds(lambda: factor @ factor))
            time.sleep(_BLAS_SPINS)
    speed = 2 * _SIDE**3 / min(products)
    floor = operations(model) / speed
    latency = statistics.median(latencies)
    return Floor(
        gemm_gflops=round(speed / 1e9, 1),
        floor_ms=round(floor * 1000, 2),
        latency_ms_p50=round(latency * 1000, 2),
        latency_ms_best=round(min(latencies) * 1000, 2),
        ratio=round(min(latencies) / floor, 3),
        ratio_p50=round(latency / floor, 3),
    )


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
