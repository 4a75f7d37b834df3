"""XGBoost itself with losses as objectives: beside its own, and on losses that it could not be trained on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests.interop.data import LINEAR, NEARLY_LINEAR, halves

import arraylosses as al
from arraylosses.interop.xgboost import metric, objective

xgb = pytest.importorskip("xgboost")
pytest.importorskip("sklearn")

pytestmark = pytest.mark.otherwise_numpy

PARAMETERS = {"nthread": 1, "max_depth": 4, "seed": 0}


def matrix(half, *, weighted=False):
    return xgb.DMatrix(half.X, half.y, weight=half.weight if weighted else None)


NATIVE = {
    "binary": ("breast_cancer", al.BinaryCrossEntropy(), {"objective": "binary:logistic", "base_score": 0.5}, 0.0),
    "squares": ("diabetes", al.HalfSquaredError(), {"objective": "reg:squarederror", "base_score": 150.0}, 150.0),
    "classes": ("digits", al.CrossEntropy(), {"objective": "multi:softprob", "num_class": 10, "base_score": 0.5}, 0.5),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", NATIVE)
def test_it_is_what_xgboost_has_of_its_own(case, weighted):
    name, loss, native, start = NATIVE[case]
    train, test = halves(name)
    data = matrix(train, weighted=weighted)
    expected = xgb.train(PARAMETERS | native, data, 10)
    ours = {key: value for key, value in native.items() if key == "num_class"} | {"base_score": start}
    found = xgb.train(PARAMETERS | ours, data, 10, obj=objective(loss), custom_metric=metric(loss))
    margins = [booster.predict(xgb.DMatrix(test.X), output_margin=True) for booster in (found, expected)]
    np.testing.assert_allclose(*margins, rtol=1e-5, atol=1e-5)


def test_squared_error_is_it_but_for_the_weight_of_lambda():
    train, test = halves("diabetes")
    booster = xgb.train(PARAMETERS | {"base_score": 150.0}, matrix(train), 10, obj=objective(al.SquaredError()))
    halved = PARAMETERS | {"base_score": 150.0, "objective": "reg:squarederror", "lambda": 0.5, "min_child_weight": 0.5}
    expected = xgb.train(halved, matrix(train), 10)
    np.testing.assert_allclose(*[b.predict(xgb.DMatrix(test.X)) for b in (booster, expected)], rtol=1e-5)


def improvement(loss, native, unit=1.0):
    """Return what 50 rounds take off the loss of the best constant, on both halves, ours and by a native objective."""
    halved = [half._replace(y=unit * half.y) for half in halves("diabetes")]
    start = float(al.best_constant(loss, halved[0].y))
    parameters = PARAMETERS | {"base_score": start}
    boosters = [xgb.train(parameters, matrix(halved[0]), 50, obj=objective(loss))]
    boosters += [xgb.train(parameters | native, matrix(halved[0]), 50)] if native else []
    found = []
    for booster in boosters:
        for half in halved:
            prediction = booster.predict(xgb.DMatrix(half.X), output_margin=True).astype(float)
            found.append(1 - float(loss(prediction, half.y) / loss(np.full_like(half.y, start), half.y)))
    return found


OF_LINEAR = {
    "absolute_error": {"objective": "reg:absoluteerror"},
    "quantile": {"objective": "reg:quantileerror", "quantile_alpha": 0.75},
    "absolute_percentage_error": {},
    "huber": {"objective": "reg:pseudohubererror", "huber_slope": 1.0},
}


@pytest.mark.parametrize("name", LINEAR)
def test_a_loss_with_linear_parts_trains(name):
    found = improvement(LINEAR[name], OF_LINEAR[name])
    assert found[0] > 0.5
    assert found[1] > 0.05
    if len(found) > 2:
        assert found[0] > 0.5 * found[2]
        assert found[1] > 0.5 * found[3]


def test_a_loss_with_linear_parts_trains_in_any_unit():
    expected = improvement(al.AbsoluteError(), {})
    for unit in (1e-3, 1e3):
        np.testing.assert_allclose(improvement(al.AbsoluteError(), {}, unit), expected, atol=0.1)


@pytest.mark.parametrize("unit", [1.0, 1e3])
@pytest.mark.parametrize("start", [{}, "best"])
@pytest.mark.parametrize("name", NEARLY_LINEAR)
def test_a_loss_that_is_nearly_linear_far_out_trains_from_any_start(name, start, unit):
    train, test = [half._replace(y=unit * half.y) for half in halves("diabetes")]
    loss = NEARLY_LINEAR[name]
    best = float(al.best_constant(loss, train.y))
    given = {"base_score": best} if start else {}
    booster = xgb.train(PARAMETERS | given, matrix(train), 50, obj=objective(loss))
    for half, least in ((train, 0.5), (test, 0.05)):
        prediction = booster.predict(xgb.DMatrix(half.X), output_margin=True).astype(float)
        assert float(loss(prediction, half.y)) < (1 - least) * float(loss(np.full_like(half.y, best), half.y))


def test_focal_loss_trains_its_own_metric():
    train, test = halves("breast_cancer")
    loss = al.BinaryFocal(gamma=2.0, alpha=0.25)
    booster = xgb.train(PARAMETERS | {"base_score": 0.0}, matrix(train), 50, obj=objective(loss))
    native = xgb.train(PARAMETERS | {"objective": "binary:logistic"}, matrix(train), 50)
    start = float(loss(np.zeros_like(test.y), test.y))
    values = [
        float(loss(b.predict(xgb.DMatrix(test.X), output_margin=True).astype(float), test.y)) for b in (booster, native)
    ]
    assert start - values[0] > 0.5 * (start - values[1])


def test_the_estimators_take_both():
    train, test = halves("breast_cancer")
    loss = al.BinaryCrossEntropy()
    model = xgb.XGBClassifier(n_estimators=5, n_jobs=1, objective=objective(loss), eval_metric=metric(loss))
    model.fit(
        train.X, train.y, sample_weight=train.weight, eval_set=[(test.X, test.y)], sample_weight_eval_set=[test.weight],
        verbose=False,
    )  # fmt: skip
    margin = model.predict(test.X, output_margin=True).astype(float)
    found = model.evals_result()["validation_0"]["binary_cross_entropy"][-1]
    np.testing.assert_allclose(found, float(loss(margin, test.y, weight=test.weight)), rtol=1e-5)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(test.X, output_margin=True), margin)
    assert again.get_params()["objective"] == objective(loss)


def test_the_estimator_of_classes_and_a_search():
    from sklearn.model_selection import GridSearchCV

    train, _ = halves("digits")
    model = xgb.XGBClassifier(n_estimators=3, n_jobs=1, objective=objective("cross_entropy")).fit(train.X, train.y)
    assert model.score(train.X, train.y) > 0.9
    train, _ = halves("diabetes")
    model = xgb.XGBRegressor(n_estimators=3, n_jobs=1, objective=objective("huber"))
    search = GridSearchCV(model, {"objective": [objective(al.Huber(delta=d)) for d in (1.0, 30.0)]}, cv=2)
    assert search.fit(train.X, train.y).best_params_["objective"].loss.delta in (1.0, 30.0)


def test_several_targets():
    train, _ = halves("diabetes")
    y = np.stack([train.y, -train.y], axis=1)
    model = xgb.XGBRegressor(n_estimators=20, n_jobs=1, multi_strategy="multi_output_tree", objective=objective("mse"))
    prediction = model.fit(train.X, y).predict(train.X)
    assert prediction.shape == y.shape
    assert np.mean((prediction - y) ** 2) < 0.2 * np.mean(y**2)


def test_bad_labels_are_told_the_user():
    train, _ = halves("digits")
    with pytest.raises(ValueError, match=r"`y_true` must hold probabilities, from 0 to 1"):
        xgb.train(PARAMETERS, matrix(train), 1, obj=objective("binary_cross_entropy"))
    with pytest.raises(ValueError, match="`num_class` must be the number of classes"):
        xgb.train(PARAMETERS, matrix(train), 1, obj=objective("cross_entropy"))
