"""Pictures of one part stay together, told by their names or by their looks."""

from __future__ import annotations

import numpy as np
from PIL import Image

from chalicelib.training.folds import deal_folds, group_by_looks, group_by_name
from chalicelib.training.likeness import thumbnail


def test_names_in_which_the_expression_finds_the_same_are_of_one_part() -> None:
    names = ["part7_a.png", "part7_b.png", "part8_a.png", "other.png", "another.png"]
    assert group_by_name(names, r"part(\d+)").tolist() == [0, 0, 1, 2, 3]


def test_without_a_group_in_the_expression_all_that_it_finds_counts() -> None:
    assert group_by_name(["a1x", "a1y", "a2x"], r"a\d").tolist() == [0, 0, 1]


def test_a_name_in_which_the_expressions_group_takes_no_part_is_of_a_part_of_its_own() -> None:
    assert group_by_name(["box-1", "box-2", "box"], r"box(-1)?").tolist() == [0, 1, 2]


def test_two_exposures_of_one_part_look_alike() -> None:
    generator = np.random.default_rng(0)
    coarse = [Image.fromarray(generator.integers(60, 180, (8, 8, 3), np.uint8)) for _ in range(20)]
    pictures = [np.asarray(image.resize((160, 120), Image.Resampling.BICUBIC)) for image in coarse]
    brighter = np.clip(pictures[3].astype(int) + 12, 0, 255).astype(np.uint8)
    groups = group_by_looks([*map(thumbnail, pictures), thumbnail(brighter)])
    assert groups[20] == groups[3]
    assert len(set(groups.tolist())) == 20


def test_a_group_is_never_split_between_folds() -> None:
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 30, 200)
    folds = deal_folds(groups, generator.random(200) < 0.2)
    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    assert set(folds) == set(range(5))


def test_anomalies_and_normals_are_spread_evenly() -> None:
    is_anomalous = np.arange(100) >= 83
    folds = deal_folds(np.arange(100), is_anomalous)
    assert sorted(np.bincount(folds[is_anomalous])) == [3, 3, 3, 4, 4]
    assert sorted(np.bincount(folds)) == [20] * 5


def test_with_few_anomalies_each_fold_holds_one() -> None:
    folds = deal_folds(np.arange(20), np.arange(20) >= 17)
    assert sorted(folds[17:]) == [0, 1, 2]
