"""PatchCore's numbers: whitening, nearest neighbours, and a graph that computes what NumPy computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from chalicelib.training.graph import GraphBuilder
from chalicelib.training.patchcore import PatchCore, add_patchcore, fit_patchcore, patchcore_distances
from chalicelib.training.scoring import add_outputs, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANNELS = (3, 5)


def features(count: int, seed: int = 0) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(8, 8))
    values = np.einsum("ncp,cd->ndp", generator.normal(size=(count, 8, 16)), mixing)
    result: NDArray[np.float32] = values.astype(np.float32)
    return result


def brute_force(model: PatchCore, patch: NDArray[np.float32], allowed: NDArray[np.bool_]) -> float:
    white = (patch.astype(np.float64) - model.space.mean) @ model.space.whitening
    bank = model.space.bank[allowed].astype(np.float64)
    return float(np.linalg.norm(bank - white, axis=1).min())


def test_a_distance_is_that_to_the_nearest_remembered_patch() -> None:
    model, unseen = fit_patchcore(features(20), CHANNELS), features(2, seed=1)
    found = patchcore_distances(model, unseen)
    everything = np.ones(len(model.space.bank), bool)
    expected = [[brute_force(model, patch, everything) for patch in picture.T] for picture in unseen]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_leave_one_out_passes_over_what_the_picture_or_its_group_remembered() -> None:
    values = features(20)
    alone, together = fit_patchcore(values, CHANNELS), fit_patchcore(values, CHANNELS, np.arange(20) // 2)
    in_sample = patchcore_distances(alone, values)
    assert together.leave_one_out.mean() > alone.leave_one_out.mean() > in_sample.mean()


def test_an_altered_picture_is_not_found_in_the_patches_that_its_part_gave() -> None:
    values, groups = features(20), np.arange(20) // 2
    model = fit_patchcore(values, CHANNELS, groups)
    as_they_are = patchcore_distances(model, values, groups)
    np.testing.assert_allclose(as_they_are, model.leave_one_out, rtol=1e-3, atol=1e-3)


def test_leave_one_out_scores_are_those_of_unseen_pictures() -> None:
    model = fit_patchcore(features(60), CHANNELS)
    unseen = patchcore_distances(model, features(60, seed=5))
    assert model.leave_one_out.mean() == pytest.approx(unseen.mean(), rel=0.05)


def test_whitening_has_not_seen_the_picture_that_is_left_out() -> None:
    """Pictures that differ as a whole, fewer than there are channels: whitening fits itself to them."""

    def pictures(count: int, seed: int) -> NDArray[np.float32]:
        generator = np.random.default_rng(seed)
        whole, patches = generator.normal(size=(count, 40, 1)), generator.normal(size=(count, 40, 16))
        return (whole + 0.2 * patches).astype(np.float32)

    model = fit_patchcore(pictures(20, 0), (15, 25))
    unseen = patchcore_distances(model, pictures(60, 1))
    assert model.leave_one_out.mean() == pytest.approx(unseen.mean(), rel=0.05)


def test_whitened_features_have_uncorrelated_components() -> None:
    values = features(60)
    model = fit_patchcore(values, CHANNELS)
    white = (values.transpose(0, 2, 1).reshape(-1, 8) - model.space.mean) @ model.space.whitening
    correlation = np.corrcoef(white, rowvar=False)
    np.testing.assert_allclose(correlation, np.eye(8), atol=1e-3)


def test_the_graph_computes_what_numpy_computes() -> None:
    model, unseen = fit_patchcore(features(20), CHANNELS), features(3, seed=2)
    expected = patchcore_distances(model, unseen)
    for picture, row in zip(unseen, expected, strict=True):
        graph = GraphBuilder()
        black = graph.add("ReduceMax", [graph.add("Cast", ["image"], to=TensorProto.FLOAT)], keepdims=0)
        value = graph.add("Add", [graph.constant(picture.reshape(1, 8, 4, 4)), black])
        add_outputs(graph, add_patchcore(graph, value, model, 16), 16)
        session = onnxruntime.InferenceSession(graph.model(4, {"score": (), "heat_map": (4, 4)}))
        score, heat_map = session.run(("score", "heat_map"), {"image": np.zeros((1, 4, 4, 3), np.uint8)})
        np.testing.assert_allclose(heat_map.ravel(), row, rtol=1e-4)
        np.testing.assert_allclose(score, scores(row[None])[0], rtol=1e-4)
