"""What the detector's benchmark computes from what it measures."""

from __future__ import annotations

import numpy as np

from chalicelib.training.graph import GraphBuilder
from spotcheck.bench_anomalib import ratios
from spotcheck.bench_floor import operations


def test_operations_are_counted_in_convolutions_and_matrix_products() -> None:
    graph = GraphBuilder()
    value = graph.add("Cast", ["image"], to=1)
    value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    kernel = graph.constant(np.zeros((4, 3, 3, 3), np.float32))
    value = graph.add("Conv", [value, kernel], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    value = graph.add("Reshape", [value, graph.indices(64, 4)])
    graph.add("MatMul", [value, graph.constant(np.zeros((4, 5), np.float32))], output="product")

    convolution, product = 4 * 8 * 8 * (3 * 3 * 3), 64 * 5 * 4
    assert operations(graph.model(16, {"product": (64, 5)})) == 2 * (convolution + product)


def test_a_grouped_convolution_counts_what_each_group_reads() -> None:
    graph = GraphBuilder()
    value = graph.add("Cast", ["image"], to=1)
    value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    kernel = graph.constant(np.zeros((3, 1, 5, 5), np.float32))
    graph.add("Conv", [value, kernel], kernel_shape=[5, 5], pads=[2, 2, 2, 2], group=3, output="value")

    assert operations(graph.model(16, {"value": (1, 3, 16, 16)})) == 2 * 3 * 16 * 16 * 25


def test_ratios_are_against_the_faster_and_the_better_of_anomalibs_methods() -> None:
    found = {
        "one": {
            "spotcheck": {"image_auroc": 0.9, "ms_p50": 10.0},
            "padim": {"image_auroc": 0.7, "ms_p50": 12.0},
            "patchcore": {"image_auroc": 0.8, "ms_p50": 30.0},
        },
        "other": {
            "spotcheck": {"image_auroc": 0.7, "ms_p50": 10.0},
            "padim": {"image_auroc": 0.9, "ms_p50": 18.0},
            "patchcore": {"image_auroc": 0.6, "ms_p50": 30.0},
        },
    }

    assert ratios(found) == {"speed_ratio_anomalib": 1.5, "auroc_ratio_anomalib": 1.0}
