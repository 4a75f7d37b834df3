"""Calls that are spared some work, beside those that are not: the same results."""

from __future__ import annotations

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.main_variants


@pytest.mark.parametrize("narrow", [0, 1])
def test_of_two_dtypes_the_wider_one_is_computed_in(variant, narrow):
    if len(variant.dtypes) < 2:
        pytest.skip("has one dtype")
    if variant.backend == "jax":
        pytest.skip("is set to refuse two dtypes")
    values = [np.asarray([0.1, 0.2]), np.asarray([0.3, -0.7])]
    dtypes = ["float64", "float64"]
    dtypes[narrow] = "float32"
    arrays = [variant.array(x.astype(dtype)) for x, dtype in zip(values, dtypes, strict=True)]
    result = variant.numpy(variant.run(al.SquaredError(reduction="none"), *arrays))
    assert result.dtype == np.float64
    x, y = (value.astype(dtype).astype("float64") for value, dtype in zip(values, dtypes, strict=True))
    np.testing.assert_allclose(result, (x - y) ** 2, rtol=1e-15)


def test_the_slope_of_a_target_of_zeros_and_ones_is_that_of_any_target(variant):
    dtype = variant.dtypes[-1]
    logits, target = np.asarray([-3.0, -0.5, 0.5, 3.0], dtype), np.asarray([0.0, 1.0, 0.0, 1.0], dtype)
    both = al.value_and_grad(al.BinaryCrossEntropy(reduction="sum"))
    value, slope = variant.run(both, variant.array(logits), variant.array(target))
    p = 1.0 / (1.0 + np.exp(-logits))
    np.testing.assert_allclose(variant.numpy(slope), p - target, rtol=20 * np.finfo(dtype).eps)
    expected = -np.sum(target * np.log(p) + (1.0 - target) * np.log(1.0 - p))
    np.testing.assert_allclose(variant.numpy(value), expected, rtol=20 * np.finfo(dtype).eps)


def test_a_probability_of_0_or_1_is_guarded_wherever_it_stands(variant):
    dtype = variant.dtypes[-1]
    p, target = np.asarray([0.5, 0.0, 1.0], dtype), np.asarray([1.0, 0.0, 1.0], dtype)
    both = al.value_and_grad(al.BinaryCrossEntropy(from_logits=False, reduction="sum"))
    for kept in (slice(None), slice(2), slice(0, 3, 2), slice(1)):
        value, slope = variant.run(both, variant.array(p[kept].copy()), variant.array(target[kept].copy()))
        np.testing.assert_allclose(variant.numpy(value), np.log(2.0), rtol=4 * np.finfo(dtype).eps)
        np.testing.assert_allclose(variant.numpy(slope), np.asarray([-2.0, 1.0, -1.0])[kept])


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
@pytest.mark.parametrize("loss", [al.CrossEntropy, al.Nll])
def test_the_first_of_two_axes_holds_the_classes_as_well_as_the_last(variant, loss, shape):
    dtype = variant.dtypes[-1]
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=shape).astype(dtype), rng.integers(0, shape[1], shape[0])
    last = variant.run(al.value_and_grad(loss()), variant.array(x), variant.array(labels))
    first = variant.run(al.value_and_grad(loss(axis=0)), variant.array(x.T.copy()), variant.array(labels))
    tolerance = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(variant.numpy(first[0]), variant.numpy(last[0]), rtol=tolerance)
    np.testing.assert_allclose(variant.numpy(first[1]).T, variant.numpy(last[1]), rtol=tolerance, atol=tolerance)
