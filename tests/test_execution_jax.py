"""Compiled programs of eager JAX, against NumPy's values, and what they are kept by. The laws run without them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

import arraylosses as al
from arraylosses.execution import jitted
from arraylosses.numerics import softmax

from .cases import CASES, CLASSES
from .test_execution import items_of

pytestmark = pytest.mark.backend("jax")
all_cases = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield jax


@pytest.fixture(autouse=True)
def no_programs():
    jitted._program.cache_clear()


def programs() -> int:
    return jitted._program.cache_info().currsize


def close(actual, expected, rtol=1e-11):
    scale = float(np.max(np.abs(expected), initial=1e-3))
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=rtol, atol=rtol * scale)


@all_cases
def test_every_loss_is_the_same_as_a_program(jax, case):
    arrays, items = case.inputs(seed=1), items_of(case.item_shape((4, 3)))
    given = [jax.numpy.asarray(x) for x in arrays]
    given_items = {name: jax.numpy.asarray(x) for name, x in items.items()}
    value, gradient = al.value_and_grad(case.loss)(*given, **given_items)
    expected, expected_gradient = al.value_and_grad(case.loss)(*arrays, **items)
    assert programs() == 1
    assert value.dtype == gradient.dtype == np.float64
    assert value.shape == ()
    close(value, expected)
    close(gradient, expected_gradient, 1e-9)
    loss = replace(case.loss, reduction="none")
    close(loss(*given, **given_items), loss(*arrays, **items))
    assert programs() == 2


def counted():
    """A registered loss, and how often its formula was run through."""
    traces = Counter()

    @al.register
    @al.loss(pure=True)
    def counted_error(prediction, target, *, scale=1.0, offset=None):
        traces[scale] += 1
        error = scale * (prediction - target) ** 2
        return error if offset is None else error + al.array_namespace(prediction).asarray(offset)

    return counted_error, traces


def test_a_program_is_made_once_for_a_loss_its_settings_and_shapes(jax):
    loss, traces = counted()
    jnp = jax.numpy
    x, y = jnp.arange(6.0), jnp.ones(6)
    for _ in range(3):
        close(loss(x, y), 31 / 6)
        close(loss(x + 1, y), 55 / 6)
    assert traces == {1.0: 1}
    close(loss(x, y, scale=2.0), 62 / 6)
    assert traces == {1.0: 1, 2.0: 1}
    loss(x[:5], y[:5])
    assert traces[1.0] == 2
    loss(x.astype("float32"), y.astype("float32"))
    assert traces[1.0] == 3
    loss(x, y, weight=y)
    assert traces[1.0] == 4
    loss(x, y, reduction="sum")
    assert traces[1.0] == 5
    for _ in range(3):
        close(al.grad(loss)(x, y), (np.arange(6) - 1) / 3)
    assert traces[1.0] == 6
    al.value_and_grad(loss, (0, 1))(x, y)
    assert traces[1.0] == 7


def test_an_array_in_a_setting_is_an_argument_of_the_program(jax):
    loss, traces = counted()
    jnp = jax.numpy
    x, y = jnp.arange(6.0), jnp.ones(6)
    for k in range(4):
        close(loss(x, y, offset=jnp.full(6, 1.0 * k)), 31 / 6 + k)
    assert traces == {1.0: 1}
    for k in range(4):
        close(loss(x, y, offset=np.full(6, 1.0 * k)), 31 / 6 + k)
        close(loss(x, y, offset=[jnp.asarray(1.0 * k)] * 6), 31 / 6 + k)
    assert traces[1.0] <= 2
    close(loss(x, y, offset=(1.0,) * 6), 31 / 6 + 1)
    close(loss(x, y, offset=(2.0,) * 6), 31 / 6 + 2)


def test_equal_settings_of_two_types_have_programs_of_their_own(jax):
    @al.register
    @al.loss(pure=True)
    def by_type(prediction, target, *, k=1):
        return (prediction - target) * (10.0 if isinstance(k, bool) else 1.0)

    x = jax.numpy.ones(3)
    assert [float(by_type(x, x * 0, k=k)) for k in (1, True, 1)] == [1.0, 10.0, 1.0]


def test_weights_of_classes_may_come_from_any_library(jax):
    jnp = jax.numpy
    rng = np.random.default_rng(2)
    logits, labels, w = rng.normal(size=(6, CLASSES)), rng.integers(0, CLASSES, 6), np.asarray([1.0, 0.5, 2.0, 0.25, 3])
    expected = al.value_and_grad(al.cross_entropy)(logits, labels, class_weight=w)
    forms = [w, jnp.asarray(w), tuple(w), [jnp.asarray(v) for v in w]]
    for module in ("torch", "array_api_strict"):
        try:
            forms.append(__import__(module).asarray(w))
        except ImportError:
            continue
    for form in forms:
        got = al.value_and_grad(al.cross_entropy)(jnp.asarray(logits), jnp.asarray(labels), class_weight=form)
        for x, y in zip(got, expected, strict=True):
            close(x, y)
    gradient = jax.grad(lambda w: al.cross_entropy(jnp.asarray(logits), jnp.asarray(labels), class_weight=w))
    step = 1e-6 * np.eye(CLASSES)
    central = [al.cross_entropy(logits, labels, class_weight=w + s) for s in step]
    central = (np.asarray(central) - [al.cross_entropy(logits, labels, class_weight=w - s) for s in step]) / 2e-6
    close(gradient(jnp.asarray(w)), central, 1e-7)


def test_nothing_of_it_is_left_in_a_larger_program(jax):
    x = jax.numpy.ones((4, 3))
    for function in (al.squared_error, jax.grad(al.squared_error), al.grad(al.squared_error)):
        text = str(jax.make_jaxpr(function)(x, x))
        assert "sub" in text
        assert "jit" not in text
    assert programs() == 0
    rows = jax.vmap(al.squared_error)(x, 2 * x)
    close(rows, np.ones(4))
    assert programs() == 0


def test_it_can_be_switched_off(jax):
    x = jax.numpy.arange(6.0)
    with jax.disable_jit():
        close(al.squared_error(x, 0 * x), 55 / 6)
        close(al.grad(al.squared_error)(x, 0 * x), np.arange(6) / 3)
    assert programs() == 0


def test_bad_input_is_told_as_everywhere(jax):
    jnp = jax.numpy
    x = jnp.ones((4, 3))
    for function in (al.huber, al.grad(al.huber)):
        with pytest.raises(
            ValueError, match=r"all arrays must have one shape, got `prediction` \(4, 3\), `target` \(4,\)"
        ):
            function(x, x[:, 0])
        with pytest.raises(TypeError, match="`target` must hold real numbers, got complex128"):
            function(x, x.astype(complex))
        with pytest.raises(TypeError, match="`where` must have dtype bool"):
            function(x, x, where=x)
        with pytest.raises(TypeError, match="`target` of NumPy; al.convert"):
            function(x, np.ones((4, 3)))
        with pytest.raises(TypeError, match="`target` must be an array of .*, got list"):
            function(x, [1.0])
    with pytest.raises(TypeError, match="`prediction` must have a floating dtype, got int"):
        al.huber(x.astype(int), x)
    with pytest.raises(ValueError, match=r"`class_weight` must have one number a class, shape \(3,\), got \(2,\)"):
        al.cross_entropy(x, jnp.zeros(4, int), class_weight=jnp.ones(2))
    with pytest.raises(ValueError, match="choose reduction 'mean' or 'sum'"):
        al.grad(al.huber)(x, x, reduction="none")


@pytest.mark.parametrize("committed", [True, False])
def test_two_devices_are_refused(jax, committed):
    first, second = jax.devices()[:2]
    x = jax.numpy.ones(3)
    x = jax.device_put(x, first) if committed else x
    elsewhere = jax.device_put(x, second)
    for arrays, of_items in (((x, elsewhere), {}), ((x, x), {"weight": elsewhere}), ((elsewhere, x), {})):
        for function in (al.huber, al.grad(al.huber)):
            with pytest.raises(ValueError, match="all arrays must be on one device, got `prediction` on cpu:"):
                function(*arrays, **of_items)
    assert al.huber(elsewhere, elsewhere).devices() == {second}


def test_a_label_that_is_no_class_makes_its_item_nan(jax):
    jnp = jax.numpy
    logits, labels = jnp.zeros((4, 3)), jnp.asarray([0, 3, -1, 2])
    items = al.cross_entropy(logits, labels, reduction="none")
    np.testing.assert_array_equal(np.isnan(items), [False, True, True, False])
    assert np.isnan(al.cross_entropy(logits, labels))
    close(al.cross_entropy(logits, labels, where=jnp.asarray([True, False, False, True])), np.log(3))
    _, gradient = al.value_and_grad(al.cross_entropy)(logits, labels)
    assert np.all(np.isnan(np.asarray(gradient)[1:3]))


def test_a_loss_that_is_not_registered_may_look_at_values(jax):
    rule = {"scale": 2.0}

    @al.loss
    def looking(prediction, target):
        error = prediction - target
        return rule["scale"] * error if float(error[0]) > 0 else 0 * error

    @dataclass(frozen=True)
    class Steeper(al.SquaredError):
        """What the loss that it derives from has promised does not hold of it."""

        def call(self, prediction, target):
            return looking(prediction, target, reduction="none")

    x = jax.numpy.ones(3)
    for loss in (looking, Steeper()):
        rule["scale"] = 2.0
        assert float(loss(x, 0 * x)) == 2
        assert float(loss(-x, 0 * x)) == 0
        rule["scale"] = 3.0
        assert float(loss(x, 0 * x)) == 3
    assert programs() == 0


def test_half_precision_and_weak_types(jax):
    jnp = jax.numpy
    x = jnp.arange(6.0)
    for dtype in ("float16", "bfloat16"):
        value, gradient = al.value_and_grad(al.squared_error)(x.astype(dtype), x.astype(dtype) + 1)
        assert (value.dtype, gradient.dtype) == (np.float32, dtype)
        assert float(value) == 1
    assert al.squared_error(jnp.asarray(2.0), jnp.asarray(1.0)) == 1
    with jax.enable_x64(False):
        assert al.squared_error(x.astype("float32"), jnp.ones(6, "float32")).dtype == np.float32


def test_a_traced_array_is_not_asked_for_its_device(jax, monkeypatch):
    # It has none, and says so after a walk through all of the program that it belongs to.
    monkeypatch.setattr(jax.core.Tracer, "device", property(lambda x: pytest.fail("asked")))
    x = jax.numpy.ones(3)
    assert jax.jit(al.squared_error)(x, 0 * x) == 1


@pytest.mark.parametrize("way", ["eager", "jit", "vmap"])
@pytest.mark.parametrize("lead", [-3.0, 0.0, 30.0])
def test_many_classes_keep_the_digits_of_few(jax, lead, way):
    # Of many, no entry is compared with the label.
    rng = np.random.default_rng(4)
    logits, labels = rng.normal(size=(3, softmax.WIDE)), rng.integers(0, softmax.WIDE, 3)
    logits[np.arange(3), labels] += lead
    logits[1, :4] = logits[1].max() + 1.0  # of four largest entries
    loss = al.CrossEntropy(reduction="none")
    expected = loss(logits, labels)
    slopes = loss.derivative(logits, labels)
    run = {"eager": loss, "jit": jax.jit(loss), "vmap": jax.vmap(loss)}[way]
    given = jax.numpy.asarray(logits), jax.numpy.asarray(labels)
    np.testing.assert_allclose(run(*given), expected, rtol=1e-12)
    gradient = jax.grad(lambda *arrays: run(*arrays).sum())(*given)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize(
    "settings",
    [
        (1, True),
        ((1, "x"), (True, "x")),
        ({"a": 1}, {"a": True}),
        ({"a": (0,)}, {"a": (False,)}),
        (0.0, -0.0),
        ({"a": 0.0}, {"a": -0.0}),
    ],
    ids=str,
)
def test_settings_that_are_equal_and_differ_have_programs_of_their_own(jax, settings):
    @al.loss(pure=True)
    def told(prediction, target, *, setting):
        return (prediction - target) * said[repr(setting)]

    first, second = (repr(told.loss_class(setting=x).setting) for x in settings)
    said = {first: 2.0, second: 3.0}
    x, y = jax.numpy.ones(3), jax.numpy.zeros(3)
    assert [float(told(x, y, setting=setting)) for setting in (*settings, *settings)] == [2.0, 3.0, 2.0, 3.0]
