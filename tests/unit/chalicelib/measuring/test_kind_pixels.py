"""Predicted masks are compared with the true ones, pixel by pixel and kind by kind."""

from __future__ import annotations

import numpy as np

from chalicelib.measuring.kind_pixels import KindMetrics, KindPixels

# Four patches, of 10 x 10 pixels each in a picture of 20 x 20.
DENT_LEFT = np.array([[1, 0], [1, 0]], np.uint8)
NOTHING = np.zeros((2, 2), np.uint8)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """True within the box, of a picture of 20 x 20."""
    pixels = np.zeros((20, 20), bool)
    pixels[top:bottom, left:right] = True
    return pixels


def test_pixels_of_all_pictures_count_together_and_the_overlap_of_each_picture_alike() -> None:
    pixels = KindPixels(["dent", "scratch"])
    pixels.add(DENT_LEFT, 20, 20, {"dent": box(0, 20, 0, 10)})  # 200 of 200 found
    pixels.add(DENT_LEFT, 20, 20, {"dent": box(0, 10, 0, 10)})  # 100 of 100 found, 100 too many
    (dent,) = pixels.metrics()
    assert dent == KindMetrics("dent", 2, 300 / 400, 1.0, 600 / 700, (1 + 0.5) / 2)


def test_a_right_place_with_a_wrong_name_is_wrong_for_both_kinds() -> None:
    pixels = KindPixels(["dent", "scratch"])
    pixels.add(DENT_LEFT * 2, 20, 20, {"dent": box(0, 20, 0, 10)})
    pixels.add(DENT_LEFT * 2, 20, 20, {"scratch": box(0, 20, 0, 10)})
    dent, scratch = pixels.metrics()
    assert dent == KindMetrics("dent", 1, None, 0.0, 0.0, 0.0)
    assert scratch == KindMetrics("scratch", 1, 0.5, 1.0, 2 * 200 / 600, 0.5)


def test_what_is_predicted_in_a_normal_picture_lowers_precision_and_overlap() -> None:
    pixels = KindPixels(["dent"])
    pixels.add(DENT_LEFT, 20, 20, {"dent": box(0, 20, 0, 10)})
    pixels.add(DENT_LEFT, 20, 20, {})
    pixels.add(NOTHING, 20, 20, {})
    assert pixels.metrics() == (KindMetrics("dent", 1, 0.5, 1.0, 2 * 200 / 600, 0.5),)


def test_a_model_that_names_no_kind_is_measured_on_all_anomalies_together() -> None:
    pixels = KindPixels(["anomaly"])
    pixels.add(DENT_LEFT, 20, 20, {"dent": box(0, 10, 0, 10), "scratch": box(10, 20, 0, 10)})
    assert pixels.metrics() == (KindMetrics("anomaly", 1, 1.0, 1.0, 1.0, 1.0),)


def test_a_kind_that_the_model_cannot_name_is_never_found() -> None:
    pixels = KindPixels(["dent", "scratch"])
    pixels.add(DENT_LEFT, 20, 20, {"hole": box(0, 20, 0, 10)})
    (hole,) = pixels.metrics()
    assert (hole.name, hole.precision, hole.recall, hole.average_iou) == ("hole", None, 0.0, 0.0)


def test_a_kind_that_no_mask_shows_is_not_listed() -> None:
    pixels = KindPixels(["dent", "scratch"])
    pixels.add(DENT_LEFT, 20, 20, {})
    assert pixels.metrics() == ()


def test_the_prediction_is_compared_at_the_masks_size() -> None:
    pixels = KindPixels(["dent"])
    pixels.add(DENT_LEFT, 4000, 3000, {"dent": box(0, 20, 0, 10)})
    assert pixels.metrics()[0].average_iou == 1
