"""The losses of a softmax on a trained model's logits: certain rows, huge logits, classes that are ruled out."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import arraylosses as al

LOSSES = {"cross_entropy": al.CrossEntropy, "categorical_focal": al.CategoricalFocal}
of_losses = pytest.mark.parametrize("name", LOSSES)


def value_and_gradient(variant, loss, *arrays):
    """The per-item losses, and the gradient of their sum, as NumPy arrays."""
    given = [variant.array(x) for x in arrays]
    items = variant.numpy(variant.run(loss(reduction="none"), *given))
    return items, variant.numpy(variant.run(al.grad(loss(reduction="sum")), *given))


def exact(name: str, row: np.ndarray, label: int) -> tuple[mpmath.mpf, list[mpmath.mpf]]:
    """The loss of a row and its derivatives, with 50 digits: -log p, and for the focal loss (1 - p)² times that."""
    with mpmath.workdps(50):
        powers = [mpmath.exp(mpmath.mpf(float(z)) - float(np.max(row))) for z in row]
        total = mpmath.fsum(powers)
        p = [power / total for power in powers]
        rest = mpmath.fsum(p[:label] + p[label + 1 :])
        nll = -mpmath.log1p(-rest) if rest < 0.5 else -mpmath.log(p[label])
        slopes = [-rest if k == label else q for k, q in enumerate(p)]
        if name == "cross_entropy":
            return nll, slopes
        factor = rest**2 + 2 * rest * p[label] * nll
        return rest**2 * nll, [factor * slope for slope in slopes]


@of_losses
@pytest.mark.parametrize("lead", [2.0, 10.0, 30.0, 60.0])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_a_certain_row_keeps_its_digits(variant, name, lead, classes):
    rng = np.random.default_rng(3)
    dtype = variant.dtypes[-1]
    logits = rng.normal(size=(4, classes)).astype(dtype)
    labels = rng.integers(0, classes, 4)
    logits[np.arange(4), labels] += np.asarray(lead, dtype)
    items, gradient = value_and_gradient(variant, LOSSES[name], logits, labels)
    # An exponential has the error of its exponent, and the focal loss is one of three times the lead.
    tolerance = 30 * max(1.0, 3 * lead / 8) * np.finfo(dtype).eps
    tiny = float(np.finfo(dtype).smallest_normal)
    for row, label, item, slopes in zip(logits, labels, items, gradient, strict=True):
        value, derivatives = exact(name, row, label)
        np.testing.assert_allclose(item, float(value), rtol=tolerance, atol=tiny)
        np.testing.assert_allclose(slopes, np.asarray(derivatives, float), rtol=tolerance, atol=tiny)


def error_of_distribution(name: str, p: list[mpmath.mpf], t: list[mpmath.mpf]) -> mpmath.mpf:
    """Of published formulas: Σ (p - t)², Σ t (1 - p^q) / q, Σ t (-log p + ε (1 - p)), Σ |F - G|."""
    pairs = list(zip(p, t, strict=True))
    if name == "categorical_brier":
        return mpmath.fsum((q - u) ** 2 for q, u in pairs)
    if name == "generalized_cross_entropy":
        return mpmath.fsum(u * (1 - q ** mpmath.mpf(0.7)) / mpmath.mpf(0.7) for q, u in pairs)
    return mpmath.fsum(u * (2 * (1 - q) - mpmath.log(q)) for q, u in pairs)


@pytest.mark.parametrize("name", ["categorical_brier", "generalized_cross_entropy", "poly_cross_entropy"])
@pytest.mark.parametrize("lead", [10.0, 15.0, 20.0, 30.0])
@pytest.mark.parametrize("target", ["the leading class", "another", "soft"])
def test_each_class_of_a_certain_row_has_its_derivative(variant, name, lead, target):
    dtype = variant.dtypes[-1]
    row = np.asarray([lead, -3.0, 0.5, 0.25], dtype)
    target = {"the leading class": [1.0, 0, 0, 0], "another": [0, 0, 1.0, 0], "soft": [0.5, 0.25, 0.125, 0.125]}[target]
    loss, t = getattr(al, name), np.asarray(target, dtype)
    arrays = variant.array(row[None]), variant.array(t[None])
    gradient = variant.numpy(variant.run(al.grad(loss), *arrays))[0]
    with mpmath.workdps(80):
        targets = [mpmath.mpf(x) for x in target]

        def of_row(*logits: mpmath.mpf) -> mpmath.mpf:
            powers = [mpmath.exp(z) for z in logits]
            return error_of_distribution(name, [x / mpmath.fsum(powers) for x in powers], targets)

        z = [mpmath.mpf(float(x)) for x in row]
        slopes = [mpmath.diff(of_row, z, tuple(int(j == k) for j in range(4))) for k in range(4)]
    np.testing.assert_allclose(gradient, np.asarray(slopes, float), rtol=100 * lead * np.finfo(dtype).eps)


@of_losses
@pytest.mark.parametrize("power", [20, 34, 63, 100])
def test_a_logit_of_any_size_leads_without_a_loss(variant, name, power):
    dtype = variant.dtypes[-1]
    logits = np.asarray([[0.0, 1.0, 2.0**power], [-(2.0**power), 0.5, 0.0]], dtype)
    items, gradient = value_and_gradient(variant, LOSSES[name], logits, np.asarray([2, 1]))
    assert items[0] == 0
    assert np.all(gradient[0] == 0)
    value, slopes = exact(name, np.asarray([0.5, 0.0]), 0)
    np.testing.assert_allclose(items[1], float(value), rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(gradient[1], [0.0, *map(float, slopes)], rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("classes", [3, 40])
def test_a_label_of_vanishing_probability_costs_its_gap(variant, axis, classes):
    # Beyond 87 in float32 the probability has fewer and fewer digits, and is 0 at last.
    gaps = np.asarray([80.0, 87.0, 88.0, 95.0, 103.0, 120.0, 700.0, 720.0, 750.0, 3e4, 2.0, 0.0])
    dtype, count = variant.dtypes[-1], 2 * len(gaps)
    logits = np.random.default_rng(6).normal(size=(count, 2, classes)).astype(dtype)
    labels = np.full((count, 2), classes - 1)
    logits[:, 0, -1] = logits[:, 0, :-1].max(-1) - np.tile(gaps, 2).astype(dtype)
    logits[count // 2, 1, 0] = np.nan  # and is that of its own row alone
    given = logits if axis == -1 else np.moveaxis(logits, -1, 1).copy()
    loss = lambda **rest: al.CrossEntropy(axis=axis, **rest)  # noqa: E731
    items, gradient = value_and_gradient(variant, loss, given, labels)
    gradient = gradient if axis == -1 else np.moveaxis(gradient, 1, -1)
    assert np.isnan(items).sum() == 1
    assert np.isnan(items[count // 2, 1])
    eps, tiny = np.finfo(dtype).eps, float(np.finfo(dtype).smallest_normal)
    for row, item, slopes in zip(logits[:, 0], items[:, 0], gradient[:, 0], strict=True):
        value, derivatives = exact("cross_entropy", row, classes - 1)
        np.testing.assert_allclose(item, float(value), rtol=8 * eps)
        np.testing.assert_allclose(slopes, np.asarray(derivatives, float), rtol=200 * eps, atol=tiny)


@of_losses
def test_labels_are_one_hot_targets_on_certain_rows(variant, name):
    rng = np.random.default_rng(4)
    dtype = variant.dtypes[-1]
    logits, labels = rng.normal(size=(60, 7)).astype(dtype), rng.integers(0, 7, 60)
    logits[np.arange(60), labels] += np.linspace(0.0, 40.0, 60).astype(dtype)
    by_label = value_and_gradient(variant, LOSSES[name], logits, labels)
    by_target = value_and_gradient(variant, LOSSES[name], logits, np.eye(7, dtype=dtype)[labels])
    for x, y in zip(by_label, by_target, strict=True):
        np.testing.assert_allclose(x, y, rtol=400 * np.finfo(dtype).eps, atol=float(np.finfo(dtype).smallest_normal))


@of_losses
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_class_that_is_ruled_out_takes_no_part(variant, name, axis):
    dtype = variant.dtypes[-1]
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(6, 4)).astype(dtype), rng.integers(0, 3, 6)
    target = np.eye(4, dtype=dtype)[labels] * 0.75
    target[np.arange(6), (labels + 1) % 3] = 0.25
    ruled_out = np.concatenate([logits[:, :3], np.full((6, 1), -np.inf, dtype)], 1)
    for full, short in ((labels, labels), (target, target[:, :3])):
        soft = full.ndim == 2
        order = (lambda x: np.moveaxis(x, -1, axis)) if axis != -1 else (lambda x: x)
        loss = lambda **rest: LOSSES[name](axis=axis, **rest)  # noqa: E731
        given = order(ruled_out), order(full) if soft else full
        items, gradient = value_and_gradient(variant, loss, *given)
        expected, slopes = value_and_gradient(variant, LOSSES[name], logits[:, :3].copy(), short)
        np.testing.assert_allclose(items, expected, rtol=20 * np.finfo(dtype).eps)
        gradient = np.moveaxis(gradient, axis, -1)
        assert np.all(gradient[:, 3] == 0)
        np.testing.assert_allclose(gradient[:, :3], slopes, rtol=100 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_a_class_alone_has_no_loss(variant):
    dtype = variant.dtypes[-1]
    logits, labels = np.asarray([[3.0], [-2.0]], dtype), np.asarray([0, 0])
    for loss in (*LOSSES.values(), al.CategoricalHinge):
        for target in (labels, np.ones((2, 1), dtype)):
            items, gradient = value_and_gradient(variant, loss, logits, target)
            assert np.all(items == 0)
            assert np.all(gradient == 0)


def focal(z: list[mpmath.mpf], target: list[float], gamma: float) -> mpmath.mpf:
    """-Σ t (1 - p)^gamma log p, with 1 - p as the sum of all others."""
    powers = [mpmath.exp(v) for v in z]
    total = mpmath.fsum(powers)
    rest = [mpmath.fsum(powers[:k] + powers[k + 1 :]) / total for k in range(len(z))]
    return -mpmath.fsum(t * q**gamma * mpmath.log(p / total) for t, q, p in zip(target, rest, powers, strict=True) if t)


@pytest.mark.main_variants
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("row", [(0.0, 20.0, 5.0), (0.0, 50.0, -37.0), (24.0, -11.0, -3.0, 47.0, -40.0)])
def test_the_second_derivative_of_a_certain_row_is_finite(variant, row, gamma):
    classes = len(row)
    label = int(np.argmax(row))
    loss = al.CategoricalFocal(gamma=gamma, reduction="sum")
    for labels, target in (
        (np.asarray([label]), [float(k == label) for k in range(classes)]),
        (np.full((1, classes), 0.25), [0.25] * classes),
    ):
        with mpmath.workdps(150):
            z, h = [mpmath.mpf(v) for v in row], mpmath.mpf(10) ** -40
            ends = [[[*z[:k], z[k] + s * h, *z[k + 1 :]] for s in (-1, 0, 1)] for k in range(classes)]
            values = [[focal(end, target, gamma) for end in of_one] for of_one in ends]
            exact = [float((low - 2 * middle + high) / h**2) for low, middle, high in values]
        for dtype in variant.dtypes:
            of_dtype = labels if labels.ndim == 1 else labels.astype(dtype)
            given = variant.array(np.asarray([row], dtype)), variant.array(of_dtype)
            *_, diagonal = variant.run(al.value_grad_hess(loss), *given)
            found = variant.numpy(diagonal)[0]
            assert np.isfinite(found).all()
            # XLA takes factors below the smallest normal number for 0.
            np.testing.assert_allclose(found, exact, rtol=2e-4, atol=1e-36)
