"""scikit-learn itself: its checks of estimators, its own linear models beside ours, its metrics beside the scorers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests.interop.data import halves

import arraylosses as al

sklearn = pytest.importorskip("sklearn")

from sklearn import linear_model, metrics  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402

from arraylosses.interop.sklearn import LossClassifier, LossRegressor, base_loss, scorer  # noqa: E402

pytestmark = pytest.mark.otherwise_numpy

EXACT = {"tol": 1e-12, "max_iter": 10_000}

TRAIN, TEST = halves("diabetes")


def standardised(half):
    return (half.X - half.X.mean(axis=0)) / (half.X.std(axis=0) + 1e-3)


# The checks of scikit-learn. Equal to seven digits under weights and under repetition is more than the default `tol`.

ESTIMATORS = [LossRegressor(**EXACT), LossClassifier(**EXACT), LossClassifier("binary_cross_entropy", **EXACT)]
CHECKS = [(model, check) for estimator in ESTIMATORS for model, check in estimator_checks_generator(estimator)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "check"), CHECKS, ids=lambda x: getattr(getattr(x, "func", x), "__name__", "-"))
def test_estimator(model, check):
    check(model)


# The linear models

REGRESSORS = {
    "squares": (LossRegressor(alpha=0.0), linear_model.LinearRegression()),
    "ridge": (
        LossRegressor(al.SquaredError(), alpha=0.01),
        linear_model.Ridge(alpha=0.01 * len(TRAIN.y) / 2),
    ),
    "no intercept": (
        LossRegressor(alpha=0.0, fit_intercept=False),
        linear_model.LinearRegression(fit_intercept=False),
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", REGRESSORS)
def test_a_regressor_is_that_of_scikit_learn(case, weighted):
    ours, theirs = REGRESSORS[case]
    weight = TRAIN.weight * len(TRAIN.y) / np.sum(TRAIN.weight) if weighted else None
    ours.set_params(tol=1e-10).fit(TRAIN.X, TRAIN.y, weight)
    theirs.fit(TRAIN.X, TRAIN.y, weight)
    np.testing.assert_allclose(ours.predict(TEST.X), theirs.predict(TEST.X), rtol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_quantiles_are_near_the_least_value(q):
    loss = al.Quantile(q=q)
    found = LossRegressor(loss, alpha=0.0).fit(TRAIN.X, TRAIN.y)
    least = linear_model.QuantileRegressor(quantile=q, alpha=0.0).fit(TRAIN.X, TRAIN.y)
    values = [float(loss(np.asarray(model.predict(TRAIN.X)), TRAIN.y)) for model in (found, least)]
    assert values[1] * (1 - 1e-9) <= values[0] < values[1] * 1.002


def test_counts_have_the_logarithm_of_their_rate():
    ours = LossRegressor("poisson_nll", alpha=1e-3, tol=1e-10).fit(TRAIN.X, TRAIN.y)
    theirs = linear_model.PoissonRegressor(alpha=1e-3, tol=1e-10, max_iter=10_000).fit(TRAIN.X, TRAIN.y)
    np.testing.assert_allclose(np.exp(ours.predict(TEST.X)), theirs.predict(TEST.X), rtol=1e-4)


@pytest.mark.parametrize(
    ("data", "loss"),
    [("breast_cancer", "binary_cross_entropy"), ("breast_cancer", "cross_entropy"), ("digits", "cross_entropy")],
)
def test_a_classifier_is_the_logistic_regression(data, loss):
    train, test = halves(data)
    # Two rows of coefficients that differ by c have the penalty of c²/2 in place of c².
    alpha = 0.02 if (data, loss) == ("breast_cancer", "cross_entropy") else 0.01
    ours = LossClassifier(loss, alpha=alpha, tol=1e-8).fit(standardised(train), train.y)
    theirs = linear_model.LogisticRegression(C=1 / (0.01 * len(train.y)), tol=1e-10, max_iter=10_000)
    theirs.fit(standardised(train), train.y)
    for method in ("predict_proba", "predict"):
        found, expected = [getattr(model, method)(standardised(test)) for model in (ours, theirs)]
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_one_class_against_the_others():
    train, test = halves("digits")
    model = LossClassifier("binary_cross_entropy", alpha=0.01).fit(standardised(train), train.y)
    probabilities = model.predict_proba(standardised(test))
    assert model.coef_.shape == (10, 64)
    assert model.score(standardised(test), test.y) > 0.9
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1)
    one = LossClassifier("binary_cross_entropy", alpha=0.01).fit(standardised(train), train.y == 3)
    np.testing.assert_allclose(one.coef_[0], model.coef_[3], atol=1e-3)


def test_a_loss_of_signs_has_no_probabilities():
    train, test = halves("breast_cancer")
    model = LossClassifier(al.SquaredHinge(), alpha=0.01).fit(standardised(train), train.y)
    assert model.score(standardised(test), test.y) > 0.9
    assert not hasattr(model, "predict_proba")
    assert model.decision_function(test.X).shape == test.y.shape


def test_a_search_sets_the_settings_of_the_loss():
    search = GridSearchCV(LossRegressor("huber"), {"loss__delta": [1.0, 50.0], "alpha": [1e-4]}, cv=2)
    search.fit(TRAIN.X, TRAIN.y)
    assert search.best_estimator_.loss_ == al.Huber(**{"delta": search.best_params_["loss__delta"]})
    assert LossRegressor(al.Huber(delta=3.0)).get_params()["loss__delta"] == 3.0
    assert LossRegressor("huber").set_params(loss__delta=2.0).loss == al.Huber(delta=2.0)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LossRegressor("cross_entropy"), "`loss` must be one of elements, got CrossEntropy"),
        (LossRegressor("info_nce"), "those of InfoNce depend on each other"),
        (LossRegressor("triplet_margin"), "TripletMargin takes `anchor`"),
        (LossRegressor("squared_logarithmic_error"), "`loss` must take any real number"),
        (LossRegressor(alpha=-1.0), "`alpha` must be at least 0"),
        (LossRegressor(tol=0.0), "`tol` must be above 0"),
        (LossRegressor("poisson_nll"), "`y` must hold numbers of at least 0 for PoissonNll, got -1.0"),
        (LossClassifier("huber"), "`loss` must be one of classes, and Huber takes real numbers"),
        (LossClassifier("multilabel_soft_margin"), "`loss` must take one class a row, and MultilabelSoftMargin takes"),
        (LossClassifier("lovasz_hinge"), "`loss` must take one class a row, and LovaszHinge takes several"),
    ],
)
def test_what_cannot_be_fitted_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(np.zeros((3, 1)), np.asarray([-1.0, 0.0, 2.0]))


def test_an_end_before_the_least_value_is_a_warning():
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="increase `max_iter` or `tol`"):
        LossRegressor("log_cosh", max_iter=1).fit(TRAIN.X, TRAIN.y)


# The scorers

CANCER, UNSEEN = halves("breast_cancer")
DIGITS, NUMBERS = halves("digits")


def test_the_order_of_the_arguments_is_that_of_the_loss():
    model = linear_model.LinearRegression().fit(TRAIN.X, TRAIN.y)
    for q in (0.1, 0.9):
        expected = -metrics.mean_pinball_loss(TEST.y, model.predict(TEST.X), alpha=q, sample_weight=TEST.weight)
        found = scorer(al.Quantile(q=q))(model, TEST.X, TEST.y, sample_weight=TEST.weight)
        np.testing.assert_allclose(found, expected)


def test_several_targets_are_scored():
    y = np.stack([TRAIN.y, -TRAIN.y], axis=1)
    model = linear_model.Ridge().fit(TRAIN.X, y)
    expected = -metrics.mean_squared_error(y, model.predict(TRAIN.X), sample_weight=TRAIN.weight)
    np.testing.assert_allclose(scorer("mse")(model, TRAIN.X, y, sample_weight=TRAIN.weight), expected)


@pytest.mark.parametrize(
    "loss",
    [
        al.CrossEntropy(),
        al.Nll(),
        al.BinaryCrossEntropy(),
        al.BinaryCrossEntropy(from_logits=False),
    ],
)
@pytest.mark.parametrize("kind", ["probabilities", "margins"])
def test_two_classes_have_the_log_loss(loss, kind):
    names = np.asarray(["benign", "malign"])
    y = names[UNSEEN.y.astype(int)]
    model = LossClassifier(alpha=0.1).fit(CANCER.X / 100, names[CANCER.y.astype(int)])
    method = None if kind == "probabilities" else "decision_function"
    expected = -metrics.log_loss(y, model.predict_proba(UNSEEN.X / 100), sample_weight=UNSEEN.weight)
    found = scorer(loss, response_method=method)(model, UNSEEN.X / 100, y, sample_weight=UNSEEN.weight)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("loss", [al.CrossEntropy(), al.Nll()])
def test_ten_classes_have_the_log_loss(loss):
    model = RandomForestClassifier(50, min_samples_leaf=20, random_state=0, n_jobs=1).fit(DIGITS.X, DIGITS.y)
    expected = -metrics.log_loss(NUMBERS.y, model.predict_proba(NUMBERS.X))
    np.testing.assert_allclose(scorer(loss)(model, NUMBERS.X, NUMBERS.y), expected, rtol=1e-9)
    part = NUMBERS.y < 5
    with pytest.raises(ValueError, match="`classes` must be given, since the target has 5 of 10 classes"):
        scorer(loss)(model, NUMBERS.X[part], NUMBERS.y[part])
    with pytest.raises(ValueError, match="`classes` must hold the classes in order, as in .*, got 10"):
        scorer("cross_entropy", classes=10)
    with pytest.raises(ValueError, match="`classes` must hold as many as the prediction has, 10, got 3"):
        scorer("cross_entropy", classes=[0, 1, 2])(model, NUMBERS.X[part], NUMBERS.y[part])
    found = scorer(loss, classes=np.arange(10))(model, NUMBERS.X[part], NUMBERS.y[part])
    expected = -metrics.log_loss(NUMBERS.y[part], model.predict_proba(NUMBERS.X[part]), labels=np.arange(10))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_classes_are_the_columns_whatever_the_axis_of_the_loss():
    x, y = np.asarray([[0.0, 1.0], [2.0, -1.0], [-1.0, 0.5]]), np.asarray([0, 1, 2])
    loss, penalty = al.CrossEntropy(axis=0), 0.1
    model = LossClassifier(loss, alpha=penalty, **EXACT).fit(x, y)
    own = linear_model.LogisticRegression(C=1 / (penalty * len(y)), tol=1e-10, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(model.predict_proba(x), own.predict_proba(x), rtol=1e-5)
    np.testing.assert_allclose(scorer(loss)(own, x, y), -metrics.log_loss(y, own.predict_proba(x)), rtol=1e-12)


def test_signs_are_scored_by_the_margin():
    model = LossClassifier("hinge", alpha=0.1).fit(CANCER.X / 100, CANCER.y)
    expected = -metrics.hinge_loss(UNSEEN.y, model.decision_function(UNSEEN.X / 100))
    np.testing.assert_allclose(scorer("hinge")(model, UNSEEN.X / 100, UNSEEN.y), expected)


def test_a_scorer_in_a_cross_validation_with_routed_weights():
    model = linear_model.LinearRegression()
    plain = cross_val_score(model, TRAIN.X, TRAIN.y, scoring=scorer("mae"), cv=3)
    np.testing.assert_allclose(plain, cross_val_score(model, TRAIN.X, TRAIN.y, scoring="neg_mean_absolute_error", cv=3))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(
            model.set_fit_request(sample_weight=True), TRAIN.X, TRAIN.y, cv=3, params={"sample_weight": TRAIN.weight},
            scoring=scorer("mae").set_score_request(sample_weight=True),
        )  # fmt: skip
        expected = cross_validate(
            model, TRAIN.X, TRAIN.y, cv=3, params={"sample_weight": TRAIN.weight},
            scoring=metrics.get_scorer("neg_mean_absolute_error").set_score_request(sample_weight=True),
        )  # fmt: skip
    np.testing.assert_allclose(routed["test_score"], expected["test_score"])


def test_a_scorer_can_be_pickled():
    model = linear_model.LinearRegression().fit(TRAIN.X, TRAIN.y)
    made = scorer(al.Huber(delta=2.0))
    assert pickle.loads(pickle.dumps(made))(model, TEST.X, TEST.y) == made(model, TEST.X, TEST.y)


def test_what_a_scorer_refuses():
    model = LossClassifier("hinge").fit(CANCER.X / 100, CANCER.y)
    with pytest.raises(ValueError, match="`classes` must hold the classes of the target"):
        scorer("hinge", classes=[0, 7])(model, UNSEEN.X, UNSEEN.y)
    digits = LossClassifier(max_iter=5, tol=1.0).fit(DIGITS.X, DIGITS.y)
    with pytest.raises(ValueError, match="`loss` must be one of rows for 10 classes, got BinaryCrossEntropy"):
        scorer("binary_cross_entropy")(digits, NUMBERS.X, NUMBERS.y)
    with pytest.raises(ValueError, match="those of InfoNce depend on each other"):
        scorer("info_nce")
    with pytest.raises(ValueError, match="`loss` must have the reduction 'mean', 'sum' or 'batchmean' for a score"):
        scorer(al.SquaredError(reduction="none"))


@al.loss
def lack(prediction, target, *, q=0.9):
    return (q - 1.0 * (target < prediction)) * (target - prediction)


BARE = [al.quantile, al.Quantile(q=0.9), lack, lack.loss_class(), al.Quantile(q=0.9) + al.SquaredError()]


@pytest.mark.parametrize("loss", BARE, ids=lambda x: getattr(x, "__name__", type(x).__name__))
def test_a_loss_itself_refuses_to_be_a_scoring_function(loss):
    model = LossRegressor("quantile").fit(TRAIN.X, TRAIN.y)
    bare = metrics.make_scorer(loss, greater_is_better=False)
    with pytest.raises(TypeError, match=r"the target first; arraylosses\.interop\.sklearn\.scorer"):
        bare(model, TEST.X, TEST.y)
    loss(model.predict(TEST.X), TEST.y)


# Trees, whose own losses are the independent ones

TREES = {"max_iter": 30, "random_state": 0}
BREAST_HALVES, DIGITS_HALVES = halves("breast_cancer"), halves("digits")


def test_the_trees_of_squared_errors_are_scikit_learn_s_own():
    theirs = HistGradientBoostingRegressor(**TREES).fit(TRAIN.X, TRAIN.y)
    ours = HistGradientBoostingRegressor(base_loss(al.HalfSquaredError()), **TREES).fit(TRAIN.X, TRAIN.y)
    np.testing.assert_allclose(ours.predict(TEST.X), theirs.predict(TEST.X), rtol=1e-12)


def test_the_trees_of_two_classes_are_scikit_learn_s_own_under_weights():
    weight = np.linspace(0.5, 2.0, len(BREAST_HALVES[0].y))
    both = [
        HistGradientBoostingClassifier(loss, **TREES).fit(BREAST_HALVES[0].X, BREAST_HALVES[0].y, weight)
        for loss in ("log_loss", base_loss(al.binary_cross_entropy))
    ]
    theirs, ours = (model.predict_proba(BREAST_HALVES[1].X) for model in both)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_trees_of_many_classes_are_scikit_learn_s_own():
    few = {"max_iter": 5, "random_state": 0}
    both = [
        HistGradientBoostingClassifier(loss, **few).fit(DIGITS_HALVES[0].X, DIGITS_HALVES[0].y)
        for loss in ("log_loss", base_loss("cross_entropy", n_classes=10))
    ]
    theirs, ours = (pickle.loads(pickle.dumps(model)).predict_proba(DIGITS_HALVES[1].X) for model in both)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.parametrize(
    ("loss", "native"),
    [
        (al.AbsoluteError(), {"loss": "absolute_error"}),
        (al.Quantile(q=0.9), {"loss": "quantile", "quantile": 0.9}),
    ],
    ids=str,
)
def test_trees_of_a_piecewise_linear_loss_learn_though_no_leaf_is_computed_anew(loss, native):
    models = [
        HistGradientBoostingRegressor(**settings, **TREES).fit(TRAIN.X, TRAIN.y)
        for settings in (native, {"loss": base_loss(loss)})
    ]
    theirs, ours = (loss(model.predict(TEST.X), TEST.y) for model in models)
    start = loss(np.full_like(TEST.y, al.best_constant(loss, TRAIN.y)), TEST.y)
    assert start - ours > 0.5 * (start - theirs)


@pytest.mark.parametrize(
    ("loss", "settings", "message"),
    [
        ("cross_entropy", {}, "`n_classes` must be given for a loss of rows, such as cross_entropy, got None"),
        ("huber", {"n_classes": 3}, "`n_classes` must be left out for a loss of elements, such as huber, got 3"),
        ("cross_entropy", {"n_classes": 2}, "`n_classes` must be at least 3: of two classes, trees learn one logit"),
        (al.BinaryCrossEntropy(from_logits=False), {}, "`loss` must take any real number that trees add up to"),
    ],
)
def test_trees_cannot_minimise_any_loss(loss, settings, message):
    with pytest.raises(ValueError, match=message):
        base_loss(loss, **settings)
