"""What a patch shows is the direction in which it departs from normal; a name needs evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.naming import directions, fit_naming, least_evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANNELS, PATCHES = 6, 9


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@given(strength=st.floats(0.01, 100))
def test_a_faint_anomaly_is_described_as_a_strong_one_of_its_kind(strength: float) -> None:
    normal, departures = random(CHANNELS, PATCHES), random(CHANNELS, PATCHES, seed=1)
    found = directions(normal + np.float32(strength) * departures, normal)
    np.testing.assert_allclose(found, directions(normal + departures, normal), atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, atol=1e-3)


def test_what_is_normal_to_the_last_bit_departs_in_no_direction() -> None:
    normal = random(CHANNELS, PATCHES)
    assert not directions(normal, normal).any()


def test_a_place_has_a_normal_patch_of_its_own() -> None:
    normal = np.zeros((CHANNELS, 2), np.float32)
    normal[0, 1] = 5
    first, second = directions(np.ones((CHANNELS, 2), np.float32), normal).T
    assert first[0] > 0 > second[0]


def test_a_kind_without_examples_never_wins() -> None:
    rows, labels = random(8, CHANNELS).astype(np.float64), np.array([0, 2] * 4)
    naming = fit_naming(rows, labels, 3, np.zeros((CHANNELS, PATCHES), np.float32))
    assert (naming(random(CHANNELS, PATCHES, seed=2))[1] == -np.inf).all()


def test_less_evidence_than_the_floor_is_evidence_of_nothing() -> None:
    rows, labels = random(8, CHANNELS).astype(np.float64), np.array([0, 1] * 4)
    naming = fit_naming(rows, labels, 2, np.zeros((CHANNELS, PATCHES), np.float32))
    features = random(CHANNELS, PATCHES, seed=2)
    best = naming(features).max(axis=0)
    floor = float(np.median(best))
    np.testing.assert_array_equal(naming.with_floor(floor)(features).argmax(axis=0) == 2, best < floor)


def test_a_name_needs_what_all_but_one_in_twenty_had_that_were_named_rightly() -> None:
    best = np.arange(1000) / 10
    evidence = np.stack([best, best - 100], axis=1)
    floor = least_evidence(evidence, np.zeros(1000, np.intp))
    assert (best < floor).mean() == pytest.approx(0.05, abs=0.002)


def test_what_was_named_wrongly_does_not_count() -> None:
    right = np.array([[0.5, 0], [0.6, 0]])
    wrong = np.array([[0, -9.0]] * 10)
    labels = np.array([0, 0, *[1] * 10])
    assert least_evidence(np.concatenate([right, wrong]), labels) == pytest.approx(0.49)


def test_each_kind_counts_the_same() -> None:
    """Of a common kind far more than one in twenty may have little evidence, of a rare one none does."""
    common = np.stack([np.linspace(0, 1, 1000), np.full(1000, -1.0)], axis=1)
    rare = np.array([[-1.0, 2.0]] * 2)
    labels = np.array([*[0] * 1000, 1, 1])
    assert least_evidence(np.concatenate([common, rare]), labels) == pytest.approx(0.09, abs=0.002)
