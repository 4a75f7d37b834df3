"""Losses by what defines them, where the catalogue has a closed form: a sum of 1, an integral, a count, a minimum.

No formula of a loss stands here. Integrals are Gauss and Legendre's, over pieces on which what is integrated is smooth.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.backend("numpy")

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def integral(f, *ends):
    """Of `f`, a function of an array, over all pieces between neighbouring ends."""
    low, high = np.asarray(ends[:-1])[:, None], np.asarray(ends[1:])[:, None]
    x = (low + high) / 2 + (high - low) / 2 * NODES
    return float(np.sum(f(x.ravel()).reshape(x.shape) * WEIGHTS * (high - low) / 2))


def items(loss, *arrays, **settings):
    """The items of arrays that are broadcast against each other."""
    return loss(*np.broadcast_arrays(*[np.asarray(x, dtype="float64") for x in arrays]), reduction="none", **settings)


def moments(likelihood, *ends):
    """The sum of a density, the mean and the variance."""
    total, mean, square = (integral(lambda x, k=k: x**k * np.exp(-likelihood(x)), *ends) for k in range(3))
    return total, mean, square - mean**2


@pytest.mark.parametrize("from_log", [False, True])
@pytest.mark.parametrize("spread", [0.25, 2.0])
def test_densities_add_up_to_1_and_have_their_mean_and_variance(from_log, spread):
    given = math.log(spread) if from_log else spread
    far = [*-(2.0 ** np.arange(9, -4, -1)), 0.0, *2.0 ** np.arange(-3, 10)]
    ends = 0.75 + np.asarray(far)
    for loss, settings, variance in (
        (al.gaussian_nll, {}, spread),
        (al.laplace_nll, {}, 2 * spread**2),
        (al.student_t_nll, {"df": 9.0}, spread**2 * 9 / 7),
    ):
        settings = {"full": True, "from_log": from_log, **settings}
        found = moments(lambda x, f=loss, s=settings: items(f, 0.75, x, given, **s), *ends)
        np.testing.assert_allclose(found, (1.0, 0.75, variance), rtol=1e-7)

    def of_angle(x):
        return np.exp(-items(al.von_mises_nll, 0.75, x, given, full=True, from_log=from_log))

    turn = np.linspace(-4.0, -4.0 + 2 * math.pi, 8)
    np.testing.assert_allclose(integral(of_angle, *turn), 1.0, rtol=1e-12)
    # The mean of e^(ix) has the direction e^(0.75 i). Its length is the derivative of log I0, which is the loss of a
    # quarter turn, as a family of exponentials has it.
    step = np.asarray([spread - 1e-5, spread + 1e-5])
    length = np.diff(items(al.von_mises_nll, 0.0, math.pi / 2, step))[0] / 2e-5
    for part in (np.cos, np.sin):
        mean = integral(lambda x, f=part: f(x) * of_angle(x), *turn)
        np.testing.assert_allclose(mean, length * part(0.75), rtol=1e-8)


@pytest.mark.parametrize("from_log", [False, True])
def test_chances_of_all_counts_add_up_to_1_and_have_their_mean_and_variance(from_log):
    counts, mean = np.arange(4000.0), 2.5
    factorials = np.asarray([math.lgamma(t + 1) for t in counts])
    given = math.log(mean) if from_log else mean
    for spread in (0.25, 2.0):
        for full in (False, True):
            nll = items(al.negative_binomial_nll, given, counts, spread, from_log=from_log, full=full)
            chances = np.exp(-nll - (0.0 if full else factorials))
            found = chances.sum(), (chances * counts).sum(), (chances * (counts - mean) ** 2).sum()
            np.testing.assert_allclose(found, (1.0, mean, mean + spread * mean**2), rtol=1e-9)
    chances = np.exp(-items(al.poisson_nll, given, counts[:100], from_log=from_log) - factorials[:100])
    found = chances.sum(), (chances * counts[:100]).sum(), (chances * (counts[:100] - mean) ** 2).sum()
    np.testing.assert_allclose(found, (1.0, mean, mean), rtol=1e-12)


@pytest.mark.parametrize("distribution", ["normal", "logistic", "extreme"])
def test_the_likelihood_of_bounds_is_that_of_the_times_between(distribution):
    settings = {"distribution": distribution, "scale": 0.75}
    density = lambda t: np.exp(-items(al.aft, 0.5, t, t, **settings))  # noqa: E731
    ends = 2.0 ** np.arange(-60, 61)
    for lower, upper in ((0.0, 0.5), (0.5, 4.0), (4.0, math.inf), (0.0, math.inf)):
        kept = [lower, *ends[(ends > lower) & (ends < upper)], min(upper, 2.0**60)]
        likelihood = math.exp(-float(items(al.aft, 0.5, lower, upper, **settings)))
        np.testing.assert_allclose(integral(lambda u: density(np.maximum(u, 1e-300)), *kept), likelihood, rtol=1e-7)
    # the location and the scale are those of the logarithm: of the normal one its mean and standard deviation
    if distribution == "normal":
        of_log = moments(lambda u: -np.log(density(np.exp(u)) * np.exp(u)), *np.linspace(-8.0, 9.0, 40))
        np.testing.assert_allclose(of_log, (1.0, 0.5, 0.75**2), rtol=1e-9)


@pytest.mark.parametrize("from_log", [False, True])
@pytest.mark.parametrize(
    ("loss", "settings", "power"),
    [(al.poisson_deviance, {}, 1.0), (al.gamma_deviance, {}, 2.0)]
    + [(al.tweedie_deviance, {"power": p}, p) for p in (0.0, 1.0, 1.25, 1.75, 2.0, 2.5, 3.0)],
)
def test_a_deviance_is_the_integral_of_the_error_over_the_variance(loss, settings, power, from_log):
    # 2 ∫ (t - u) / u^power du from the mean to the target
    for mean, target in itertools.product((0.5, 3.0), (0.25, 1.0, 7.0)):
        pieces = np.geomspace(mean, target, 9)
        exact = 2 * integral(lambda u, t=target: (t - u) / u**power, *pieces)
        found = items(loss, math.log(mean) if from_log else mean, target, from_log=from_log, **settings)
        np.testing.assert_allclose(found, exact, rtol=1e-10)


def test_the_score_of_a_forecast_is_the_integral_of_its_squared_error_over_all_thresholds():
    # ∫ (F(x) - [target <= x])² dx, which has no more than F
    f = np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2)
    for mean, target, scale in itertools.product((-0.5, 1.0), (0.25, 1.0, 3.0), (0.25, 2.0)):
        low, high = (np.linspace(mean + s * 12 * scale, target, 60) for s in (-1, 1))
        exact = integral(lambda x, m=mean, s=scale: f((x - m) / s) ** 2, *low)
        exact -= integral(lambda x, m=mean, s=scale: (f((x - m) / s) - 1) ** 2, *high)
        np.testing.assert_allclose(items(al.crps_normal, mean, target, scale), exact, rtol=1e-9)
    members = np.random.default_rng(0).normal(size=(6, 5))
    for x, target in itertools.product(members, (-3.0, 0.25, 3.0)):
        ends = np.sort([*x, target])
        exact = sum(
            (np.mean(x <= (a + b) / 2) - (target <= (a + b) / 2)) ** 2 * (b - a) for a, b in itertools.pairwise(ends)
        )
        np.testing.assert_allclose(al.crps_ensemble(x, np.asarray(target)), exact, rtol=1e-12)


def test_a_fair_score_of_few_members_is_that_of_the_distribution_in_the_mean():
    # Over all samples of M members, of three numbers that are equally likely; the plain one is larger.
    numbers, target = np.asarray([-1.0, 0.5, 4.0]), 1.0
    exact = al.crps_ensemble(numbers, np.asarray(target))
    for size in (2, 3, 4):
        samples = np.asarray(list(itertools.product(numbers, repeat=size)))
        targets = np.full(len(samples), target)
        np.testing.assert_allclose(al.crps_ensemble(samples, targets, fair=True), exact, rtol=1e-12)
        np.testing.assert_allclose(al.energy_score(samples[..., None], targets[:, None], fair=True), exact, rtol=1e-12)
        assert al.crps_ensemble(samples, targets) > exact


def test_areas_are_numbers_of_cells():
    # Boxes of whole numbers, on a grid of which a cell is in a box or not.
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(12) + 0.5, np.arange(12) + 0.5, indexing="ij")

    def box():
        (a, c), (b, d) = (np.sort(rng.choice(13, 2, replace=False)) for _ in range(2))
        return a, b, c, d

    for p, t in [(box(), box()) for _ in range(60)]:
        inside = [(x > a) & (x < c) & (y > b) & (y < d) for a, b, c, d in (p, t)]
        both, either = np.sum(inside[0] & inside[1]), inside[0] | inside[1]
        rows, columns = (np.flatnonzero(either.any(axis=k)) for k in (1, 0))
        sides = np.ptp(rows) + 1, np.ptp(columns) + 1
        centres = [np.asarray([x[m].mean(), y[m].mean()]) for m in inside]
        iou = 1 - both / either.sum()
        empty = 1 - either.sum() / np.prod(sides)
        away = np.sum((centres[0] - centres[1]) ** 2) / np.sum(np.square(sides))
        lean = [math.atan(m.any(axis=1).sum() / m.any(axis=0).sum()) for m in inside]  # the width over the height
        v = (2 / math.pi * (lean[0] - lean[1])) ** 2
        exact = {"iou": iou, "giou": iou + empty, "diou": iou + away, "ciou": iou + away + (v and v * v / (iou + v))}
        for name, value in exact.items():
            found = al.get(name)(*[np.asarray(corners, dtype="float64") for corners in (p, t)])
            np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-14)


def test_chances_of_all_outcomes_add_up_to_1():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=4)
    labels = np.arange(5)
    for loss, rising in ((al.cumulative_logit, np.sort(logits)), (al.corn, logits)):
        of_labels = np.exp(-loss(np.tile(rising, (5, 1)), labels, reduction="none"))
        np.testing.assert_allclose(of_labels.sum(), 1.0, rtol=1e-12)
        at_most = np.cumsum(of_labels)[:-1]
        if loss is al.cumulative_logit:  # the odds of a label that is no larger
            np.testing.assert_allclose(np.log(at_most / (1 - at_most)), rising, rtol=1e-10)
        else:  # the odds of going on
            np.testing.assert_allclose(np.log((1 - at_most) / of_labels[:-1]), rising, rtol=1e-10)
    orders = np.asarray(list(itertools.permutations(range(4))))
    ranked = np.exp(-al.list_mle(np.tile(logits, (24, 1)), orders.astype("float64"), reduction="none"))
    np.testing.assert_allclose(ranked.sum(), 1.0, rtol=1e-12)
    first = orders.argmax(axis=1)  # the most relevant comes first
    np.testing.assert_allclose(ranked[first == 2].sum(), np.exp(logits[2]) / np.exp(logits).sum(), rtol=1e-12)


def test_the_partial_likelihood_is_the_chance_of_the_order_of_independent_times():
    # Of exponential times whose rates are the hazards: a censored one may come anywhere after its time, so that the
    # chances of all orders add up which put it there.
    hazard = np.asarray([0.5, -1.0, 0.25, 1.5])
    rates = np.exp(hazard)

    def chance(order):
        left = [rates[list(order[k:])].sum() for k in range(len(order))]
        return math.prod(rates[d] / total for d, total in zip(order, left, strict=True))

    time, event = np.asarray([3.0, 1.0, 2.0, 4.0]), np.asarray([1.0, 1.0, 0.0, 1.0])
    for seen, orders in (
        (np.ones(4), [(1, 2, 0, 3)]),
        (event, [(1, 2, 0, 3), (1, 0, 2, 3), (1, 0, 3, 2)]),
    ):
        found = al.cox_partial_likelihood(hazard, time, seen, reduction="sum")
        np.testing.assert_allclose(found, -math.log(sum(map(chance, orders))), rtol=1e-12)


def test_distances_of_distributions_by_their_events():
    # The largest difference of the chances of an event, and the overlap of the square roots.
    for p, q in np.random.default_rng(3).dirichlet(np.ones(5), size=(10, 2)):
        events = np.asarray(list(itertools.product([0, 1], repeat=5)))
        largest = np.max(np.abs(events @ p - events @ q))
        np.testing.assert_allclose(al.total_variation(p, q, from_log=False), largest, rtol=1e-12)
        overlap = np.sqrt(1 - np.sum(np.sqrt(p * q)))
        np.testing.assert_allclose(al.hellinger(p, q, from_log=False), overlap, rtol=1e-7)


@pytest.mark.parametrize("squared", [False, True])
def test_the_derivative_of_transport_by_probabilities_is_one_along_distributions(squared):
    # Of a share that is moved from one class to another, by a difference of the published sums.
    def transport(p, q):
        sums = [sum(p[: k + 1]) - sum(q[: k + 1]) for k in range(4)]
        return sum(s * s if squared else abs(s) for s in sums)

    step = 1e-6
    for p, q in np.random.default_rng(5).dirichlet(np.ones(5), size=(8, 2)):
        loss = al.Wasserstein1D(squared=squared, from_logits=False)
        value, slopes = al.value_and_grad(loss, (0, 1))(p, q)
        np.testing.assert_allclose(value, transport(p, q), rtol=1e-12)
        for (i, a), (j, b) in itertools.permutations(enumerate(np.eye(5)), 2):
            move = step * (a - b)
            by_first = transport(p + move, q) - transport(p - move, q)
            by_second = transport(p, q + move) - transport(p, q - move)
            for slope, change in zip(slopes, (by_first, by_second), strict=True):
                np.testing.assert_allclose(slope[i] - slope[j], change / (2 * step), rtol=1e-6, atol=1e-8)


CHANCE = 0.8
PREDICTED = {  # the score that a model should give to an item which is positive in 4 of 5 cases
    al.binary_cross_entropy: math.log(4),
    al.brier: math.log(4),
    al.sparsemax: 2 * CHANCE - 1,
    al.soft_margin: math.log(4),
    al.exponential: math.log(4) / 2,
    al.modified_huber: 2 * CHANCE - 1,
    al.squared_hinge: 2 * CHANCE - 1,
    al.hinge: 1.0,
}


@pytest.mark.parametrize("loss", PREDICTED, ids=lambda loss: loss.__name__)
def test_the_least_expected_loss_is_where_the_chance_says(loss):
    scores = np.linspace(-3.0, 3.0, 6001)
    no = -1.0 if "sign" in str(al.get(loss.__name__).arrays) else 0.0
    expected = CHANCE * items(loss, scores, 1.0) + (1 - CHANCE) * items(loss, scores, no)
    np.testing.assert_allclose(scores[np.argmin(expected)], PREDICTED[loss], atol=1.001e-3)


def test_what_a_constant_prediction_should_be():
    # By the definition of each statistic, of 21 numbers; the least is looked for on a grid.
    targets = np.exp(np.random.default_rng(4).normal(size=21))
    grid = np.linspace(0.05, 6.0, 11901)
    u = 1 / targets

    def found(loss, **settings):
        return grid[np.argmin(np.mean(items(loss, grid[:, None], targets, **settings), axis=-1))]

    def balance(q):  # the number at which what is above weighs q, and what is below 1 - q
        pull = [q * np.maximum(targets - m, 0).sum() - (1 - q) * np.maximum(m - targets, 0).sum() for m in grid]
        return grid[np.argmin(np.abs(pull))]

    for q in (0.1, 0.3, 0.9):
        quantile = np.sort(targets)[math.floor(q * 21)]  # below which a share of less than q lies, with it more
        np.testing.assert_allclose(found(al.quantile, q=q), quantile, atol=1e-3)
        np.testing.assert_allclose(found(al.expectile, q=q), balance(q), atol=1e-3)
    for loss, statistic in (
        (al.squared_error, targets.mean()),
        (al.absolute_error, np.median(targets)),
        (al.squared_relative_error, u.sum() / (u * u).sum()),
        (al.squared_logarithmic_error, np.exp(np.log1p(targets).mean()) - 1),
    ):
        np.testing.assert_allclose(found(loss), statistic, atol=1e-3)
    for loss in (al.poisson_deviance, al.gamma_deviance, al.tweedie_deviance, al.poisson_nll):
        np.testing.assert_allclose(found(loss, from_log=False), targets.mean(), atol=1e-3)
