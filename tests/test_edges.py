"""Values at the edges of the floats: infinities that agree, subnormal numbers, settings that a dtype has not.

Each expected number is that of the published formula at the exact value of the inputs, by hand or with mpmath.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import mpmath
import numpy as np
import pytest

import arraylosses as al

from .cases import DEFAULTS, Case
from .variants import Variant

INF, NAN = math.inf, math.nan
HUGE = {"float32": 3e38, "float64": 1.7e308}

elementwise = [case for case in DEFAULTS if "class" not in case.loss.declaration.domains]


def both(variant: Variant, loss: al.Loss, *arrays: Any, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Per-item losses, and their derivatives by the first array."""
    given = [variant.array(np.asarray(x, dtype)) for x in arrays]
    items = dataclasses.replace(loss, reduction="none")
    total = dataclasses.replace(loss, reduction="sum")
    with np.errstate(all="ignore"):  # as of a setting that the dtype has not
        value = variant.numpy(variant.run(items, *given))
        return value, variant.numpy(variant.run(al.grad(total), *given))


# loss, arrays, the loss of each item, and its derivative
ROWS: dict[str, tuple[al.Loss, tuple[Any, ...], Any, Any]] = {
    "an infinite logit that agrees, beside others": (
        al.BinaryCrossEntropy(),
        ([INF, 0.0, -INF, INF], [1.0, 0.5, 0.0, 0.5]),
        [0.0, math.log(2), 0.0, INF],
        [0.0, 0.0, 0.0, 0.5],
    ),
    "with a weight of the positive class": (
        al.BinaryCrossEntropy(pos_weight=2.0),
        ([INF, 0.0, -INF], [1.0, 0.5, 0.0]),
        [0.0, 1.5 * math.log(2), 0.0],
        [0.0, -0.25, 0.0],
    ),
    "without axes": (al.BinaryCrossEntropy(), (INF, 1.0), 0.0, 0.0),
    "focal": (
        al.BinaryFocal(),
        ([INF, 0.0, -INF], [1.0, 0.5, 0.0]),
        [0.0, math.log(2) / 4, 0.0],
        [0.0, 0.0, 0.0],
    ),
    "a small epsilon at both ends": (
        al.get("bce", epsilon=1e-8),
        ([1.0, 0.0, 0.0, 1.0, 0.5], [0.0, 1.0, 0.0, 1.0, 0.5]),
        [-math.log(1e-8)] * 2 + [-math.log1p(-1e-8)] * 2 + [math.log(2)],
        [0.0] * 5,
    ),
    "a small epsilon of the focal loss": (
        al.get("binary_focal_crossentropy", epsilon=1e-8),
        ([1.0, 0.0, 0.5], [0.0, 1.0, 0.5]),
        [-math.log(1e-8) * (1 - 1e-8) ** 2] * 2 + [math.log(2) / 4],
        [0.0] * 3,
    ),
    "a floor": (
        al.get("BCELoss"),
        ([0.0, 1.0, 0.5, 1.0], [1.0, 0.0, 0.5, 1.0]),
        [100.0, 100.0, math.log(2), 0.0],
        [0.0, 0.0, 0.0, -1.0],
    ),
    "a negative target": (
        al.KlDivergence(),
        ([[-1.0, -2.0], [-1.0, -2.0]], [[-1.0, 2.0], [0.0, 1.0]]),
        [NAN, 2.0],
        [[1.0, -2.0], [0.0, -1.0]],
    ),
    "no probability where there is no mass": (
        al.KlDivergence(),
        ([[-INF, 0.0], [-INF, -1.0]], [[0.0, 1.0], [0.5, 0.5]]),
        [0.0, INF],
        [[0.0, -1.0], [-0.5, -0.5]],
    ),
    "an infinite threshold": (al.PseudoHuber(delta=INF), ([0.0, 2.0, -3.0], [0.0] * 3), [0, 2, 4.5], [0, 2, -3]),
    "a threshold beyond float32": (
        al.PseudoHuber(delta=1e40),
        ([0.0, 2.0, -3.0], [0.0] * 3),
        [0, 2, 4.5],
        [0, 2, -3],
    ),
    "Huber's beyond float32": (al.Huber(delta=1e300), ([0.0, 2.0, -3.0], [0.0] * 3), [0, 2, 4.5], [0, 2, -3]),
    "a threshold below float32": (al.SmoothL1(beta=1e-50), ([0.0, 2.0, -3.0], [0.0] * 3), [0, 2, 3], [0, 1, -1]),
    "no epsilon": (
        al.AbsolutePercentageError(epsilon=0.0),
        ([0.0, 1.0], [0.0, 0.0]),
        [0.0, INF],
        [0.0, INF],
    ),
    "an infinite margin": (
        al.TripletMargin(margin=INF),
        ([[3.0, 4.0]], [[0.0, 0.0]], [[3.0, 0.0]]),
        [INF],
        [[0.6, -0.2]],
    ),
    "no vector": (
        al.CosineSimilarity(),
        ([[0.0, 0.0], [3.0, 4.0]], [[1.0, 2.0], [0.0, 0.0]]),
        [0.0, 0.0],
        [[0.0, 0.0], [0.0, 0.0]],
    ),
    "one feature": (al.CosineSimilarity(), ([[3.0], [-2.0]], [[5.0], [0.5]]), [-1.0, 1.0], [[0.0], [0.0]]),
}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", ROWS)
def test_the_value_and_the_derivative_at_an_edge(variant: Variant, name):
    loss, arrays, value, derivative = ROWS[name]
    for dtype in variant.dtypes:
        found = both(variant, loss, *arrays, dtype=dtype)
        tolerance = 64 * np.finfo(dtype).eps
        for got, want in zip(found, (value, derivative), strict=True):
            np.testing.assert_allclose(got, want, rtol=tolerance, atol=1e-12 if dtype == "float64" else 1e-7)


@pytest.mark.main_variants
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 38.0, INF])
def test_distances_out_of_range_have_their_difference(variant: Variant, p):
    for dtype in variant.dtypes:
        most = HUGE[dtype]
        anchor, positive, negative = [[most, -most]], [[-most, most]], [[-most, most * 0.75]]
        loss = al.TripletMargin(p=p)
        value, derivative = both(variant, loss, anchor, positive, negative, dtype=dtype)
        exact = _norm(np.asarray([2.0, 2.0]), p) - _norm(np.asarray([2.0, 1.75]), p)
        np.testing.assert_allclose(value / most, [exact], rtol=1e-4, atol=1e-6)
        # Where the formula's derivative is taken and not the closed form, a factor of it is out of range.
        assert np.isfinite(derivative).all() or (
            (variant.backend == "jax" or variant.name == "cuda") and p in (3.0, 38.0)
        )


def _norm(x: np.ndarray, p: float) -> float:
    return float(np.max(x) if p == INF else np.sum(x**p) ** (1 / p))


@pytest.mark.main_variants
def test_a_cosine_of_any_length(variant: Variant):
    for dtype in variant.dtypes:
        sizes = [4 * float(np.finfo(dtype).smallest_normal), 1e-30, 1.0, 1e30, HUGE[dtype]]
        x = np.asarray([[3.0, 4.0]]) / 4 * np.asarray(sizes)[:, None]
        y = np.asarray([[4.0, 3.0]]) / 4 * np.asarray(sizes[::-1])[:, None]
        value, derivative = both(variant, al.CosineSimilarity(), x, y, dtype=dtype)
        np.testing.assert_allclose(value, -0.96, rtol=8 * np.finfo(dtype).eps)
        # -(y/|y| - cos x/|x|) / |x| for lengths of 1
        across = -(np.asarray([0.8, 0.6]) - 0.96 * np.asarray([0.6, 0.8]))
        for row, size in zip(derivative, sizes, strict=True):
            if np.finfo(dtype).smallest_normal * 100 < 1 / size < np.finfo(dtype).max / 100:
                np.testing.assert_allclose(row * (1.25 * size), across, rtol=100 * np.finfo(dtype).eps)
        assert np.isfinite(derivative).all()


@pytest.mark.main_variants
def test_what_is_in_range_though_a_part_of_it_is_not(variant: Variant):
    for dtype in variant.dtypes:
        most = HUGE[dtype]
        value, derivative = both(variant, al.AbsolutePercentageError(), [most, -most], [-most, most], dtype=dtype)
        np.testing.assert_allclose(value, [200.0, 200.0], rtol=1e-6)
        assert np.isfinite(derivative).all()
        low = -1 + float(np.finfo(dtype).eps) / 2  # the ratio is out of range, and its logarithm is not
        value, derivative = both(variant, al.SquaredLogarithmicError(), [most, 3.0], [low, 2.0], dtype=dtype)
        exact = [(math.log(most) - math.log1p(low)) ** 2, math.log(4 / 3) ** 2]
        np.testing.assert_allclose(value, exact, rtol=1e-6)
        assert np.isfinite(derivative).all()


@pytest.mark.main_variants
def test_a_number_below_minus_1_has_no_logarithm_of_1_more(variant: Variant):
    rows = [-2.0, -1.5, -3.0, -2.0, 1.0, -1e9, 0.5]
    loss = al.SquaredLogarithmicError(reduction="none")
    for dtype in variant.dtypes:
        given = [variant.array(np.asarray(x, dtype)) for x in (rows, [0.0, 3.0, -2.0, -2.0, -3.0, 2.0, -1e9])]
        with np.errstate(all="ignore"):
            assert not np.isfinite(variant.numpy(variant.run(loss, *given))).any()


@pytest.mark.main_variants
def test_the_divergence_of_nearly_equal_rows_is_at_least_0(variant: Variant):
    rng = np.random.default_rng(1)
    for dtype in variant.dtypes:
        for classes in (2, 10, 1000):
            z = rng.normal(size=(64, classes))
            q = (np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)).astype(dtype)
            t = q.astype("float64") * (1 + 1e-7 * rng.normal(size=q.shape))
            t = (t / np.sum(t, axis=1, keepdims=True)).astype(dtype)
            for loss, arrays in (
                (al.KlDivergence(), (np.log(q), t)),
                (al.KlDivergence(log_target=True), (np.log(q), np.log(t))),
                (al.KlDivergence(from_log=False), (q, t)),
                (al.get("KLDivergence"), (q, t)),
            ):
                value, derivative = both(variant, loss, *arrays, dtype=dtype)
                assert (value >= 0).all()
                # It is the divergence's own, and not that of the 0 which a value below may be raised to.
                if loss == al.KlDivergence():
                    np.testing.assert_allclose(derivative, -t, rtol=1e-6)


def extremes_of(case: Case) -> list[al.Loss]:
    """The losses of a class with one real setting out of the dtypes' range, or at the end of its domain."""
    found = []
    for name, default in case.loss.settings().items():
        if isinstance(default, float):
            for value in (0.0, 1e-320, 1e-50, 1e-8, 1e40, 1e300, INF):
                try:
                    found.append(type(case.loss)(**{name: value}))
                except ValueError:
                    continue  # refused, with a reason
    return found


@pytest.mark.main_variants
@pytest.mark.parametrize("case", [c for c in elementwise if extremes_of(c)], ids=str)
def test_a_setting_out_of_range_gives_a_limit_and_never_nan(variant: Variant, case):
    dtype = variant.dtypes[-1] if variant.name == "jax" else "float32"
    arrays = case.inputs(seed=8, dtype=dtype)
    arrays[0].reshape(-1)[0] = arrays[1].reshape(-1)[0]  # an error of 0
    for loss in extremes_of(case):
        for x in both(variant, loss, *arrays, dtype=dtype):
            assert not np.isnan(x).any(), loss


def traced(loss: al.Loss) -> Any:
    """The sum of the items as a function of arrays, which has no derivative but that of its operations."""
    return lambda *arrays: al.array_namespace(*arrays).sum(loss.call(*arrays))


POWERS = [
    al.Asymmetric(shift=0.0),
    al.Asymmetric(shift=0.0, gamma_pos=0.5, gamma_neg=0.5),
    al.Asymmetric(shift=0.0, gamma_pos=7.0, gamma_neg=7.0),
    al.Asymmetric(shift=0.0, gamma_pos=1e30, gamma_neg=1e30),
    al.BinaryFocal(),
    al.BinaryFocal(gamma=7.0),
    al.BinaryFocal(gamma=1e30),
]


# Of a logit that is wrong by more than the exponential has a range, the loss is its size, whatever the exponent.
@pytest.mark.main_variants
@pytest.mark.parametrize("loss", POWERS, ids=repr)
def test_a_power_of_a_probability_leaves_the_loss_of_a_huge_logit_its_slope(variant: Variant, loss):
    for dtype in variant.dtypes:
        x = {"float32": [89.0, 95.0, 103.5, 120.0, 1e10, 2e38], "float64": [89.0, 710.0, 745.5, 1e10, 1.7e308]}[dtype]
        if loss.settings().get("gamma", loss.settings().get("gamma_neg")) > 1e9:
            x = x[3:]
        size = np.asarray(x, dtype)
        for target, sign in ((0.0, 1.0), (1.0, -1.0)):
            t = np.full_like(size, target)
            value, derivative = both(variant, loss, sign * size, t, dtype=dtype)
            np.testing.assert_allclose(value, size, rtol=1e-6)
            np.testing.assert_allclose(derivative, np.full_like(size, sign), rtol=1e-6)
            given = [variant.array(v) for v in (sign * size, t)]
            np.testing.assert_allclose(variant.numpy(variant.run(al.grad(traced(loss)), *given)), derivative, rtol=1e-6)


@pytest.mark.main_variants
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 7.0])
def test_a_power_of_a_probability_leaves_the_loss_of_a_huge_logit_among_classes_its_slope(variant: Variant, gamma):
    for dtype in variant.dtypes:
        lead = np.asarray([[2000.0], [1e10], [HUGE[dtype] / 8]], dtype)
        logits = np.concatenate([lead, np.zeros_like(lead), np.zeros_like(lead)], axis=1)
        labels = np.asarray([1, 2, 1])
        given = variant.array(logits), variant.array(labels)
        for loss in (al.CategoricalFocal(gamma=gamma), al.CategoricalFocal(gamma=gamma, label_smoothing=1e-30)):
            for function in (al.CategoricalFocal(gamma=gamma, reduction="sum"), traced(loss)):
                derivative = variant.numpy(variant.run(al.grad(function), *given))
                np.testing.assert_allclose(derivative, [[1, -1, 0], [1, 0, -1], [1, -1, 0]], atol=1e-20, rtol=1e-6)


def test_all_derivatives_of_an_asymmetric_loss_are_those_of_50_digits():
    def exact(x, shift):  # of a target of 0
        q = max(mpmath.mpf(0), 1 / (1 + mpmath.exp(-x)) - shift)
        return -(q**0.5) * mpmath.log(1 - q)

    for shift in (0.0, 0.05, 1e-10):
        loss = al.Asymmetric(gamma_neg=0.5, shift=shift)
        x = np.asarray([-60.0, -10.0, -2.0, 0.5, 20.0, 100.0, 600.0])
        found = al.value_grad_hess(loss)(x, np.zeros_like(x))[1:]
        with mpmath.workdps(400):
            for k, got in enumerate(found):
                wanted = [float(mpmath.diff(functools.partial(exact, shift=mpmath.mpf(shift)), v, k + 1)) for v in x]
                np.testing.assert_allclose(x.size * got, wanted, rtol=1e-6, atol=1e-30)


@pytest.mark.main_variants
def test_a_shift_of_any_size_is_taken_from_the_probability(variant: Variant):
    """The numbers are -log(exp(-x) + shift), with mpmath."""
    for dtype in variant.dtypes:
        x = np.asarray([60.0, 80.0, 86.0], dtype)
        shifts = [0.0, 1e-36, 1e-30, 1e-25, 0.25]
        for shift in shifts:
            for setting in (shift, np.asarray(shift, dtype)):
                loss = al.Asymmetric(shift=setting if isinstance(setting, float) else variant.array(setting))
                value, derivative = both(variant, loss, x, np.zeros_like(x), dtype=dtype)
                s = mpmath.mpf(float(np.asarray(shift, dtype)))
                p = [mpmath.exp(-mpmath.mpf(float(v))) for v in x]
                factors = [(1 - s) ** 4 for _ in x]
                wanted = [-f * mpmath.log(v + s) for v, f in zip(p, factors, strict=True)]
                np.testing.assert_allclose(value, np.asarray(wanted, float), rtol=1e-5)
                slopes = [f * v / (v + s) for v, f in zip(p, factors, strict=True)]
                np.testing.assert_allclose(derivative, np.asarray(slopes, float), rtol=2e-4, atol=1e-18)


# Barron's loss, of alpha -infinity, -2, 0, 1/2, 1, 3/2: with r = e / scale and b = 2 - alpha, the slope is
# r / scale (r²/b + 1)^(alpha/2 - 1).
@pytest.mark.main_variants
@pytest.mark.parametrize("alpha", [-INF, -2.0, -0.5, 0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e-30, 1e25])
def test_a_robust_loss_keeps_the_digits_of_its_slope_however_far_out(variant: Variant, alpha, scale):
    loss = al.GeneralRobust(alpha=alpha, scale=scale)
    for dtype in variant.dtypes:
        sizes = [1e-12, 1e-3, 0.5, 1.0, 3.0, 5.0, 5.5, 6.0, 9.0, 100.0, 1e4, 1e10, 1e17, 1.3e18, 1e19, 1e30]
        error = np.asarray([*sizes, *np.clip(np.multiply(sizes, -scale), -1e38, -1e-35)], dtype)
        with mpmath.workdps(60):
            found = []
            for e in error:
                r = mpmath.mpf(float(e)) / mpmath.mpf(float(np.asarray(scale, dtype)))
                power = mpmath.exp(-r * r / 2) if alpha == -INF else (r * r / (2 - alpha) + 1) ** (alpha / 2 - 1)
                found.append(r * power / mpmath.mpf(float(np.asarray(scale, dtype))))
        exact = np.asarray(found, float)
        finite = np.abs(exact) < 1e38
        given = variant.array(error), variant.array(np.zeros_like(error))
        for function in (dataclasses.replace(loss, reduction="sum"), traced(loss)):
            with np.errstate(all="ignore"):  # of a ratio that the dtype has not
                slopes = variant.numpy(variant.run(al.grad(function), *given))
            # A power has the error of its exponent.
            np.testing.assert_allclose(slopes[finite], exact[finite], rtol=400 * np.finfo(dtype).eps, atol=1e-36)


# (1 - p^q) / q, whose slope by the logits is p^q (p - 1) and p^q (1 - p)
@pytest.mark.main_variants
@pytest.mark.parametrize("lead", [10.0, 20.0, 40.0, 60.0])
def test_generalized_cross_entropy_keeps_the_digits_of_its_slope_where_the_label_is_unlikely(variant: Variant, lead):
    loss = al.GeneralizedCrossEntropy(q=0.75)
    for dtype in variant.dtypes:
        given = variant.array(np.asarray([[lead, 0.0]], dtype)), variant.array(np.asarray([1]))
        p = 1 / (1 + math.exp(lead))
        for function in (dataclasses.replace(loss, reduction="sum"), traced(loss)):
            slopes = variant.numpy(variant.run(al.grad(function), *given))
            np.testing.assert_allclose(slopes, [[p**0.75 * (1 - p), -(p**0.75) * (1 - p)]], rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "library", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("numpy", "torch", "jax")]
)
def test_the_second_derivative_of_a_focal_loss_is_finite_where_the_loss_vanishes(library, gamma):
    logits = np.asarray([0.5, 30.0, 59.0, 75.0, 87.0, -59.0, -80.0], "float32")
    targets = np.asarray([1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0], "float32")
    loss = al.BinaryFocal(gamma=gamma, reduction="sum")
    exact = al.value_grad_hess(loss)(logits.astype("float64"), targets.astype("float64"))[2]
    if library == "numpy":
        found = al.value_grad_hess(loss)(logits, targets)[2]
    elif library == "jax":
        import jax

        t = jax.numpy.asarray(targets)
        found = np.diagonal(jax.hessian(lambda z: loss(z, t))(jax.numpy.asarray(logits)))
    else:
        import torch

        t = torch.tensor(targets)
        found = np.diagonal(torch.autograd.functional.hessian(lambda z: loss(z, t), torch.tensor(logits)).numpy())
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-37)


# At a prediction of three times the target t, times 1 / t
@pytest.mark.main_variants
@pytest.mark.parametrize("target", [1e-25, 1e25])
def test_a_relative_error_has_its_derivatives_where_the_square_of_its_divisor_is_out_of_range(variant: Variant, target):
    for loss, by_prediction, by_target in (
        (al.AbsolutePercentageError, 100.0, -300.0),
        (al.SymmetricAbsolutePercentageError, 25.0, -75.0),
        (al.SquaredRelativeError, 4.0, -12.0),
    ):
        arrays = [variant.array(np.asarray([x], variant.dtypes[0])) for x in (3 * target, target)]
        slopes = variant.run(al.grad(loss(epsilon=0.0, reduction="sum"), (0, 1)), *arrays)
        found = [float(variant.numpy(x)[0]) * target for x in slopes]
        np.testing.assert_allclose(found, [by_prediction, by_target], rtol=1e-5)


# What a factor of 0 leaves out may be infinite: -log 0 of the label, and of it alone at a smoothing of 1.
ZERO_FACTORS: dict[str, tuple[al.Loss, tuple[Any, ...], float]] = {
    "no cross entropy, of probabilities": (
        al.SymmetricCrossEntropy(alpha=0.0, from_logits=False),
        (np.asarray([[0.75, 0.25, 0.0]]), np.asarray([2])),
        4.0,
    ),
    "no cross entropy, of logits": (
        al.SymmetricCrossEntropy(alpha=0.0),
        (np.asarray([[0.0, 0.0, -INF]]), np.asarray([2])),
        4.0,
    ),
    "no cross entropy, of a target": (
        al.SymmetricCrossEntropy(alpha=0.0, from_logits=False),
        (np.asarray([[0.75, 0.25, 0.0]]), np.asarray([[0.0, 0.0, 1.0]])),
        4.0,
    ),
    "no label, cross entropy": (
        al.CrossEntropy(from_logits=False, label_smoothing=1.0),
        (np.asarray([[0.5, 0.5, 0.0]]), np.asarray([2])),
        INF,
    ),
    "no label, focal": (
        al.CategoricalFocal(from_logits=False, label_smoothing=1.0),
        (np.asarray([[0.5, 0.5, 0.0]]), np.asarray([2])),
        INF,
    ),
    "no positive": (
        al.BinaryCrossEntropy(from_logits=False, pos_weight=0.0),
        (np.asarray([0.0]), np.asarray([1.0])),
        0.0,
    ),
    "no likelihood": (al.Cpo(alpha=0.0), (np.asarray([-INF]), np.asarray([-1.0])), INF),
}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", ZERO_FACTORS)
def test_a_factor_of_0_leaves_out_what_is_infinite(variant: Variant, name):
    loss, arrays, exact = ZERO_FACTORS[name]
    for dtype in variant.dtypes:
        given = [variant.array(x.astype(dtype) if x.dtype.kind == "f" else x) for x in arrays]
        with np.errstate(divide="ignore"):  # the logarithm of 0
            np.testing.assert_allclose(variant.numpy(variant.run(loss, *given)), exact, rtol=1e-6)


@pytest.mark.backend("torch")
def test_errors_by_both_arrays_are_opposite_even_where_they_are_infinite():
    import torch

    for array in (np.asarray, torch.tensor):
        x, y = array([INF, 1.0]), array([0.0, 0.0])
        for loss in (al.Huber(reduction="sum"), al.AbsoluteError(reduction="sum"), al.SmoothL1(reduction="sum")):
            _, (first, second) = al.value_and_grad(loss, (0, 1))(x, y)
            np.testing.assert_array_equal(np.asarray(first), -np.asarray(second))
            np.testing.assert_array_equal(np.asarray(first), [1.0, 1.0])


LABEL = np.asarray([4], "int32")
LOG = {name: math.log(most) for name, most in HUGE.items()}

# loss; the arrays, the loss of the item and its derivative, or None, by a number near the largest and its logarithm
IN_RANGE: dict[str, tuple[al.Loss, Any]] = {
    "a class far below": (
        al.MulticlassPerceptron(),
        lambda m, _: (([[-m, 200.0]], [[0.25, 0.75]]), m / 4 + 50, [[-0.25, 0.25]]),
    ),
    "a class below": (
        al.MulticlassPerceptron(),
        lambda m, _: (([[-m / 3, 200.0]], [[0.25, 0.75]]), m / 12 + 50, [[-0.25, 0.25]]),
    ),
    "all classes far below": (
        al.CategoricalHinge(),
        lambda m, _: (([[-m] * 5], LABEL), 1.0, [[0.25, 0.25, 0.25, 0.25, -1.0]]),
    ),
    "a member far off": (
        al.CrpsEnsemble(),
        lambda m, _: (([[1.0, 2.0, 3.0, 4.0, -m]], [1.0]), 0.04 * m, [[0.08, 0.2, 0.12, 0.04, -0.04]]),
    ),
    "members far off on either side": (
        al.CrpsEnsemble(),
        lambda m, _: (([[1.0, 2.0, m, 4.0, -m]], [1.0]), 0.08 * m, [[0.08, 0.2, 0.04, 0.12, -0.04]]),
    ),
    "vectors far off on either side": (
        al.EnergyScore(),
        lambda m, _: (([[[1.0, 2.0], [m, 4.0], [-m, 1.0]]], [[1.0, 2.0]]), m / 4.5, None),
    ),
    "an error of more deviations than there are": (
        al.CrpsNormal(),
        lambda m, _: (([m], [-1.0], [0.7]), m, [1.0]),
    ),
    "a mean far above": (
        al.GammaDeviance(from_log=False),
        lambda m, log: (([m], [0.125]), 2 * (log + math.log(8) - 1), [0.0]),
    ),
    "a mean far above, by its power": (
        al.TweedieDeviance(from_log=False, power=2.0),
        lambda m, log: (([m], [0.125]), 2 * (log + math.log(8) - 1), [0.0]),
    ),
    "a large rate near a large count": (
        al.PoissonDeviance(from_log=False),
        lambda m, _: (([m], [m * (31 / 32)]), m * (31 / 16 * math.log(31 / 32) + 1 / 16), None),
    ),
    "a mean that overflows with its dispersion": (
        al.NegativeBinomialNll(from_log=False),
        lambda m, log: (([m], [1.0], [2.0]), 0.5 * log + 1.5 * math.log(2), [0.0]),
    ),
    "a ratio that overflows": (
        al.StudentTNll(),
        lambda m, log: (([1.0], [-m], [0.5]), -math.log(2) + 5.0 * log, [0.0]),
    ),
    "a ratio that overflows, of Cauchy's": (
        al.get("cauchy", scale=0.5),
        lambda m, log: (([m], [0.0]), 2.0 * log + math.log(2), [0.0]),
    ),
    "bounds beyond all tails": (al.Aft(), lambda m, _: (([m], [1.0], [2.0]), INF, None)),
    "a rate out of range, for a large count": (
        al.PoissonDeviance(),
        lambda m, log: (([1.2 * log], [m]), INF, [INF]),
    ),
    "a rate far out of range": (al.PoissonNll(), lambda m, _: (([m], [1e20]), INF, [INF])),
    "a concentration out of range": (
        al.VonMisesNll(from_log=True),
        lambda m, log: (([1.0], [0.5], [log + 0.375]), m * (math.exp(0.375) * (1 - math.cos(0.5))), None),
    ),
    "the largest concentration": (
        al.VonMisesNll(),
        lambda m, log: (([1.0], [1.0], [m]), -0.5 * (math.log(2 * math.pi) + log), [0.0]),
    ),
    "the square of a logarithm that overflows": (
        al.CrossEntropy(z_loss=2.0**-12),
        lambda m, _: (
            ([[1.25 * m**0.5, 0.0, 0.0, 0.0, 1.25 * m**0.5]], LABEL),
            (1.25**2 * 2.0**-12) * m,
            [[1.25 * 2.0**-12 * m**0.5, 0.0, 0.0, 0.0, 1.25 * 2.0**-12 * m**0.5]],
        ),
    ),
}


def _in_range(name: str, dtype: str) -> tuple[al.Loss, list[np.ndarray], Any, Any]:
    loss, of = IN_RANGE[name]
    arrays, value, derivative = of(HUGE[dtype], LOG[dtype])
    return loss, [x if x is LABEL else np.asarray(x, dtype) for x in arrays], value, derivative


@pytest.mark.main_variants
@pytest.mark.parametrize("name", IN_RANGE)
def test_a_loss_is_what_it_is_though_a_step_overflows(variant: Variant, name):
    for dtype in variant.dtypes:
        loss, arrays, value, derivative = _in_range(name, dtype)
        with np.errstate(all="ignore"):
            given = [variant.array(x) for x in arrays]
            found, by_first = map(variant.numpy, variant.run(al.value_and_grad(loss), *given))
            alone = variant.numpy(variant.run(loss, *given))
        tolerance = {"rtol": 4e-5 if dtype == "float32" else 1e-12}
        np.testing.assert_allclose(found, value, **tolerance)
        np.testing.assert_allclose(alone, value, **tolerance)
        if derivative is not None:
            np.testing.assert_allclose(by_first, derivative, rtol=4e-5, atol=1e-6)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("name", IN_RANGE)
def test_torch_derives_a_loss_of_which_a_step_overflows(name):
    import torch

    loss, arrays, _, derivative = _in_range(name, "float32")
    if derivative is not None:
        labels = [torch.tensor(x.astype("int64") if x is LABEL else x) for x in arrays]
        found = torch.func.grad(loss)(*labels)
        np.testing.assert_allclose(found.numpy(), derivative, rtol=4e-5, atol=1e-6)


@pytest.mark.main_variants
def test_a_subnormal_rate_is_divided_by(variant: Variant):
    if variant.backend in ("jax", "cupy"):
        pytest.skip("which takes such a number for 0")
    for dtype in variant.dtypes:
        rate = np.asarray([float(np.finfo(dtype).smallest_normal) / 1024, 0.5], dtype)
        for loss in (al.PoissonDeviance(from_log=False), al.GammaDeviance(from_log=False)):
            value, derivative = both(variant, loss, rate, rate, dtype=dtype)
            np.testing.assert_array_equal(value, 0.0)
            np.testing.assert_array_equal(derivative, 0.0)


@pytest.mark.main_variants
def test_the_score_of_a_normal_distribution_has_the_digits_of_its_derivative_near_its_mean(variant: Variant):
    # 2 Φ(z) - 1 = erf(z / sqrt 2), by the C library
    for dtype in variant.dtypes:
        z = np.asarray([1e-30, 1e-7, 1e-6, 1e-3, 0.25, 1.0, 4.0, 60.0])
        mean = np.concatenate([z, -z, [0.0, 0.0138]]).astype(dtype)
        scale = np.asarray([1.0] * 17 + [5.9e5], dtype)
        _, derivative = both(variant, al.CrpsNormal(), mean, np.zeros_like(mean), scale, dtype=dtype)
        exact = [math.erf(float(x) / float(s) / math.sqrt(2)) for x, s in zip(mean, scale, strict=True)]
        np.testing.assert_allclose(derivative, exact, rtol=16 * np.finfo(dtype).eps)
