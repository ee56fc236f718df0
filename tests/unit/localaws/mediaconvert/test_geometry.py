from __future__ import annotations

from fractions import Fraction

import pytest

from localaws.mediaconvert.geometry import ScalingBehavior, fit

HD = (1280, 720)


@pytest.mark.parametrize(
    ("behavior", "scaled", "size"),
    [
        ("DEFAULT", (640, 360), (640, 480)),
        ("FIT", (640, 360), (640, 360)),
        ("FIT_NO_UPSCALE", (640, 360), (640, 360)),
        ("STRETCH_TO_OUTPUT", (640, 480), (640, 480)),
        ("FILL", (854, 480), (640, 480)),
    ],
)
def test_each_scaling_behaviour_of_awss_own_example(
    behavior: ScalingBehavior, scaled: tuple[int, int], size: tuple[int, int]
) -> None:
    geometry = fit(HD, width=640, height=480, behavior=behavior)
    assert (geometry.scaled, geometry.size) == (scaled, size)


def test_the_notebooks_frames_are_padded_to_a_square() -> None:
    geometry = fit((768, 432), width=500, height=500)
    assert (geometry.scaled, geometry.size) == ((500, 282), (500, 500))
    assert ("pad", "500:500:0:108:black") in geometry.filters()


def test_only_fit_no_upscale_keeps_small_pictures_small() -> None:
    assert fit((320, 180), width=640, height=640, behavior="FIT_NO_UPSCALE").size == (320, 180)
    assert fit((320, 180), width=640, height=640, behavior="FIT").size == (640, 360)


@pytest.mark.parametrize(
    ("width", "height", "size"), [(None, None, HD), (640, None, (640, 360)), (None, 240, (426, 240))]
)
def test_a_missing_side_keeps_the_ratio(width: int | None, height: int | None, size: tuple[int, int]) -> None:
    assert fit(HD, width=width, height=height).size == size


def test_sizes_are_those_of_the_turned_picture() -> None:
    geometry = fit(HD, width=640, height=640, behavior="FIT", turn=90)
    assert geometry.size == (360, 640)
    assert geometry.filters()[0][1].startswith("640:360"), "scaled before it is turned"


def test_wide_pixels_widen_the_picture() -> None:
    assert fit((720, 576), width=None, height=None, pixel_aspect=Fraction(16, 15)).size == (768, 576)


@pytest.mark.parametrize("behavior", ["DEFAULT", "FIT", "FIT_NO_UPSCALE", "STRETCH_TO_OUTPUT", "FILL"])
@pytest.mark.parametrize("source", [(321, 181), (33, 999), (1921, 1081)])
def test_sizes_are_even_and_never_beyond_what_was_asked(
    behavior: ScalingBehavior, source: tuple[int, int]
) -> None:
    size = fit(source, width=500, height=300, behavior=behavior).size
    assert size[0] % 2 == 0
    assert size[1] % 2 == 0
    assert size[0] <= 500
    assert size[1] <= 300
