"""Names, colours and areas of anomalies, as Lookout for Vision's shapes allow them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.anomalies import (
    BACKGROUND_COLOR,
    FoundKind,
    anomaly_list,
    kind_name,
    kinds_of_folder,
    with_colors,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("scratch", "scratch"),
        ("01-broken_large", "brokenLarge"),
        ("Kratzer, groß", "KratzerGross"),
        ("poke 2", "poke2"),
        ("Délamination", "Delamination"),
        ("broken", "broken"),
        ("damaged", "damaged"),
    ],
)
def test_a_folders_name_becomes_a_name_that_the_api_allows(text: str, name: str) -> None:
    assert kind_name(text) == name


@pytest.mark.parametrize(
    "text", ["anomaly", "Bad", "02_NG", "defects", "combined", "傷", "", "-", "Background"]
)
def test_a_name_that_says_only_that_something_is_wrong_names_no_kind(text: str) -> None:
    assert kind_name(text) is None


@given(st.text(max_size=400))
def test_every_name_is_in_the_apis_pattern(text: str) -> None:
    name = kind_name(text)
    assert name is None or re.fullmatch(r"[a-zA-Z0-9]{1,256}", name)


def test_a_folder_may_name_several_kinds() -> None:
    assert kinds_of_folder("dent+scratch") == ("dent", "scratch")


def test_a_folder_of_which_one_kind_is_not_told_names_none() -> None:
    assert kinds_of_folder("dent+defect") == ()


def test_the_datasets_own_colours_are_kept_and_the_others_differ() -> None:
    colors = with_colors(["a", "b", "c"], {"b": "#23a436"})
    assert colors[1] == "#23A436"
    assert len(set(colors)) == 3


def test_no_kind_gets_the_backgrounds_colour_or_anothers() -> None:
    colors = with_colors(["a", "b", "c"], {"a": "#ffffff", "b": "#112233", "c": "#112233"})
    assert BACKGROUND_COLOR not in colors
    assert len(set(colors)) == 3


def test_a_hundred_kinds_have_a_hundred_colours() -> None:
    colors = with_colors([str(number) for number in range(100)], {})
    assert len(set(colors)) == 100
    assert all(re.fullmatch("#[0-9A-F]{6}", color) for color in colors)


def test_the_background_comes_first_and_areas_are_fractions_that_sum_to_one() -> None:
    found = (FoundKind("dent", 0.25, "#D55E00"), FoundKind("scratch", 0.5, "#23A436"))
    listed: list[dict[str, Any]] = anomaly_list(found)
    assert listed == [
        {"Name": "background", "PixelAnomaly": {"TotalPercentageArea": 0.25, "Color": "#FFFFFF"}},
        {"Name": "dent", "PixelAnomaly": {"TotalPercentageArea": 0.25, "Color": "#D55E00"}},
        {"Name": "scratch", "PixelAnomaly": {"TotalPercentageArea": 0.5, "Color": "#23A436"}},
    ]


def test_a_normal_picture_is_all_background() -> None:
    (background,) = anomaly_list(())
    assert background["PixelAnomaly"]["TotalPercentageArea"] == 1
