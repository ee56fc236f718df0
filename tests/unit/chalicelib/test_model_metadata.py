"""What a model says of itself survives the journey, and nonsense is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.exceptions import ModelInvalidError
from chalicelib.model_metadata import ModelMetadata, SkippedImage, TrainingImage

METADATA = ModelMetadata(
    project="gläser",
    threshold=80.5,
    normal_median=50.25,
    false_alarm_rate=0.05,
    threshold_method="conformal",
    normals=200,
    input_size=320,
    grid=10,
    resize="stretch-bilinear",
    method="padim",
    backbone="efficientnet-lite2",
    backbone_sha256="96" * 32,
    config={"ridge": 0.03},
    training_images=(TrainingImage("a.png", "00" * 32),),
    skipped=(SkippedImage("b.png", "The file is empty."),),
    metrics={"image_auroc": 0.97},
    libraries={"numpy": "2"},
    warnings=("few",),
)


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(METADATA.to_json()), **values})


def test_it_survives_json() -> None:
    assert ModelMetadata.from_json(METADATA.to_json()) == METADATA


def test_the_same_metadata_gives_the_same_text() -> None:
    assert replace(METADATA).to_json() == METADATA.to_json()


def test_what_a_later_version_adds_within_the_format_is_overlooked() -> None:
    assert ModelMetadata.from_json(changed(colour="blue")) == METADATA


def test_a_later_format_is_refused() -> None:
    with pytest.raises(ModelInvalidError, match="format 3"):
        ModelMetadata.from_json(changed(format_version=3))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        METADATA.to_json()[:-9],
        changed(threshold=None),
        changed(threshold=-1),
        changed(threshold=float("nan")),
        changed(normal_median="50"),
        changed(input_size=0),
        changed(grid=2.5),
        changed(training_images=[{"name": "a"}]),
        changed(skipped=3),
    ],
)
def test_damaged_metadata_is_refused(text: str) -> None:
    with pytest.raises(ModelInvalidError, match="damaged"):
        ModelMetadata.from_json(text)
