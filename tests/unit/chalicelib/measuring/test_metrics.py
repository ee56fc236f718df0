"""The figures are those of the literature, and None where the pictures cannot tell them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from chalicelib.measuring.metrics import PixelMetrics, image_metrics

SIDE = 32


def test_image_metrics_at_the_threshold() -> None:
    metrics = image_metrics([False, False, False, False, True, True], [1, 2, 3, 6, 4, 9], 5)
    assert metrics.image_auroc == pytest.approx(7 / 8)
    assert (metrics.precision, metrics.recall, metrics.f1) == (0.5, 0.5, 0.5)
    assert metrics.false_alarm_rate == 0.25


def test_a_score_at_the_threshold_is_normal() -> None:
    assert image_metrics([False, True], [5, 5.1], 5).false_alarm_rate == 0


def test_normals_alone_tell_only_the_false_alarm_rate() -> None:
    metrics = image_metrics([False, False], [1, 9], 5)
    assert metrics.false_alarm_rate == 0.5
    assert (metrics.image_auroc, metrics.precision, metrics.recall, metrics.f1) == (None, None, None, None)


def test_anomalies_alone_tell_no_false_alarm_rate() -> None:
    metrics = image_metrics([True, True], [1, 9], 5)
    assert (metrics.recall, metrics.precision) == (0.5, 1)
    assert (metrics.image_auroc, metrics.false_alarm_rate) == (None, None)


def test_without_a_single_alarm_there_is_no_precision() -> None:
    metrics = image_metrics([False, True], [1, 2], 5)
    assert (metrics.precision, metrics.recall, metrics.f1) == (None, 0, 0)


Pictures = list[tuple[NDArray[np.float32], NDArray[np.bool_] | None]]


def pictures(seed: int = 0) -> Pictures:
    """Smooth heat maps, warmer where the masks are; two anomalies a mask, and two normal pictures."""
    generator = np.random.default_rng(seed)
    result: Pictures = []
    for index in range(6):
        mask = np.zeros((SIDE, SIDE), bool)
        if index < 4:
            mask[3 : 5 + index, 4:9] = True
            mask[20:28, 15 : 20 + 2 * index] = True
        noise = ndimage.gaussian_filter(generator.normal(size=(SIDE, SIDE)), 2) * 4
        heat_map = np.exp(3 + noise + 0.8 * mask).astype(np.float32)
        result.append((heat_map, mask if index < 4 else None))
    return result


def measured(data: Pictures, threshold: float = 20) -> PixelMetrics:
    metrics = PixelMetrics(threshold)
    for heat_map, mask in data:
        metrics.add(heat_map, mask)
    return metrics


def truth(mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.zeros((SIDE, SIDE), bool) if mask is None else mask


def test_pixel_auroc_is_scikit_learns() -> None:
    data = pictures()
    labels = np.concatenate([truth(mask).ravel() for _, mask in data])
    expected = roc_auc_score(labels, np.concatenate([heat_map.ravel() for heat_map, _ in data]))
    assert measured(data).auroc() == pytest.approx(expected, abs=1e-3)


def test_pixel_aupro_is_what_the_definition_gives() -> None:
    data = pictures()
    normal = np.sort(np.concatenate([heat_map[~truth(mask)] for heat_map, mask in data]))[::-1]
    regions = [
        heat_map[component == label]
        for heat_map, mask in data
        for component, count in [ndimage.label(truth(mask), structure=np.ones((3, 3)))]
        for label in range(1, count + 1)
    ]
    rates, overlaps = [0.0], [0.0]
    for index, threshold in enumerate(normal, start=1):
        if index / len(normal) > 0.3:
            break
        rates.append(index / len(normal))
        overlaps.append(float(np.mean([(region >= threshold).mean() for region in regions])))
    expected = np.trapezoid(overlaps, rates) / rates[-1]
    assert measured(data).aupro() == pytest.approx(expected, abs=5e-3)


def test_a_perfect_heat_map_has_the_best_figures() -> None:
    data: Pictures = [(np.where(truth(mask), 100, 1).astype(np.float32), mask) for _, mask in pictures()]
    assert measured(data).auroc() == pytest.approx(1)
    assert measured(data).aupro() == pytest.approx(1)


def test_a_constant_heat_map_tells_nothing() -> None:
    data: Pictures = [(np.full((SIDE, SIDE), 7, np.float32), mask) for _, mask in pictures()]
    assert measured(data).auroc() == pytest.approx(0.5)
    assert measured(data).aupro() == pytest.approx(0.15)


def test_without_masks_there_are_no_pixel_figures() -> None:
    metrics = measured([(heat_map, None) for heat_map, _ in pictures()])
    assert (metrics.auroc(), metrics.aupro()) == (None, None)


def test_distances_of_zero_and_infinity_count_as_the_least_and_the_most() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[:4] = True
    heat_map = np.where(mask, np.inf, 0).astype(np.float32)
    assert measured([(heat_map, mask)]).auroc() == pytest.approx(1)
