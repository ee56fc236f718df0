"""DetectAnomalies' answer, against botocore's model of it."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.parsers import create_parser
from botocore.validate import ParamValidator
from PIL import Image
from support_kinds import anomaly, named_model
from support_models import normal_png
from support_pictures import png_bytes, texture

from chalicelib.anomalies import FoundKind, Kind
from chalicelib.detector import Detection, Detector
from chalicelib.heatmaps import mask_png
from chalicelib.lookout.answer import detect_anomaly_result
from chalicelib.lookout.api.contract import answer_of, service_model
from chalicelib.pictures import Picture, read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 5_242_880


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(named_model().model, threads=2)


def answered(picture: Picture, detection: Detection, *, with_masks: bool) -> dict[str, Any]:
    """What boto3 makes of the answer, through JSON as on the wire; its patterns are checked."""
    result = {"DetectAnomalyResult": detect_anomaly_result(picture, detection, with_masks=with_masks)}
    body = json.dumps(answer_of("DetectAnomalies", result)).encode()
    shape = service_model().operation_model("DetectAnomalies").output_shape
    assert shape is not None
    parsed = create_parser("rest-json").parse({"body": body, "headers": {}, "status_code": 200}, shape)
    parsed.pop("ResponseMetadata")
    assert not ParamValidator().validate(parsed, shape).has_errors()
    return dict(parsed["DetectAnomalyResult"])


def test_a_model_trained_with_masks_says_what_and_where(detector: Detector) -> None:
    picture = read_picture(anomaly(301).read())
    found = answered(picture, detector.detect(picture), with_masks=True)
    assert found["Source"] == {"Type": "direct"}
    assert found["IsAnomalous"] is True
    names = [one["Name"] for one in found["Anomalies"]]
    assert names[0] == "background"
    assert "scratch" in names
    assert all(re.fullmatch("[a-zA-Z0-9]+", name) for name in names)
    pixels = [one["PixelAnomaly"] for one in found["Anomalies"]]
    assert pixels[0]["Color"] == "#FFFFFF"
    assert all(re.fullmatch("#[a-zA-Z0-9]{6}", one["Color"]) for one in pixels)
    assert sum(one["TotalPercentageArea"] for one in pixels) == pytest.approx(1)


def test_the_masks_pixels_are_the_areas_in_their_colours(detector: Detector) -> None:
    picture = read_picture(anomaly(300).read())
    found = answered(picture, detector.detect(picture), with_masks=True)
    with Image.open(io.BytesIO(found["AnomalyMask"]), formats=["PNG"]) as mask:
        assert (mask.mode, mask.size) == ("P", (160, 120))
        colours = np.asarray(mask.convert("RGB"))
    for one in found["Anomalies"]:
        rgb = tuple(bytes.fromhex(one["PixelAnomaly"]["Color"][1:]))
        share = (colours == rgb).all(axis=2).mean()
        assert share == pytest.approx(one["PixelAnomaly"]["TotalPercentageArea"])


def test_a_normal_picture_is_background_alone(detector: Detector) -> None:
    picture = read_picture(normal_png(100))
    found = answered(picture, detector.detect(picture), with_masks=True)
    assert found["IsAnomalous"] is False
    assert [one["Name"] for one in found["Anomalies"]] == ["background"]
    with Image.open(io.BytesIO(found["AnomalyMask"]), formats=["PNG"]) as mask:
        assert not np.asarray(mask).any()


def test_a_model_trained_without_masks_says_no_more_than_old_programs_can_write_down(
    detector: Detector,
) -> None:
    picture = read_picture(anomaly(300).read())
    found = answered(picture, detector.detect(picture), with_masks=False)
    assert set(found) == {"Source", "IsAnomalous", "Confidence"}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("kinds", [1, 3, 15, 100])
def test_the_largest_picture_with_the_wildest_mask_stays_within_the_models_limit(kinds: int) -> None:
    grid = 256
    kind_map: NDArray[np.uint8] = (
        np.random.default_rng(0).integers(0, kinds + 1, (grid, grid)).astype(np.uint8)
    )
    model_kinds = tuple(Kind(f"kind{number}", f"#0000{number:02X}") for number in range(kinds))
    detection = Detection(
        score=2,
        threshold=1,
        probability=0.9,
        is_anomalous=True,
        confidence=0.9,
        heat_map=np.ones((grid, grid), np.float32),
        regions=(),
        area=1,
        kinds=(FoundKind("kind0", 1, "#000000"),),
        kind_map=kind_map,
        model_kinds=model_kinds,
    )
    picture = read_picture(png_bytes(texture(0, 64, 64)))
    large = Picture(picture.pixels, 4096, 4096, picture.content_type)
    mask = mask_png(large, detection)
    assert len(mask) <= MOST_BYTES
    with Image.open(io.BytesIO(mask), formats=["PNG"]) as image:
        assert image.size == (4096, 4096)
        assert (np.asarray(image)[::16, ::16] == kind_map).all()
