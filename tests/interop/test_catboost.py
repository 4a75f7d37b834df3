"""CatBoost itself with losses as objectives, beside its own."""

from __future__ import annotations

import numpy as np
import pytest
from tests.interop.data import LINEAR, NEARLY_LINEAR, halves

import arraylosses as al
from arraylosses.interop.catboost import metric, objective

cb = pytest.importorskip("catboost")
pytest.importorskip("sklearn")

pytestmark = pytest.mark.otherwise_numpy

PARAMETERS = {
    "thread_count": 1, "verbose": False, "allow_writing_files": False, "random_seed": 0, "learning_rate": 0.1,
    "leaf_estimation_method": "Newton", "leaf_estimation_iterations": 1,
}  # fmt: skip


def raw(model, X):
    return model.predict(X, prediction_type="RawFormulaVal")


NATIVE = {
    "binary": ("breast_cancer", al.BinaryCrossEntropy(), "Logloss", cb.CatBoostClassifier),
    "squares": ("diabetes", al.HalfSquaredError(), "RMSE", cb.CatBoostRegressor),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", NATIVE)
def test_it_is_what_catboost_has_of_its_own(case, weighted):
    name, loss, native, kind = NATIVE[case]
    train, test = halves(name)
    given = {"sample_weight": train.weight} if weighted else {}
    expected = kind(iterations=10, loss_function=native, boost_from_average=False, **PARAMETERS)
    found = kind(iterations=10, loss_function=objective(loss), eval_metric=metric(loss), **PARAMETERS)
    scores = [raw(model.fit(train.X, train.y, **given), test.X) for model in (found, expected)]
    np.testing.assert_allclose(*scores, rtol=1e-10)
    (seen,) = found.evals_result_["learn"].values()
    value = loss(raw(found, train.X), train.y, weight=train.weight if weighted else None)
    np.testing.assert_allclose(seen[-1], float(value), rtol=1e-5)


@pytest.mark.parametrize("name", LINEAR)
def test_a_loss_with_linear_parts_trains(name):
    loss = LINEAR[name]
    train, test = halves("diabetes")
    start = float(al.best_constant(loss, train.y))
    model = cb.CatBoostRegressor(iterations=50, loss_function=objective(loss), eval_metric=metric(loss), **PARAMETERS)
    model.fit(cb.Pool(train.X, train.y, baseline=np.full(len(train.y), start)))
    for half, least in ((train, 0.3), (test, 0.05)):
        prediction = start + raw(model, half.X)
        assert float(loss(prediction, half.y)) < (1 - least) * float(loss(np.full_like(half.y, start), half.y))


@pytest.mark.parametrize("name", NEARLY_LINEAR)
def test_a_loss_that_is_nearly_linear_far_out_trains_from_0(name):
    train, test = halves("diabetes")
    loss = NEARLY_LINEAR[name]
    best = float(al.best_constant(loss, train.y))
    model = cb.CatBoostRegressor(iterations=100, loss_function=objective(loss), eval_metric=metric(loss), **PARAMETERS)
    model.fit(train.X, train.y)
    for half, least in ((train, 0.3), (test, 0.05)):
        assert float(loss(raw(model, half.X), half.y)) < (1 - least) * float(loss(np.full_like(half.y, best), half.y))
