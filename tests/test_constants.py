"""The best constant: closed forms of the textbook, and what is less than all that lies beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.otherwise_numpy

RNG = np.random.default_rng(3)
TARGET = 3 * RNG.normal(size=40) + 100
WEIGHT = RNG.uniform(0.5, 2.0, size=40)
LABELS = np.asarray([0, 2, 2, 1, 2, 0, 2, 1, 1, 2])
POSITIVE = (TARGET > 102).astype(float)
BELOW = np.expm1(np.mean(np.log1p(-0.6 + TARGET / 500)))


def log_shares(shares):
    logs = np.log(np.asarray(shares, dtype=float))
    return logs - np.mean(logs)


def weighted_median(x, w):
    order = np.argsort(x)
    return x[order][np.searchsorted(np.cumsum(w[order]), np.sum(w) / 2)]


OF_ELEMENTS = {
    "mean": (al.SquaredError(), TARGET, None, np.mean(TARGET)),
    "weighted mean": (al.HalfSquaredError(reduction="mean"), TARGET, WEIGHT, np.average(TARGET, weights=WEIGHT)),
    "median": (al.AbsoluteError(), TARGET[1:], None, np.median(TARGET[1:])),
    "middle of the medians": (al.AbsoluteError(reduction="sum"), TARGET, None, np.median(TARGET)),
    "weighted median": (al.AbsoluteError(), TARGET, WEIGHT, weighted_median(TARGET, WEIGHT)),
    "quantile": (al.Quantile(q=0.9), TARGET[:32], None, np.sort(TARGET[:32])[28]),
    "log odds": (al.BinaryCrossEntropy(), POSITIVE, None, np.log(np.mean(POSITIVE) / np.mean(1 - POSITIVE))),
    "probability": (al.BinaryCrossEntropy(from_logits=False), POSITIVE, WEIGHT, np.average(POSITIVE, weights=WEIGHT)),
    "log rate": (al.PoissonNll(), TARGET, None, np.log(np.mean(TARGET))),
    "rate": (al.PoissonNll(from_log=False), TARGET, None, np.mean(TARGET)),
    "mean logarithm": (al.SquaredLogarithmicError(), TARGET, None, np.expm1(np.mean(np.log1p(TARGET)))),
    "mean logarithm below 0": (al.SquaredLogarithmicError(), -0.6 + TARGET / 500, None, BELOW),
    "mean of a normal deviance": (al.get("mean_tweedie_deviance"), -TARGET, None, -np.mean(TARGET)),
    "a tiny unit": (al.SquaredError(), 1e-20 * TARGET, None, 1e-20 * np.mean(TARGET)),
    "an outlier": (al.AbsoluteError(), np.append(TARGET[1:], [1e300, 1e300]), None, np.sort(TARGET[1:])[20]),
    "a certain side": (al.Hinge(), np.ones(3), None, 1.0),
    "between two hinges": (al.Hinge(), np.asarray([1.0, -1.0]), None, 0.0),
    "a sum": (al.SquaredError() + 4.0 * al.AbsoluteError(), np.asarray([1.0, 2.0, 9.0]), None, 10 / 3),
    "nothing that counts": (al.SquaredError(), np.zeros(3), np.zeros(3), 0.0),
}

OF_ROWS = {
    "shares": (al.CrossEntropy(), LABELS, None, log_shares([2, 3, 5])),
    "weighted shares": (al.CrossEntropy(), LABELS, WEIGHT[:10], log_shares(np.bincount(LABELS, WEIGHT[:10]))),
    "class weights": (al.CrossEntropy(class_weight=[1.0, 2.0, 3.0]), LABELS, None, log_shares([2, 6, 15])),
    "distributions": (al.CrossEntropy(), np.asarray([[0.5, 0.5], [0.0, 1.0]]), None, log_shares([0.25, 0.75])),
    "thresholds": (al.Corn(), LABELS, None, [np.log(8 / 2), np.log(5 / 3)]),
    "a sum along another axis": (
        al.CrossEntropy(axis=0) + 2.0 * al.CrossEntropy(axis=0),
        LABELS,
        None,
        log_shares([2, 3, 5]),
    ),
    "another axis": (al.CrossEntropy(axis=0), np.asarray([[0.5, 0.0], [0.5, 1.0]]), None, log_shares([0.25, 0.75])),
}


@pytest.mark.parametrize("case", OF_ELEMENTS)
def test_a_loss_of_elements_has_the_constant_of_the_textbook(case):
    loss, target, weight, expected = OF_ELEMENTS[case]
    found = al.best_constant(loss, target, weight)
    assert found.shape == ()
    assert found.dtype == target.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15 if expected == 0 else 0)


@pytest.mark.parametrize("case", OF_ROWS)
def test_a_loss_of_rows_has_the_constant_of_the_textbook(case):
    loss, target, weight, expected = OF_ROWS[case]
    np.testing.assert_allclose(al.best_constant(loss, target, weight), expected, rtol=1e-9)


def test_of_labels_that_are_all_of_the_first_class_there_is_one_number():
    assert al.best_constant(al.CrossEntropy(), np.zeros(3, dtype=int)).tolist() == [0.0]
    (odds,) = al.best_constant(al.Corn(), np.zeros(3, dtype=int))
    assert odds < -20
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 1\) for 1 classes, got -1"):
        al.best_constant(al.CrossEntropy(), np.asarray([-1, -1]))


@pytest.mark.parametrize("ignored", [-100, 1, 3, 255])
@pytest.mark.parametrize("loss", [al.CrossEntropy(), al.CategoricalFocal(gamma=0.0)], ids=str)
def test_the_label_that_is_ignored_is_no_class(loss, ignored):
    labels = np.asarray([0, 2, 2, 2, 2, ignored, ignored])
    found = al.best_constant(replace(loss, ignore_index=ignored), labels)
    assert found.shape == (3,)
    shares = np.exp(found) / np.sum(np.exp(found))
    np.testing.assert_allclose(shares, [0.2, 0.0, 0.8], atol=1e-6)  # the frequencies of the others
    assert al.best_constant(replace(loss, ignore_index=ignored), np.full(3, ignored)).tolist() == [0.0]


def test_each_column_has_its_own_and_settings_follow():
    target = np.stack([TARGET[1:], -2 * TARGET[1:]], axis=1)
    found = al.best_constant(al.Quantile(q=np.asarray([0.5, 0.9])), target)
    np.testing.assert_allclose(found, [np.median(TARGET[1:]), np.sort(target[:, 1])[35]], rtol=1e-13)
    weighted = al.best_constant("mse", target, WEIGHT[1:, None])
    np.testing.assert_allclose(weighted, np.average(target, axis=0, weights=WEIGHT[1:]), rtol=1e-13)


def test_of_a_loss_that_is_not_convex_it_is_the_least_minimum():
    @al.loss
    def bounded(prediction, target):
        return 1 - 1 / (1 + ((prediction - target) / 2) ** 2)

    target = np.concatenate([np.zeros(5), TARGET, np.full(5, 1000.0)])
    grid = np.linspace(-10, 1010, 5001)
    totals = [np.sum(1 - 1 / (1 + ((c - target) / 2) ** 2)) for c in grid]
    found = al.best_constant(bounded, target)
    np.testing.assert_allclose(found, grid[np.argmin(totals)], atol=0.3)


def test_a_limit_is_reached_as_far_as_it_can_be_told():
    found = al.best_constant(al.BinaryCrossEntropy(), np.ones(5))
    assert 30 < found < 40
    np.testing.assert_allclose(al.best_constant(al.BinaryCrossEntropy(), np.zeros(5)), -found, atol=2)
    absent = al.best_constant(al.CrossEntropy(), LABELS, classes=4)
    np.testing.assert_allclose(absent[:3] - np.mean(absent[:3]), log_shares([2, 3, 5]), atol=1e-6)
    assert absent[3] < absent[0] - 20


@pytest.mark.parametrize("loss", [al.CategoricalHinge(), al.CategoricalFocal(), al.CosineSimilarity()])
def test_a_row_of_another_loss_is_less_than_what_lies_beside_it(loss):
    target = LABELS if "labels" in loss.array_names else RNG.normal(size=(10, 3)) + np.arange(3.0)
    found = al.best_constant(loss, target)

    def at(c):
        return float(loss(np.tile(c, (len(target), 1)), target))

    for step in 0.05 * np.random.default_rng(0).normal(size=(20, 3)):
        assert at(found) <= at(found + step) + 1e-12


@pytest.mark.parametrize("library", [pytest.param(x, marks=pytest.mark.backend(x)) for x in ("torch", "jax", "strict")])
def test_it_is_of_the_library_of_the_target(library):
    names = {"torch": "torch", "jax": "jax.numpy", "strict": "array_api_strict"}
    xp = __import__(names[library], fromlist=["asarray"])
    target = xp.asarray([1.0, 2.0, 6.0], dtype=xp.float32)
    found = al.best_constant("mse", target, xp.asarray([1.0, 1.0, 2.0], dtype=xp.float32))
    assert isinstance(found, type(target))
    assert found.dtype == xp.float32
    assert float(found) == 3.75
    assert al.best_constant("cross_entropy", xp.asarray([0, 1, 1])).shape == (2,)
    assert al.best_constant("cross_entropy", xp.asarray([0, 1, 1]), classes=np.int64(3)).shape == (3,)


REFUSED = {
    "a list": (al.SquaredError(), [1.0], {}, TypeError, "`target` must be an array, got list"),
    "no loss": (3, TARGET, {}, TypeError, "`loss` must be a name"),
    "three arrays": (
        al.TripletMargin(),
        TARGET,
        {},
        ValueError,
        "TripletMargin takes `anchor`, `positive`, `negative`",
    ),
    "coupled": (al.InfoNce(), TARGET[:, None], {}, ValueError, "those of InfoNce depend on each other"),
    "images": (al.Dice(), LABELS, {}, ValueError, "`loss` must be one of elements, or one of rows, got Dice"),
    "both": (al.Huber() + al.CrossEntropy(), TARGET, {}, ValueError, "`loss` must be one of elements, or one of rows"),
    "NaN": (al.SquaredError(), np.asarray([1.0, np.nan]), {}, ValueError, "`target` must hold finite numbers, got nan"),
    "nothing": (al.SquaredError(), np.zeros(0), {}, ValueError, "`target` must hold at least one item"),
    "an ensemble": (
        al.CrpsEnsemble(),
        TARGET,
        {},
        ValueError,
        "a label or a row .* CrpsEnsemble takes a number",
    ),
    "log-probabilities": (
        al.Nll(),
        LABELS,
        {},
        ValueError,
        "`loss` must take rows of any real numbers",
    ),
    "too few classes": (al.CrossEntropy(), LABELS, {"classes": 2}, ValueError, "`labels` must"),
    "no number of classes": (al.CrossEntropy(), LABELS, {"classes": -3}, ValueError, "`classes` must be above 0"),
    "half a class": (al.CrossEntropy(), LABELS, {"classes": 2.5}, TypeError, "`classes` must be an integer, got 2.5"),
    "text": (al.SquaredError(), np.asarray(["a"]), {}, TypeError, "`target` must hold real numbers, got str"),
    "complex": (al.SquaredError(), TARGET + 1j, {}, TypeError, "`target` must hold real numbers, got complex128"),
    "a complex weight": (
        al.SquaredError(),
        TARGET,
        {"weight": TARGET + 1j},
        TypeError,
        "`weight` must hold real numbers, got complex128",
    ),
    "a negative weight": (
        al.SquaredError(),
        TARGET,
        {"weight": -(TARGET**2) - 1},
        ValueError,
        "`weight` must hold finite numbers of at least 0, got -",
    ),
    "a weight of NaN": (
        al.CrossEntropy(),
        LABELS,
        {"weight": np.full(LABELS.shape, np.nan)},
        ValueError,
        "`weight` must hold finite numbers of at least 0, got nan",
    ),
    "weights of others": (
        al.SquaredError(),
        TARGET,
        {"weight": np.ones(2)},
        ValueError,
        r"`weight` must broadcast to the per-item loss, shape \(\d+,\), got \(2,\)",
    ),
    "weights of other rows": (
        al.CrossEntropy(),
        LABELS,
        {"weight": np.ones(2)},
        ValueError,
        r"`weight` must broadcast to the per-item loss, shape \(\d+,\), got \(2,\)",
    ),
    "no end": (al.loss(lambda prediction, target: prediction - target), TARGET, {}, ValueError, "must have a least"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_refuses(case):
    loss, target, settings, error, message = REFUSED[case]
    if case == "no end":
        loss = loss.loss_class()
    with pytest.raises(error, match=message):
        al.best_constant(loss, target, **settings)
