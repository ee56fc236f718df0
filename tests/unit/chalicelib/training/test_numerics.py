"""What stands in for SciPy gives what SciPy gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft, linalg, special

from chalicelib.training.numerics import cosine_transform, expit, invert_lower, student_quantile


def test_the_logistic_function_is_scipys_far_out_too() -> None:
    values = np.concatenate([np.linspace(-40, 40, 801), [-800.0, 800.0]])
    np.testing.assert_allclose(expit(values), special.expit(values), rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("size", [1, 2, 3, 17, 136])
def test_a_triangular_matrix_times_its_inverse_is_one(size: int) -> None:
    samples = np.random.default_rng(size).standard_normal((4 * size + 4, size))
    factor = np.linalg.cholesky(samples.T @ samples / len(samples) + 0.03 * np.eye(size))
    inverse = invert_lower(factor)
    np.testing.assert_allclose(inverse, linalg.lapack.dtrtri(factor, lower=1)[0], rtol=1e-11, atol=1e-12)
    assert np.array_equal(inverse, np.tril(inverse))


def test_the_cosine_transform_is_scipys() -> None:
    values = np.random.default_rng(0).standard_normal((3, 32, 32))
    matrix = cosine_transform(32)
    ours = matrix @ values @ matrix.T
    np.testing.assert_allclose(ours, fft.dctn(values, axes=(1, 2)), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("degrees", [*range(1, 12), 28, 29, 58, 59, 400, 9998])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.95, 0.99, 0.9999])
def test_the_quantiles_of_students_distribution_are_scipys(degrees: int, probability: float) -> None:
    wanted = float(special.stdtrit(degrees, probability))
    assert student_quantile(degrees, probability) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
