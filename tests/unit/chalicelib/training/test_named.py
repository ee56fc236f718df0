"""From labelled pictures to verdicts that name what they found: training, metadata, graph, mask."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor
from support_kinds import anomaly, is_dent, mask_of, named_model, stained
from support_models import normal_png
from support_pictures import png_bytes, texture

from chalicelib.anomalies import UNNAMED, anomaly_list
from chalicelib.detector import Detector
from chalicelib.exceptions import ModelInvalidError
from chalicelib.heatmaps import mask_png
from chalicelib.model_metadata import ModelMetadata
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, train
from chalicelib.training.graph import with_metadata

CONFIG = TrainingConfig(project="weave", input_size=160)


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return named_model()


@pytest.fixture(scope="module")
def detector(trained: TrainedModel) -> Detector:
    return Detector.load(trained.model, threads=2)


def test_the_metadata_lists_names_colours_and_cross_validated_accuracy(trained: TrainedModel) -> None:
    metadata = Detector.load(trained.model).metadata
    assert metadata == trained.metadata
    assert [kind.name for kind in metadata.kinds] == ["dent", "scratch", "anomaly"]
    assert metadata.kinds[0].color == "#1F77B4"  # the dataset's own
    assert all(kind.accuracy is not None and kind.accuracy >= 0.8 for kind in metadata.kinds[:-1])
    assert metadata.with_masks
    assert metadata.decisions["kinds"]["named"] == ["dent", "scratch"]


@pytest.mark.parametrize("seed", range(300, 308))
def test_an_unseen_anomaly_is_named_where_it_is_and_in_its_colour(detector: Detector, seed: int) -> None:
    picture = read_picture(anomaly(seed).read())
    detection = detector.detect(picture)
    name = "dent" if is_dent(seed) else "scratch"
    assert detection.regions[0].name == name
    largest = max(detection.kinds, key=lambda kind: kind.area)
    assert largest.name == name
    with Image.open(io.BytesIO(mask_png(picture, detection)), formats=["PNG"]) as mask:
        assert (mask.mode, mask.size) == ("P", (picture.width, picture.height))
        shown = np.asarray(mask)
        colours = np.asarray(mask.convert("RGB"))
    for index, kind in enumerate(detector.metadata.kinds, start=1):
        area = sum(found.area for found in detection.kinds if found.name == kind.name)
        assert (shown == index).mean() == pytest.approx(area)
        assert (colours[shown == index] == ImageColor.getrgb(kind.color)).all()
    assert (colours[shown == 0] == 255).all()


@pytest.mark.parametrize("seed", range(400, 406))
def test_a_kind_that_training_has_not_seen_is_called_anomaly(detector: Detector, seed: int) -> None:
    picture = read_picture(png_bytes(stained(texture(seed, 160, 120), 0.4, 0.4)))
    detection = detector.detect(picture)
    assert detection.regions[0].name == "anomaly"
    background, *found = anomaly_list(detection.kinds)
    assert background["Name"] == "background"
    assert found[-1] == {
        "Name": "anomaly",
        "PixelAnomaly": {
            "TotalPercentageArea": detection.kinds[-1].area,
            "Color": detector.metadata.kinds[-1].color,
        },
    }


def test_areas_of_kinds_and_regions_are_those_of_the_whole(detector: Detector) -> None:
    detection = detector.detect(read_picture(anomaly(300).read()))
    assert sum(kind.area for kind in detection.kinds) == pytest.approx(detection.area)
    assert sum(region.area for region in detection.regions) == pytest.approx(detection.area)


def test_a_normal_picture_shows_no_kind(detector: Detector) -> None:
    detection = detector.detect(read_picture(normal_png(100)))
    assert detection.kinds == ()
    assert not detection.kind_map.any()


def test_letterboxed_pictures_are_named_too() -> None:
    config = replace(CONFIG, resize="letterbox-bilinear")
    pictures = [NamedPicture.of_bytes(f"{seed}.png", normal_png(seed)) for seed in range(16)]
    trained = train(pictures, config, anomalies=[anomaly(seed) for seed in range(200, 212)])
    detection = Detector.load(trained.model).detect(read_picture(anomaly(300).read()))
    assert detection.regions[0].name == "dent"
    assert detection.kind_map.shape == detection.heat_map.shape


def test_the_same_pictures_in_any_order_give_the_same_bytes(trained: TrainedModel) -> None:
    assert named_model(reverse=True).model == trained.model


def test_anomalies_without_kind_are_called_anomaly() -> None:
    plain = [replace(anomaly(seed), kinds=(), read_mask=None) for seed in range(200, 206)]
    pictures = [NamedPicture.of_bytes(f"{seed}.png", normal_png(seed)) for seed in range(12)]
    trained = train(pictures, CONFIG, anomalies=plain)
    assert trained.metadata.kinds == (UNNAMED,)
    assert not trained.metadata.with_masks
    detection = Detector.load(trained.model).detect(read_picture(anomaly(300).read()))
    assert {region.name for region in detection.regions} == {"anomaly"}


def test_one_mask_is_enough_to_have_learnt_from_masks() -> None:
    pictures = [NamedPicture.of_bytes(f"{seed}.png", normal_png(seed)) for seed in range(12)]
    masked = NamedPicture("m.png", anomaly(200).read, lambda: mask_of(200))
    assert train(pictures, CONFIG, anomalies=[masked]).metadata.with_masks


def test_a_model_from_before_kinds_had_names_is_read(trained: TrainedModel) -> None:
    old = trained.metadata.to_json().replace('"kinds":', '"unknown":').replace('"with_masks":', '"too":')
    metadata = ModelMetadata.from_json(old)
    assert metadata.kinds == (UNNAMED,)
    assert not metadata.with_masks


def test_a_model_whose_graph_tells_no_kinds_but_says_so_is_refused(trained: TrainedModel) -> None:
    pictures = [NamedPicture.of_bytes(f"{seed}.png", normal_png(seed)) for seed in range(12)]
    plain = train(pictures, CONFIG)
    lying = replace(plain.metadata, kinds=trained.metadata.kinds)
    with pytest.raises(ModelInvalidError, match="does not fit its metadata"):
        Detector.load(with_metadata(plain.model, lying))


@pytest.mark.parametrize("kind", ['{"name":"a b","color":"#23A436"}', '{"name":"a","color":"green"}'])
def test_names_and_colours_that_the_api_does_not_allow_are_damage(trained: TrainedModel, kind: str) -> None:
    text = trained.metadata.to_json()
    start = text.index('"kinds":[{"accuracy"')
    end = text.index("]", start)
    with pytest.raises(ModelInvalidError, match="a kind of anomaly is"):
        ModelMetadata.from_json(f'{text[:start]}"kinds":[{kind}{text[end:]}')
