"""Probabilities of pictures that training has not seen are those of being anomalous: real solar cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from chalicelib.detector import Detector
from chalicelib.pictures import read_picture
from chalicelib.training import NamedPicture, TrainingConfig, train
from spotcheck.bench_sets import solar_cells

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
HELD_OUT = 120  # of each label: where both are as common, a probability can be a frequency


def probabilities(model: bytes, paths: Sequence[Path]) -> list[float]:
    detector = Detector.load(model)
    return [detector.detect(read_picture(path.read_bytes())).probability for path in paths]


@pytest.fixture(scope="module")
def reliability() -> NDArray[np.float64]:
    """A row for each fifth of the probabilities: pictures, mean probability, anomalous share."""
    cells = solar_cells("mono")
    anomalies = [picture.path for picture in cells.test if picture.is_anomalous]
    anomalies = [anomalies[place] for place in np.random.default_rng(0).permutation(len(anomalies))]
    normals = [picture.path for picture in cells.test if not picture.is_anomalous][:HELD_OUT]
    trained = train(
        [NamedPicture.of_file(picture.path) for picture in cells.train[:60]],
        TrainingConfig(input_size=160, method="padim"),
        anomalies=[NamedPicture.of_file(path) for path in anomalies[:30]],
    )
    held_out = anomalies[30 : 30 + HELD_OUT]
    found = np.array(probabilities(trained.model, [*normals, *held_out]))
    is_anomalous = np.arange(len(found)) >= len(normals)
    fifths = np.digitize(found, EDGES[1:-1])
    return np.array(
        [
            [(fifths == place).sum(), found[fifths == place].mean(), is_anomalous[fifths == place].mean()]
            for place in range(5)
        ]
    )


def test_the_expected_calibration_error_is_below_a_tenth(reliability: NDArray[np.float64]) -> None:
    """Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015)."""
    pictures, said, true = reliability.T
    assert (pictures / pictures.sum() * np.abs(said - true)).sum() < 0.1


def test_the_more_probable_the_more_often(reliability: NDArray[np.float64]) -> None:
    assert (np.diff(reliability[:, 2]) > 0).all()


def test_what_is_called_anomalous_with_certainty_is_and_the_other_way_round(
    reliability: NDArray[np.float64],
) -> None:
    assert reliability[0, 2] < 0.1
    assert reliability[-1, 2] > 0.9
