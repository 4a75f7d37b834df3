"""LightGBM itself with losses as objectives: bitwise its own, and on losses that it could not be trained on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests.interop.data import LINEAR, NEARLY_LINEAR, halves

import arraylosses as al
from arraylosses.interop.lightgbm import metric, objective

lgb = pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")

pytestmark = pytest.mark.otherwise_numpy

PARAMETERS = {"num_threads": 1, "verbose": -1, "seed": 0, "deterministic": True, "force_row_wise": True}


def dataset(half, *, weighted=False, start=None):
    init_score = None if start is None else np.full(len(half.y), start)
    return lgb.Dataset(half.X, half.y, weight=half.weight if weighted else None, init_score=init_score)


NATIVE = {
    "binary": ("breast_cancer", al.BinaryCrossEntropy(), {"objective": "binary"}, True),
    "squares": ("diabetes", al.HalfSquaredError(), {"objective": "regression"}, False),
    "classes": ("digits", al.CrossEntropy(), {"objective": "multiclass", "num_class": 10}, False),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", NATIVE)
def test_it_is_what_lightgbm_has_of_its_own(case, weighted):
    name, loss, native, is_bitwise = NATIVE[case]
    train, test = halves(name)
    expected = lgb.train(PARAMETERS | native | {"boost_from_average": False}, dataset(train, weighted=weighted), 10)
    ours = PARAMETERS | native | {"objective": objective(loss)}
    found = lgb.train(ours, dataset(train, weighted=weighted), 10)
    scores = [booster.predict(test.X, raw_score=True) for booster in (found, expected)]
    if is_bitwise or not weighted:
        np.testing.assert_array_equal(*scores)
    np.testing.assert_allclose(*scores, rtol=1e-5)


def test_the_metric_is_the_loss_of_the_data():
    train, test = halves("digits")
    loss, seen = al.CrossEntropy(), {}
    booster = lgb.train(
        PARAMETERS | {"objective": objective(loss), "num_class": 10}, dataset(train), 5,
        valid_sets=[dataset(test, weighted=True)], feval=metric(loss), callbacks=[lgb.record_evaluation(seen)],
    )  # fmt: skip
    expected = loss(booster.predict(test.X, raw_score=True), test.y.astype(int), weight=test.weight.astype("float32"))
    np.testing.assert_allclose(seen["valid_0"]["cross_entropy"][-1], float(expected), rtol=1e-6)


METRICS = {
    "l2": al.SquaredError(),
    "l1": al.AbsoluteError(),
    "huber": al.Huber(delta=0.9),
    "fair": al.Fair(scale=1.0),
    "quantile": al.Quantile(q=0.9),
    "mape": al.AbsolutePercentageError(percent=False, epsilon=1.0),
    "poisson": al.PoissonNll(),
    "binary_logloss": al.BinaryCrossEntropy(),
    "cross_entropy": al.BinaryCrossEntropy(),
}
OBJECTIVES = {"poisson": "poisson", "binary_logloss": "binary", "cross_entropy": "cross_entropy"}


@pytest.mark.parametrize("name", METRICS)
def test_a_loss_is_what_lightgbm_calls_by_the_name(name):
    rng = np.random.default_rng(0)
    features, margin, weight = rng.normal(size=(40, 1)), rng.normal(size=40), rng.uniform(0.5, 2.0, size=40)
    y = (rng.random(40) < 0.4).astype(float) if name in OBJECTIVES else 2 * rng.normal(size=40)
    data, seen = lgb.Dataset(features, y, weight=weight, init_score=margin, params={"verbose": -1}), {}
    parameters = {"objective": OBJECTIVES.get(name, "regression"), "metric": name, "boost_from_average": False}
    # A step of 1e-12 leaves the margins as they are.
    lgb.train(
        PARAMETERS | parameters | {"learning_rate": 1e-12}, data, 1,
        valid_sets=[data], callbacks=[lgb.record_evaluation(seen)],
    )  # fmt: skip
    expected = seen["training"][name][-1]
    np.testing.assert_allclose(METRICS[name](margin, y, weight=weight), expected, rtol=1e-6)


def improvement(loss, native, unit=1.0):
    """Return what 50 rounds take off the loss of the best constant, on both halves, ours and by a native objective."""
    halved = [half._replace(y=unit * half.y) for half in halves("diabetes")]
    start = float(al.best_constant(loss, halved[0].y))
    boosters = [(start, lgb.train(PARAMETERS | {"objective": objective(loss)}, dataset(halved[0], start=start), 50))]
    boosters += [(0.0, lgb.train(PARAMETERS | native, dataset(halved[0]), 50))] if native else []
    found = []
    for added, booster in boosters:
        for half in halved:
            prediction = added + booster.predict(half.X)
            found.append(1 - float(loss(prediction, half.y) / loss(np.full_like(half.y, start), half.y)))
    return found


OF_LINEAR = {
    "absolute_error": {"objective": "l1"},
    "quantile": {"objective": "quantile", "alpha": 0.75},
    "absolute_percentage_error": {"objective": "mape"},
    "huber": {"objective": "huber", "alpha": 1.0},
}


@pytest.mark.parametrize("name", LINEAR)
def test_a_loss_with_linear_parts_trains(name):
    found = improvement(LINEAR[name], OF_LINEAR[name])
    assert found[0] > max(0.5 * found[2], 0.3)
    assert found[1] > max(0.5 * found[3], 0.05)


def test_a_loss_with_linear_parts_trains_in_any_unit():
    expected = improvement(al.AbsoluteError(), {})
    for unit in (1e-3, 1e3):
        np.testing.assert_allclose(improvement(al.AbsoluteError(), {}, unit), expected, atol=0.05)


@pytest.mark.parametrize("name", NEARLY_LINEAR)
def test_a_loss_that_is_nearly_linear_far_out_trains_from_0(name):
    train, test = halves("diabetes")
    loss = NEARLY_LINEAR[name]
    best = float(al.best_constant(loss, train.y))
    booster = lgb.train(PARAMETERS | {"objective": objective(loss)}, dataset(train), 100)
    for half, least in ((train, 0.3), (test, 0.05)):
        assert float(loss(booster.predict(half.X), half.y)) < (1 - least) * float(
            loss(np.full_like(half.y, best), half.y)
        )


def test_the_estimators_take_both():
    train, test = halves("breast_cancer")
    loss = al.BinaryFocal(gamma=2.0)
    model = lgb.LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1, objective=objective(loss))
    model.fit(
        train.X, train.y, sample_weight=train.weight, eval_X=test.X, eval_y=test.y, eval_sample_weight=[test.weight],
        eval_metric=metric(loss),
    )  # fmt: skip
    (seen,) = model.evals_result_.values()
    assert seen["binary_focal"][-1] < 0.5 * seen["binary_focal"][0]
    scores = model.predict(test.X, raw_score=True)
    weight = test.weight.astype("float32").astype(float)
    np.testing.assert_allclose(seen["binary_focal"][-1], float(loss(scores, test.y, weight=weight)), rtol=1e-6)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(test.X, raw_score=True), scores)


def test_bad_labels_are_told_the_user():
    train, _ = halves("digits")
    with pytest.raises(ValueError, match=r"`y_true` must hold probabilities, from 0 to 1"):
        lgb.train(PARAMETERS | {"objective": objective("binary_cross_entropy")}, dataset(train), 1)
    with pytest.raises(ValueError, match="`num_class` must be the number of classes"):
        lgb.train(PARAMETERS | {"objective": objective("cross_entropy")}, dataset(train), 1)
    with pytest.raises(ValueError, match="`labels` must"):
        lgb.train(PARAMETERS | {"objective": objective("cross_entropy"), "num_class": 9}, dataset(train), 1)
