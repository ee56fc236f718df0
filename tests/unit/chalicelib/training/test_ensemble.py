"""The ensemble: the graph computes what NumPy computes, and no picture is judged by heads that saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from chalicelib.training.ensemble import PICTURE, SYNTHETIC, Ensemble, added, patch_judgements
from chalicelib.training.ensemble_fit import Sample, fit_ensemble
from chalicelib.training.ensemble_graph import add_ensemble
from chalicelib.training.features import FeatureValues
from chalicelib.training.graph import GraphBuilder
from chalicelib.training.picture_rows import picture_rows
from chalicelib.training.scoring import scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID, CHANNELS, CONTEXT, POOLED = 10, 6, 4, 5
PATCHES = GRID**2


def sample(normals: int = 30, anomalies: int = 8, *, masked: bool = True, seed: int = 0) -> Sample:
    """Pictures whose anomalies have one odd patch, the same kind of odd in each."""
    generator = np.random.default_rng(seed)
    count = normals + anomalies
    is_anomalous = np.arange(count) >= normals
    patches = generator.normal(size=(count, CHANNELS + CONTEXT, PATCHES)).astype(np.float32)
    distances = np.exp(generator.normal(2, 0.2, (count, PATCHES)))
    masks = np.zeros((count, PATCHES), np.float32)
    places = generator.integers(0, PATCHES, count)
    for picture in np.flatnonzero(is_anomalous):
        patches[picture, 2, places[picture]] += 5
        distances[picture, places[picture]] *= 2
        masks[picture, places[picture]] = masked
    pooled = generator.normal(size=(count, POOLED)).astype(np.float32)
    folds = np.arange(count) % 4
    return Sample(list(patches), pooled, distances, is_anomalous, masks, folds)


def judged(ensemble: Ensemble, given: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores `(pictures,)` and heat maps `(pictures, patches)` by the definition, in NumPy."""
    logs = np.log(given.distances)
    rows = np.concatenate([np.stack(given.patches), logs[:, None]], axis=1).transpose(0, 2, 1)
    by_patch = [judge.head(rows) if judge.head else logs for judge in ensemble.of_patches]
    of_patches = iter(by_patch)
    judgements = [
        judge.head(picture_rows(given)) if judge.head and judge.name == PICTURE else scores(next(of_patches))
        for judge in ensemble.judges
    ]
    heat = ensemble.on_distance_scale(ensemble.patch_total(added(ensemble.of_patches, by_patch)))
    return np.exp(ensemble.log_scores(np.stack(judgements))), np.exp(heat)


def run_graph(ensemble: Ensemble, given: Sample, picture: int) -> tuple[float, NDArray[np.float32]]:
    """What the graph gives for one picture, whose features are built into it."""
    graph = GraphBuilder()
    # The black image is added to each constant, so that onnxruntime cannot work everything out beforehand.
    black = graph.add("ReduceMax", [graph.add("Cast", ["image"], to=TensorProto.FLOAT)], keepdims=0)

    def value(constant: NDArray[Any]) -> str:
        return graph.add("Add", [graph.constant(constant.astype(np.float32)), black])

    patches = given.patches[picture].reshape(1, -1, GRID, GRID)
    values = FeatureValues(
        value(patches[:, :CHANNELS]),
        (2, CHANNELS - 2),
        GRID,
        value(patches[:, CHANNELS:]) if ensemble.needs_context else "",
        CONTEXT if ensemble.needs_context else 0,
        value(given.pooled[picture]) if ensemble.needs_context else "",
        POOLED if ensemble.needs_context else 0,
    )
    distances = value(given.distances[picture])
    add_ensemble(graph, values, distances, ensemble)
    session = onnxruntime.InferenceSession(graph.model(4, {"score": (), "heat_map": (GRID, GRID)}))
    score, heat_map = session.run(("score", "heat_map"), {"image": np.zeros((1, 4, 4, 3), np.uint8)})
    return float(score), heat_map.ravel()


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return fit_ensemble(sample())


def test_the_graph_computes_what_numpy_computes(ensemble: Ensemble) -> None:
    unseen = sample(3, 2, seed=9)
    expected_scores, expected_heat = judged(ensemble, unseen)
    for picture in range(5):
        score, heat = run_graph(ensemble, unseen, picture)
        assert score == pytest.approx(expected_scores[picture], rel=1e-4)
        np.testing.assert_allclose(heat, expected_heat[picture], rtol=1e-4)


def test_judges_of_patches_only_need_no_context_and_count_what_they_are_to_count() -> None:
    taught = fit_ensemble(without_context(sample()), SYNTHETIC)
    unseen = without_context(sample(3, 2, seed=9))
    assert not taught.needs_context
    assert [judge.weight for judge in taught.judges] == [1, 0.25]
    of_pictures, heat_maps = patch_judgements(taught, np.stack(unseen.patches), unseen.distances)
    for picture in range(5):
        score, heat = run_graph(taught, unseen, picture)
        assert score == pytest.approx(np.exp(of_pictures[picture]), rel=1e-4)
        np.testing.assert_allclose(heat, np.exp(heat_maps[picture]), rtol=1e-4)


def without_context(given: Sample) -> Sample:
    patches = [patches[:CHANNELS] for patches in given.patches]
    return given._replace(patches=patches, pooled=given.pooled[:, :0])


@pytest.mark.parametrize("masked", [True, False])
def test_it_tells_unseen_anomalies_from_normal_pictures(masked: bool) -> None:  # noqa: FBT001
    unseen = sample(40, 20, seed=5)
    found, _ = judged(fit_ensemble(sample(masked=masked)), unseen)
    alone = scores(unseen.distances)
    share_above = [(values[40:, None] > values[:40]).mean() for values in (found, alone)]
    assert share_above[0] > max(0.95, share_above[1])


def test_the_heat_map_peaks_at_the_anomaly_and_is_on_the_scores_scale(ensemble: Ensemble) -> None:
    unseen = sample(40, 20, seed=5)
    found, heat = judged(ensemble, unseen)
    hits = [map_.argmax() == mask.argmax() for map_, mask in zip(heat[40:], unseen.masks[40:], strict=True)]
    assert np.mean(hits) > 0.9
    assert np.median(heat[:40].max(axis=1)) == pytest.approx(np.median(found[:40]), rel=0.1)


def test_normal_pictures_score_as_they_do_without_labels(ensemble: Ensemble) -> None:
    given = sample()
    logs = ensemble.log_scores(ensemble.held_out)[:30]
    alone = scores(np.log(given.distances))[:30]
    assert logs.mean() == pytest.approx(alone.mean(), rel=0.01)
    assert logs.std() == pytest.approx(alone.std(), rel=0.15)


def test_a_held_out_picture_is_judged_by_heads_that_have_not_seen_it() -> None:
    """Labels by chance, nothing to learn: whoever judges what it has seen would still tell them apart."""
    generator = np.random.default_rng(0)
    given = sample(40, 20, seed=3)
    noise = given._replace(
        patches=list(generator.normal(size=np.shape(given.patches)).astype(np.float32)),
        distances=np.exp(generator.normal(2, 0.2, given.distances.shape)),
        masks=np.zeros_like(given.masks),
    )
    held_out = fit_ensemble(noise).held_out
    for judge in held_out:
        assert 0.2 < (judge[40:, None] > judge[:40]).mean() < 0.8


def test_the_wildest_features_give_finite_scores(ensemble: Ensemble) -> None:
    wild = sample(2, 1)
    wild = wild._replace(
        patches=[patches * np.float32(1e6) for patches in wild.patches], distances=wild.distances * 1e12
    )
    for picture in range(3):
        score, heat = run_graph(ensemble, wild, picture)
        assert np.isfinite(score)
        assert np.isfinite(heat).all()
