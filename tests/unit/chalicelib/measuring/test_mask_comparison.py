"""Predicted masks are compared with those of labelled pictures, as far as the truth is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support_pictures import png_bytes, texture

from chalicelib.anomalies import Kind
from chalicelib.framing import LETTERBOX, Framing
from chalicelib.measuring.mask_comparison import MaskComparison
from chalicelib.measuring.pictures import LabelledPicture
from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from pathlib import Path

LEFT = np.array([[1, 0], [1, 0]], np.uint8)
WHITE, SECOND = 255, 254


def comparison(*names: str, framing: Framing | None = None) -> MaskComparison:
    """One for a model that names these kinds."""
    kinds = tuple(Kind(name, "#23A436") for name in names)
    metadata = SimpleNamespace(kinds=kinds, framing=framing or Framing(64))
    detector: Any = SimpleNamespace(metadata=metadata, min_decoded_side=64)
    return MaskComparison(detector)


@pytest.fixture
def labelled(tmp_path: Path) -> Any:
    """Makes an anomalous picture of 96 x 96; values of its mask's left and right half, if it has one."""

    def make(*halves: int, kinds: tuple[str, ...] = (), width: int = 96) -> LabelledPicture:
        path, mask = tmp_path / "a.png", tmp_path / "a-mask.png"
        path.write_bytes(png_bytes(texture(1, width, 96)))
        if halves:
            mask.write_bytes(png_bytes(np.repeat(np.array([halves], np.uint8), 48, 1).repeat(96, 0)))
        return LabelledPicture(path, "a.png", is_anomalous=True, mask=mask if halves else None, kinds=kinds)

    return make


def ious(compared: MaskComparison) -> dict[str, float]:
    return {kind.name: kind.average_iou for kind in compared.metrics()}


def judged(compared: MaskComparison, picture: LabelledPicture) -> dict[str, float]:
    """What comes of a picture in which the model found its first kind in the left half."""
    compared.add(picture, read_picture(picture.path.read_bytes()), LEFT)
    return ious(compared)


def test_a_mask_with_several_kinds_is_compared_with_each(labelled: Any) -> None:
    picture = labelled(WHITE, SECOND, kinds=("dent", "scratch"))
    assert judged(comparison("dent", "scratch"), picture) == {"dent": 1.0, "scratch": 0.0}


def test_a_mask_without_a_kind_tells_only_a_model_without_kinds_something(labelled: Any) -> None:
    assert judged(comparison("anomaly"), labelled(WHITE, 0)) == {"anomaly": 1.0}
    assert judged(comparison("dent", "scratch"), labelled(WHITE, 0)) == {}


def test_an_anomalous_picture_without_a_mask_tells_nothing(labelled: Any) -> None:
    assert judged(comparison("anomaly"), labelled()) == {}


def test_a_mask_that_training_could_not_use_tells_nothing(labelled: Any) -> None:
    assert judged(comparison("dent", "scratch"), labelled(WHITE, 77, kinds=("dent", "scratch"))) == {}


def test_what_was_predicted_in_the_models_square_is_brought_into_the_picture(labelled: Any) -> None:
    # Of a picture twice as wide as high, a letterboxed square shows nothing in its upper and lower quarter.
    compared = comparison("anomaly", framing=Framing(64, LETTERBOX))
    square = np.array([[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
    compared.add_held_out(labelled(WHITE, 0, width=192), square)
    assert ious(compared) == {"anomaly": 1.0}


def test_a_picture_that_cannot_be_read_is_passed_over(labelled: Any) -> None:
    compared, picture = comparison("anomaly"), labelled(WHITE, 0)
    picture.path.write_bytes(b"no picture")
    compared.add_held_out(picture, LEFT)
    picture.path.unlink()
    compared.add_held_out(picture, LEFT)
    assert compared.metrics() == ()
