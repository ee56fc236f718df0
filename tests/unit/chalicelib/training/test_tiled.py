"""Models that see in tiles: what is ten pixels small in a picture of thousands is found where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support_modules import module_picture, with_spot
from support_pictures import jpeg_bytes, png_bytes, scratched, texture, truncated

from chalicelib.detector import Detector
from chalicelib.exceptions import ConfigurationError, ModelInvalidError, TrainingError
from chalicelib.heatmaps import mask_png
from chalicelib.model_metadata import ModelMetadata
from chalicelib.pictures import Picture, read_picture
from chalicelib.training import NamedPicture, TrainedModel, TrainingConfig, tiled, train

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 4096, 450
SPOT = (2730, 310)


def line_scan(seed: int, spot: tuple[int, int] | None = None) -> bytes:
    """A picture of 4,096 pixels as a line camera takes it, of real solar cells."""
    pixels = module_picture(seed, WIDTH, HEIGHT)
    return jpeg_bytes(with_spot(pixels, *spot) if spot else pixels, quality=95)


def named(name: str, data: bytes) -> NamedPicture:
    return NamedPicture.of_bytes(name, data)


def small(seed: int) -> bytes:
    return png_bytes(texture(seed, 240, 130))


def trained_small(
    pictures: Sequence[NamedPicture] | None = None, *, anomalies: int = 0, **how: object
) -> TrainedModel:
    """A quick model of a weave, seen in tiles of 100 pixels."""
    config = TrainingConfig(**{"input_size": 96, "grid": 6, "method": "padim", "tile": 100, **how})  # type: ignore[arg-type]
    normals = pictures or [named(f"{seed:02}.png", small(seed)) for seed in range(12)]
    spoilt = [
        named(f"bad-{seed}.png", png_bytes(scratched(texture(seed, 240, 130))))
        for seed in range(60, 60 + anomalies)
    ]
    return train(normals, config, anomalies=spoilt)


@pytest.fixture(scope="module")
def normals() -> list[NamedPicture]:
    return [named(f"{seed:02}.jpg", line_scan(seed)) for seed in range(10)]


@pytest.fixture(scope="module")
def weave() -> TrainedModel:
    return trained_small(anomalies=4)


def test_a_spot_of_ten_pixels_in_4096_is_found_where_it_is_by_tiles_and_not_without(
    normals: list[NamedPicture],
) -> None:
    config = TrainingConfig(method="patchcore", tile=320)
    in_tiles = Detector.load(train(normals, config).model)
    whole = Detector.load(train(normals, replace(config, tile=0)).model)
    clean, spotted = read_picture(line_scan(50)), read_picture(line_scan(50, SPOT))

    assert not in_tiles.detect(clean).is_anomalous
    found = in_tiles.detect(spotted)
    assert found.is_anomalous
    worst = found.regions[0]
    assert worst.left <= (SPOT[0] + 5) / WIDTH <= worst.left + worst.width
    assert worst.top <= (SPOT[1] + 5) / HEIGHT <= worst.top + worst.height
    assert worst.width < 160 / WIDTH

    assert whole.detect(spotted).score == pytest.approx(whole.detect(clean).score, rel=0.05)


def test_the_mask_of_a_picture_seen_in_tiles_has_its_full_size(weave: TrainedModel) -> None:
    picture = read_picture(png_bytes(scratched(texture(90, 240, 130))))
    detection = Detector.load(weave.model).detect(picture)
    assert detection.is_anomalous
    assert read_picture(mask_png(picture, detection)).pixels.shape == (130, 240, 3)


def test_the_model_says_that_it_sees_in_tiles_and_older_programs_refuse_it(weave: TrainedModel) -> None:
    metadata = Detector.load(weave.model).metadata
    assert (metadata.tile, metadata.config["tile"], metadata.input_size) == (100, 100, 96)
    assert metadata.format_version == 2  # a program that knows no tiles reads version 1 only
    assert trained_small(tile=0).metadata.format_version == 1
    with pytest.raises(ModelInvalidError, match="format 3"):
        ModelMetadata.from_json(replace(metadata, format_version=3).to_json())


def test_pictures_and_not_tiles_are_what_the_model_lists_and_scores(weave: TrainedModel) -> None:
    metadata = weave.metadata
    assert [image.name for image in metadata.training_images] == [f"{seed:02}.png" for seed in range(12)]
    assert metadata.normals == len(weave.normal_scores) == 12
    assert [image.name for image in metadata.anomaly_images] == [f"bad-{seed}.png" for seed in range(60, 64)]
    assert min(weave.anomaly_scores) > max(weave.normal_scores)
    assert metadata.steepness is not None
    assert "probability only" in metadata.decisions["labels"]["reason"]


def test_the_tiles_of_a_picture_are_left_out_together() -> None:
    """The score of a normal picture is what a model of the others gives it, or very nearly so."""
    pictures = [named(f"{seed:02}.png", small(seed)) for seed in range(16)]
    together = trained_small(pictures)
    for left_out in (0, 7):
        others = [picture for place, picture in enumerate(pictures) if place != left_out]
        alone = Detector.load(trained_small(others).model)
        score = alone.detect(read_picture(small(left_out))).score
        assert together.normal_scores[left_out] == pytest.approx(score, rel=0.03)


def test_a_picture_scores_as_its_worst_tile(weave: TrainedModel) -> None:
    detector = Detector.load(weave.model)
    picture = read_picture(png_bytes(scratched(texture(90, 240, 130))))
    scores = [detector.infer(square)[0] for square in detector.model_inputs(picture)]
    assert len(scores) == 6
    assert detector.detect(picture).score == max(scores)


def test_pictures_that_cannot_be_read_are_named_and_do_not_stop_training() -> None:
    broken = named("broken.png", truncated(small(1)))
    header = named("header.png", b"\x89PNG\r\n\x1a\n")
    pictures = [broken, header, *(named(f"{seed:02}.png", small(seed)) for seed in range(11))]
    metadata = trained_small(pictures).metadata
    assert metadata.normals == 11
    assert {image.name for image in metadata.skipped} == {"broken.png", "header.png"}
    assert len(metadata.skipped) == 2


def test_pictures_of_several_sizes_can_be_learnt_from() -> None:
    pictures = [named(f"{seed:02}.png", png_bytes(texture(seed, 160 + 20 * seed, 130))) for seed in range(12)]
    detector = Detector.load(trained_small(pictures).model)
    assert detector.metadata.normals == 12


def test_the_same_pictures_in_any_order_give_the_same_bytes(weave: TrainedModel) -> None:
    pictures = [named(f"{seed:02}.png", small(seed)) for seed in reversed(range(12))]
    assert trained_small(pictures, anomalies=4).model == weave.model


def test_where_nothing_of_a_picture_counts_no_tile_is_learnt_from() -> None:
    detector = Detector.load(trained_small(roi=(0, 0, 0.5, 1)).model)
    right = read_picture(png_bytes(scratched(texture(90, 240, 130), left=0.7)))
    left = read_picture(png_bytes(scratched(texture(90, 240, 130), left=0.1)))
    assert not detector.detect(right).is_anomalous
    assert detector.detect(left).is_anomalous


def test_more_tiles_than_training_may_hold_leave_pictures_out_and_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiled, "_MOST_TILES", 60)
    metadata = trained_small().metadata
    assert metadata.normals == 10
    assert "Of 12 normal pictures, 10 were learnt from" in metadata.warnings[0]
    monkeypatch.setattr(tiled, "_MOST_TILES", 50)
    with pytest.raises(TrainingError, match="at least 10 normal pictures"):
        trained_small()


def test_the_method_is_chosen_by_a_trial_on_tiles() -> None:
    pictures = [named(f"{seed:02}.png", small(seed)) for seed in range(12)]
    assert trained_small(pictures, method="auto").metadata.decisions["method"]["by"] == "trial"


def test_a_picture_of_any_size_gets_a_finite_score(weave: TrainedModel) -> None:
    detector = Detector.load(weave.model)
    for width, height in ((64, 64), (99, 400), (333, 101)):
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
        detection = detector.detect(Picture(pixels, width, height, "image/png"))
        assert np.isfinite(detection.score)
        assert detection.is_anomalous == bool(detection.regions)


def test_tiles_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 64 pixels"):
        TrainingConfig(tile=10)
