"""PaDiM's numbers: the closed form is the long way round, and the graph computes what NumPy computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from chalicelib.exceptions import TrainingError
from chalicelib.training.graph import GraphBuilder
from chalicelib.training.padim import (
    Padim,
    add_padim,
    fit_padim,
    padim_distances,
    padim_distances_without,
)
from chalicelib.training.scoring import add_outputs, scores, top_patches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CHANNELS = (5, 9)


def features(count: int = 20, patches: int = 4, seed: int = 0) -> NDArray[np.float32]:
    """Correlated features whose second tap is much larger than its first."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(sum(CHANNELS), sum(CHANNELS)))
    values = np.einsum("ncp,cd->ndp", generator.normal(size=(count, sum(CHANNELS), patches)), mixing)
    values[:, CHANNELS[0] :] *= 30
    result: NDArray[np.float32] = values.astype(np.float32)
    return result


def scaled_and_ridge(values: NDArray[np.float32], ridge: float) -> tuple[NDArray[np.float64], float]:
    """Taps scaled to a total variance of one, and the ridge in absolute terms: the slow, obvious way."""
    parts = np.split(values.astype(np.float64), [CHANNELS[0]], axis=1)
    scaled = []
    for part in parts:
        deviation = part - part.mean(axis=(0, 2), keepdims=True)
        scaled.append(part / np.sqrt((deviation**2).sum(axis=1).mean()))
    joined = np.concatenate(scaled, axis=1)
    return joined, ridge * float(joined.var(axis=0, ddof=1).mean())


def reference_distances(model: Padim, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distances `(pictures, patches)` by the definition."""
    return np.stack(
        [
            np.linalg.norm((values[:, :, patch] - model.means[patch]) @ factor.astype(np.float64).T, axis=1)
            for patch, factor in enumerate(model.factors)
        ],
        axis=1,
    )


def test_closed_form_leave_one_out_equals_fitting_once_for_each_picture_left_out() -> None:
    values = features()
    scaled, ridge = scaled_and_ridge(values, 0.03)
    expected = np.empty((20, 4))
    for left_out in range(20):
        others = np.delete(scaled, left_out, axis=0)
        for patch in range(4):
            covariance = np.cov(others[:, :, patch], rowvar=False) + ridge * np.eye(14)
            away = scaled[left_out, :, patch] - others[:, :, patch].mean(axis=0)
            expected[left_out, patch] = np.sqrt(away @ np.linalg.solve(covariance, away))
    np.testing.assert_allclose(fit_padim(values, CHANNELS, 0.03).leave_one_out, expected, rtol=1e-5)


def test_closed_form_leave_group_out_equals_fitting_once_for_each_group_left_out() -> None:
    values = features()
    groups = np.array([0, 0, 0, 1, 2, 3, 3, *range(4, 17)])
    scaled, ridge = scaled_and_ridge(values, 0.03)
    found = fit_padim(values, CHANNELS, 0.03, groups).leave_one_out
    for group, size in ((0, 3), (1, 1), (3, 2)):
        out = groups == group
        for patch in range(4):
            covariance = np.cov(scaled[~out, :, patch], rowvar=False)
            covariance += ridge * (18 / (19 - size)) * np.eye(14)
            away = scaled[out, :, patch] - scaled[~out, :, patch].mean(axis=0)
            expected = np.sqrt((away @ np.linalg.inv(covariance) * away).sum(axis=1))
            np.testing.assert_allclose(found[out, patch], expected, rtol=1e-5)


def test_leaving_out_more_pictures_than_there_are_features_is_fitting_to_the_others() -> None:
    values = features(count=60)
    groups = np.array([0] * 18 + list(range(1, 43)))
    scaled, ridge = scaled_and_ridge(values, 0.03)
    found = fit_padim(values, CHANNELS, 0.03, groups).leave_one_out
    out = groups == 0
    for patch in range(4):
        covariance = np.cov(scaled[~out, :, patch], rowvar=False)
        covariance += ridge * (58 / 41) * np.eye(14)
        away = scaled[out, :, patch] - scaled[~out, :, patch].mean(axis=0)
        expected = np.sqrt((away @ np.linalg.inv(covariance) * away).sum(axis=1))
        np.testing.assert_allclose(found[out, patch], expected, rtol=1e-5)


@pytest.mark.parametrize("groups", [range(20), [0, 0, 0, 1, 2, 3, 3, *range(4, 17)]])
def test_an_altered_picture_is_as_far_as_from_a_fit_without_its_part(groups: Sequence[int]) -> None:
    values, part = features(), np.array(groups)
    altered = values[[0, 5, 1]] + features(3, seed=1)
    scaled, ridge = scaled_and_ridge(values, 0.03)
    tap_scales = scaled[0, :, 0] / values[0, :, 0]
    model = fit_padim(values, CHANNELS, 0.03, part)
    found = padim_distances_without(model, altered, part[[0, 5, 1]], values, part)
    for place, source in enumerate((0, 5, 1)):
        out = part == part[source]
        for patch in range(4):
            covariance = np.cov(scaled[~out, :, patch], rowvar=False)
            covariance += ridge * (18 / (19 - out.sum())) * np.eye(14)
            away = altered[place, :, patch] * tap_scales - scaled[~out, :, patch].mean(axis=0)
            expected = np.sqrt(away @ np.linalg.solve(covariance, away))
            assert found[place, patch] == pytest.approx(expected, rel=2e-3)  # factors have half precision


def test_nearly_all_pictures_of_one_part_are_refused() -> None:
    with pytest.raises(TrainingError, match="Nearly all pictures show the same part"):
        fit_padim(features(), CHANNELS, 0.03, np.array([0] * 18 + [1, 2]))


def test_a_distance_is_mahalanobis_with_the_ridge() -> None:
    values = features()
    scaled, ridge = scaled_and_ridge(values, 0.03)
    away = scaled[3, :, 2] - scaled[:, :, 2].mean(axis=0)
    covariance = np.cov(scaled[:, :, 2], rowvar=False) * 19 / 18 + ridge * np.eye(14)
    expected = np.sqrt(away @ np.linalg.solve(covariance, away))
    assert reference_distances(fit_padim(values, CHANNELS, 0.03), values)[3, 2] == pytest.approx(
        expected, rel=1e-3
    )


def test_the_graph_computes_what_numpy_computes() -> None:
    model = fit_padim(features(count=30, patches=16), CHANNELS, 0.03)
    graph = GraphBuilder()
    # The graph's input is uint8 `(1, 14, 14, 3)`: its first channel serves as 14 features of 16 patches.
    value = graph.add("Cast", ["image"], to=1)
    value = graph.add(
        "Slice", [value, graph.indices(0, 0, 0), graph.indices(14, 14, 1), graph.indices(1, 2, 3)]
    )
    value = graph.add("Reshape", [value, graph.indices(1, 14, 14)])
    value = graph.add("Slice", [value, graph.indices(0), graph.indices(14), graph.indices(2)])
    value = graph.add("Pad", [value, graph.indices(0, 0, 0, 0, 0, 2)])
    value = graph.add("Reshape", [value, graph.indices(1, 14, 4, 4)])
    add_outputs(graph, add_padim(graph, value, model), 16)
    session = onnxruntime.InferenceSession(graph.model(14, {"score": (), "heat_map": (4, 4)}))
    image = np.random.default_rng(1).integers(0, 256, (1, 14, 14, 3), np.uint8)
    score, heat_map = session.run(("score", "heat_map"), {"image": image})
    given = np.pad(image[..., 0].astype(np.float32), ((0, 0), (0, 0), (0, 2)))
    expected = reference_distances(model, given)
    np.testing.assert_allclose(heat_map.reshape(1, 16), expected, rtol=1e-4)
    np.testing.assert_allclose(padim_distances(model, given), expected, rtol=1e-4)
    np.testing.assert_allclose(score, scores(expected)[0], rtol=1e-4)


@pytest.mark.parametrize("width", [1, 3, 7, 168])
def test_factors_in_blocks_give_the_distance_whatever_their_number_of_channels(width: int) -> None:
    generator = np.random.default_rng(0)
    factors = np.tril(generator.normal(size=(1, width, width))).astype(np.float16)
    model = Padim(generator.normal(size=(1, width)).astype(np.float32), factors, np.empty((0, 1)))
    graph = GraphBuilder()
    # Of the graph's input only the first value of all serves, for each of the features.
    value = graph.add("Slice", ["image", graph.indices(0, 0), graph.indices(1, 1), graph.indices(1, 3)])
    value = graph.add("Cast", [graph.add("Slice", [value, *map(graph.indices, (0, 1, 2))])], to=1)
    value = graph.add("Expand", [graph.add("Reshape", [value, graph.indices(1)]), graph.indices(width)])
    add_outputs(graph, add_padim(graph, value, model), 1)
    session = onnxruntime.InferenceSession(graph.model(1, {"score": (), "heat_map": (1, 1)}))
    (score,) = session.run(("score",), {"image": np.full((1, 1, 1, 3), 200, np.uint8)})
    expected = reference_distances(model, np.full((1, width, 1), 200, np.float32))
    np.testing.assert_allclose(score, expected[0, 0], rtol=1e-4)


def test_a_score_is_the_mean_of_the_largest_hundredth_of_the_patches() -> None:
    assert [top_patches(count) for count in (1, 100, 149, 400)] == [1, 1, 1, 4]
    distances = np.arange(800.0).reshape(2, 400)
    np.testing.assert_array_equal(scores(distances), [397.5, 797.5])


def test_pictures_that_are_all_the_same_are_refused() -> None:
    same = np.repeat(features(count=1), 12, axis=0)
    with pytest.raises(TrainingError, match="All pictures are the same"):
        fit_padim(same, CHANNELS, 0.03)


def test_factors_that_half_precision_cannot_hold_are_refused() -> None:
    with pytest.raises(TrainingError, match="too much alike"):
        fit_padim(features() * np.float32(1e-12), CHANNELS, 0.03)
