"""Sums of losses: of the same arrays, and over the outputs of a model.

Expected values are the sums of the losses' own values, each of which has laws of its own.
"""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.otherwise_numpy

RNG = np.random.default_rng(0)
Z, Y = RNG.normal(size=(6, 3)).astype("float32"), RNG.integers(0, 3, size=6).astype("int32")
P, T = RNG.normal(size=(6, 2)).astype("float32"), RNG.normal(size=(6, 2)).astype("float32")
KEPT = np.asarray([True, False, True, True, False, True])
WEIGHT = RNG.uniform(0.5, 2.0, size=6).astype("float32")


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=1e-6)


SUM = al.CrossEntropy(class_weight=(1.0, 0.5, 2.0)) + 0.5 * al.CategoricalFocal(gamma=1.5)
PARTS = [
    (1.0, al.CrossEntropy(class_weight=(1.0, 0.5, 2.0))),
    (0.5, al.CategoricalFocal(gamma=1.5)),
]


@pytest.mark.main_variants
@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean", "none"])
def test_a_sum_is_the_sum_of_the_values_and_of_their_derivatives(variant, reduction):
    loss = replace(SUM, reduction=reduction)
    z, y, w, kept = (variant.array(x) for x in (Z, Y, WEIGHT, KEPT))
    got = variant.run(lambda *a: loss(*a[:2], weight=a[2], where=a[3]), z, y, w, kept)
    assert variant.of_this_library(got)
    assert str(got.dtype).rpartition(".")[2] == "float32"
    given = {"weight": WEIGHT, "where": KEPT}
    parts = [(f, replace(x, reduction=reduction)) for f, x in PARTS]
    close(variant.numpy(got), sum(f * np.asarray(x(Z, Y, **given)) for f, x in parts))
    if reduction == "none":
        return
    value, gradient, diagonal = variant.run(
        lambda *a: al.value_grad_hess(loss)(*a[:2], weight=a[2], where=a[3]), z, y, w, kept
    )
    expected = [al.value_grad_hess(x)(Z, Y, **given) for _, x in parts]
    for k, got in enumerate((value, gradient, diagonal)):
        close(variant.numpy(got), sum(f * one[k] for (f, _), one in zip(parts, expected, strict=True)))
    close(variant.numpy(variant.run(lambda *a: al.grad(loss)(*a), z, y)), sum(f * al.grad(x)(Z, Y) for f, x in parts))


def test_losses_of_different_items_are_added_where_they_are_reduced():
    logits, labels = RNG.normal(size=(2, 5, 3)), RNG.integers(0, 3, size=(2, 5))
    loss = al.CrossEntropy() + al.Dice()
    close(loss(logits, labels), al.cross_entropy(logits, labels) + al.dice(logits, labels))
    diagonal = al.value_grad_hess(loss)(logits, labels)[2]
    close(
        diagonal,
        al.value_grad_hess(al.cross_entropy)(logits, labels)[2] + al.value_grad_hess(al.dice)(logits, labels)[2],
    )
    with pytest.raises(ValueError, match=r"same items .* got per-item losses of shapes \(2, 5\) and \(2,\)"):
        replace(loss, reduction="none")(logits, labels)


def test_sums_are_flat_and_python_s_sum_makes_one():
    a, b = al.Huber(), al.LogCosh()
    assert 2 * (a + 0.5 * b) == al.Sum(losses=(a, b), weights=(2.0, 1.0))
    assert sum([a, b]) == a + b
    assert np.float64(0.5) * a == a * 0.5
    close((a + b)(prediction=P, target=T), a(P, T) + b(P, T))


def test_losses_are_subtracted_negated_and_divided():
    a, b = al.Huber(), al.LogCosh()
    assert a - 0.5 * b == al.Sum(losses=(a, b), weights=(1.0, -0.5))
    assert -(a - b) == -a + b == al.Sum(losses=(a, b), weights=(-1.0, 1.0))
    assert (2 * a) / 4 == a / np.float32(2) == 0.5 * a
    assert (a / np.float32(3)).weights == (1 / 3,)
    outputs = al.weighted_sum(["huber", "log_cosh"])
    close((outputs - outputs / 4)([P, T], [T, P]), 0.75 * outputs([P, T], [T, P]))
    value, gradient = al.value_and_grad(a - b / np.asarray(4.0))(P, T)
    close(value, a(P, T) - b(P, T) / 4)
    close(gradient, al.grad(a)(P, T) - al.grad(b)(P, T) / 4)


@pytest.mark.backend("torch")
def test_a_factor_may_be_learned():
    torch = pytest.importorskip("torch")
    s = torch.tensor(0.3, requires_grad=True)
    p, t = torch.tensor(P), torch.tensor(T)
    ((torch.exp(-s) * al.SquaredError())(p, t) + s).backward()
    close(s.grad.item(), 1 - np.exp(-0.3) * al.squared_error(P, T))
    outputs = al.weighted_sum(["huber", "log_cosh"], [torch.exp(-s), 1.0])
    found = torch.autograd.grad(outputs([p, p], [t, t]), s)[0]
    close(found.item(), -np.exp(-0.3) * al.huber(P, T))


@pytest.mark.parametrize("library", ["numpy", pytest.param("array_api_strict", marks=pytest.mark.backend("strict"))])
def test_a_factor_of_the_tape_s_may_stand_on_either_side(library):
    # Expected: s a - b / s has the derivative a + b / s².
    xp = pytest.importorskip(library)
    p, t, s = map(xp.asarray, (P, T, np.asarray(0.3)))
    a, b = al.SquaredError(), al.LogCosh()
    expected = a(P, T) + b(P, T) / 0.3**2
    for product in (lambda s: s * a, lambda s: a * s):
        close(float(al.grad(lambda s, product=product: (product(s) - b / s)(p, t))(s)), expected)
    with pytest.raises(TypeError, match="unsupported operand"):
        al.grad(lambda s: (s + a)(p, t))(s)


@pytest.mark.backend("jax")
def test_a_factor_may_be_traced():
    jax = pytest.importorskip("jax")
    p, t = jax.numpy.asarray(P), jax.numpy.asarray(T)
    found = jax.jit(jax.grad(lambda s: al.weighted_sum({"a": "huber"}, {"a": jax.numpy.exp(s)})({"a": p}, {"a": t})))(
        0.3
    )
    close(found, np.exp(0.3) * al.huber(P, T))


OUTPUTS = al.weighted_sum(
    {"kind": al.CrossEntropy(), "size": ["huber", al.log_cosh], "state": None}, {"kind": 0.5, "size": [2.0, 1.0]}
)


def nested(array):
    predictions = {"kind": array(Z), "size": [array(P), array(T)], "state": array(P)}
    return predictions, {"kind": array(Y), "size": [array(T), array(P)]}


@pytest.mark.main_variants
def test_nested_outputs_have_nested_gradients_and_values(variant):
    predictions, targets = nested(variant.array)
    got = OUTPUTS(predictions, targets)
    assert variant.of_this_library(got)
    close(variant.numpy(got), 0.5 * al.cross_entropy(Z, Y) + 2 * al.huber(P, T) + al.log_cosh(T, P))
    values = OUTPUTS.values(predictions, targets)
    assert values["state"] is None
    close(variant.numpy(values["kind"]), al.cross_entropy(Z, Y))
    close([variant.numpy(x) for x in values["size"]], [al.huber(P, T), al.log_cosh(T, P)])
    gradient = al.grad(OUTPUTS)(predictions, targets)
    close(variant.numpy(gradient["kind"]), 0.5 * al.grad(al.cross_entropy)(Z, Y))
    close(variant.numpy(gradient["size"][0]), 2 * al.grad(al.huber)(P, T))
    np.testing.assert_array_equal(variant.numpy(gradient["state"]), np.zeros_like(P))


def test_weights_and_masks_are_nested_or_belong_to_all():
    predictions, targets = nested(np.asarray)
    weight = {"kind": WEIGHT, "size": [None, WEIGHT[:, None]]}
    expected = 0.5 * al.cross_entropy(Z, Y, weight=WEIGHT) + 2 * al.huber(P, T)
    close(OUTPUTS(predictions, targets, weight=weight), expected + al.log_cosh(T, P, weight=WEIGHT[:, None]))
    two = al.weighted_sum(["huber", "log_cosh"])
    close(
        two([P, P], (T, T), where=KEPT[:, None]),
        al.huber(P, T, where=KEPT[:, None]) + al.log_cosh(P, T, where=KEPT[:, None]),
    )
    close(al.weighted_sum(["triplet_margin"])([P], [T], [P[::-1]]), al.triplet_margin(P, T, P[::-1]))


def test_the_names_of_a_call_are_those_of_the_loss_with_the_most_arrays():
    two = al.weighted_sum(["huber", "triplet_margin"])
    with pytest.raises(ValueError, match="`negative` must have 2 outputs, as the losses have, got 3 outputs"):
        two([P, P], [T, T], [None, P, P])
    with pytest.raises(ValueError, match="`target` must have 2 outputs, as the losses have, got 1 outputs"):
        al.weighted_sum(["huber", "log_cosh"])([P, P], [T])


@pytest.mark.parametrize(
    "loss", [SUM, OUTPUTS, al.weighted_sum([None, SUM], reduction="sum")], ids=["sum", "named", "listed"]
)
def test_a_composite_is_plain_data_hashable_and_picklable(loss):
    again = al.deserialize(json.loads(json.dumps(al.serialize(loss))))
    for other in (again, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)), eval(repr(loss), vars(al))):
        assert other == loss
        assert hash(other) == hash(loss)
    assert replace(loss, reduction="batchmean") != loss
    assert "sum" not in al.registered()


@pytest.mark.parametrize(
    "names",
    [
        ("a", "b"),
        ("0", "a"),
        ("0", 0),
        (1, 0),
        (-1, 2),
        ("-1", "01"),
        (True, None, 1.5, np.inf),
        ("float",),
        ("pairs",),
        ("array",),
        ("name",),
        ("٣",),
    ],
)
def test_the_outputs_keep_their_names_in_plain_data(names):
    losses = {name: (al.Huber(), al.SquaredError())[k % 2] for k, name in enumerate(names)}
    loss = al.weighted_sum(losses, {name: 2.0 + k for k, name in enumerate(names)})
    again = al.deserialize(json.loads(json.dumps(al.serialize(loss), allow_nan=False)))
    assert again == loss
    assert [(type(name), name) for name in again.losses] == [(type(name), name) for name in names]
    nested = al.weighted_sum({"0": losses})
    assert al.deserialize(json.loads(json.dumps(al.serialize(nested)))) == nested


def test_names_of_outputs_that_json_has_not_are_refused():
    with pytest.raises(TypeError, match=r"`losses` must have plain data for keys to be serialized, got \(0, 1\)"):
        al.serialize(al.weighted_sum({(0, 1): "huber"}))
    for pairs in (3, [3], [["a"]], [[["a"], "b"]], {"a": 1}):
        data = {"name": "weighted_sum", "settings": {"losses": {"pairs": pairs}, "weights": {"a": 1.0}}}
        with pytest.raises(ValueError, match="`losses` must hold a key and a value in each of its pairs, got"):
            al.deserialize(data)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: al.Huber() + al.Huber(reduction="sum"),
            ValueError,
            "one `reduction` to be added, got 'mean' and 'sum'",
        ),
        (
            lambda: al.Huber() + al.TripletMargin(),
            ValueError,
            "`losses` must take the same arrays, got prediction, target",
        ),
        (lambda: al.Huber() + 1, TypeError, "unsupported operand"),
        (lambda: al.Huber() - 1, TypeError, "unsupported operand"),
        (lambda: 1 / al.Huber(), TypeError, "unsupported operand"),
        (lambda: al.Huber() / al.LogCosh(), TypeError, "unsupported operand"),
        (lambda: al.Huber() / True, TypeError, "unsupported operand"),
        (lambda: al.Huber() / 0, ZeroDivisionError, "division by zero"),
        (lambda: al.Huber() / np.ones((1, 1)), ValueError, r"arrays of shape \(\), got one of shape \(1, 1\)"),
        (lambda: al.weighted_sum(["mse"], [np.ones(1)]), ValueError, r"of shape \(\), got one of shape \(1,\)"),
        (lambda: np.nan * al.Huber(), ValueError, "`weights` must be finite, got nan"),
        (lambda: al.Sum(losses=["huber"], weights=[1.0]), TypeError, "`losses` must hold losses, got 'huber'; al.get"),
        (
            lambda: al.Sum(losses=[al.Huber()], weights=[1.0, 2.0]),
            ValueError,
            "`weights` must hold one number for each",
        ),
        (lambda: al.Sum(losses=[al.Huber()], weights=1.0), ValueError, "`weights` must hold one number for each"),
        (
            lambda: al.Sum(losses=al.Huber(), weights=[1.0]),
            ValueError,
            "`losses` must be a sequence of losses, got Hub",
        ),
        (lambda: al.Sum(losses=[], weights=[]), ValueError, r"`losses` must be a sequence of losses, got \(\)"),
        (
            lambda: al.Huber() * np.ones(3),
            ValueError,
            r"`weights` must hold numbers or arrays of shape \(\), .* \(3,\)",
        ),
        (
            lambda: al.weighted_sum({"a": "mse"}, {"a": np.ones((2, 1))}),
            ValueError,
            r"`weights` must hold numbers or arrays of shape \(\), got one of shape \(2, 1\)",
        ),
        (
            lambda: al.WeightedSum(losses={"a": "mse"}, weights={"a": 1.0}),
            TypeError,
            "`losses` must hold losses, got 'mse'",
        ),
        (lambda: al.weighted_sum({}), ValueError, "`losses` must hold the losses of outputs"),
        (lambda: al.weighted_sum([None]), ValueError, "`losses` must hold the losses of outputs"),
        (lambda: al.weighted_sum("huber"), TypeError, "`losses` must be a mapping or a sequence .* got 'huber'"),
        (lambda: al.weighted_sum({"a": "hubre"}), ValueError, "did you mean 'huber'"),
        (lambda: al.weighted_sum({"a": 3}), TypeError, "`loss` must be a name"),
        (lambda: al.weighted_sum({"a": "mse"}, [1.0]), TypeError, "`weights` must be a mapping, as `losses` is"),
        (
            lambda: al.weighted_sum({"a": "mse"}, {"b": 1.0}),
            ValueError,
            "`weights` must have the outputs 'a', .* got the outputs 'b'",
        ),
        (lambda: al.weighted_sum({"a": "mse"}, reduction="none"), ValueError, "`reduction` must be 'mean', 'sum' or"),
        (
            lambda: al.weighted_sum({"a": "mse"})({"b": P}, {"a": T}),
            ValueError,
            "`prediction` must have the outputs 'a', .* got the outputs 'b'",
        ),
        (
            lambda: al.weighted_sum({"a": "mse"})({"a": P}, {"a": T, "b": T}),
            ValueError,
            "`target` must have the outputs 'a'",
        ),
        (
            lambda: al.weighted_sum({"a": "mse"})({"a": P}, {"a": T}, weight={"b": P}),
            ValueError,
            "`weight` must have the outputs 'a', .* got the outputs 'b'",
        ),
        (
            lambda: al.weighted_sum(["mse", ["mse"]])([P, [P]], [T, [T]], where=[None, [KEPT, KEPT]]),
            ValueError,
            "`where` must have 1 outputs, .* got 2 outputs",
        ),
        (
            lambda: al.weighted_sum({"a": "mse"})({"a": P}, {"a": T}, weight=[1.0, 2.0]),
            TypeError,
            "`weight` must be a mapping of outputs, as the losses are, got",
        ),
        (
            lambda: al.weighted_sum({"a": "mse"})({"a": P}, {}),
            ValueError,
            "`target` must have the outputs 'a', .* got no outputs",
        ),
        (
            lambda: al.weighted_sum({"a": "mse"})({"a": None}, {"a": T}),
            ValueError,
            "`prediction` must have the outputs 'a', .* got no outputs",
        ),
        (lambda: al.weighted_sum({"a": "mse"})(P, T), TypeError, "`prediction` must be a mapping of outputs"),
        (
            lambda: al.weighted_sum(["mse", "mse"])([P], [T, T]),
            ValueError,
            "`prediction` must have 2 outputs, .* got 1 outputs",
        ),
        (lambda: al.weighted_sum(["mse"])([P]), TypeError, "a prediction and a target for each output; got 1 arrays"),
        (lambda: al.weighted_sum(["mse"])([P], [T[:, :1]]), ValueError, "shape"),
    ],
)
def test_what_cannot_be_composed_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
