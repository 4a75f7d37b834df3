"""Values and derivatives where a number, or what a formula makes of it, is out of range: subnormal, tiny or huge.

Each expected number is that of the published formula, by hand, at the exact value of the inputs.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import arraylosses as al

from .test_edges import INF, both
from .variants import Variant

# losses of probabilities that are -log p where the target is certain, and whether they are of rows
FROM_PROBABILITIES: dict[str, tuple[al.Loss, bool]] = {
    "kl_divergence": (al.KlDivergence(from_log=False), True),
    "binary_cross_entropy": (al.BinaryCrossEntropy(from_logits=False), False),
    "binary_focal": (al.BinaryFocal(from_logits=False), False),
    "cross_entropy": (al.CrossEntropy(from_logits=False), True),
    "categorical_focal": (al.CategoricalFocal(from_logits=False), True),
    "poly_cross_entropy": (al.PolyCrossEntropy(from_logits=False, epsilon1=0.0), True),
    "symmetric_cross_entropy": (al.SymmetricCrossEntropy(from_logits=False, alpha=1.0, beta=0.0), True),
}


@pytest.mark.main_variants
def test_a_subnormal_probability_has_its_logarithm(variant: Variant):
    # JAX takes such a number for 0 in every operation. -log 8e-40 is 90.02396...
    if variant.backend == "cupy":
        pytest.skip("CuPy takes such a number for 0 in every operation, and its logarithm for -infinity")
    for loss, arrays in (
        (al.KlDivergence(from_log=False), ([[8e-40, 1.0]], [[1.0, 0.0]])),
        (al.PoissonNll(from_log=False), ([8e-40], [1.0])),
        (al.BinaryCrossEntropy(from_logits=False), ([8e-40], [1.0])),
        (al.get("BCELoss"), ([8e-40], [1.0])),
        (al.CrossEntropy(from_logits=False), ([[8e-40, 1.0]], [[1.0, 0.0]])),
        (al.CategoricalFocal(from_logits=False), ([[8e-40, 1.0]], [[1.0, 0.0]])),
        (al.PolyCrossEntropy(from_logits=False, epsilon1=0.0), ([[8e-40, 1.0]], [[1.0, 0.0]])),
        (al.SymmetricCrossEntropy(from_logits=False, alpha=1.0, beta=0.0), ([[8e-40, 1.0]], [[1.0, 0.0]])),
    ):
        value, derivative = both(variant, loss, *arrays, dtype="float32")
        np.testing.assert_allclose(value, [90.02396], rtol=1e-6)
        assert not np.isnan(derivative).any()
    # The label's class, and every class by a smoothed target: -(0.9 log 0.25 + 0.025 (log 8e-40 + 3 log 0.25)).
    p = variant.array(np.asarray([[8e-40, 0.25, 0.25, 0.25]], "float32"))
    for label, smoothing, exact in ((0, 0.0, 90.02396), (1, 0.1, 3.602236)):
        loss = al.CrossEntropy(from_logits=False, label_smoothing=smoothing)
        value = variant.numpy(variant.run(loss, p, variant.array(np.asarray([label]))))
        np.testing.assert_allclose(value, exact, rtol=1e-6)


@pytest.mark.main_variants
@pytest.mark.parametrize("part", [2.0**-8, 2.0**-1])
def test_the_divergence_of_a_subnormal_probability_has_a_derivative(variant: Variant, part):
    # log(2 p / (p + q)) / 2 by p, and p times that by log p: of q = 0, log(2) / 2
    for dtype in variant.dtypes:
        least = float(np.finfo(dtype).smallest_normal)
        p = np.asarray([[1.0, part * least]], dtype)
        arrays = np.log(p), np.asarray([[1.0, 0.0]], dtype)
        given = [variant.array(x) for x in arrays]
        by_log = variant.numpy(variant.run(al.grad(al.js_divergence), *given))
        np.testing.assert_allclose(by_log, [[0.0, 0.0]], rtol=0, atol=least)
        if variant.library in ("numpy", "torch"):  # the others may take such a number for 0
            found = al.grad(al.JsDivergence(from_log=False))(variant.array(p), given[1])
            np.testing.assert_allclose(variant.numpy(found)[0, 1], np.log(2) / 2, rtol=1e-5)


@pytest.mark.main_variants
@pytest.mark.parametrize("name", FROM_PROBABILITIES)
def test_the_derivative_by_a_subnormal_probability(variant: Variant, name):
    # -1 / p of a p for which it is in the dtype's range
    if variant.backend == "cupy":
        pytest.skip("CuPy takes such a number for 0 in every operation")
    loss, rows = FROM_PROBABILITIES[name]
    for dtype in variant.dtypes:
        p = 0.5 * float(np.finfo(dtype).smallest_normal)
        arrays = ([[p, 1.0]], [[1.0, 0.0]]) if rows else ([p], [1.0])
        _, derivative = both(variant, loss, *arrays, dtype=dtype)
        np.testing.assert_allclose(derivative.ravel()[0], -1 / p, rtol=1e-6)


@pytest.mark.main_variants
def test_the_second_derivative_by_a_probability_whose_square_is_out_of_range(variant: Variant):
    # Of a target of 0: -log(1 - p), and p^gamma times that, are p and p^(gamma + 1) of a small p, but for a share p/2
    # and more; a rate is linear.
    for dtype in variant.dtypes:
        p = np.asarray([1e-20, 1e-30] if dtype == "float32" else [1e-160, 1e-250], dtype)
        exact = p.astype("float64")
        none = np.zeros_like(p)
        for loss, expected in (
            (al.BinaryCrossEntropy(from_logits=False), exact**0),
            (al.BinaryFocal(from_logits=False, gamma=0.0), exact**0),
            (al.BinaryFocal(from_logits=False, gamma=0.5), 0.75 * exact**-0.5),
            (al.BinaryFocal(from_logits=False, gamma=1.0), 2 * exact**0),
            (al.BinaryFocal(from_logits=False, gamma=2.0, alpha=0.25), 0.75 * 6 * exact),
            (al.PoissonNll(from_log=False), 0 * exact),
        ):
            given = [variant.array(x) for x in (p, none)]
            _, _, found = variant.run(al.value_grad_hess(dataclasses.replace(loss, reduction="sum")), *given)
            np.testing.assert_allclose(variant.numpy(found), expected, rtol=1e-5)
        rows, labels = (np.stack([p, 1 - p], axis=-1), np.ones((2,), "int64"))
        for gamma in (0.0, 2.0):
            loss = al.CategoricalFocal(from_logits=False, gamma=gamma, reduction="sum")
            _, _, found = variant.run(al.value_grad_hess(loss), variant.array(rows), variant.array(labels))
            np.testing.assert_allclose(variant.numpy(found), [[0.0, float(gamma == 0)]] * 2, atol=1e-15)


@pytest.mark.main_variants
def test_the_derivative_of_a_focal_loss_by_the_target_at_any_logit(variant: Variant):
    # Of a certain logit z that is wrong, |z| m^(gamma + 1), where m is 1 - t or t: 3 |z| of both signs at gamma = 2
    for dtype in variant.dtypes:
        size = np.asarray([60.0, 200.0, 1e4, 1e20])
        logits, target = np.concatenate([size, -size]), np.concatenate([0.0 * size, 0.0 * size + 1])
        given = [variant.array(x.astype(dtype)) for x in (logits, target)]
        for argnums in (1, (0, 1)):
            found = variant.run(al.grad(al.BinaryFocal(reduction="sum"), argnums=argnums), *given)
            derivative = variant.numpy(found[1] if argnums == (0, 1) else found)
            np.testing.assert_allclose(derivative, np.concatenate([-3 * size, 3 * size]), rtol=1e-5)


@pytest.mark.main_variants
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_deviance_has_its_derivatives_at_a_mean_whose_square_is_out_of_range(variant: Variant, power):
    # 2 (m - t) / m^power by the mean; by the target 2 log(t / m), and 2 (1 / m - 1 / t) of a gamma distribution
    loss = al.PoissonDeviance(from_log=False) if power == 1 else al.GammaDeviance(from_log=False)
    for dtype in variant.dtypes:
        tiny, huge = (1e-28, 1e28) if dtype == "float32" else (1e-250, 1e250)
        ratio = np.asarray([0.25, 0.8, 1.25, 3.0] * 3)
        mean = np.repeat([tiny, 2.0, huge], 4).astype(dtype)
        target = (ratio * mean).astype(dtype)
        m, t = mean.astype("longdouble"), target.astype("longdouble")
        by_mean = 2 * (m - t) / m**power
        by_target = 2 * np.log(t / m) if power == 1 else 2 * (1 / m - 1 / t)
        total = dataclasses.replace(loss, reduction="sum")
        given = [variant.array(x) for x in (mean, target)]
        for found in (
            [variant.run(al.grad(total), *given)],
            variant.run(al.grad(total, argnums=(0, 1)), *given),
        ):
            for got, exact in zip(found, (by_mean, by_target), strict=False):
                # of two logarithms, each of some hundreds
                np.testing.assert_allclose(variant.numpy(got) / exact, 1.0, rtol=1000 * np.finfo(dtype).eps)


@pytest.mark.main_variants
def test_a_divergence_has_its_derivative_at_probabilities_whose_square_is_out_of_range(variant: Variant):
    # log(2 p / (p + q)) / 2 by p
    for dtype in variant.dtypes:
        tiny = 1e-28 if dtype == "float32" else 1e-250
        p = np.asarray([[tiny, 0.25, 0.75], [tiny, 3 * tiny, 1.0]], dtype)
        q = np.asarray([[tiny, 0.25, 0.75], [2 * tiny, tiny / 4, 1.0]], dtype)
        _, derivative = both(variant, al.JsDivergence(from_log=False), p, q, dtype=dtype)
        exact = np.log(2 / (1 + q.astype("float64") / p)) / 2
        np.testing.assert_allclose(derivative, exact, rtol=1e-5, atol=4 * np.finfo(dtype).eps)


@pytest.mark.main_variants
def test_the_score_of_a_normal_distribution_has_its_derivatives_at_any_number_of_deviations(variant: Variant):
    # Of z deviations, 2 Φ(z) - 1 by the mean, and by the scale 2 φ(z) - 1 / sqrt(pi): 0 and 1, and φ(0), and φ(z) of 0.
    for dtype in variant.dtypes:
        tiny, huge = (1e-30, 1e30) if dtype == "float32" else (1e-250, 1e250)
        errors, scales = [0.0, 1.0, -1.0, huge, -huge, tiny, 1.0], [tiny, tiny, tiny, tiny, 1.0, huge, huge]
        zero = np.asarray([True, False, False, False, False, True, True])
        given = [variant.array(np.asarray(x, dtype)) for x in (errors, np.zeros(7), scales)]
        loss = al.CrpsNormal(reduction="sum")
        for argnums in (2, (0, 1, 2)):
            found = variant.run(al.grad(loss, argnums=argnums), *given)
            by_mean, by_scale = (found[0], found[2]) if argnums == (0, 1, 2) else (None, found)
            exact = np.where(zero, (math.sqrt(2.0) - 1.0) / math.sqrt(math.pi), -1.0 / math.sqrt(math.pi))
            np.testing.assert_allclose(variant.numpy(by_scale), exact, rtol=16 * np.finfo(dtype).eps)
            if by_mean is not None:
                np.testing.assert_allclose(
                    variant.numpy(by_mean), np.where(zero, 0.0, np.sign(errors)), rtol=1e-6, atol=1e-29
                )
        nothing = [variant.array(np.zeros(2, dtype)) for _ in range(3)]
        np.testing.assert_array_equal(variant.numpy(variant.run(al.CrpsNormal(reduction="none"), *nothing)), 0.0)


@pytest.mark.main_variants
def test_a_divergence_of_amounts_that_are_out_of_range_is_0_or_infinite(variant: Variant):
    # t (log t - log q) - t + q of the logarithms of t and q
    for dtype in variant.dtypes:
        top = float(np.floor(math.log(np.finfo(dtype).max)))
        log_q = np.asarray([top + 10, top + 4.5, top + 9, 2.0, 3.5, 2.0, -INF, top + 9], dtype)
        log_t = np.asarray([top + 10, top + 4, top + 20, top + 1, 3.0, -INF, -INF, 2.0], dtype)
        exact = [0.0, INF, INF, INF, math.exp(3.0) * (math.exp(0.5) - 1.5), math.exp(2.0), 0.0, INF]
        slopes = [0.0, math.exp(3.5) - math.exp(3.0), math.exp(2.0), 0.0]
        loss, places = al.GeneralizedKl(log_target=True), [0, 4, 5, 6]
        value, derivative = both(variant, loss, log_q[:, None], log_t[:, None], dtype=dtype)
        np.testing.assert_allclose(value, exact, rtol=1e-5)
        np.testing.assert_allclose(derivative[places, 0], slopes, rtol=1e-5)
        given = [variant.array(x[places]) for x in (log_q, log_t)]
        found = variant.run(al.grad(loss, argnums=(0, 1)), *given)
        for got, slope in zip(found, (slopes, [0.0, -0.5 * math.exp(3.0), 0.0, 0.0]), strict=True):
            np.testing.assert_allclose(variant.numpy(got), slope, rtol=1e-5)
        given = [np.asarray(x, dtype)[:, None] for x in ([2.0, math.exp(0.5)], [top + 1, 1.0])]
        value, _ = both(variant, al.GeneralizedKl(from_log=False, log_target=True), *given, dtype=dtype)
        np.testing.assert_allclose(value, [INF, 0.5 * math.e - math.e + math.exp(0.5)], rtol=1e-5)


@pytest.mark.main_variants
@pytest.mark.parametrize(
    ("power", "sign", "targets", "exact"),
    [
        (1.01, -1, [0, 1], [0, INF]),
        (1.01, 1, [1, INF], [INF, INF]),
        (1.99, 1, [0, 1], [INF, INF]),
        (2.01, -1, [1], INF),
    ],
)
def test_a_deviance_whose_power_of_the_mean_is_out_of_range_is_its_limit(variant: Variant, power, sign, targets, exact):
    # Of a mean of 0 and a power below 2, 0 where the target is 0; elsewhere a difference of infinite terms that grows.
    # An infinite target stands for nearly the largest number.
    for dtype in variant.dtypes:
        target = np.minimum(targets, 0.9 * np.finfo(dtype).max).astype(dtype)
        prediction = np.full_like(target, 1e6 * sign)
        given = [variant.array(x) for x in (prediction, target)]
        with np.errstate(all="ignore"):
            found = variant.numpy(variant.run(al.TweedieDeviance(power=power, reduction="none"), *given))
        np.testing.assert_array_equal(found, exact)


@pytest.mark.main_variants
def test_a_finite_number_comes_without_a_warning(variant: Variant):
    # NumPy warns of an overflow on the way. 2 e^(104 / 2) / (1 / 2); log(1 + y) - log y and r log(1 + y) with r = 1 / y
    # are nearly 0, and Γ(2 + r) / Γ(r) = r (1 + r); 1 - F above log 2, and a density at infinity, which is 0.
    above_2 = -math.log(math.erfc(math.log(2) / math.sqrt(2)) / 2)
    for loss, arrays, exact in (
        (al.SquaredLogarithmicError(), ([1e30, 1e30], [1e30, 0.0]), [0.0, (30 * math.log(10)) ** 2]),
        (al.TweedieDeviance(), ([104.0, 104.0], [0.0, 1.0]), [4 * math.exp(52), 4 * math.exp(52)]),
        (al.NegativeBinomialNll(), ([0.0], [2.0], [3e38]), [math.log(3e38)]),
        (al.Aft(), ([0.0], [2.0], [INF]), [above_2]),
    ):
        given = [variant.array(np.asarray(x, "float32")) for x in arrays]
        value = variant.run(dataclasses.replace(loss, reduction="none"), *given)
        np.testing.assert_allclose(variant.numpy(value), exact, rtol=1e-5)
        assert np.all(np.isfinite(variant.numpy(variant.run(al.grad(loss), *given))))


@pytest.mark.main_variants
def test_an_event_at_infinity_has_no_density(variant: Variant):
    value, _ = both(variant, al.Aft(), [0.0, 1.0], [INF, 2.0], [INF, 2.0], dtype="float32")
    density = math.exp(-((math.log(2) - 1) ** 2) / 2) / math.sqrt(2 * math.pi) / 2
    np.testing.assert_allclose(value, [INF, -math.log(density)], rtol=1e-6)
