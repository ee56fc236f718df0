"""The network in eight bits: smaller, nearly the same features, and nothing but the network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from support_models import normal_png
from support_networks import save, token_network
from support_pictures import png_bytes, scratched, texture, truncated

from chalicelib import onnx_file
from chalicelib.detector import Detector
from chalicelib.exceptions import TrainingError
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train
from chalicelib.training.backbone_file import read_backbone
from chalicelib.training.backbones import Backbone, add_backbone, load_backbone
from chalicelib.training.graph import GraphBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CONFIG = TrainingConfig(input_size=160, method="padim", int8=True)


def pictures() -> list[NamedPicture]:
    broken = NamedPicture.of_bytes("broken.png", truncated(normal_png(0)))
    return [broken, *(NamedPicture.of_bytes(f"{seed:02}.png", normal_png(seed)) for seed in range(20))]


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(pictures(), CONFIG)


def features(
    backbone: Backbone, taps: tuple[str, ...], image: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    graph = GraphBuilder()
    names = [tap.value for tap in add_backbone(graph, "image", backbone, taps).values()]
    session = onnxruntime.InferenceSession(graph.model(len(image), dict.fromkeys(names)))
    values: list[NDArray[np.float32]] = session.run(names, {"image": image[None]})
    return values


def test_features_in_eight_bits_are_nearly_those_in_floating_point() -> None:
    quantised = load_backbone(CONFIG, pictures())
    plain = load_backbone(replace(CONFIG, int8=False), pictures())
    image = texture(200, 160, 160)
    for eight, full in zip(
        features(quantised, CONFIG.taps, image), features(plain, CONFIG.taps, image), strict=True
    ):
        assert eight.shape == full.shape
        assert np.corrcoef(eight.ravel(), full.ravel())[0, 1] > 0.98
        assert not np.array_equal(eight, full)


def test_the_network_is_in_eight_bits_and_the_distances_are_not(trained: TrainedModel) -> None:
    model = onnx.load_from_string(trained.model)
    kernels = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4]
    assert {tensor.data_type for tensor in kernels} == {onnx.TensorProto.INT8}
    by_output = {name: node.op_type for node in model.graph.node for name in node.output}
    weights = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    factors = [node.input[0] for node in model.graph.node if node.op_type == "MatMul"]
    assert factors
    for name in factors:  # half-precision factors and a head in floating point, as without int8
        assert by_output.get(name) == "Cast" or weights[name] == onnx.TensorProto.FLOAT
    onnx_file.check(trained.model)


def test_a_scratch_is_found_and_a_normal_part_passes(trained: TrainedModel) -> None:
    detector = Detector.load(trained.model)
    assert detector.metadata.backbone == "efficientnet-lite2, int8"
    assert detector.metadata.config["int8"]
    assert not detector.detect(read_picture(normal_png(100))).is_anomalous
    assert detector.detect(read_picture(png_bytes(scratched(texture(100, 160, 120))))).is_anomalous


def test_the_model_is_smaller_and_the_same_every_time(trained: TrainedModel) -> None:
    assert len(trained.model) < len(train(pictures(), replace(CONFIG, int8=False)).model) - 2_500_000
    assert train(pictures(), CONFIG).model == trained.model


def test_with_labels_and_in_tiles(trained: TrainedModel) -> None:
    spoilt = [
        NamedPicture.of_bytes(f"bad-{seed}.png", png_bytes(scratched(texture(seed, 160, 120))))
        for seed in range(60, 64)
    ]
    labelled = train(pictures(), replace(CONFIG, group=r"(\d+)"), anomalies=spoilt)
    assert labelled.metadata.decisions["labels"]["folds"] >= 2
    tiled = train(pictures(), replace(CONFIG, tile=100), anomalies=spoilt)
    for model in (labelled, tiled):
        found = Detector.load(model.model).detect(read_picture(png_bytes(scratched(texture(90, 160, 120)))))
        assert found.is_anomalous
    assert trained.metadata.tile == 0


def test_a_brought_network_of_tokens_can_be_quantised_too(tmp_path: Path) -> None:
    backbone = read_backbone(save(token_network(), tmp_path / "net.onnx"))
    config = TrainingConfig(method="padim", int8=True).with_backbone(backbone)
    detector = Detector.load(train(pictures(), config).model)
    assert detector.detect(read_picture(png_bytes(scratched(texture(90, 160, 120))))).is_anomalous


def test_without_a_readable_picture_there_is_nothing_to_quantise_with() -> None:
    with pytest.raises(TrainingError, match="nothing to quantise"):
        load_backbone(CONFIG, pictures()[:1])
