"""The functions of `special`, and what their forms for single libraries have to share with the formula."""

from __future__ import annotations

import doctest
import inspect
import re

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff, special
from arraylosses.numerics import elementwise, logistic
from arraylosses.numerics._variants import primitive

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
def test_the_derivative_of_a_soft_cap_keeps_its_digits_where_tanh_is_1(dtype, cap):
    x = (cap * np.concatenate([np.linspace(-40, 40, 201), [1e-9, -1e-9]])).astype(dtype)
    exact = [float(1 / mpmath.cosh(mpmath.mpf(float(v)) / cap) ** 2) for v in x]
    # A quotient that is rounded by itself is multiplied by twice its size in the exponent.
    np.testing.assert_allclose(logistic.softcap_derivative(x, cap), exact, rtol=80 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(logistic.softcap_derivative(np.asarray([1e5, -1e5, np.inf, -np.inf], dtype), cap), 0)
    np.testing.assert_allclose(logistic.softcap(x, cap), cap * np.tanh(x.astype("float64") / cap), rtol=1e-6)


@pytest.mark.main_variants
def test_the_derivative_at_a_bound_is_one_and_of_a_magnitude_at_zero_nothing(variant):
    x = variant.array(np.asarray([-2.0, -1.0, 0.0, 1.0, 2.0], dtype=variant.dtypes[-1]))

    def summed(function):
        return variant.numpy(variant.run(al.grad(lambda z: al.array_namespace(z).sum(function(z))), x))

    np.testing.assert_array_equal(summed(lambda z: special.clip(z, -1.0, 1.0)), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(summed(lambda z: special.clip(z, None, 1.0)), [1, 1, 1, 1, 0])
    np.testing.assert_array_equal(summed(lambda z: special.clip(z, 0.0)), [0, 0, 1, 1, 1])
    ones = variant.array(np.ones(5, dtype=variant.dtypes[-1]))
    for low, high in ((-ones, ones), (-1.0, ones), (-ones, 1.0)):
        np.testing.assert_array_equal(summed(lambda z, low=low, high=high: special.clip(z, low, high)), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(summed(special.relu), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(summed(special.absolute), [-1, -1, 0, 1, 1])
    np.testing.assert_array_equal(variant.numpy(elementwise.clip_derivative(x, -1.0, 1.0)), [0, 1, 1, 1, 0])


@pytest.mark.main_variants
def test_few_rows_of_logits_have_the_losses_and_slopes_that_they_have_among_many(variant):
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sign_of_any_number_is_numpy_s(variant, dtype):
    if dtype not in variant.dtypes:
        pytest.skip("has another dtype")
    info = np.finfo(dtype)
    flushed = ("jax", "cupy")  # to which a subnormal number is 0
    least = info.smallest_normal if variant.library in flushed else info.smallest_subnormal
    x = np.asarray([0, least, info.smallest_normal, 1, info.max, np.inf, np.nan], dtype)
    x = np.concatenate([x, -x])
    np.testing.assert_array_equal(variant.numpy(variant.run(special.sign, variant.array(x))), np.sign(x))


public = pytest.mark.parametrize("name", special.__all__)


@public
def test_a_public_function_says_what_it_takes_and_its_examples_run(name):
    function = getattr(special, name)
    parameters = inspect.signature(function).parameters
    doc = inspect.getdoc(function)
    assert function.__name__ == name
    for section in ("Parameters", "Returns", "Examples"):
        assert re.search(rf"^{section}\n-+$", doc, re.MULTILINE), section
    described = re.search(r"^Parameters\n-+\n(.*?)^Returns$", doc, re.DOTALL | re.MULTILINE).group(1)
    names = [n for line in described.splitlines() if line[:1].strip() for n in line.split(" : ")[0].split(", ")]
    assert names == list(parameters)  # the namespace, which a formula takes first, is not one of them
    (found,) = (test for test in doctest.DocTestFinder(recurse=False).find(function, name, globs={}) if test.examples)
    assert doctest.DocTestRunner().run(found).failed == 0


OF_NUMBERS = {"clip": (-1.0, 1.0), "smooth_labels": (0.1,), "xlogy": (2.0,)}


@public
@pytest.mark.main_variants
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_public_function_takes_half_precision(variant, name, dtype):
    if dtype == "bfloat16" and variant.library not in ("torch", "jax", "cuda"):
        pytest.skip("has no bfloat16")
    if variant.library in ("strict", "dask"):
        pytest.skip("has no half precision")
    if name in ("one_hot", "take_along_axis", "where"):
        pytest.skip("takes labels, or a condition")
    function = getattr(special, name)
    x = variant.array(np.asarray([[0.5, 0.125, 0.25], [0.0, 1.0, 0.75]], "float32"))
    half = variant.run(lambda x: al.array_namespace(x).astype(x, getattr(al.array_namespace(x), dtype)), x)
    rest = OF_NUMBERS.get(name, ())
    if name == "xlogy":
        found, expected = variant.run(function, half, half), variant.run(function, x, x)
    else:
        found = variant.run(lambda x: function(x, *rest), half)
        expected = variant.run(lambda x: function(x, *rest), x)
    assert found.dtype == half.dtype
    got = variant.numpy(variant.run(lambda x: al.array_namespace(x).astype(x, al.array_namespace(x).float32), found))
    np.testing.assert_allclose(got, variant.numpy(expected), rtol=0.03, atol=0.01)


def test_special_publishes_what_it_imports():
    there = {name for name, x in vars(special).items() if inspect.isfunction(x)}
    assert there == set(special.__all__)
    assert special.__all__ == sorted(special.__all__)


EXACT = {
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "log_sigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "log_cosh": lambda x: mpmath.log(mpmath.cosh(x)),
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "absolute": abs,
    "sign": mpmath.sign,
    "heaviside": lambda x: mpmath.mpf(x > 0),
}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", EXACT)
def test_an_elementwise_function_keeps_its_digits(variant, name):
    dtype = variant.dtypes[-1]
    sizes = np.concatenate([[0.0], np.geomspace(1e-12, 80.0, 60)])
    x = np.concatenate([-sizes, sizes]).astype(dtype)
    with mpmath.workdps(60):
        exact = [float(EXACT[name](mpmath.mpf(float(v)))) for v in x]
    found = variant.numpy(variant.run(getattr(special, name), variant.array(x)))
    # An exponential has the error of its exponent.
    units = np.maximum(4.0, np.abs(x)) if name in ("softplus", "sigmoid", "log_sigmoid") else 4.0
    assert found.dtype == dtype
    assert np.all(np.abs(found - exact) <= 2 * units * np.finfo(dtype).eps * np.abs(exact))


SLOPES = {
    "softplus": EXACT["sigmoid"],
    "sigmoid": lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x)),
    "log_sigmoid": lambda x: 1 / (1 + mpmath.exp(x)),
    "log_cosh": mpmath.tanh,
    "relu": EXACT["heaviside"],
    "absolute": mpmath.sign,
}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", SLOPES)
def test_the_derivative_of_an_elementwise_function_keeps_its_digits(variant, name):
    dtype = variant.dtypes[-1]
    sizes = np.concatenate([[0.0, 1.0], np.geomspace(1e-30, 80.0, 60)])
    x = np.concatenate([-sizes, sizes]).astype(dtype)
    with mpmath.workdps(60):
        exact = [float(SLOPES[name](mpmath.mpf(float(v)))) for v in x]
    slope = al.grad(lambda z: al.array_namespace(z).sum(getattr(special, name)(z)))
    found = variant.numpy(variant.run(slope, variant.array(x)))
    units = np.maximum(4.0, np.abs(x)) if "sig" in name or name == "softplus" else 4.0
    assert found.dtype == dtype
    assert np.all(np.abs(found - exact) <= 2 * units * np.finfo(dtype).eps * np.abs(exact))


@pytest.mark.main_variants
@pytest.mark.parametrize("axis", [0, -1])
def test_the_functions_of_a_softmax_keep_their_digits(variant, axis):
    dtype = variant.dtypes[-1]
    rng = np.random.default_rng(11)
    x = (rng.normal(size=(30, 6)) * rng.choice([1e-3, 1.0, 30.0], size=(30, 1)) + 500.0).astype(dtype)
    x[:10, 2] += 25.0
    with mpmath.workdps(60):
        rows = [[mpmath.mpf(float(v)) for v in row] for row in x]
        sums = [mpmath.fsum(map(mpmath.exp, row)) for row in rows]
        exact = {
            "softmax": [[float(mpmath.exp(v) / s) for v in row] for row, s in zip(rows, sums, strict=True)],
            "log_softmax": [[float(v - mpmath.log(s)) for v in row] for row, s in zip(rows, sums, strict=True)],
            "logsumexp": [float(mpmath.log(s)) for s in sums],
        }
    given = variant.array(x if axis else np.moveaxis(x, -1, 0).copy())
    for name, expected in exact.items():
        function = getattr(special, name)
        found = variant.numpy(variant.run(lambda z, f=function: f(z, axis), given))
        found = found if found.ndim == 1 or axis else np.moveaxis(found, 0, -1)
        tolerance = np.finfo(dtype).eps * (200 if name == "softmax" else 8)
        np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.main_variants
def test_the_logarithm_of_a_sum_of_exponentials_may_be_infinite(variant):
    inf = np.inf
    rows = np.asarray([[-inf, -inf], [0.0, inf], [-inf, 2.0], [inf, inf]], dtype=variant.dtypes[-1])
    found = variant.numpy(variant.run(lambda x: special.logsumexp(x, -1), variant.array(rows)))
    np.testing.assert_array_equal(found, [-inf, inf, 2.0, inf])


@pytest.mark.main_variants
@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 3.0, np.inf])
def test_a_norm_neither_overflows_nor_vanishes_and_is_differentiable_at_zero(variant, order):
    dtype = variant.dtypes[-1]
    info = np.finfo(dtype)
    x = np.asarray([[3.0, -4.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], dtype)
    scales = [float(info.max) / 64, 1.0, float(info.smallest_normal) * 2]
    exact = [(sum(abs(v) ** order for v in row) ** (1 / order) if order < np.inf else max(abs(row))) for row in x]
    for scale in scales:
        given = variant.array(x * np.asarray(scale, dtype))
        before = variant.numpy(given).copy()
        gradient = al.grad(lambda z: al.array_namespace(z).sum(special.vector_norm(z, ord=order)))
        with np.errstate(over="ignore", under="ignore"):  # of the first estimate, where NumPy computes the formula
            found = variant.numpy(variant.run(lambda z: special.vector_norm(z, ord=order), given))
            slopes = variant.numpy(variant.run(gradient, given))
        np.testing.assert_allclose(found, np.asarray(exact) * scale, rtol=16 * info.eps)
        np.testing.assert_array_equal(variant.numpy(given), before)
        assert np.all(np.isfinite(slopes))
        assert np.all(slopes[1] == 0)


@pytest.mark.main_variants
@pytest.mark.parametrize("order", [0.5, 1.0, 2.0, 3.0, np.inf])
def test_the_norm_of_a_row_with_an_infinite_number_is_infinite(variant, order):
    x = np.asarray([[np.inf, -4.0], [1.0, -np.inf], [np.inf, np.nan], [0.0, 2.0]], variant.dtypes[-1])
    found = variant.numpy(variant.run(lambda z: special.vector_norm(z, ord=order), variant.array(x)))
    np.testing.assert_array_equal(found[[0, 1, 3]], [np.inf, np.inf, 2.0])  # by the definition, as in np.linalg.norm
    assert np.isnan(found[2])


def test_a_product_with_a_logarithm_is_zero_where_both_are(variant):
    dtype = variant.dtypes[-1]
    x, y = np.asarray([0.0, 0.0, 2.0], dtype), np.asarray([0.0, 3.0, 3.0], dtype)
    found = variant.numpy(variant.run(special.xlogy, variant.array(x), variant.array(y)))
    np.testing.assert_allclose(found, [0.0, 0.0, 2 * np.log(3.0)], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.main_variants
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_labels_are_probabilities_of_classes_along_any_axis(variant, axis):
    dtype = variant.dtypes[-1]
    labels, eye = np.asarray([[2, 0], [1, 2], [0, 0]]), np.eye(3)
    found = variant.run(
        lambda x: special.one_hot(x, 3, axis=axis, dtype=variant.array(eye.astype(dtype)).dtype), variant.array(labels)
    )
    assert variant.of_this_library(found)
    expected = np.moveaxis(eye.astype(dtype)[labels], -1, axis)
    np.testing.assert_array_equal(variant.numpy(found), expected)
    assert variant.numpy(found).dtype == dtype
    smooth = variant.numpy(variant.run(lambda x: special.smooth_labels(x, 0.25, axis=axis), found))
    np.testing.assert_allclose(smooth, 0.75 * expected + 0.25 / 3, rtol=1e-6)
    assert smooth.dtype == dtype


def test_a_label_that_is_no_class_has_no_row(variant):
    labels = variant.array(np.asarray([1, 3, -1]))
    if variant.eager_labels:
        with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 3\) for 3 classes, got -1"):
            special.one_hot(labels, 3)
        return
    found = variant.numpy(variant.run(lambda x: special.one_hot(x, 3), labels))
    np.testing.assert_array_equal(found, [[0, 1, 0], [np.nan] * 3, [np.nan] * 3])


def test_labels_that_cannot_be_meant_are_refused():
    labels = np.asarray([0, 1])
    for given, message in (
        ((labels, 2.0), "`n_classes` must be an integer, got 2.0"),
        ((labels.astype(float), 2), "`labels` must hold integer labels, got float64"),
    ):
        with pytest.raises(TypeError, match=message):
            special.one_hot(*given)
    with pytest.raises(ValueError, match=r"`n_classes` must lie in \[1, inf\], got 0"):
        special.one_hot(labels, 0)
    with pytest.raises(ValueError, match="`axis` must be an axis of the result, of 2 axes, got 2"):
        special.one_hot(labels, 2, axis=2)
    with pytest.raises(TypeError, match="`target` must hold floating probabilities, got int64; special.one_hot makes"):
        special.smooth_labels(labels, 0.1)
    with pytest.raises(ValueError, match=r"`smoothing` must lie in \[0, 1\], got 2"):
        special.smooth_labels(np.eye(2), 2)


@pytest.mark.main_variants
def test_what_is_taken_as_a_constant_has_no_derivative(variant):
    x = variant.array(np.asarray([3.0, -2.0], dtype=variant.dtypes[-1]))
    gradient = al.grad(lambda z: al.array_namespace(z).sum(z * special.stop_gradient(z)))
    np.testing.assert_array_equal(variant.numpy(variant.run(gradient, x)), [3.0, -2.0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_a_bound_may_be_beyond_the_range_of_the_dtype_and_given_by_name(dtype):
    x = np.asarray([-3, 0, 3]).astype(dtype)
    np.testing.assert_array_equal(special.clip(x, max=1e300), x)
    np.testing.assert_array_equal(special.clip(x, min=0), [0, 0, 3])
    assert special.clip(x, -1, 1).dtype == dtype or dtype == "int32"


@pytest.mark.main_variants
def test_without_bounds_nothing_is_limited(variant):
    x = np.asarray([-np.inf, -1.0, -0.0, 2.0, np.inf, np.nan], variant.dtypes[-1])
    same_bits(variant.numpy(variant.run(special.clip, variant.array(x))), x)
    slope = al.grad(lambda z: al.array_namespace(z).sum(special.clip(z)))
    np.testing.assert_array_equal(variant.numpy(variant.run(slope, variant.array(x[1:4]))), 1.0)


@pytest.mark.parametrize("function", [special.vector_norm, special.pairwise_distances])
@pytest.mark.parametrize("order", [0, 0.0, -1, -np.inf, np.nan])
def test_a_norm_has_an_order_above_zero(function, order):
    x = np.asarray([[3.0, 4.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match=f"`ord` must be above 0, got {order}"):
        function(x, ord=order)
    for other in ("fro", None, True):
        with pytest.raises(TypeError, match="`ord` must be a number, got"):
            function(x, ord=other)
    for same in (3, 3.0, np.float32(3.0), np.asarray(3.0)):
        np.testing.assert_allclose(function(x, ord=same), function(x, ord=3.0))


def test_a_form_that_does_not_apply_leaves_its_arguments_to_the_formula():
    @primitive(in_place=lambda library, x, y=None: "in place" if y is None else None)
    def function(xp, x, y=None):
        return "formula"

    x = np.ones(3)
    assert (function(x), function(x, 1), function(np.float64(1.0))) == ("in place", "formula", "formula")
    assert list(inspect.signature(function).parameters) == ["x", "y"]


@pytest.mark.parametrize(("axis", "rows", "places"), [(-1, (2, 3, 4), (2, 3, 1)), (1, (2, 3, 4), (2, 5, 4)),
                                                     (0, (3, 1, 4), (2, 2, 1)), (0, (5,), (3,))])  # fmt: skip
def test_entries_are_taken_as_numpy_takes_them(variant, axis, rows, places):
    rng = np.random.default_rng(0)
    x, weight = (rng.normal(size=shape).astype(variant.dtypes[-1]) for shape in (rows, places))
    index = rng.integers(0, rows[axis], size=places)
    wanted = np.take_along_axis(x, index, axis)
    take = lambda x, index: special.take_along_axis(x, index, axis=axis)  # noqa: E731
    found = variant.run(take, variant.array(x), variant.array(index))
    np.testing.assert_array_equal(variant.numpy(found), wanted)

    def weighted(x, weight, index):
        return al.array_namespace(x).sum(take(x, index) * weight)

    gradient = variant.run(al.grad(weighted), *map(variant.array, (x, weight, index)))
    # Each entry gets the weights of the places that name it.
    slopes = np.zeros((*np.broadcast_shapes(*[np.delete(s, axis) for s in (rows, places)]), rows[axis]))
    slopes = np.moveaxis(slopes, -1, axis)
    for place, w in np.ndenumerate(np.broadcast_to(weight, wanted.shape)):
        own = list(place)
        own[axis] = np.broadcast_to(index, wanted.shape)[place]
        slopes[tuple(own)] += w
    stretched = tuple(k for k, size in enumerate(rows) if size != slopes.shape[k])
    np.testing.assert_allclose(variant.numpy(gradient), slopes.sum(stretched, keepdims=True), rtol=1e-5, atol=1e-6)


@pytest.mark.backend("numpy")
def test_places_that_name_no_entries_are_refused():
    x = np.ones((2, 3))
    with pytest.raises(ValueError, match="`indices` must have 2 axes, as `x`, got 1; labels of rows are labels"):
        special.take_along_axis(x, np.asarray([0, 1]))
    with pytest.raises(TypeError, match="`indices` must hold integers, got float64"):
        special.take_along_axis(x, x)
    with pytest.raises(ValueError, match="`axis` must be an axis of `x`, which has 2, got 2"):
        special.take_along_axis(x, np.asarray([[0], [1]]), axis=2)


@pytest.mark.backend("torch")
@public
def test_torch_compiles_a_public_function_without_a_break(name):
    torch = pytest.importorskip("torch")
    x = torch.linspace(-2.0, 2.0, 12).reshape(3, 4)
    given = {
        "where": (x > 0, x, 0.0),
        "xlogy": (x.abs(), x.abs()),
        "clip": (x, -1.0, 1.0),
        "one_hot": (torch.arange(3), 4),
        "smooth_labels": (x.softmax(-1), 0.125),
        "take_along_axis": (x, torch.arange(3)[:, None]),
    }.get(name, (x,))
    function = getattr(special, name)
    compiled = torch.compile(function, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*given), function(*given))


@pytest.mark.parametrize("axis", [0, -1])
def test_the_logarithm_of_a_sum_of_nothing_is_that_of_0(variant, axis):
    x = variant.array(np.zeros((0, 2) if axis == 0 else (2, 0)))
    np.testing.assert_array_equal(variant.numpy(variant.run(lambda x: special.logsumexp(x, axis), x)), [-np.inf] * 2)
