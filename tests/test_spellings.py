"""Mistakes in calling a loss that users of other libraries make: each is told what ours is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import arraylosses as al

pytestmark = pytest.mark.otherwise_numpy

P, T = np.asarray([0.5, 3.0], dtype="float32"), np.asarray([1.0, 0.0], dtype="float32")
Z, Y = np.zeros((2, 3), dtype="float32"), np.asarray([0, 2])

SPELLINGS = [
    ("sample_weight", "weight", "huber"),
    ("weights", "weight", "huber"),
    ("mask", "where", "huber"),
    ("dim", "axis", "cross_entropy"),
    ("eps", "epsilon", "absolute_percentage_error"),
    ("y_true", "target", "huber"),
    ("y_true", "labels", "cross_entropy"),
    ("target", "labels", "cross_entropy"),
    ("labels", "target", "huber"),
    ("y_pred", "prediction", "huber"),
    ("y_pred", "logits", "cross_entropy"),
    ("input", "prediction", "huber"),
    ("input", "logits", "cross_entropy"),
    ("size_average", "reduction", "huber"),
    ("reduce", "reduction", "huber"),
]


@al.loss
def own(prediction, target, *, epsilon=0.0, axis=-1):
    return prediction - target


@pytest.mark.parametrize(("theirs", "ours", "name"), SPELLINGS)
def test_another_library_s_spelling_is_told_ours(theirs, ours, name):
    function = getattr(al, name)
    cls = type(al.get(name))
    with pytest.raises(TypeError, match=f"^`{theirs}` is no argument of {name}; it is `{ours}` here$"):
        function(P, T, **{theirs: P})
    with pytest.raises(TypeError, match=f"^`{theirs}` is no setting of {cls.__name__}; it is `{ours}`"):
        cls(**{theirs: 1})
    if ours not in cls().settings():
        with pytest.raises(
            TypeError, match=f"^`{theirs}` is no argument of a call of {cls.__name__}; it is `{ours}` here$"
        ):
            cls()(P, T, **{theirs: P})
    if ours not in ("labels", "logits"):
        with pytest.raises(TypeError, match=f"^`{theirs}` is no argument of own; it is `{ours}` here$"):
            own(P, T, **{theirs: P})


def test_a_misspelt_argument_is_told_the_closest_or_all():
    with pytest.raises(TypeError, match=r"^`dleta` is no argument of huber; did you mean 'delta'\?$"):
        al.huber(P, T, dleta=1.0)
    with pytest.raises(TypeError, match="^`dim` is no argument of huber; there are `prediction`, `target`, `delta`, "):
        al.huber(P, T, dim=1)
    with pytest.raises(TypeError, match=r"^`dleta` is no setting of Huber; did you mean 'delta'\?$"):
        al.Huber(dleta=1.0)
    with pytest.raises(TypeError, match=r"^`ovr` is no argument of own; there are "):
        own(P, T, ovr=1)


@pytest.mark.parametrize("name", [name for name, cls in al.registered().items() if cls.function is not None])
def test_every_function_form_has_the_hints(name):
    loss = al.get(name)
    with pytest.raises(TypeError, match=f"^`sample_weight` is no argument of {name}; it is `weight` here$"):
        getattr(al, name)(*[P] * len(loss.array_names), sample_weight=P)
    with pytest.raises(TypeError, match=f"^`{name}` takes .*, and its settings by keyword, as in {name}\\("):
        getattr(al, name)(*[P] * len(loss.array_names), 2.0)


def test_a_class_that_is_called_with_arrays_is_told_how_it_is_called():
    for cls, arrays in ((al.Huber, (P, T)), (al.SquaredError, (P, T)), (al.CategoricalFocal, (Z, Y))):
        name, takes = cls.__name__, ", ".join(cls.array_names)
        with pytest.raises(TypeError, match=rf"^`{name}` takes settings, .* arrays: {name}\(\.\.\.\)\({takes}\)$"):
            cls(*arrays)
        with pytest.raises(TypeError, match=rf"it is `\w+` of the call, as in {name}\(\.\.\.\)\({takes}\)$"):
            cls(**dict(zip(cls.array_names, arrays, strict=True)))
    with pytest.raises(
        TypeError, match=r"^`delta` is no argument of a call of Huber; it is a setting, as in Huber\(delta"
    ):
        al.Huber()(P, T, delta=2.0)


def test_a_name_or_a_class_will_do_where_a_gradient_is_asked_for(variant):
    x, t = variant.array(P), variant.array(T)
    expected = al.value_and_grad(al.Huber(delta=0.5))(P, T)
    for loss in ("huber", "Huber", al.Huber, al.huber):
        got = al.value_and_grad(loss)(x, t, delta=0.5)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(variant.numpy(a), b, rtol=1e-6)
        np.testing.assert_allclose(variant.numpy(al.grad(loss)(x, t, delta=0.5)), expected[1], rtol=1e-6)
        assert len(al.value_grad_hess(loss)(x, t, delta=0.5)) == 3
        got = al.value_and_grad(loss, argnums=1)(x, target=t, delta=0.5)
        np.testing.assert_allclose(variant.numpy(got[1]), -expected[1], rtol=1e-6)
        got = al.value_and_grad(loss)(prediction=x, target=t, delta=0.5)
        np.testing.assert_allclose(variant.numpy(got[1]), expected[1], rtol=1e-6)


def test_an_alias_carries_its_settings_into_the_gradient():
    p, t = np.asarray([0.25, 0.5]), np.asarray([1.0, 0.0])
    got = al.value_and_grad("bce")(p, t)
    expected = al.value_and_grad(al.get("bce"))(p, t)
    np.testing.assert_array_equal(got[1], expected[1])
    assert float(al.value_and_grad("bce")(p, t, epsilon=0.4)[0]) == float(al.get("bce", epsilon=0.4)(p, t))


def test_what_is_no_loss_is_refused_before_it_is_called():
    for wrong in (3, None, dict, [al.huber]):
        for function in (al.value_and_grad, al.grad, al.value_grad_hess):
            with pytest.raises(
                TypeError, match="^`loss` must be a loss, its class, function form or name, or a function"
            ):
                function(wrong)
    with pytest.raises(ValueError, match="`loss` must be the name of a registered loss, got 'hubber'; did you mean"):
        al.value_and_grad("hubber")
    with pytest.raises(TypeError, match="`dleta` is no setting of Huber; did you mean 'delta'"):
        al.value_and_grad(al.Huber)(P, T, dleta=1.0)
    with pytest.raises(TypeError, match="`argnums` must choose floating arrays, .*argument 0 is float; np.asarray"):
        al.value_and_grad(al.huber)(1.0, 2.0)
    with pytest.raises(ValueError, match="`argnums` must count from 0 to 1 for 2 arguments, got 5"):
        al.value_and_grad(al.huber, argnums=5)(P, T)
    with pytest.raises(TypeError, match="`loss` must be a loss, got 'huber'; al.get"):
        al.serialize("huber")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MSELoss", r"; al\.get\('MSELoss'\) returns it: SquaredError\(\)"),
        ("bce", r"; al\.get\('bce'\) returns it: dialects\.keras\.losses\.BinaryCrossentropy\(\)"),
        ("CrossEntropyLoss", r".* returns it: CrossEntropy\(axis=1, ignore_index=-100\)"),
        ("BinaryCrossentrpy", r"; did you mean 'BinaryCrossEntropy' or "),
        ("cros_entropy", r"; did you mean 'cross_entropy' or "),
        ("Hubber", r"; did you mean 'Huber'\?"),
        ("softmax", r"; it is al\.special\.softmax$"),
        ("zzzz", "$"),
    ],
)
def test_a_name_that_the_package_lacks_is_told_what_there_is(name, said):
    with pytest.raises(AttributeError, match=f"^module 'arraylosses' has no attribute '{name}'{said}"):
        getattr(al, name)
    assert not hasattr(al, name)


@pytest.mark.parametrize("name", sorted({*al.special.__all__} - {*al.__all__}))
def test_a_function_of_special_is_found_by_its_name(name):
    with pytest.raises(AttributeError, match=rf" al\.special\.{name}\b"):
        getattr(al, name)


# A user's own class


def test_a_subclass_that_is_no_dataclass_is_told_so():
    class Plain(al.Loss):
        scale: float = 1.0

        def call(self, prediction, target):
            return (prediction - target) / self.scale

    for call in (lambda: Plain(scale=2.0), lambda: Plain(2.0), lambda: al.get(Plain, scale=2.0)):
        with pytest.raises(
            TypeError, match=r"`scale` is no setting of Plain; `Plain` must be decorated with @dataclass\("
        ):
            call()


def test_a_subclass_without_a_formula_is_told_so():
    @dataclass(frozen=True)
    class Nothing(al.Loss):
        scale: float = 1.0

    for call in (lambda: Nothing()(P, T), lambda: al.value_and_grad(Nothing())(P, T), lambda: Nothing()()):
        with pytest.raises(TypeError, match=r"must define `call\(self, prediction, target, \.\.\.\)`"):
            call()
    with pytest.raises(TypeError, match=r"^`Nothing` must define `call\(self, .*to be registered$"):
        al.register(Nothing)


def test_a_misspelt_granularity_or_domain_is_told_the_closest():
    with pytest.raises(
        ValueError, match=r"`granularity` must be one of 'element', 'row', 'batch', got 'rows'; did you mean 'row'\?"
    ):

        class Rows(al.Loss):
            granularity = "rows"

    with pytest.raises(
        ValueError, match=r"`arrays` must declare domains of .*'sign'.*, got 'signs'; did you mean 'sign'\?"
    ):

        class Signs(al.Loss):
            arrays = "prediction[...]: real, target[...]: signs -> [...]"

            def call(self, prediction, target):
                return prediction * target


def test_a_function_form_is_still_what_it_was():
    import inspect

    assert list(inspect.signature(al.huber).parameters)[:3] == ["prediction", "target", "delta"]
    assert al.huber.__name__ == "huber"
    assert al.huber.__doc__
    # A mistake within is told as it stands.
    with pytest.raises(TypeError, match="`target` must be an array"):
        al.huber(P, "text")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        al.huber(P)


@pytest.mark.parametrize("cls", [al.Huber, al.BinaryFocal, al.CrossEntropy])
def test_settings_are_given_by_keyword(cls):
    with pytest.raises(TypeError, match=rf"`{cls.__name__}` takes its settings by keyword, as in {cls.__name__}\(\w+="):
        cls(2.0)
