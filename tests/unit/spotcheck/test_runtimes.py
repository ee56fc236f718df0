"""OpenVINO may run a model in place of onnxruntime, where it is installed: the scores are the same."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support_models import normal_png, tiny_model
from support_pictures import png_bytes, scratched, texture
from typer.testing import CliRunner

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError, ModelInvalidError
from chalicelib.pictures import read_picture
from chalicelib.training.graph import with_metadata
from spotcheck.cli import app
from spotcheck.exceptions import PrerequisiteError
from spotcheck.runtimes import load_detector

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny_model())
    return path


def test_onnxruntime_runs_a_model_unless_told_otherwise(model: Path) -> None:
    assert load_detector(model).detect(read_picture(normal_png(100))).score > 0


def test_where_openvino_is_missing_the_error_says_how_to_install_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(PrerequisiteError, match=r"requirements/openvino\.txt"):
        load_detector(model, "openvino")


def test_scores_and_heat_maps_are_those_of_onnxruntime(model: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is optional: requirements/openvino.txt installs it")
    one, other = load_detector(model), load_detector(model, "openvino", threads=2)
    assert one.metadata == other.metadata
    for data in (normal_png(100), png_bytes(scratched(texture(100, 160, 120)))):
        expected, found = one.detect(read_picture(data)), other.detect(read_picture(data))
        assert found.score == pytest.approx(expected.score, rel=1e-3)
        np.testing.assert_allclose(found.heat_map, expected.heat_map, rtol=1e-3)
        assert found.is_anomalous == expected.is_anomalous


def test_several_threads_may_share_a_model_of_openvinos(model: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is optional: requirements/openvino.txt installs it")
    detector = load_detector(model, "openvino")
    pictures = [read_picture(normal_png(seed)) for seed in range(100, 106)]
    alone = [detector.detect(picture).score for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda picture: detector.detect(picture).score, pictures)) == alone


def test_what_is_no_model_is_refused_before_openvino_sees_it(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is optional: requirements/openvino.txt installs it")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelInvalidError):
        load_detector(tmp_path / "model.onnx", "openvino")


def test_a_model_in_eight_bits_is_not_for_openvino_whose_scores_are_others(model: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is optional: requirements/openvino.txt installs it")
    metadata = Detector.load(model).metadata
    quantised = replace(metadata, config={**metadata.config, "int8": True})
    model.write_bytes(with_metadata(model.read_bytes(), quantised))
    with pytest.raises(ConfigurationError, match=r"model\.onnx computes in eight bits.*leave --runtime out"):
        load_detector(model, "openvino")


@pytest.mark.parametrize("verb", ["detect", "profile"])
def test_the_verbs_take_a_runtime(model: Path, tmp_path: Path, verb: str) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is optional: requirements/openvino.txt installs it")
    (tmp_path / "part.png").write_bytes(normal_png(100))
    rounds = ["--rounds", "1"] if verb == "profile" else []
    result = CliRunner().invoke(
        app,
        [verb, "--model", str(model), "--runtime", "openvino", *rounds, "--json", str(tmp_path / "part.png")],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)
