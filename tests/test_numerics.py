"""The functions of mathematics that likelihoods are made of, against mpmath with 50 digits, and their derivatives."""

from __future__ import annotations

import dataclasses
import math

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses import special
from arraylosses.numerics import bessel, gamma, indexing, logarithms, logistic, normal, reductions, sorting

pytestmark = pytest.mark.main_variants

SIZES = np.concatenate([[1.0, 2.0], np.geomspace(1e-6, 1e6, 80)])
NEGATIVE = -SIZES[SIZES < 40]


def stirling_error(z):
    return mpmath.loggamma(z) - (z - 0.5) * mpmath.log(z) + z - mpmath.log(2 * mpmath.pi) / 2


def log_ndtr(x):
    return mpmath.log1p(-mpmath.erfc(x / mpmath.sqrt(2)) / 2)


# function, what it is, the points, the units in the last place of the result or of 1, whether of 1
CASES = {
    "stirling_error": (gamma.stirling_error, stirling_error, SIZES, 8, True),
    "log_gamma": (gamma.log_gamma, mpmath.loggamma, SIZES, 16, True),
    "erfcx": (normal.erfcx, lambda x: mpmath.exp(x * x) * mpmath.erfc(x), SIZES[SIZES < 1e3], 10, False),
    "log_ndtr": (normal.log_ndtr, log_ndtr, np.concatenate([NEGATIVE[NEGATIVE > -9], SIZES[SIZES < 5]]), 20, False),
    "log_i0e": (bessel.log_i0e, lambda x: mpmath.log(mpmath.besseli(0, x)) - x, SIZES[SIZES < 1e4], 12, True),
    "expm1_excess": (
        logarithms.expm1_excess,
        lambda x: mpmath.expm1(x) - x,
        np.concatenate([NEGATIVE, SIZES[SIZES < 4]]),
        8,
        False,
    ),
    "log1p_shortfall": (logarithms.log1p_shortfall, lambda r: 1 - mpmath.log1p(r) / r, SIZES, 4, False),
    "expm1": (logarithms.expm1, mpmath.expm1, np.concatenate([NEGATIVE, SIZES[SIZES < 80]]), 4, False),
    "tanh": (logistic.tanh, mpmath.tanh, np.concatenate([NEGATIVE, SIZES[SIZES < 40]]), 4, False),
    "log1p_square": (
        lambda x: logarithms.log1p_square(x, math.log(0.25), lambda far: special.where(far, 0.0, x) / 0.25),
        lambda x: mpmath.log1p((4 * x) ** 2),
        np.concatenate([NEGATIVE, SIZES]),
        4,
        False,
    ),
    "atanh": (logarithms.atanh, mpmath.atanh, np.linspace(-0.5, 0.5, 40), 4, False),
    "log1mexp": (logarithms.log1mexp, lambda x: mpmath.log(-mpmath.expm1(x)), NEGATIVE, 6, False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_function_keeps_its_digits_and_has_its_derivative(variant, name):
    function, exact, points, units, of_one = CASES[name]
    dtype = variant.dtypes[-1]
    x = points.astype(dtype)
    numbers = [mpmath.mpf(float(v)) for v in x]
    with mpmath.workdps(50):
        values = np.asarray([float(exact(v)) for v in numbers])
        slopes = np.asarray([float(mpmath.diff(exact, v, h=v / 10**12)) for v in numbers])
    given = variant.array(x)
    found = variant.numpy(variant.run(function, given))
    assert found.dtype == dtype
    eps = np.finfo(dtype).eps
    assert np.all(np.abs(found - values) <= units * eps * np.maximum(np.abs(values), 1.0 if of_one else 0.0))
    gradient = variant.numpy(variant.run(al.grad(lambda v: al.array_namespace(v).sum(function(v))), given))
    np.testing.assert_allclose(gradient, slopes, rtol=2e3 * eps, atol=2e3 * eps * np.min(1 + np.abs(slopes)))


@pytest.mark.parametrize("name", ["expm1", "tanh"])
def test_a_derivative_keeps_its_digits_where_the_result_is_near_1(variant, name):
    function, exact, *_ = CASES[name]
    x = np.asarray([-38.0, -20.0, -8.0, -3.0, -1.0, -0.5, 0.0], variant.dtypes[-1])
    x = np.concatenate([x, -x]) if name == "tanh" else x

    def slope_of(function):
        return al.grad(lambda v: al.array_namespace(v).sum(function(v)))

    slope, second = slope_of(function), slope_of(slope_of(function))
    with mpmath.workdps(80):
        for order, derivative in ((1, slope), (2, second)):
            found = variant.numpy(variant.run(derivative, variant.array(x)))
            wanted = [float(mpmath.diff(exact, mpmath.mpf(float(v)), order)) for v in x]
            np.testing.assert_allclose(found, wanted, rtol=400 * np.finfo(x.dtype).eps, atol=1e-60)


@pytest.mark.parametrize("far", [1e-12, 1e-6, 1e-3, 0.3, 0.7, 3.0, 1e6])
def test_a_divergence_of_two_numbers_keeps_its_digits_however_near_they_are(variant, far):
    dtype = variant.dtypes[-1]
    y = np.geomspace(1e-3, 1e3, 13).astype(dtype)
    x = (y * (1 + far)).astype(dtype)
    for first, second in ((x, y), (y, x)):
        with mpmath.workdps(60):
            pairs = [(mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(first, second, strict=True)]
            exact = [float(a * mpmath.log(a / b) - a + b) for a, b in pairs]
        got = variant.numpy(variant.run(gamma.kl_div, variant.array(first), variant.array(second)))
        np.testing.assert_allclose(got, exact, rtol=64 * np.finfo(dtype).eps, atol=0)


def test_the_divergence_of_0_is_the_other_number(variant):
    zero, y = (variant.array(np.asarray(v, variant.dtypes[-1])) for v in ([0.0, 0.0], [0.0, 3.0]))
    np.testing.assert_array_equal(variant.numpy(variant.run(gamma.kl_div, zero, y)), [0.0, 3.0])
    slope = al.grad(lambda v: al.array_namespace(v).sum(gamma.kl_div(zero, v)))
    assert np.all(np.isfinite(variant.numpy(variant.run(slope, y))))


def test_numbers_below_0_have_no_divergence_however_near(variant):
    below, other = variant.array(np.asarray([-1.0, -1.0, -2.0])), variant.array(np.asarray([-1.0, -1.1, 1.0]))
    with np.errstate(invalid="ignore"):
        assert np.isnan(variant.numpy(variant.run(gamma.kl_div, below, other))).all()
        near, _ = gamma.near_and_log_ratio(below, other)
    assert not variant.numpy(near).any()


@pytest.mark.parametrize("count", [0.0, 0.5, 1.0, 7.0, 1000.0])
def test_the_excess_of_a_ratio_of_gammas_vanishes_with_the_dispersion(variant, count):
    dtype = variant.dtypes[-1]
    z = np.geomspace(1e-3, 1e8, 23).astype(dtype)
    with mpmath.workdps(60):
        numbers = [mpmath.mpf(float(v)) for v in z]
        exact = [float(mpmath.loggamma(v + count) - mpmath.loggamma(v) - count * mpmath.log(v)) for v in numbers]
    got = variant.numpy(variant.run(gamma.log_gamma_excess, variant.array(z), variant.array(np.full_like(z, count))))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(got, exact, rtol=32 * eps, atol=8 * eps * (1 + np.max(np.abs(exact)) / 100))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_entries_that_an_index_names_are_summed_and_cleared(variant, axis):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 3, 4)).astype(variant.dtypes[-1])
    rest = [n for k, n in enumerate(x.shape) if k != axis]
    index, values = rng.integers(0, x.shape[axis], size=rest), rng.normal(size=rest).astype(x.dtype)
    cleared, sums = x.copy(), np.zeros((rest[0], x.shape[axis]), x.dtype)
    for place in np.ndindex(*rest):
        cleared[(*place[:axis], index[place], *place[axis:])] = 0.0
        sums[place[0], index[place]] += values[place]
    given = [variant.array(v) for v in (x, index, values)]
    found = variant.run(lambda x, index, _: indexing.clear(x, index, axis), *given)
    np.testing.assert_array_equal(variant.numpy(found), cleared)
    found = variant.run(lambda x, index, values: indexing.sum_by_index(values, index, x, axis), *given)
    np.testing.assert_allclose(variant.numpy(found), sums, rtol=1e-6, atol=1e-6)


def test_a_descending_order_keeps_equal_numbers_in_turn(variant):
    for dtype in variant.dtypes:
        x = np.random.default_rng(4).choice([0.0, -0.0, 1e-30, 0.5, 1.0, 1e30], size=(3, 50)).astype(dtype)
        expected = [sorted(range(50), key=lambda k, row=row: -row[k]) for row in x]
        found = variant.run(sorting.descending, variant.array(x))
        np.testing.assert_array_equal(variant.numpy(found), expected)


@pytest.mark.backend("jax")
@pytest.mark.parametrize(
    "row",
    [(math.nan, 0.0, 0.0), (0.0, 0.0, math.nan), (math.nan, math.nan, math.nan), (math.nan, -math.inf, -math.inf)],
    ids=str,
)
def test_nan_among_many_numbers_is_not_lost(row):
    # XLA leaves NaN out of a maximum of more than 4096 numbers, and of one that it fuses with a sum of as many.
    jax = pytest.importorskip("jax", reason="jax is not installed")
    jnp = jax.numpy
    x = jnp.zeros((4099, 3)).at[2].set(jnp.asarray(row))
    sign, labels, place = jnp.ones_like(x), jnp.zeros(4099, int), jnp.arange(4099.0)[:, None] + jnp.zeros(3)
    for loss, target in (
        (al.Hinge(), sign),
        (al.SquaredHinge(), sign),
        (al.ModifiedHuber(), sign),
        (al.Perceptron(), sign),
        (al.LogCosh(), x),
        (al.Wing(), x),
        (al.LovaszHinge(), jnp.ones(x.shape, int)),
        (al.CategoricalHinge(), labels),
        (al.MulticlassPerceptron(), labels),
        (al.ListMle(), place),
        (al.RankingSoftmax(), sign),
        (al.CrossEntropy(), labels),
    ):
        total = dataclasses.replace(loss, reduction="sum")
        assert jnp.isnan(total(x, target)), loss
        assert jnp.isnan(jax.jit(lambda x, y, total=total: total(x, y))(x, target)), loss
        assert jnp.isnan(dataclasses.replace(loss, reduction="none")(x, target)).any(), loss
    assert jnp.isnan(al.margin_ranking(x, -x, sign))
    assert jnp.isnan(al.triplet_margin(x, x + 1.0, x - 1.0))
    assert jnp.isnan(special.logsumexp(x)[2])
    assert jnp.isnan(special.relu(x).sum())
    assert jnp.isnan(reductions.largest(x, -1)[2])
