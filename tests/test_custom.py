"""A user's own loss, as a function and as a class."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import arraylosses as al

P = np.asarray([[1.0, 2.0], [0.0, -1.0], [4.0, 0.5]], dtype="float32")
T = np.asarray([[2.0, 0.0], [0.0, 1.0], [1.0, 0.5]], dtype="float32")


@al.loss
def lopsided(prediction, target, *, under=2.0):
    """Errors below count more."""
    xp = al.array_namespace(prediction, target)
    error = prediction - target
    return xp.where(error < 0, under * error**2, error**2)


@dataclass(frozen=True)
class Lopsided(al.Loss):
    under: float = 2.0

    def call(self, prediction, target):
        xp = al.array_namespace(prediction, target)
        error = prediction - target
        return xp.where(error < 0, self.under * error**2, error**2)


@al.loss(granularity="row")
def distance(prediction, target, *, axis=-1):
    xp = al.array_namespace(prediction, target)
    return xp.sum(xp.abs(prediction - target), axis=axis)


ITEMS = np.asarray([[3.0, 4.0], [0.0, 12.0], [9.0, 0.0]])  # under=3, by hand


@pytest.mark.parametrize("form", ["function", "class"])
def test_either_form_gets_weight_where_and_reduction(variant, form):
    def run(**settings):
        extra = {k: variant.array(settings.pop(k)) for k in ("weight", "where") if k in settings}
        if form == "function":
            return lambda p, t: lopsided(p, t, under=3.0, **settings, **extra)
        return lambda p, t: Lopsided(under=3.0, **settings)(p, t, **extra)

    def value(**settings):
        return variant.numpy(variant.run(run(**settings), variant.array(P), variant.array(T)))

    np.testing.assert_allclose(value(reduction="none"), ITEMS)
    np.testing.assert_allclose(value(), ITEMS.mean(), rtol=1e-6)
    np.testing.assert_allclose(value(reduction="batchmean"), ITEMS.sum() / 3, rtol=1e-6)
    weight = np.asarray([[1.0], [0.0], [3.0]], dtype="float32")
    np.testing.assert_allclose(value(weight=weight), np.average(ITEMS, weights=np.repeat(weight, 2, axis=1)), rtol=1e-6)
    where = P < 3
    np.testing.assert_allclose(value(where=where), ITEMS[where].mean(), rtol=1e-6)


def test_a_function_of_classes(variant):
    # The README's own.
    @al.loss(arrays="logits[..., C]: real, labels[...]: class -> [...]")
    def lead(logits, labels, *, margin=1.0):
        xp = al.array_namespace(logits)
        own = al.special.take_along_axis(logits, labels[..., None])
        return xp.max(logits - own, axis=-1) + margin

    logits, labels = variant.array(np.asarray([[1.0, 3.0, 0.0], [2.0, 5.0, 4.0]], "float32")), np.asarray([0, 2])
    compute = al.value_and_grad(lead)
    value, gradient = variant.run(lambda *given: compute(*given, margin=2.0), logits, variant.array(labels))
    assert float(value) == 3.5
    np.testing.assert_array_equal(variant.numpy(gradient), [[-0.5, 0.5, 0.0], [0.0, 0.5, -0.5]])


def test_a_function_of_rows(variant):
    p, t = variant.array(P), variant.array(T)
    np.testing.assert_allclose(
        variant.numpy(variant.run(lambda *a: distance(*a, reduction="none"), p, t)), [3.0, 2.0, 3.0]
    )
    got = variant.run(lambda *a: distance(*a, axis=0, reduction="none"), p, t)
    np.testing.assert_allclose(variant.numpy(got), [4.0, 4.0])
    where = variant.array(np.asarray([True, False, True]))
    np.testing.assert_allclose(variant.numpy(variant.run(lambda *a: distance(*a[:2], where=a[2]), p, t, where)), 3.0)


def test_the_function_form_says_what_it_takes():
    parameters = inspect.signature(lopsided).parameters
    assert list(parameters) == ["prediction", "target", "under", "weight", "where", "reduction"]
    assert lopsided.__doc__ == "Errors below count more."
    assert lopsided.__name__ == "lopsided"
    cls = lopsided.loss_class
    assert repr(cls(under=3.0)) == "Lopsided(under=3.0, reduction='mean')"
    assert cls(under=3.0) == cls(under=3.0) != cls()
    assert float(lopsided(prediction=P, target=T, under=3.0)) == pytest.approx(ITEMS.mean())
    with pytest.raises(TypeError, match="`ovr` is no argument of lopsided; there are "):
        lopsided(P, T, ovr=1)


@pytest.mark.parametrize("loss", [Lopsided(under=3.0), lopsided.loss_class(under=3.0)], ids=["class", "function"])
def test_it_is_equal_hashable_frozen_and_picklable(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert {loss: 1}[type(loss)(under=3.0)] == 1
    with pytest.raises(AttributeError):
        loss.under = 1.0


@pytest.mark.parametrize("loss", [Lopsided, lopsided], ids=["class", "function"])
def test_once_registered_it_has_a_name_and_plain_data(loss):
    cls = getattr(loss, "loss_class", loss)
    with pytest.raises(ValueError, match="must be registered to have a name, got Lopsided; al.register"):
        al.serialize(cls())
    assert al.register(loss) is loss
    assert al.register("lopsided", al.alias("steep", under=9.0))(loss) is loss
    assert al.get("lopsided", under=3.0) == cls(under=3.0)
    assert al.get("Lopsided") == al.get("lopsided") == al.get(loss) == cls()
    assert al.get("steep").under == 9.0
    data = json.loads(json.dumps(al.serialize(cls(under=3.0))))
    assert data == {"name": "lopsided", "settings": {"under": 3.0, "reduction": "mean"}}
    assert al.deserialize(data) == cls(under=3.0)
    with pytest.raises(ValueError, match="did you mean 'lopsided'"):
        al.get("lopsidd")


def test_two_losses_of_one_name_do_not_displace_each_other():
    al.register(lopsided)
    with pytest.raises(ValueError, match="`lopsided` already names Lopsided"):
        al.register(Lopsided)
    assert al.get("lopsided") == lopsided.loss_class()


def test_a_learned_setting_may_be_an_array(variant):
    @al.loss
    def tempered(prediction, target, *, temperature):
        return (prediction - target) ** 2 / temperature

    temperature = variant.array(np.asarray(4.0, dtype="float32"))
    got = variant.run(lambda p, t: tempered(p, t, temperature=temperature), variant.array(P), variant.array(T))
    np.testing.assert_allclose(variant.numpy(got), ((P - T) ** 2).mean() / 4, rtol=1e-6)
    loss = tempered.loss_class(temperature=temperature)
    assert loss == loss
    assert hash(loss) == hash(tempered.loss_class(temperature=temperature))


def test_a_numpy_number_does_not_widen_the_result():
    assert lopsided(P, T, under=np.float64(3.0)).dtype == np.float32
    assert al.Huber(delta=np.float64(2.0)).delta == 2.0
    assert type(al.Huber(delta=np.float64(2.0)).delta) is float


def test_a_call_of_another_shape_is_told_what_is_due():
    @al.loss
    def wrong(prediction, target):
        return al.array_namespace(prediction).sum(prediction - target, axis=-1)

    with pytest.raises(
        ValueError,
        match=r"`call` of Wrong must return per-item losses of shape \(3, 2\), got \(3,\); a "
        "loss whose items are more than elements must say so by `arrays`",
    ):
        wrong(P, T)


@pytest.mark.parametrize("returned", [None, 3.0, [1.0, 2.0], (P, T)], ids=["nothing", "number", "list", "tuple"])
def test_what_is_no_array_is_told_what_is_due(variant, returned):
    @al.loss
    def wrong(prediction, target):
        return returned

    said = r"`call` of Wrong must return per-item losses of shape \(3, 2\), got .*, which is no array"
    given = [variant.array(x) for x in (P, T)]
    for call in (wrong, al.grad(wrong), al.value_grad_hess(wrong)):
        with pytest.raises(TypeError, match=said):
            call(*given)


def test_a_setting_by_position_is_refused_where_the_loss_is_made():
    with pytest.raises(TypeError, match=r"`under` has a default, so put .* \(prediction, target, \*, under=\.\.\., x="):
        al.loss(lambda prediction, target, under=2.0, x=1: under * (prediction - target))
    with pytest.raises(TypeError, match="`under` has a default, as a setting has, so make it a field of the class"):

        class Wrong(al.Loss):
            def call(self, prediction, target, under=2.0):
                return under * (prediction - target)


def test_a_function_that_cannot_be_a_loss_is_refused():
    with pytest.raises(TypeError, match="`function` must take its arrays by position and its settings by keyword"):
        al.loss(lambda *arrays: arrays)
    with pytest.raises(TypeError, match="`function` must take its arrays by position"):
        al.loss(lambda *, delta: delta)

    def taken(prediction, target, *, weight):
        return prediction

    with pytest.raises(TypeError, match="`function` must leave weight to the loss that is made of it"):
        al.loss(taken)
    with pytest.raises(ValueError, match="`granularity` must be one of 'element', 'row', 'batch'"):
        al.loss(granularity="rows")

    class Nothing(al.Loss):
        pass

    with pytest.raises(TypeError, match=r"must define `call\(self, prediction, target"):
        Nothing()(P, T)


def test_another_formula_inherits_no_derivative():
    @dataclass(frozen=True)
    class Doubled(al.Huber):
        def call(self, prediction, target):
            return 2 * super().call(prediction, target)

    @dataclass(frozen=True)
    class Wide(al.Huber):
        delta: float = 5.0

    arrays = np.asarray([0.5, 3.0]), np.zeros(2)
    value, gradient = al.value_and_grad(Doubled(reduction="sum"))(*arrays)
    assert (float(value), gradient.tolist()) == (5.25, [1.0, 2.0])
    assert al.value_grad_hess(Doubled(reduction="sum"))(*arrays)[2].tolist() == [2.0, 0.0]
    assert Doubled.closed_forms == ()
    assert Wide.closed_forms == al.Huber.closed_forms
    assert al.grad(Wide(reduction="sum"))(*arrays).tolist() == [0.5, 3.0]


@pytest.mark.parametrize("size", [3, 1 << 17])
def test_a_derivative_that_is_an_input_is_not_written_over(size):
    @dataclass(frozen=True)
    class Product(al.SquaredError):
        def call(self, prediction, target):
            return prediction * target

        def derivative(self, prediction, target):
            return target

    @dataclass(frozen=True)
    class Halved(al.SquaredError):
        def derivative(self, prediction, target):
            return prediction

    prediction, target = np.linspace(1.0, 2.0, size), np.linspace(3.0, 4.0, size)
    before = prediction.copy(), target.copy()
    for loss, derivative in ((Product(), target), (Halved(), prediction)):
        for weight in (None, np.full(size, 2.0)):
            gradient = al.grad(loss)(prediction, target, weight=weight)
            np.testing.assert_array_equal(prediction, before[0])
            np.testing.assert_array_equal(target, before[1])
            np.testing.assert_allclose(gradient, derivative / size, rtol=1e-14)


def test_a_declaration_of_another_number_of_arrays_than_call_takes_is_refused():
    with pytest.raises(TypeError, match="`call` of One must take prediction, as `arrays` declares; it takes x, y"):

        class One(al.Loss):
            arrays = "prediction[...]: real -> [...]"

            def call(self, x, y):
                return x - y


# What is called, and has no name of its own


class Scaled:
    def __init__(self, by):
        self.by = by

    def __call__(self, prediction, target, *, under=2.0):
        return self.by * lopsided.__wrapped__(prediction, target, under=under)

    def of_items(self, prediction, target, *, under=2.0):
        return self(prediction, target, under=under)


def of_three(prediction, target, factor, *, under=2.0):
    return factor * lopsided.__wrapped__(prediction, target, under=under)


CALLABLES = {
    "partial": functools.partial(of_three, factor=2.0),
    "partial-of-a-partial": functools.partial(functools.partial(of_three, factor=1.0), factor=2.0),
    "object": Scaled(2.0),
    "method": Scaled(2.0).of_items,
    "lambda": lambda prediction, target, *, under=2.0: 2.0 * lopsided.__wrapped__(prediction, target, under=under),
}


@pytest.mark.parametrize("name", CALLABLES)
def test_any_callable_makes_a_loss(variant, name):
    loss = al.loss(CALLABLES[name])
    p, t = variant.array(P), variant.array(T)
    got = variant.run(lambda p, t: loss(p, t, under=3.0), p, t)
    np.testing.assert_allclose(variant.numpy(got), 2 * ITEMS.mean(), rtol=1e-6)
    got = variant.run(al.grad(loss), p, t)
    np.testing.assert_allclose(variant.numpy(got), 2 * al.grad(lopsided)(P, T), rtol=1e-6)
    assert list(inspect.signature(loss).parameters)[-3:] == ["weight", "where", "reduction"]
    assert loss.loss_class(under=3.0) == loss.loss_class(under=3.0) != loss.loss_class()


@pytest.mark.parametrize("name", CALLABLES)
def test_a_loss_of_any_callable_is_pickled_as_far_as_that_is(name):
    loss = al.loss(CALLABLES[name]).loss_class(under=3.0, reduction="sum")
    if name == "lambda":
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            pickle.dumps(loss)
        return
    again = pickle.loads(pickle.dumps(loss))
    assert repr(again) == repr(loss)
    assert float(again(P, T)) == float(loss(P, T))
    assert float(copy.deepcopy(loss)(P, T)) == float(loss(P, T))


def test_a_loss_without_a_name_is_not_registered():
    with pytest.raises(TypeError, match="^`loss` must have a name to be registered, got .*; `def` gives it one"):
        al.register(al.loss(CALLABLES["lambda"]))
    al.register(al.loss(CALLABLES["partial"]))
    assert al.get("of_three").under == 2.0


@pytest.mark.parametrize("wrong", [3, "huber", int, max], ids=repr)
def test_what_is_no_callable_with_parameters_is_refused(wrong):
    with pytest.raises(TypeError, match="^`function` must be a callable whose parameters can be read, got "):
        al.loss(wrong)


def test_a_default_that_is_a_list_is_kept_as_a_tuple():
    @al.loss
    def mixed(prediction, target, *, parts=[1.0, 2.0]):  # noqa: B006
        return sum(parts) * (prediction - target) ** 2

    assert mixed.loss_class().parts == (1.0, 2.0)
    assert float(mixed(np.ones(2), np.zeros(2))) == 3.0


def test_a_setting_may_have_a_name_that_keras_asks_for():
    @dataclass(frozen=True, kw_only=True)
    class Named(al.Loss):
        name: str
        get_config: float = 2.0

        def call(self, prediction, target):
            return self.get_config * (prediction - target)

    with pytest.raises(TypeError, match="name"):
        Named()
    assert Named(name="mine").settings() == {"name": "mine", "get_config": 2.0, "reduction": "mean"}
    for name in ("name", "get_config"):
        assert not hasattr(al.Huber(), name)
        assert not hasattr(al.Huber, name)


@dataclass(frozen=True, kw_only=True)
class Tabulated(al.Loss):
    """It keeps what follows from its settings: an array, which is no setting and has no hash."""

    degree: int = 2

    @functools.cached_property
    def factors(self):
        return np.arange(1.0, self.degree + 1.0)

    def call(self, prediction, target):
        error = prediction - target
        return sum(float(factor) * error**k for k, factor in enumerate(self.factors))


def test_a_loss_may_keep_what_it_computes_of_its_settings(variant):
    loss, prediction, target = Tabulated(), variant.array(np.asarray([1.0, 4.0])), variant.array(np.asarray([0.0, 1.0]))
    compute = al.value_and_grad(loss)
    for _ in range(3):
        assert float(variant.run(loss, prediction, target)) == 5.0  # 1 + 2 e of e = 1 and 3
        np.testing.assert_allclose(variant.numpy(variant.run(compute, prediction, target)[1]), [1.0, 1.0])
    assert loss == Tabulated()
    assert hash(loss) == hash(Tabulated())
