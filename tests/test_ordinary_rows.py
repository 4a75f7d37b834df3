"""Rows of NumPy whose numbers are of ordinary size, beside the form for all others."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses import _values
from arraylosses.numerics import ordinary_rows, reductions

TARGETS = ["labels", "one-hot", "distribution"]


def case(target: str, lead: float, rows: int = 6, classes: int = 5, dtype: str = "float32"):
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(rows, classes)).astype(dtype)
    labels = rng.integers(0, classes, rows)
    logits[np.arange(rows), labels] += logits.dtype.type(lead)
    if target == "labels":
        return logits, labels
    chosen = np.eye(classes, dtype=dtype)[labels]
    return logits, chosen if target == "one-hot" else 0.75 * chosen + chosen.dtype.type(0.25 / classes)


def value_and_gradient(logits, target):
    items = al.cross_entropy(logits, target, reduction="none")
    return items, al.value_and_grad(al.CrossEntropy(reduction="sum"))(logits, target)[1]


def exact(row, target):
    """Σ t (log Σ exp(z) - z) and p Σ t - t with 60 digits, from their definition."""
    with mpmath.workdps(60):
        z, t = [[mpmath.mpf(float(x)) for x in v] for v in (row, target)]
        total, mass = mpmath.fsum([mpmath.exp(x) for x in z]), mpmath.fsum(t)
        value = mpmath.fsum([b * (mpmath.log(total) - a) for a, b in zip(z, t, strict=True)])
        return float(value), [float(mpmath.exp(a) / total * mass - b) for a, b in zip(z, t, strict=True)]


def assert_exact(logits, targets, units):
    """Value and gradient, but for so many units in the last place."""
    items, gradient = value_and_gradient(logits, targets)
    shares = targets if targets.ndim == 2 else np.eye(logits.shape[1])[targets]
    info = np.finfo(logits.dtype)
    assert items.dtype == gradient.dtype == logits.dtype
    for row, share, item, slopes in zip(logits, shares, items, gradient, strict=True):
        value, derivatives = exact(row, share)
        np.testing.assert_allclose(item, value, rtol=units * info.eps, atol=info.smallest_normal)
        # The unit is that of the difference, unless p Σ t and t are near each other without p being near 0 or 1.
        size = np.where((share > 0) & (share < 1), np.maximum(np.abs(derivatives), share), np.abs(derivatives))
        assert np.all(np.abs(slopes - derivatives) <= 2 * units * info.eps * size + info.smallest_normal)


@pytest.mark.parametrize("lead", [-560.0, -20.0, 0.0, 3.0, 30.0, 560.0])
@pytest.mark.parametrize("target", TARGETS)
def test_of_few_rows_of_single_precision_only_the_result_is_rounded(target, lead):
    logits, targets = case(target, lead)
    assert ordinary_rows.working_dtype(logits) == np.float64
    assert_exact(logits, targets, 1)


@pytest.mark.parametrize(("rows", "classes"), [(60, 3), (12, 400)])
@pytest.mark.parametrize("lead", [-60.0, -20.0, 0.0, 3.0, 30.0, 60.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_many_rows_are_computed_in_their_own_precision(monkeypatch, target, dtype, lead, rows, classes):
    monkeypatch.setattr(ordinary_rows, "FEW", 0)
    logits, targets = case(target, lead, rows, classes, dtype)
    assert ordinary_rows.working_dtype(logits) == dtype
    assert_exact(logits, targets, 6)


def test_many_narrow_rows_of_a_wider_range_are_computed_in_double_precision(monkeypatch):
    monkeypatch.setattr(ordinary_rows, "FEW", 0)
    for classes, expected in ((256, np.float64), (257, None)):
        logits, targets = case("labels", 81.0, classes=classes)
        apart = logits.copy()
        apart[np.arange(6), targets] = -50.0
        apart[np.arange(6), (targets + 1) % classes] = 50.0
        for rows in (logits, apart):
            assert ordinary_rows.working_dtype(rows) == expected
            # The other form rounds the exponent: e^-100 has a hundred of its units.
            assert_exact(rows, targets, 6 if expected or rows is logits else 100)


def test_the_largest_sum_and_ratio_are_in_range(monkeypatch):
    monkeypatch.setattr(ordinary_rows, "FEW", 0)
    for dtype, end in (("float32", 78.0), ("float64", 600.0)):
        for least, most in ((0.0, end), (-end, 0.0), (-end / 2, end / 2)):
            logits = np.full((3, 4096), most, dtype)
            logits[0, 1:] = logits[1, 0] = logits[2, :] = least
            assert ordinary_rows.working_dtype(logits) == dtype
            items, gradient = value_and_gradient(logits, np.zeros(3, np.int64))
            expected = 4095.0 * math.exp(-end), end + math.log(4095.0), math.log(4096.0)
            np.testing.assert_allclose(items, expected, rtol=8 * np.finfo(dtype).eps)
            slopes = -expected[0], -1.0, -4095.0 / 4096.0
            np.testing.assert_allclose(gradient[:, 0], slopes, rtol=8 * np.finfo(dtype).eps)
            np.testing.assert_allclose(gradient[1, 1:], 1.0 / 4095.0, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("extreme", [601.0, -601.0, 3e38, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("target", TARGETS)
def test_extreme_logits_take_the_other_form(monkeypatch, target, extreme):
    logits, targets = case(target, 0.0)
    logits[2, 1] = extreme
    assert ordinary_rows.working_dtype(logits) is None
    with np.errstate(invalid="ignore"):  # of a difference of infinities
        found = value_and_gradient(logits, targets)
        monkeypatch.setattr(ordinary_rows, "working_dtype", lambda *_: None)
        expected = value_and_gradient(logits, targets)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("share", [np.inf, np.nan, 1e38])
def test_a_target_that_is_no_distribution_has_the_other_form_s_result(monkeypatch, share):
    logits, targets = case("distribution", 0.0)
    targets[1, 2] = share
    with np.errstate(all="ignore"):
        found = value_and_gradient(logits, targets)
        monkeypatch.setattr(ordinary_rows, "working_dtype", lambda *_: None)
        expected = value_and_gradient(logits, targets)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)


def test_what_rows_are_computed_in():
    few = _values.FEW // 4
    for rows, classes, dtype, expected in (
        (few, 4, "float32", "float64"), (few + 1, 4, "float32", "float32"), (few + 1, 4, "float64", "float64"),
        (3, 4096, "float32", "float32"), (3, 4097, "float32", None), (0, 4, "float32", None), (3, 4, "float16", None),
    ):  # fmt: skip
        assert ordinary_rows.working_dtype(np.zeros((rows, classes), dtype)) == expected


@pytest.mark.parametrize("target", TARGETS)
def test_rows_of_several_axes_are_those_of_two(target):
    logits, targets = case(target, 3.0)
    split = (2, 3, *targets.shape[1:])
    found = value_and_gradient(logits.reshape(2, 3, 5), targets.reshape(split))
    for x, y in zip(found, value_and_gradient(logits, targets), strict=True):
        assert x.shape[:2] == (2, 3)
        np.testing.assert_array_equal(x.reshape(y.shape), y)


def test_the_rows_are_not_written_to():
    for target in TARGETS:
        logits, targets = case(target, 3.0)
        logits.flags.writeable = targets.flags.writeable = False
        value_and_gradient(logits, targets)


@pytest.mark.parametrize("count", [3, _values.FEW, _values.FEW + 3])
def test_sums_and_ends_of_few_numbers_are_those_of_many(count):
    x = np.random.default_rng(2).normal(size=(count // 3, 3))
    np.testing.assert_allclose(reductions.reduce_sum(x), np.sum(x), rtol=1e-12)
    np.testing.assert_allclose(reductions.reduce_sum(x, -1), np.sum(x, -1), rtol=1e-12)
    np.testing.assert_allclose(reductions.reduce_sum(x, 0), np.sum(x, 0), rtol=1e-12)
    np.testing.assert_array_equal(reductions.reduce_max(x, -1), np.max(x, -1, keepdims=True))
    np.testing.assert_allclose(reductions.reduce_mean(x, -1), np.mean(x, -1), rtol=1e-12)
    assert _values.least_and_most(x) == (np.min(x), np.max(x))
    labels = np.arange(count)[::-1].copy()
    assert _values.lie_below(labels, count)
    assert not _values.lie_below(labels, count - 1)
    labels[count // 2] = -1
    assert not _values.lie_below(labels, count)
    x[0, 1] = np.nan
    assert all(map(np.isnan, _values.least_and_most(x)))
    assert np.isnan(reductions.reduce_max(x, -1)[0, 0])


def test_a_sum_of_few_numbers_warns_of_no_infinite_one():
    # As NumPy's product with rows does, now and then: it depends on where the array lies in memory.
    rng = np.random.default_rng(1)
    memory = np.zeros(8 + 20 * 20, "float32")
    for rows, length, offset in np.ndindex(19, 19, 8):
        x = memory[offset : offset + (rows + 1) * (length + 1)].reshape(rows + 1, length + 1)
        x[...] = rng.normal(size=x.shape)
        x[rng.integers(0, rows + 1), rng.integers(0, length + 1)] = np.inf
        for axis in (None, -1):
            assert np.max(reductions.reduce_sum(x, axis)) == np.inf
