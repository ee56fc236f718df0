"""A trained model judges: normal parts pass, a scratch is found where it was planted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_models import normal_png
from support_pictures import jpeg_bytes, png_bytes, scratched, texture

from chalicelib.detector import Detector
from chalicelib.exceptions import ModelInvalidError
from chalicelib.framing import resized
from chalicelib.pictures import Picture, read_picture
from chalicelib.training.graph import with_metadata

if TYPE_CHECKING:
    from pathlib import Path


def picture(seed: int = 100) -> Picture:
    return read_picture(normal_png(seed))


def scratched_picture(left: float = 0.55, top: float = 0.15) -> Picture:
    return read_picture(png_bytes(scratched(texture(100, 160, 120), left, top)))


def test_a_normal_part_is_normal(detector: Detector) -> None:
    detection = detector.detect(picture())
    assert not detection.is_anomalous
    assert detection.score <= detection.threshold == detector.metadata.threshold
    assert detection.probability < 0.5
    assert detection.confidence == 1 - detection.probability
    assert detection.regions == ()
    assert detection.area == 0


def test_a_scratched_part_is_anomalous(detector: Detector) -> None:
    detection = detector.detect(scratched_picture())
    assert detection.is_anomalous
    assert detection.confidence == detection.probability > 0.9
    assert detection.area == pytest.approx(sum(region.area for region in detection.regions))


@pytest.mark.parametrize(("left", "top"), [(0.05, 0.1), (0.7, 0.1), (0.1, 0.7), (0.7, 0.7)])
def test_a_scratch_is_found_where_it_was_planted(detector: Detector, left: float, top: float) -> None:
    detection = detector.detect(scratched_picture(left, top))
    row, column = np.unravel_index(detection.heat_map.argmax(), detection.heat_map.shape)
    assert left - 0.1 <= column / 10 <= left + 0.2
    assert top - 0.1 <= row / 10 <= top + 0.2
    worst = detection.regions[0]
    assert worst.left <= left + 0.1 <= worst.left + worst.width
    assert worst.top <= top + 0.1 <= worst.top + worst.height
    assert worst.severity == pytest.approx(detection.heat_map.max() / detection.threshold)


def test_most_unseen_normal_parts_pass(detector: Detector) -> None:
    verdicts = [detector.detect(picture(seed)).is_anomalous for seed in range(100, 120)]
    assert sum(verdicts) <= 4


def test_a_jpeg_of_a_normal_part_is_judged_like_its_png(detector: Detector) -> None:
    jpeg = read_picture(jpeg_bytes(texture(100, 160, 120), quality=98, subsampling=0))
    assert detector.detect(jpeg).score == pytest.approx(detector.detect(picture()).score, rel=0.1)


def test_the_same_picture_gets_the_same_score_every_time(detector: Detector) -> None:
    assert detector.detect(picture()).score == detector.detect(picture()).score


def test_several_threads_may_share_a_detector(detector: Detector) -> None:
    alone = [detector.detect(picture(seed)).score for seed in range(100, 106)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda seed: detector.detect(picture(seed)).score, range(100, 106)))
    assert together == alone


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), low=st.integers(0, 255), width=st.integers(64, 400))
def test_any_picture_gets_a_finite_score(detector: Detector, seed: int, low: int, width: int) -> None:
    pixels = np.random.default_rng(seed).integers(low, 256, (97, width, 3), np.uint8)
    detection = detector.detect(Picture(pixels, width, 97, "image/png"))
    assert np.isfinite(detection.score)
    assert detection.is_anomalous == bool(detection.regions)
    assert 0 <= detection.probability <= 1


def test_a_model_is_loaded_from_its_file(model: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    assert Detector.load(path).metadata.project == "tiny"


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalidError, match="No such file"):
        Detector.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("content", [b"", b"no model", b"\0" * 1000])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ModelInvalidError):
        Detector.load(content)


def test_a_truncated_model_is_refused(model: bytes) -> None:
    with pytest.raises(ModelInvalidError, match="onnxruntime"):
        Detector.load(model[: len(model) // 2])


def test_a_foreign_onnx_model_is_refused(model: bytes) -> None:
    proto = onnx.load_from_string(model)
    del proto.metadata_props[:]
    with pytest.raises(ModelInvalidError, match="none that Spotcheck trained"):
        Detector.load(proto.SerializeToString())


def test_metadata_that_does_not_fit_the_graph_is_refused(model: bytes, detector: Detector) -> None:
    with pytest.raises(ModelInvalidError, match="does not fit"):
        Detector.load(with_metadata(model, replace(detector.metadata, input_size=224)))


def test_a_model_that_gives_no_finite_score_is_refused(detector: Detector) -> None:
    class Damaged:
        def run(self, *_: object) -> tuple[np.float32, object]:
            return np.float32("nan"), np.full((10, 10), np.nan, np.float32)

    with pytest.raises(ModelInvalidError, match="finite"):
        Detector(Damaged(), detector.metadata).detect(picture())


def test_a_picture_of_the_right_size_is_not_resampled() -> None:
    pixels = texture(0, 320, 320)
    assert resized(pixels, 320, 320) is pixels
