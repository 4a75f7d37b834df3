"""What a booster gets of a loss, whichever it is: the rules of derivatives, and what is refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import arraylosses as al
from arraylosses.interop import catboost, lightgbm, xgboost

pytestmark = pytest.mark.otherwise_numpy

MARGIN = np.asarray([0.5, -2.0, 3.0, 0.0])
TARGET = np.asarray([1.0, 0.0, 1.0, 0.0])
WEIGHT = np.asarray([1.0, 2.0, 0.5, 3.0])


class Data:
    """What `train` of XGBoost and LightGBM passes beside the margins."""

    def __init__(self, label, weight):
        self.get_label, self.get_weight = lambda: label, lambda: weight


@al.loss
def asymmetric(prediction, target, *, under=2.0):
    error = prediction - target
    return al.array_namespace(prediction, target).where(error < 0, under * error**2, error**2)


# The derivatives


def test_those_of_logits_are_those_of_the_textbook():
    p = 1 / (1 + np.exp(-MARGIN))
    for library in (xgboost, lightgbm):
        g, h = library.objective("binary_cross_entropy")(TARGET, MARGIN, WEIGHT)
        np.testing.assert_allclose(g, WEIGHT * (p - TARGET), rtol=1e-14)
        np.testing.assert_allclose(h, WEIGHT * p * (1 - p), rtol=1e-14)
    ders = catboost.objective("binary_cross_entropy").calc_ders_range(list(MARGIN), list(TARGET), list(WEIGHT))
    np.testing.assert_allclose(
        np.asarray(ders), np.stack([WEIGHT * (TARGET - p), -WEIGHT * p * (1 - p)], 1), rtol=1e-14
    )


@pytest.mark.parametrize(("library", "factor"), [(xgboost, 2.0), (lightgbm, 4 / 3)])
def test_those_of_a_row_have_the_factor_of_the_library(library, factor):
    margin, labels = np.arange(8.0).reshape(2, 4) % 3, np.asarray([3.0, 1.0])
    p = np.exp(margin) / np.sum(np.exp(margin), axis=1, keepdims=True)
    weight = np.asarray([[1.0], [3.0]])
    g, h = library.objective(al.CrossEntropy())(labels, margin, weight[:, 0])
    np.testing.assert_allclose(g, weight * (p - np.eye(4)[labels.astype(int)]), rtol=1e-13)
    np.testing.assert_allclose(h, factor * weight * p * (1 - p), rtol=1e-13)


@pytest.mark.parametrize("library", [xgboost, lightgbm])
@pytest.mark.parametrize("factors", [(1.0,), (0.25, 0.75)])
def test_the_classes_are_the_columns_whatever_the_axis_of_the_loss(library, factors):
    margin, labels = np.asarray([[2.0, 0.0, -1.0], [0.5, 1.0, 0.0], [0.0, 3.0, -2.0]]), np.asarray([0.0, 2.0, 1.0])
    p = np.exp(margin) / np.sum(np.exp(margin), axis=1, keepdims=True)
    loss = sum([c * al.CrossEntropy(axis=0) for c in factors])
    np.testing.assert_allclose(
        library.objective(loss)(labels, margin)[0], p - np.eye(3)[labels.astype(int)], rtol=1e-13
    )
    value = library.metric(loss)(labels, margin)
    value = value if library is xgboost else value[1]
    np.testing.assert_allclose(value, -np.mean(np.log(p[np.arange(3), labels.astype(int)])), rtol=1e-13)


@pytest.mark.parametrize("library", [xgboost, lightgbm])
def test_both_orders_of_arguments_mean_the_same(library):
    f, m = library.objective("huber"), library.metric("huber")
    target = 5 * TARGET
    for weight in (None, WEIGHT):
        given = f(target, MARGIN, weight)
        # XGBoost has an array of no weights for none.
        data = Data(target, np.zeros(0) if weight is None and library is xgboost else weight)
        np.testing.assert_array_equal(f(MARGIN, data), given)
        expected = float(al.huber(MARGIN, target, weight=weight))
        named = m(MARGIN, data)
        assert named[:2] == ("huber", expected)
        assert m(target, MARGIN, weight) == (expected if library is xgboost else ("huber", expected, False))


def test_the_dtype_is_that_of_the_margins_and_the_reduction_does_not_matter():
    margin = MARGIN.astype(np.float32)
    for reduction in ("mean", "sum", "batchmean", "none"):
        g, h = xgboost.objective(al.SquaredError(reduction=reduction))(TARGET, margin)
        assert g.dtype == h.dtype == np.float32
        np.testing.assert_allclose(g, 2 * (margin - TARGET), rtol=1e-6)
        np.testing.assert_array_equal(h, 2)


def test_a_loss_of_ones_own_and_several_targets_a_row():
    g, h = xgboost.objective(asymmetric)(np.zeros(2), np.asarray([-1.0, 1.0]))
    assert g.tolist() == [-4.0, 2.0]
    assert h.tolist() == [4.0, 2.0]
    margin = np.asarray([[1.0, 2.0], [3.0, -1.0]])
    g, h = xgboost.objective("squared_error")(np.zeros(4), margin, np.asarray([1.0, 2.0]))
    assert g.tolist() == [[2.0, 4.0], [12.0, -4.0]]
    assert h.tolist() == [[2.0, 2.0], [4.0, 4.0]]


def test_a_sum_of_losses():
    loss = al.SquaredError() + 0.5 * al.AbsoluteError()
    g, h = xgboost.objective(loss)(np.asarray([1.0, -2.0]), np.zeros(2))
    assert g.tolist() == [-2.5, 4.5]
    # The loss is 1.5 and 5, and g²/l that of a parabola which ends where the loss does; less the second derivative, 2.
    np.testing.assert_allclose(h, [2.5**2 / 1.5 - 2, 4.5**2 / 5 - 2], rtol=1e-14)


def test_classes_become_signs():
    g, _ = xgboost.objective("hinge")(np.asarray([0.0, 1.0, 0.0]), np.asarray([0.0, 0.0, -2.0]))
    assert np.sign(g).tolist() == [1.0, -1.0, 0.0]
    signs, _ = xgboost.objective("hinge")(np.asarray([-1.0, 1.0, -1.0]), np.asarray([0.0, 0.0, -2.0]))
    np.testing.assert_array_equal(g, signs)


def test_where_a_loss_is_linear_the_curvature_is_that_of_a_parabola_that_touches_it():
    target = np.asarray([8.0, -4.0, 2.0, 1.0, 0.0])
    g, h = xgboost.objective("absolute_error")(target, np.zeros(5))
    # 1 / |e|, times what makes 1 the mean of those that are not at their least loss. All are beyond 0.3 of the median.
    curvature = np.asarray([1 / 8, 1 / 4, 1 / 2, 1, 0])
    scale = 4 / np.sum(curvature)
    np.testing.assert_allclose(g, scale * np.asarray([-1, 1, -1, -1, 0]), rtol=1e-14)
    np.testing.assert_allclose(h, scale * curvature, rtol=1e-14)
    near = np.asarray([8.0, -4.0, 2.0, 0.1, 0.0])
    _, h = xgboost.objective("absolute_error")(near, np.zeros(5))
    np.testing.assert_allclose(h[3] / h[0], 8 / (0.3 * 3), rtol=1e-14)


def test_where_only_a_part_is_linear_the_rest_keeps_its_own():
    target = np.asarray([0.5, -0.25, 3.0, -10.0])
    g, h = xgboost.objective(al.Huber())(target, np.zeros(4))
    # delta (|e| - delta / 2) is reached by a line of slope delta after |e| - delta / 2.
    curvature = np.asarray([1, 1, 1 / 2.5, 1 / 9.5])
    np.testing.assert_allclose(h, 4 / np.sum(curvature) * curvature, rtol=1e-14)
    np.testing.assert_allclose(g / h, [-0.5, 0.25, -2.5, 9.5], rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_what_a_loss_with_linear_parts_says_does_not_depend_on_the_unit_of_the_target(unit):
    target = np.asarray([8.0, -4.0, 2.0, 1.5, 0.0])
    expected = xgboost.objective("quantile")(target, np.zeros(5))
    g, h = xgboost.objective("quantile")(unit * target, np.zeros(5))
    np.testing.assert_allclose(g, unit * expected[0], rtol=1e-12)
    np.testing.assert_allclose(h, expected[1], rtol=1e-12)


def of_numbers():
    """Return the convex losses of numbers that trees can minimise, at their defaults."""
    found = {}
    for cls in vars(al).values():
        if isinstance(cls, type) and issubclass(cls, al.Loss) and cls is not al.Loss:
            try:
                loss = xgboost.objective(cls).loss
            except (TypeError, ValueError):
                continue
            if loss.declaration.of_elements and loss.declaration.domains[1] == "real":
                found[cls.__name__] = loss
    return {name: loss for name, loss in found.items() if name not in ("Wing", "SymmetricAbsolutePercentageError")}


OF_NUMBERS = of_numbers()


@pytest.mark.parametrize("error", [-1e6, -300.0, -2.0, -1e-3, 1e-3, 0.5, 10.0, 1e4])
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_step_of_one_item_leads_towards_its_target_and_not_beyond(name, error):
    target = np.asarray([350.0])
    g, h = xgboost.objective(OF_NUMBERS[name])(target, target + error)
    if name == "EpsilonInsensitive" and abs(error) < 0.1:
        assert g == 0
    else:
        assert 0.2 < (g / h).item() / error < 1 + 1e-9


@pytest.mark.parametrize("delta", [0.1, 1.0, 30.0])
def test_the_curvature_of_a_robust_loss_is_about_that_of_reweighted_least_squares(delta):
    error = np.asarray([1e-3, 0.1, 0.5, 1.0, 3.0, 10.0, 100.0])
    for e in error:
        g, h = xgboost.objective(al.PseudoHuber(delta=delta))(np.asarray([5.0]), np.asarray([5.0 + e]))
        # Its weight of reweighted least squares, d loss / d error / error; the scale falls out of the ratio.
        weight = 1 / np.hypot(1.0, e / delta)
        slope = e * weight
        assert weight * (1 - 1e-6) < h.item() / g.item() * slope < 1.3 * weight


def test_a_target_of_classes_keeps_the_second_derivatives_of_a_loss_of_ones_own():
    @al.loss
    def logistic(logits, target):
        return al.special.softplus(logits) - target * logits

    margin = np.asarray([-9.0, 9.0, 0.5])
    expected = xgboost.objective(al.BinaryCrossEntropy())(np.asarray([1.0, 0.0, 1.0]), margin)
    for given, e in zip(xgboost.objective(logistic)(np.asarray([1.0, 0.0, 1.0]), margin), expected, strict=True):
        np.testing.assert_allclose(given, e, rtol=1e-9)


def test_a_row_that_is_linear_closes_its_gap():
    margin, labels = np.asarray([[0.0, 3.0, 1.0], [5.0, 0.0, 0.0]]), np.asarray([0.0, 0.0])
    g, h = xgboost.objective("categorical_hinge")(labels, margin, None)
    step = -g[0] / (h[0] / 2 + (h[0] == 0))  # the gap of 4 between the first two, by one step of each
    np.testing.assert_allclose(step, [2.0, -2.0, 0.0], rtol=1e-14)
    assert not np.any(h[1])


def test_negative_second_derivatives_count_by_their_size():
    f = al.BinaryFocal(gamma=2.0)
    margin, target = np.linspace(-4, 4, 9), np.zeros(9)
    _, g, h = al.value_grad_hess(al.BinaryFocal(gamma=2.0, reduction="sum"))(margin, target)
    assert np.any(h < 0)
    given = xgboost.objective(f)(target, margin)
    np.testing.assert_allclose(given[0], g, rtol=1e-14)
    np.testing.assert_allclose(given[1], np.abs(h), rtol=1e-14)


def test_a_number_may_stand_for_every_second_derivative():
    g, h = lightgbm.objective("absolute_error", hessian=0.5)(TARGET + 2, MARGIN, WEIGHT)
    np.testing.assert_array_equal(g, WEIGHT * np.sign(MARGIN - TARGET - 2))
    np.testing.assert_array_equal(h, 0.5 * WEIGHT)


def test_saturated_logits_do_not_count_as_linear():
    g, h = xgboost.objective("binary_cross_entropy")(
        np.asarray([0.0, 0.0]), np.asarray([-800.0, 1.0], dtype=np.float32)
    )
    assert g[1] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-6)
    assert np.all(h >= 0)


# The objects


@pytest.mark.parametrize("library", [xgboost, lightgbm, catboost])
@pytest.mark.parametrize("kind", ["objective", "metric"])
def test_they_can_be_copied_compared_and_pickled(library, kind):
    make = getattr(library, kind)
    made = make(al.Huber(delta=2.0))
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made)), make(al.get("huber", delta=2.0))):
        assert other == made
    assert made != make(al.Huber())
    assert made.__name__ == "huber"
    assert "Huber(delta=2.0" in repr(made)


def test_a_loss_may_be_given_by_name_or_as_a_class():
    assert xgboost.objective("binary_cross_entropy") == xgboost.objective(al.BinaryCrossEntropy())
    assert xgboost.objective(al.Huber) == xgboost.objective("huber") == xgboost.objective(al.huber)


# What is refused


REFUSED_LOSSES = {
    "no loss": (max, TypeError, "`loss` must be a name, a loss, its class or its function form, got builtin"),
    "an unknown name": ("hubber", ValueError, "did you mean 'huber'"),
    "coupled": (al.InfoNce(), ValueError, "those of InfoNce depend on each other"),
    "three arrays": (al.TripletMargin(), ValueError, "TripletMargin takes `anchor`, `positive`, `negative`"),
    "probabilities": (
        al.BinaryCrossEntropy(from_logits=False),
        ValueError,
        "BinaryCrossEntropy takes probabilities, from 0 to 1; with from_logits=True it takes real numbers",
    ),
    "means": (
        al.TweedieDeviance(from_log=False),
        ValueError,
        "TweedieDeviance takes numbers above 0; with from_log=True it takes real numbers",
    ),
    "a sum with probabilities": (
        al.BinaryCrossEntropy() + al.BinaryCrossEntropy(from_logits=False),
        ValueError,
        "BinaryCrossEntropy takes probabilities",
    ),
    "several outputs": (
        al.weighted_sum({"a": "huber", "b": "mse"}),
        ValueError,
        "a prediction and a target, got WeightedSum",
    ),
    "images": (al.CrossEntropy() + al.Dice(), ValueError, "`loss` must be one of elements, or one of rows"),
    "log-probabilities": (al.Nll(), ValueError, "Nll takes logarithms of probabilities"),
}


@pytest.mark.parametrize("library", [xgboost, lightgbm, catboost])
@pytest.mark.parametrize("case", REFUSED_LOSSES)
def test_a_loss_that_cannot_be_meant_is_refused_when_it_is_made(library, case):
    loss, error, message = REFUSED_LOSSES[case]
    with pytest.raises(error, match=message):
        library.objective(loss)


@pytest.mark.parametrize("hessian", [0.0, -1.0, np.inf])
def test_a_second_derivative_that_trains_nothing_is_refused(hessian):
    with pytest.raises(ValueError, match="`hessian` must be"):
        xgboost.objective("huber", hessian=hessian)


@pytest.mark.parametrize("library", [xgboost, lightgbm])
def test_a_metric_is_one_number(library):
    message = "`loss` must have the reduction 'mean', 'sum' or 'batchmean' for a score, got 'none'"
    with pytest.raises(ValueError, match=message):
        library.metric(al.Huber(reduction="none"))
    errors = TARGET - MARGIN
    for reduction, expected in (("sum", np.sum(errors**2)), ("batchmean", np.mean(errors**2))):
        value = library.metric(al.SquaredError(reduction=reduction))(TARGET, MARGIN)
        assert (value if library is xgboost else value[1]) == pytest.approx(expected, rel=1e-14)


def test_catboost_has_losses_of_elements_alone():
    for make in (catboost.objective, catboost.metric):
        with pytest.raises(ValueError, match="`loss` must be one of elements, got CrossEntropy, which is one of rows"):
            make("cross_entropy")


ROWS = np.zeros((4, 3))

REFUSED_CALLS = {
    "NaN": ("mse", np.asarray([1.0, np.nan, 1.0, 1.0]), MARGIN, None, ValueError, "finite numbers, got nan"),
    "no numbers": (
        "mse",
        np.asarray(list("abcd")),
        MARGIN,
        None,
        TypeError,
        "`y_true` must be a NumPy array of numbers",
    ),
    "a list": ("mse", TARGET, MARGIN.tolist(), None, TypeError, "`y_pred` must be a NumPy array of numbers"),
    "too few": ("mse", TARGET[:3], MARGIN, None, ValueError, r"`y_true` must have one target for each margin, got"),
    "one a class": ("mse", TARGET, ROWS, None, ValueError, "`num_class` is for losses of rows"),
    "one for all": ("cross_entropy", TARGET, MARGIN, None, ValueError, "`num_class` must be the number of classes"),
    "one for all, of a list": ("list_net", TARGET, MARGIN, None, ValueError, "`num_class` must be the number of"),
    "one for all, of pairs": ("pairwise_hinge", TARGET, MARGIN, None, ValueError, "`num_class` must be the number of"),
    "class 3 of 3": ("cross_entropy", np.asarray([0.0, 1, 2, 3]), ROWS, None, ValueError, "`labels` must"),
    "half a class": ("cross_entropy", TARGET + 0.5, ROWS, None, ValueError, "`y_true` must hold integer labels"),
    "three classes": ("binary_cross_entropy", np.arange(4.0), MARGIN, None, ValueError, "probabilities, from 0 to 1"),
    "three signs": ("hinge", np.arange(4.0) - 1, MARGIN, None, ValueError, "`y_true` must hold -1 or 1 for Hinge"),
    "weights": ("mse", TARGET, MARGIN, WEIGHT[:3], ValueError, "`sample_weight` must hold one weight a row, 4"),
}


@pytest.mark.parametrize("case", REFUSED_CALLS)
def test_bad_data_is_said_in_the_words_of_the_user(case):
    loss, target, margin, weight, error, message = REFUSED_CALLS[case]
    with pytest.raises(error, match=message):
        xgboost.objective(loss)(target, margin, weight)


@pytest.mark.backend("torch")
def test_tensors_of_torch_are_refused():
    import torch

    with pytest.raises(TypeError, match="`y_pred` must be a NumPy array of numbers, as boosters pass it, got Tensor"):
        xgboost.objective("mse")(TARGET, torch.zeros(4, requires_grad=True))
