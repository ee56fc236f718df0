"""Training gives back what it needed for a moment, and holds features once."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from chalicelib.training.ensemble import SYNTHETIC
from chalicelib.training.ensemble_fit import Sample, fit_ensemble
from chalicelib.training.memory import sparing_memory
from chalicelib.training.padim import fit_padim

MEGABYTE = 1_000_000


def resident() -> int:
    """Bytes of this process that are in memory."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in status if line.startswith("VmRSS:")))


def peak_of(features: np.ndarray[tuple[int, ...], np.dtype[np.float32]], how: str) -> int:
    """What a fit to features needs at most besides them, in bytes of NumPy arrays."""
    count, _, patches = features.shape
    distances = np.exp(np.random.default_rng(1).normal(2, 0.2, (count, patches)))
    tracemalloc.start()
    if how == "padim":
        fit_padim(features, (features.shape[1],), 0.03)
    else:
        masks = np.zeros((count, patches), np.float32)
        pooled = np.zeros((count, 5), np.float32)
        is_anomalous = np.arange(count) >= count - 10
        folds = np.arange(count) % 5
        fit_ensemble(Sample(list(features), pooled, distances, is_anomalous, masks, folds), SYNTHETIC)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("how", ["padim", "ensemble"])
def test_a_fit_holds_no_second_copy_of_the_features(how: str) -> None:
    features = np.random.default_rng(0).normal(size=(200, 160, 100)).astype(np.float32)
    assert peak_of(features, how) < 0.85 * features.nbytes


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library gives memory back by itself")
def test_what_was_needed_for_a_moment_is_given_back() -> None:
    def holes() -> None:
        # So small that glibc keeps them on its heap, every other one of them still in use.
        blocks = [bytearray(20_000) for _ in range(4000)]
        kept.extend(blocks[::400])

    kept: list[bytearray] = []
    before = resident()
    with sparing_memory():
        holes()
    assert resident() - before < 10 * MEGABYTE
