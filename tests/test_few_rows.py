"""Rows that NumPy computes by short calls in double precision, beside the form for all others."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import arraylosses as al
from arraylosses import _values
from arraylosses.numerics import few_rows, reductions

TARGETS = ["labels", "one-hot", "distribution"]


def case(target: str, lead: float, rows: int = 6, classes: int = 5):
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(rows, classes)).astype("float32")
    labels = rng.integers(0, classes, rows)
    logits[np.arange(rows), labels] += np.float32(lead)
    if target == "labels":
        return logits, labels
    chosen = np.eye(classes, dtype="float32")[labels]
    return logits, chosen if target == "one-hot" else 0.75 * chosen + np.float32(0.25 / classes)


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


@pytest.mark.parametrize("lead", [-280.0, -20.0, 0.0, 3.0, 30.0, 280.0])
@pytest.mark.parametrize("target", TARGETS)
def test_the_result_is_exact_but_for_its_own_rounding(target, lead):
    logits, targets = case(target, lead)
    assert few_rows.fit(logits)
    items, gradient = value_and_gradient(logits, targets)
    shares = np.eye(logits.shape[1])[targets] if target == "labels" else targets
    info = np.finfo("float32")
    for row, share, item, slopes in zip(logits, shares, items, gradient, strict=True):
        value, derivatives = exact(row, share)
        np.testing.assert_allclose(item, value, rtol=info.eps, atol=info.smallest_normal)
        np.testing.assert_allclose(slopes, derivatives, rtol=2 * info.eps, atol=info.smallest_normal)


@pytest.mark.parametrize("extreme", [301.0, -301.0, 3e38, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("target", TARGETS)
def test_extreme_logits_take_the_other_form(monkeypatch, target, extreme):
    logits, targets = case(target, 0.0)
    logits[2, 1] = extreme
    assert not few_rows.fit(logits)
    with np.errstate(invalid="ignore"):  # of a difference of infinities
        found = value_and_gradient(logits, targets)
        monkeypatch.setattr(few_rows, "fit", lambda _: False)
        expected = value_and_gradient(logits, targets)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("share", [np.inf, np.nan, 1e38])
def test_a_target_that_is_no_distribution_has_the_other_form_s_result(monkeypatch, share):
    logits, targets = case("distribution", 0.0)
    targets[1, 2] = share
    with np.errstate(all="ignore"):
        found = value_and_gradient(logits, targets)
        monkeypatch.setattr(few_rows, "fit", lambda _: False)
        expected = value_and_gradient(logits, targets)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)


def test_many_rows_and_double_precision_take_the_other_form():
    classes = 4
    for rows, dtype, expected in (
        (_values.FEW // classes, "float32", True), (_values.FEW // classes + 1, "float32", False),
        (3, "float64", False), (0, "float32", False),
    ):  # fmt: skip
        assert few_rows.fit(np.zeros((rows, classes), dtype)) is expected


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
