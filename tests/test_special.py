"""Primitives whose fast way on NumPy is not that of the standard: the same results, bit for bit."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from arraylosses import autodiff, special
from arraylosses.numerics import elementwise, logistic

SIZE = 5000
ODD = np.asarray([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-42, -1.5, 6e4])


def drawn(dtype: str, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(ODD, size=SIZE).astype(dtype)


def same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    integer = f"i{expected.dtype.itemsize}"
    np.testing.assert_array_equal(
        np.ascontiguousarray(actual).view(integer), np.ascontiguousarray(expected).view(integer)
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, -2.5, np.nan, np.inf, 3, None])
def test_where_takes_every_bit_of_the_chosen_side_and_none_of_the_other(dtype, number):
    x = drawn(dtype, 0)
    y = drawn(dtype, 1) if number is None else number
    condition = np.random.default_rng(2).uniform(size=SIZE) < 0.5
    before = x.copy()
    same_bits(special.where(condition, x, y), np.where(condition, x, y))
    same_bits(special.where(condition, y, x), np.where(condition, y, x))
    same_bits(x, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_broadcasts_and_takes_any_strides(dtype):
    rng = np.random.default_rng(3)
    condition = rng.uniform(size=(100, 60)) < 0.5
    full, column, row = drawn(dtype, 4).repeat(2)[:6000].reshape(100, 60), drawn(dtype, 5)[:100, None], drawn(dtype, 6)
    strided = np.asfortranarray(full)[:, ::-1]
    for x, y in ((full, column), (row[:60], strided), (strided, 0.0), (0.0, strided), (column, row[:60])):
        same_bits(special.where(condition, x, y), np.where(condition, x, y))
    tall = np.broadcast_to(full, (2, 100, 60))
    same_bits(special.where(condition, tall, 0.0), np.where(condition, tall, 0.0))
    same_bits(special.where(condition.T, full.T, 1.0), np.where(condition.T, full.T, 1.0))


def test_where_promotes_as_numpy_does():
    condition = np.arange(SIZE) % 3 == 0
    single, double = drawn("float32", 7), np.random.default_rng(8).normal(size=SIZE)
    same_bits(special.where(condition, single, double), np.where(condition, single, double))
    whole = np.arange(SIZE)
    same_bits(special.where(condition, whole, 0), np.where(condition, whole, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sigmoid_pair_is_the_sigmoid_of_either_sign(dtype):
    x = np.concatenate([np.linspace(-80, 80, 5001), [-1e4, 1e4, 0.0, -np.inf, np.inf]]).astype(dtype)
    right, left = logistic.sigmoid_and_complement(x)
    np.testing.assert_array_max_ulp(right, special.sigmoid(x), maxulp=3)
    np.testing.assert_array_max_ulp(left, special.sigmoid(-x), maxulp=3)
    traced = autodiff.grad(lambda z: z.__array_namespace__().sum(logistic.sigmoid_and_complement(z)[0]))
    np.testing.assert_allclose(traced(x[:-2]), right[:-2] * left[:-2], rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cap", [0.75, 30.0])
def test_the_slope_of_a_soft_cap_keeps_its_digits_where_tanh_is_1(dtype, cap):
    x = (cap * np.concatenate([np.linspace(-40, 40, 201), [1e-9, -1e-9]])).astype(dtype)
    exact = [float(1 / mpmath.cosh(mpmath.mpf(float(v)) / cap) ** 2) for v in x]
    # A quotient that is rounded by itself is multiplied by twice its size in the exponent.
    np.testing.assert_allclose(logistic.softcap_derivative(x, cap), exact, rtol=80 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(logistic.softcap_derivative(np.asarray([1e5, -1e5, np.inf, -np.inf], dtype), cap), 0)
    np.testing.assert_allclose(logistic.softcap(x, cap), cap * np.tanh(x.astype("float64") / cap), rtol=1e-6)


@pytest.mark.main_variants
def test_the_derivative_at_a_bound_is_one_and_of_a_magnitude_at_zero_nothing(variant):
    import arraylosses as al

    x = variant.array(np.asarray([-2.0, -1.0, 0.0, 1.0, 2.0], dtype=variant.dtypes[-1]))

    def summed(function):
        return variant.numpy(variant.run(al.grad(lambda z: al.array_namespace(z).sum(function(z))), x))

    np.testing.assert_array_equal(summed(lambda z: special.clip(z, -1.0, 1.0)), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(summed(lambda z: special.clip(z, None, 1.0)), [1, 1, 1, 1, 0])
    np.testing.assert_array_equal(summed(lambda z: special.clip(z, 0.0)), [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(summed(special.relu), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(summed(special.absolute), [-1, -1, 0, 1, 1])
    np.testing.assert_array_equal(variant.numpy(elementwise.clip_derivative(x, -1.0, 1.0)), [0, 1, 1, 1, 0])


@pytest.mark.main_variants
def test_few_rows_of_logits_have_the_losses_and_slopes_that_they_have_among_many(variant):
    import arraylosses as al

    dtype = variant.dtypes[-1]
    rng = np.random.default_rng(9)
    scales = rng.choice([1e-3, 1.0, 5.0, 30.0, 1e3], size=(100, 1))
    rows = (rng.normal(size=(100, 5)) * scales + rng.choice([0.0, 300.0], size=(100, 1))).astype(dtype)
    rows[:5, 0], rows[5:10, 4] = -np.inf, rows[5:10, 4] + 50.0
    labels = rng.integers(0, 5, 100)
    labels[5:10] = 4
    few, many = ([variant.array(np.tile(x, (n, 1)[: x.ndim])) for x in (rows, labels)] for n in (1, 20))
    both = al.value_and_grad(al.CrossEntropy(reduction="sum"))
    # Among many rows, a power of a far logit is as wrong as its difference from the largest is rounded.
    for function, units in (
        (al.CrossEntropy(reduction="none"), 8),
        (al.CategoricalFocal(reduction="none"), 40),
        (al.grad(al.CrossEntropy(reduction="sum")), 1000),
        (lambda *x: both(*x)[1], 1000),
    ):
        found, expected = (variant.numpy(variant.run(function, *x))[:100] for x in (few, many))
        tolerance = {"rtol": units * np.finfo(dtype).eps, "atol": np.finfo(dtype).smallest_normal}
        np.testing.assert_allclose(found, expected, **tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_cosh_grows_as_its_argument_does_where_the_exponential_vanishes(dtype):
    x = np.concatenate([np.linspace(38, 42, 101), [100.0, 800.0, 1e30]]).astype(dtype)
    exact = [float(mpmath.log(mpmath.cosh(mpmath.mpf(float(v))))) if v < 1e4 else float(v) for v in x]
    np.testing.assert_allclose(special.log_cosh(-x), exact, rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(
        special.log_cosh(np.asarray([np.inf, -np.inf, 0.0, np.nan], dtype))[:3], [np.inf, np.inf, 0]
    )


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sign_of_any_number_is_numpy_s(dtype):
    info = np.finfo(dtype)
    sizes = np.asarray([0, info.smallest_subnormal, info.smallest_normal, 1, info.max, np.inf, np.nan], dtype)
    x = np.concatenate([sizes, -sizes])
    np.testing.assert_array_equal(special.sign(x), np.sign(x))
