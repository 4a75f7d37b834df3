"""Laws of likelihoods, deviances, scores and survival that their entries do not show: limits, conventions, ties.

Expected numbers are mpmath's, or by hand.
"""

from __future__ import annotations

import dataclasses
import math

import mpmath
import numpy as np
import pytest

import arraylosses as al

from .catalogue.survival import DISTRIBUTIONS

pytestmark = pytest.mark.main_variants

INF = math.inf


def given(variant, *arrays):
    return [variant.array(np.asarray(x, variant.dtypes[-1])) for x in arrays]


def compute(variant, loss, *arrays):
    return variant.numpy(variant.run(loss, *given(variant, *arrays)))


def tolerance(variant) -> float:
    return 64 * float(np.finfo(variant.dtypes[-1]).eps)


def test_a_spread_for_all_items_or_one_a_row_is_broadcast(variant):
    prediction, target = np.asarray([[1.0, 2.0], [0.0, 4.0]]), np.asarray([[0.0, 2.0], [2.0, 1.0]])
    x, y, of_rows, of_all = given(variant, prediction, target, [[2.0], [0.5]], 4.0)
    for variance, v in ((of_rows, np.asarray([[2.0], [0.5]])), (of_all, 4.0)):
        wide = al.array_namespace(x).broadcast_to(variance, prediction.shape)
        got = variant.numpy(al.gaussian_nll(x, y, wide))
        np.testing.assert_allclose(got, np.mean(np.log(v) + (prediction - target) ** 2 / v) / 2, rtol=1e-6)


def test_the_third_array_of_a_normal_distribution_is_its_variance_and_of_others_the_scale(variant):
    arrays = given(variant, [1.0], [4.0], [4.0])
    exact = {
        al.gaussian_nll: math.log(2 * math.pi * 4) / 2 + 9 / 8,
        al.laplace_nll: math.log(2 * 4) + 3 / 4,
        al.student_t_nll: math.log(4 * 8 / 3) + 2.5 * math.log1p(9 / 64),  # Γ(2.5) / (2 Γ(2) sqrt(π)) is 3 / 8
    }
    for loss, value in exact.items():
        np.testing.assert_allclose(variant.numpy(loss(*arrays, full=True)), value, rtol=1e-6)
        logs = [*arrays[:2], *given(variant, [math.log(4.0)])]
        np.testing.assert_allclose(variant.numpy(loss(*logs, from_log=True, full=True)), value, rtol=1e-6)


# log s + h(e / s), where h(0) and h'(0) are 0; for the normal distribution of log v, half of it
@pytest.mark.parametrize("log_spread", [-50.0, -88.9, -95.0, -120.0, -175.0])
def test_an_error_of_0_is_0_over_any_spread(variant, log_spread):
    arrays = [variant.array(np.asarray([x], variant.dtypes[0])) for x in (1.5, 1.5, log_spread)]
    for loss, share in ((al.GaussianNll, 0.5), (al.LaplaceNll, 1.0), (al.StudentTNll, 1.0)):
        function = al.value_and_grad(loss(from_log=True, reduction="sum"), argnums=(0, 1, 2))
        value, slopes = variant.run(function, *arrays)
        np.testing.assert_allclose(variant.numpy(value), share * log_spread, rtol=1e-6)
        np.testing.assert_array_equal([variant.numpy(x)[0] for x in slopes], [0.0, 0.0, share])


# 1 / (2 v) - e² / (2 v²), and 1 / s - |e| / s²
@pytest.mark.parametrize("spread", [1e-25, 1e-18, 1e18, 1e25])
def test_the_derivative_by_a_spread_whose_square_is_out_of_range_is_that_of_the_formula(variant, spread):
    for loss, error, exact in (
        (al.GaussianNll, 3.0 * math.sqrt(spread), -8.0 / (2.0 * spread)),
        (al.LaplaceNll, 3.0 * spread, -2.0 / spread),
    ):
        arrays = [variant.array(np.asarray([x], variant.dtypes[0])) for x in (error, 0.0, spread)]
        found = variant.numpy(variant.run(al.grad(loss(reduction="sum"), 2), *arrays))
        np.testing.assert_allclose(found, [exact], rtol=1e-4)


# 1 - cos d + I1(k) / I0(k) - 1, and k times that by the logarithm of k
@pytest.mark.parametrize("concentration", [1e-3, 1.0, 100.0, 200.0, 1e4, 1e6, 1e12, 1e30])
def test_the_derivative_by_a_concentration_keeps_its_digits(variant, concentration):
    for from_log in (False, True):
        for dtype in variant.dtypes:
            third = np.asarray(math.log(concentration) if from_log else concentration, dtype)
            arrays = [variant.array(np.asarray([x], dtype)) for x in (0.5, 0.5, third)]
            with mpmath.workdps(50):
                k = mpmath.exp(float(third)) if from_log else mpmath.mpf(float(third))
                ratio = (
                    mpmath.besseli(1, k) / mpmath.besseli(0, k) - 1
                    if k < 1e5
                    else -1 / (2 * k) - 1 / (8 * k**2) - 1 / (8 * k**3)
                )
                exact = float(k * ratio if from_log else ratio)
            loss = al.VonMisesNll(from_log=from_log, reduction="sum")
            found = variant.numpy(variant.run(al.grad(loss, 2), *arrays))
            tolerance = 256 * float(np.finfo(dtype).eps) * (max(1.0, abs(float(third))) if from_log else 1.0)
            np.testing.assert_allclose(found, [exact], rtol=tolerance)


def test_learned_degrees_of_freedom_have_the_derivative_of_the_whole_likelihood(variant):
    x, y, s = np.asarray([1.0, -2.0]), np.asarray([0.5, 3.0]), np.asarray([0.5, 2.0])

    def exact(df):
        items = [
            mpmath.log(b) + (df + 1) / 2 * mpmath.log1p(((p - t) / b) ** 2 / df)
            for p, t, b in zip(x, y, s, strict=True)
        ]
        constant = mpmath.loggamma(df / 2) - mpmath.loggamma((df + 1) / 2) + mpmath.log(mpmath.pi * df) / 2
        return mpmath.fsum(items) / 2 + constant

    arrays, df = given(variant, x, y, s), given(variant, 2.5)[0]
    value, slope = al.value_and_grad(lambda d: al.student_t_nll(*arrays, df=d, full=True))(df)
    np.testing.assert_allclose(variant.numpy(value), float(exact(2.5)), rtol=1e-5)
    np.testing.assert_allclose(variant.numpy(slope), float(mpmath.diff(exact, 2.5)), rtol=1e-4)


def test_many_degrees_of_freedom_and_little_dispersion_give_the_simpler_distribution(variant):
    x, t, s = [0.5, 1.0, 2.0], [1.0, 0.0, 7.0], [1.0, 4.0, 0.25]
    got = compute(variant, al.StudentTNll(df=1e12, full=True), x, t, s)
    np.testing.assert_allclose(got, compute(variant, al.GaussianNll(full=True), x, t, np.square(s)), rtol=1e-5)
    got = compute(variant, al.NegativeBinomialNll(), x, t, [1e-7] * 3)
    np.testing.assert_allclose(got, compute(variant, al.PoissonNll(), x, t), rtol=1e-5)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("log_concentration", [-10.0, -20.0, -40.0, -80.0])
def test_a_small_concentration_keeps_its_digits(variant, log_concentration, full):
    prediction, target = np.asarray([0.3, 0.3, 3.0]), np.asarray([1.1, 0.2, 0.25])
    arrays = given(variant, prediction, target, np.full(3, log_concentration))
    settings = {"from_log": True, "full": full, "reduction": "sum"}
    loss = al.VonMisesNll(**settings)
    got = [variant.numpy(variant.run(al.grad(loss, argnums=k), *arrays)) for k in (0, 2)]
    p, t, k = (np.asarray(variant.numpy(x), float) for x in arrays)
    k = np.exp(k)
    # of -k cos(p - t) + log I0(k), where log I0(k) is k²/4 and little more
    np.testing.assert_allclose(got[0], k * np.sin(p - t), rtol=4e-5)
    np.testing.assert_allclose(got[1], k * (k / 2 - np.cos(p - t)), rtol=4e-5)
    if not full:
        items = compute(variant, al.VonMisesNll(from_log=True, reduction="none"), prediction, target, np.log(k))
        np.testing.assert_allclose(items, k * (k / 4 - np.cos(p - t)), rtol=4e-5)


# The deviance of a power p, with its limits at 1 and 2
def exact_deviance(p, x, t):
    a, b = 1 - mpmath.mpf(p), 2 - mpmath.mpf(p)
    if a == 0:
        return 2 * ((t * (mpmath.log(t) - x) if t else 0) - t + mpmath.exp(x))
    if b == 0:
        return 2 * (t / mpmath.exp(x) - 1 - mpmath.log(t) + x)
    return 2 * (t**b / (a * b) - t * mpmath.exp(a * x) / a + mpmath.exp(b * x) / b)


@pytest.mark.parametrize(
    "power", [1.0, 1 + 1e-14, 1 + 1e-10, 1.001, 1.5, 1.999, 2 - 1e-10, 2 - 1e-14, 2.0, 2 + 1e-12, 2.01]
)
def test_a_deviance_of_a_far_mean_and_of_a_power_near_another_one_keeps_its_digits(variant, power):
    predictions, targets = [-100.0, -90.0, -20.0, -1.0, 0.5, 20.0], [1e-30, 1e-6, 0.3, 1.5, 50.0]
    x, t = (v.reshape(-1) for v in np.meshgrid(predictions, targets))
    if power < 2:
        x, t = np.append(x, [0.5, -150.0]), np.append(t, [0.0, 0.0])
    arrays = given(variant, x, t)
    settings = {} if power in (1.0, 2.0) else {"power": power}
    loss = {1.0: al.PoissonDeviance, 2.0: al.GammaDeviance}.get(power, al.TweedieDeviance)(**settings, reduction="sum")
    items = variant.numpy(variant.run(dataclasses.replace(loss, reduction="none"), *arrays))
    _, slopes, curvatures = (variant.numpy(v) for v in variant.run(al.value_grad_hess(loss), *arrays))
    dtype = np.dtype(variant.dtypes[-1])
    rtol = 1e-4 if dtype == np.float32 else 1e-12
    with mpmath.workdps(100):
        given_items = [[mpmath.mpf(float(np.asarray(v, dtype))) for v in item] for item in zip(x, t, strict=True)]
        p = mpmath.mpf(power)
        values = [exact_deviance(power, *item) for item in given_items]
        # 2 (m^b - t m^a), and 2 (b m^b - a t m^a), by the logarithm of the mean m
        parts = [(mpmath.exp((2 - p) * x), t * mpmath.exp((1 - p) * x)) for x, t in given_items]
        first = [2 * (m - q) for m, q in parts]
        second = [2 * ((2 - p) * m - (1 - p) * q) for m, q in parts]
        units = [2 * (m + q) for m, q in parts]
        sizes = [
            abs(v) + (2 * (m + q) if abs(x - mpmath.log(t or 1)) < 1 else 0)
            for v, (m, q), (x, t) in zip(values, parts, given_items, strict=True)
        ]
    tiny = np.finfo(dtype).tiny
    for got, exact, unit in ((items, values, sizes), (slopes, first, units), (curvatures, second, units)):
        exact, unit = np.asarray(exact, float), np.asarray(unit, float)
        assert np.all(np.abs(got - exact) <= rtol * unit + 4 * tiny)


@pytest.mark.parametrize("loss", [al.PoissonDeviance, al.GammaDeviance, al.TweedieDeviance])
def test_a_deviance_keeps_its_digits_where_target_and_mean_agree(variant, loss):
    dtype = variant.dtypes[-1]
    target = np.asarray([0.25, 3.0, 700.0], dtype)
    for _ in range(4):
        mean = np.nextafter(target, np.asarray(INF, dtype))
        power = getattr(loss(), "power", 1.0 if loss is al.PoissonDeviance else 2.0)
        # To the second order, (mean - target)² / variance.
        exact = np.mean((mean.astype("f8") - target) ** 2 / target.astype("f8") ** power)
        np.testing.assert_allclose(compute(variant, loss(from_log=False), mean, target), exact, rtol=1e-4)
        target = target * np.asarray(1.5, dtype)
    np.testing.assert_array_equal(compute(variant, loss(from_log=False), target, target), 0.0)


def test_an_amount_of_0_has_a_deviance_and_a_finite_gradient(variant):
    mean, none = given(variant, [0.5, 4.0], [0.0, 0.0])
    value, slopes = al.value_and_grad(al.TweedieDeviance(from_log=False), (0, 1))(mean, none)
    np.testing.assert_allclose(variant.numpy(value), 2 * (0.5**0.5 + 2.0), rtol=1e-6)
    assert np.all(np.isfinite([variant.numpy(g) for g in slopes]))


def test_the_score_of_a_sharp_forecast_is_the_absolute_error(variant):
    x, t = np.asarray([1.0, -2.0]), np.asarray([0.5, 3.0])
    np.testing.assert_allclose(compute(variant, al.CrpsNormal(), x, t, [1e-9] * 2), np.mean(np.abs(x - t)), rtol=1e-6)
    for fair in (False, True):
        got = compute(variant, al.CrpsEnsemble(fair=fair), x[:, None], t)
        np.testing.assert_allclose(got, np.mean(np.abs(x - t)), rtol=1e-6)


def test_vectors_of_one_number_have_the_score_of_the_number(variant):
    x, t = np.random.default_rng(0).normal(size=(2, 3, 4))
    for fair in (False, True):
        got = compute(variant, al.EnergyScore(fair=fair), x[..., None], t[:, :1])
        np.testing.assert_allclose(got, compute(variant, al.CrpsEnsemble(fair=fair), x, t[:, 0]), rtol=1e-5)


TIMES = {  # bounds, and the likelihood by the density, F and 1 - F
    "known": ([2.0, 2.0], lambda f, z: f[0](z(2.0)) / (1.5 * 2)),
    "longer": ([2.0, INF], lambda f, z: f[2](z(2.0))),
    "shorter": ([0.0, 2.0], lambda f, z: f[1](z(2.0))),
    "between": ([2.0, 3.0], lambda f, z: f[2](z(2.0)) - f[2](z(3.0))),
    "between, in the other order": ([3.0, 2.0], lambda f, z: f[2](z(2.0)) - f[2](z(3.0))),
    "certain": ([0.0, INF], lambda f, z: mpmath.mpf(1)),
}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("name", TIMES)
def test_a_time_is_known_or_has_bounds(variant, distribution, name):
    (lower, upper), likelihood = TIMES[name]
    prediction = np.asarray([-30.0, -3.0, 0.5, 6.0, 30.0])  # the far ones by the side on which a tail is small
    with mpmath.workdps(300):
        exact = []
        for p in prediction:
            z = lambda t, p=p: (mpmath.log(t) - p) / mpmath.mpf(1.5)  # noqa: E731
            exact.append(float(-mpmath.log(likelihood(DISTRIBUTIONS[distribution], z))))
    arrays = given(variant, prediction, np.full(5, lower), np.full(5, upper))
    loss = al.Aft(distribution=distribution, scale=1.5, reduction="none")
    np.testing.assert_allclose(variant.numpy(variant.run(loss, *arrays)), exact, rtol=2e-5, atol=1e-7)
    far = given(variant, [-80.0, 80.0], [lower] * 2, [upper] * 2)
    total = al.Aft(distribution=distribution, scale=1.5, reduction="sum")
    for place in (arrays, far):
        for gradient in al.grad(total, (0, 1, 2))(*place):
            assert np.all(np.isfinite(variant.numpy(gradient)))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_bounds_at_any_distance_and_of_any_size_have_the_derivatives_of_their_likelihood(variant, distribution):
    # (f(u) - f(l)) / P by the prediction, f(l) / (P lower) and -f(u) / (P upper), where P = F(u) - F(l)
    density, f, s = DISTRIBUTIONS[distribution]
    for dtype in variant.dtypes:
        lower = np.asarray([1.5, 1e-30, 1e30], dtype)[:, None, None]
        upper = lower * np.asarray([1.00001, 1.001, 1.004, 1.03, 1.5, 100.0], dtype)[:, None]
        prediction = np.log(lower) - np.asarray([0.5, -1.2, 2.5, -6.0], dtype)
        arrays = [x + np.zeros((3, 6, 4), dtype) for x in (prediction, lower, upper)]
        given = [variant.array(x) for x in arrays]
        found = [variant.run(al.Aft(distribution=distribution, reduction="none"), *given)]
        found += variant.run(al.grad(al.Aft(distribution=distribution, reduction="sum"), argnums=(0, 1, 2)), *given)
        exact = []
        with mpmath.workdps(60):
            for item in zip(*[x.ravel().tolist() for x in arrays], strict=True):
                p, low, high = map(mpmath.mpf, item)
                a, b = mpmath.log(low) - p, mpmath.log(high) - p
                share = s(a) - s(b) if a > 0 else f(b) - f(a)
                at = density(a) / share, density(b) / share
                exact.append([float(x) for x in (-mpmath.log(share), at[1] - at[0], at[0] / low, -at[1] / high)])
        # by the digits that z has of a difference of logarithms, and of a share of the tail of which 2^-4 is between
        one, other = (1e-4, 2e-3) if dtype == "float32" else (1e-11, 1e-7)
        for got, of, rtol in zip(found, np.asarray(exact).T, (one, one, other, other), strict=True):
            kept = np.abs(of) > 1e-33  # of 1e30 and less of the density, which JAX takes for 0
            np.testing.assert_allclose(variant.numpy(got).ravel()[kept], of[kept], rtol=rtol, atol=0)


@pytest.mark.parametrize("full", [False, True])
def test_no_error_has_a_likelihood_by_any_logarithm_of_a_spread(variant, full):
    # Of a scale s, log s and a constant: log 2, and of 4 degrees of freedom log(2 sqrt(pi) / Γ(5/2)) = log(8/3).
    for dtype in variant.dtypes:
        logs = np.asarray([-1e4, -800.0, -400.0, -192.0, -100.0, 0.0, 500.0], dtype)
        for loss, power, constant in (
            (al.GaussianNll(from_log=True, full=full), 0.5, 0.5 * math.log(2 * math.pi)),
            (al.LaplaceNll(from_log=True, full=full), 1.0, math.log(2)),
            (al.StudentTNll(from_log=True, full=full), 1.0, math.log(8 / 3)),
        ):
            given = [variant.array(x) for x in (np.ones_like(logs), np.ones_like(logs), logs)]
            value = variant.run(dataclasses.replace(loss, reduction="none"), *given)
            np.testing.assert_allclose(variant.numpy(value), power * logs + full * constant, rtol=1e-6)
            total = dataclasses.replace(loss, reduction="sum")
            for got, exact in zip(variant.run(al.grad(total, argnums=(0, 2)), *given), (0.0, power), strict=True):
                np.testing.assert_array_equal(np.abs(variant.numpy(got)), exact)
        loss = al.VonMisesNll(from_log=True, full=full, reduction="none")  # log(I0(k) / exp(k)) is -log(2 pi k) / 2
        given = [variant.array(np.asarray([x], dtype)) for x in (1.0, 1.0, 1e4)]
        exact = (0.0 if full else -math.log(2 * math.pi)) + (math.log(2 * math.pi) - 1e4) / 2
        np.testing.assert_allclose(variant.numpy(variant.run(loss, *given)), exact, rtol=1e-6)


def test_counts_of_any_size_have_the_likelihood_with_all_terms(variant):
    for dtype in variant.dtypes:
        huge = 3e38 if dtype == "float32" else 1e308
        counts = [(1.0, huge, 1.0), (1.0, huge, 0.5), (10.0, 1e6, 0.01), (10.0, 1e6, 30.0), (2.0, 3.0, 0.5)]
        arrays = [np.asarray(x, dtype) for x in zip(*counts, strict=True)]
        exact = []
        with mpmath.workdps(400):
            for item in zip(*[x.tolist() for x in arrays], strict=True):
                p, t, a = map(mpmath.mpf, item)
                m, r = mpmath.exp(p), 1 / a
                binomial = mpmath.loggamma(t + r) - mpmath.loggamma(r) - mpmath.loggamma(t + 1)
                exact.append(float((t + r) * mpmath.log1p(a * m) - t * mpmath.log(a * m) - binomial))
        given = [variant.array(x) for x in arrays]
        got = variant.numpy(variant.run(al.NegativeBinomialNll(full=True, reduction="none"), *given))
        np.testing.assert_allclose(got, exact, rtol=32 * np.finfo(dtype).eps)
        log_rate = np.asarray([math.log(huge) - 0.5, 10.0], dtype)
        count = np.asarray([huge, 1e6], dtype)
        given = [variant.array(x) for x in (log_rate, count)]
        got = variant.numpy(variant.run(al.PoissonNll(full=True, reduction="none"), *given))
        with mpmath.workdps(400):
            exact = [
                float(mpmath.exp(p) - mpmath.mpf(t) * p + mpmath.loggamma(mpmath.mpf(t) + 1))
                for p, t in zip(log_rate.tolist(), count.tolist(), strict=True)
            ]
        np.testing.assert_allclose(got, exact, rtol=2000 * np.finfo(dtype).eps)  # by the digits of the logarithms


def test_a_dispersion_of_any_size_has_a_derivative(variant):
    # The loss of a count above 0 is nearly log(dispersion), that of 0 nearly 0; the square of it is out of range.
    for dtype in variant.dtypes:
        huge = 1e20 if dtype == "float32" else 1e160
        given = [variant.array(np.asarray(x, dtype)) for x in ([1.0, 1.0], [3.0, 0.0], [huge, huge])]
        for full in (False, True):
            loss = al.NegativeBinomialNll(full=full, reduction="sum")
            found = variant.run(al.grad(loss, argnums=(0, 1, 2)), *given)
            assert all(np.all(np.isfinite(variant.numpy(x))) for x in found)
            np.testing.assert_allclose(variant.numpy(found[2]), [1 / huge, 0.0], rtol=1e-5, atol=1e-5 / huge)


def test_no_times_have_a_loss_of_0(variant):
    none = np.zeros(0)
    arrays = given(variant, none, none, none)
    assert tuple(variant.run(al.CoxPartialLikelihood(reduction="none"), *arrays).shape) == (0,)
    value, gradient = variant.run(al.value_and_grad(al.cox_partial_likelihood), *arrays)
    assert float(variant.numpy(value)) == 0
    assert tuple(gradient.shape) == (0,)


def test_events_at_one_time_are_all_at_risk_and_censored_times_have_no_loss(variant):
    hazard, time, event = [0.5, -1.0, 2.0, 0.0, 1.0], [3.0, 1.0, 3.0, 2.0, 5.0], [1.0, 1.0, 1.0, 0.0, 0.0]
    power = np.exp(hazard)
    late = power[0] + power[2] + power[4]
    exact = np.asarray([math.log(late) - 0.5, math.log(power.sum()) + 1.0, math.log(late) - 2.0])
    arrays = given(variant, hazard, time)
    seen = variant.array(np.asarray(event))
    for events in (seen, variant.array(np.asarray(event) == 1), variant.array(np.asarray(event, "int64"))):
        if variant.dtypes[-1] == "float32" and events is not seen:
            continue
        for reduction, value in (("sum", exact.sum()), ("mean", exact.mean())):
            got = al.cox_partial_likelihood(*arrays, events, reduction=reduction)
            np.testing.assert_allclose(variant.numpy(got), value, rtol=1e-5)
    none = variant.array(np.zeros(5, variant.dtypes[-1]))
    np.testing.assert_array_equal(variant.numpy(al.cox_partial_likelihood(*arrays, none)), 0.0)


def negative_binomial(m, t, a):
    r = 1 / a
    return (
        (t + r) * mpmath.log1p(a * m)
        - t * mpmath.log(m)
        - mpmath.loggamma(t + r)
        + mpmath.loggamma(r)
        - t * mpmath.log(a)
    )


@pytest.mark.parametrize("from_log", [False, True])
def test_a_negative_binomial_distribution_of_any_mean_and_dispersion_has_its_derivatives(variant, from_log):
    dtype = variant.dtypes[-1]
    means, targets = [1e-30, 1e-20, 1e-3, 0.5, math.e, 100.0, 1e5], [0.0, 2.0, 50.0]
    dispersions = [1e-30, 1e-10, 1e-6, 1e-5, 1e-4, 1e-3, 0.1, 1.0, 30.0]
    m, t, a = (x.reshape(-1).astype(dtype) for x in np.meshgrid(means, targets, dispersions))
    first = np.log(m) if from_log else m
    values, by_mean, by_dispersion = [], [], []
    with mpmath.workdps(150):
        for item in zip(first, t, a, strict=True):
            x, count, spread = (mpmath.mpf(float(v)) for v in item)
            mean = mpmath.exp(x) if from_log else x
            values.append(float(negative_binomial(mean, count, spread)))
            slope = (mean - count) / (mean * (1 + spread * mean))
            by_mean.append(float(slope * mean if from_log else slope))
            step = spread * mpmath.mpf(10) ** -40
            up, down = (negative_binomial(mean, count, spread + s) for s in (step, -step))
            by_dispersion.append(float((up - down) / (2 * step)))
    loss = al.NegativeBinomialNll(from_log=from_log)
    arrays = given(variant, first, t, a)
    sizes = np.abs(t * np.log(m.astype("float64"))) + np.abs(values) + t * np.log1p(t)
    got = variant.numpy(variant.run(al.NegativeBinomialNll(from_log=from_log, reduction="none"), *arrays))
    assert np.all(np.abs(got - values) <= 32 * np.finfo(dtype).eps * sizes)

    def total(*arrays):
        return al.array_namespace(*arrays).sum(loss.call(*arrays))

    for argument, exact in ((0, by_mean), (2, by_dispersion)):
        for function in (al.NegativeBinomialNll(from_log=from_log, reduction="sum"), total):
            slope = variant.numpy(variant.run(al.grad(function, argnums=argument), *arrays))
            np.testing.assert_allclose(slope, exact, rtol=5e-4 if dtype == "float32" else 1e-11, atol=1e-12)


def test_a_subnormal_dispersion_is_that_of_poissons_distribution(variant):
    for dtype, a in (("float32", 1e-42), ("float64", 1e-310)):
        if dtype not in variant.dtypes:
            continue
        arrays = [variant.array(np.asarray([x], dtype)) for x in (1.0, 1.0, a)]
        got = variant.numpy(variant.run(al.negative_binomial_nll, *arrays))
        np.testing.assert_allclose(got, math.e - 1, rtol=1e-6)
        for k in (0, 2):
            slope = variant.numpy(variant.run(al.grad(al.NegativeBinomialNll(), argnums=k), *arrays))
            np.testing.assert_allclose(slope, [math.e - 1] if k == 0 else [math.e - math.e**2 / 2], rtol=1e-5)


def test_no_mean_and_no_count_cost_nothing(variant):
    for a in (1e-3, 5.0):
        got = compute(variant, al.NegativeBinomialNll(from_log=False, reduction="none"), [0.0, 1.0], [0.0, 0.0], [a, a])
        np.testing.assert_allclose(got, [0.0, math.log1p(a) / a], rtol=1e-5, atol=1e-15)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e8, 1e20, 1e30])
def test_a_scale_of_any_size_has_the_likelihood_of_times_and_of_bounds_however_near(variant, distribution, scale):
    if scale == 1e-30 and distribution == "normal":
        return  # whose loss is the square of what is divided by it
    if scale <= 1e-3 and distribution == "extreme":
        return  # whose loss is an exponential of that
    density, f, s = DISTRIBUTIONS[distribution]
    near = [(2.0, 2.0 * (1 + 2.0**-k)) for k in (4, 8, 11, 14, 18)] if scale == 1.0 else []
    bounds = [(0.0, 0.9), (0.5, 0.5), (0.5, 1.1), (2.0, math.inf), *near]
    lower, upper = (np.asarray(x) for x in zip(*bounds, strict=True))
    prediction = np.asarray([0.25, 1.0, -2.0])[:, None] + 0 * lower

    def exact(p, lower, upper):
        if lower == upper:
            return -mpmath.log(density((mpmath.log(lower) - p) / c) / (c * lower))
        above = mpmath.mpf(0) if upper == INF else s((mpmath.log(upper) - p) / c)
        if lower == 0:
            return -mpmath.log(f((mpmath.log(upper) - p) / c))
        z = (mpmath.log(lower) - p) / c
        return -mpmath.log(s(z) - above if z > 0 or upper == INF else f((mpmath.log(upper) - p) / c) - f(z))

    lower, upper = (x + 0 * prediction for x in (lower, upper))
    arrays = given(variant, prediction, lower, upper)
    loss = al.Aft(distribution=distribution, scale=scale, reduction="none")
    with np.errstate(over="ignore"):
        got = variant.numpy(variant.run(loss, *arrays))
        sum_of = al.Aft(distribution=distribution, scale=scale, reduction="sum")
        slopes = variant.numpy(variant.run(al.grad(sum_of), *arrays))
    dtype = variant.dtypes[-1]
    with mpmath.workdps(700 if scale < 1 else 120):
        c = mpmath.mpf(float(np.asarray(scale, dtype)))
        items = [
            [mpmath.mpf(float(np.asarray(x, dtype))) for x in item]
            for item in zip(prediction.flat, lower.flat, upper.flat, strict=True)
        ]
        values = [float(exact(*item)) for item in items]
        exact_slopes = [
            float(mpmath.diff(lambda p, i=i: exact(p, *i[1:]), i[0], h=c * mpmath.mpf(10) ** -30)) for i in items
        ]
    rtol = 2e-3 if dtype == "float32" else 1e-7
    finite = np.abs(values) < 1e38
    np.testing.assert_allclose(got.reshape(-1)[finite], np.asarray(values)[finite], rtol=rtol / 10)
    unit = 1 / scale if scale < 1e30 else 0
    np.testing.assert_allclose(
        slopes.reshape(-1)[finite], np.asarray(exact_slopes)[finite], rtol=rtol, atol=rtol * max(unit, 1e-30)
    )


@pytest.mark.parametrize("df", [1e-30, 1e-20, 2.0, 1e19, 1e30, 1e37])
def test_any_degrees_of_freedom_have_the_likelihood_of_any_error(variant, df):
    error = np.asarray([1e-15, 1e-3, 1.0, 1e5, 3e9, 1e15])
    zero, one = np.zeros_like(error), np.ones_like(error)
    got = compute(variant, al.StudentTNll(df=df, reduction="none"), error, zero, one)
    gradient = variant.numpy(
        variant.run(al.grad(al.StudentTNll(df=df, reduction="sum")), *given(variant, error, zero, one))
    )
    with mpmath.workdps(100):
        exact = [(mpmath.mpf(df) + 1) / 2 * mpmath.log1p(mpmath.mpf(e) ** 2 / df) for e in error]
        slopes = [(mpmath.mpf(df) + 1) * mpmath.mpf(e) / (df + mpmath.mpf(e) ** 2) for e in error]
    np.testing.assert_allclose(got, np.asarray(exact, float), rtol=1e-5)
    np.testing.assert_allclose(gradient, np.asarray(slopes, float), rtol=1e-5)
