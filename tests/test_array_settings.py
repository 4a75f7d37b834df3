"""Real settings as arrays: of any library, one for all or one a column, traced, and with a gradient.

Expected values are those of the same settings as numbers, column by column.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import arraylosses as al

from .cases import CLASSES, DEFAULTS, OTHERS, Case, subject
from .variants import VARIANTS, importable

REAL = [
    (case, name)
    for case in DEFAULTS
    if case.is_default and not case.soft
    for name, value in case.loss.settings().items()
    if type(value) is float and name not in case.loss.structural
]


def moved(value: float) -> float:
    return value * 0.75 if value else 0.125


@pytest.mark.main_variants
@pytest.mark.parametrize(("case", "name"), REAL, ids=str)
def test_an_array_of_no_axes_is_a_number(variant, case: Case, name):
    dtype = variant.dtypes[-1]
    value = moved(getattr(case.loss, name))
    arrays = [variant.array(x) for x in case.inputs(dtype=dtype)]
    expected = variant.numpy(replace(case.loss, **{name: value})(*arrays))
    settings = [variant.array(np.asarray(value, dtype=dtype)), np.asarray(value)]
    for setting in settings:
        got = replace(case.loss, **{name: setting})(*arrays)
        assert variant.of_this_library(got)
        np.testing.assert_allclose(variant.numpy(got), expected, rtol=1e-6 if dtype == "float32" else 1e-12)


@pytest.mark.main_variants
@pytest.mark.parametrize(("case", "name"), [(c, n) for c, n in REAL if not c.rows], ids=str)
def test_a_sequence_is_one_a_column(variant, case: Case, name):
    dtype = variant.dtypes[-1]
    value = moved(getattr(case.loss, name))
    values = [value, value / 2, value / 4, value / 8]
    arrays = case.inputs(seed=1, dtype=dtype)
    given = [variant.array(x) for x in arrays]
    loss = replace(case.loss, reduction="none", **{name: values})
    assert isinstance(getattr(loss, name), tuple)
    hash(loss)
    assert al.deserialize(al.serialize(loss)) == loss
    got = variant.numpy(loss(*given))
    gradient = variant.numpy(al.grad(replace(loss, reduction="sum"))(*given))
    for k, one in enumerate(values):
        of_column = replace(case.loss, reduction="none", **{name: one})
        column = [variant.array(np.ascontiguousarray(x[..., k])) for x in arrays]
        rtol = 1e-5 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(got[..., k], variant.numpy(of_column(*column)), rtol=rtol, atol=rtol)
        expected = variant.numpy(al.grad(replace(of_column, reduction="sum"))(*column))
        np.testing.assert_allclose(gradient[..., k], expected, rtol=rtol, atol=rtol)


@pytest.mark.backend("numpy")
@pytest.mark.parametrize("q", [[0.1, 0.5], np.full((4, 3), 0.5), np.full((1, 2, 3), 0.5)], ids=np.shape)
def test_a_setting_that_does_not_fit_the_items_is_refused(q):
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"`q` must broadcast to the per-item loss, shape \(2, 3\), got \("):
        al.quantile(x, x, q=q)


@pytest.mark.parametrize("other", ["torch", "jax", "numpy"])
def test_a_setting_of_another_library_follows_the_arrays(variant, other):
    if variant.name != variant.backend or importable(other):
        pytest.skip("one variant of each library that is installed")
    if other == "torch":
        import torch

        setting = torch.tensor([0.1, 0.5, 0.9])
    elif other == "jax":
        import jax.numpy as jnp

        setting = jnp.asarray([0.1, 0.5, 0.9])
    else:
        setting = np.asarray([0.1, 0.5, 0.9])
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    got = al.quantile(variant.array(x), variant.array(y), q=setting)
    assert variant.of_this_library(got)
    expected = np.mean([al.quantile(x[:, k], y[:, k], q=q) for k, q in enumerate((0.1, 0.5, 0.9))])
    np.testing.assert_allclose(variant.numpy(got), expected, rtol=1e-6)


REAL = [
    (case, name)
    for case in DEFAULTS
    for name, value in case.loss.settings().items()
    if isinstance(value, float) and name not in type(case.loss).structural
]


@pytest.mark.backend("strict")
@pytest.mark.parametrize(("case", "name"), REAL, ids=str)
def test_any_setting_has_a_gradient_where_functions_take_arrays_of_their_own_alone(case, name):
    # As CuPy's do: on array_api_strict, beside NumPy.
    strict = pytest.importorskip("array_api_strict")
    at = getattr(case.loss, name) or 0.25
    arrays = case.inputs(dtype="float64")

    def of_setting(setting, *given):
        return type(case.loss)(**{name: setting})(*given)

    try:
        expected = al.grad(of_setting)(np.asarray(at), *arrays)
    except ValueError:
        pytest.skip("a 0, or a number that is no array, is asked for")
    got = al.grad(of_setting)(strict.asarray(at), *map(strict.asarray, arrays))
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-9, atol=1e-12)


def test_a_learned_setting_has_a_gradient(variant):
    if variant.name not in ("numpy", "torch", "jax", "strict"):
        pytest.skip("one variant of each kind of gradient")
    x, y = np.random.default_rng(1).normal(size=(2, 4, 3))
    given, step = [variant.array(v) for v in (x, y)], 1e-6

    def of_temperature(t):
        return al.info_nce(*given, temperature=t)

    def of_delta(d):
        return al.huber(*given, delta=d)

    for f, at in ((of_temperature, np.asarray(0.3)), (of_delta, np.asarray([0.2, 0.5, 0.9]))):
        got = variant.numpy(al.grad(f)(variant.array(at)))
        for index in np.ndindex(at.shape):
            up, down = at.copy(), at.copy()
            up[index] += step
            down[index] -= step
            slope = (float(f(variant.array(up))) - float(f(variant.array(down)))) / (2 * step)
            np.testing.assert_allclose(got[index], slope, rtol=1e-5)


ITEMS_WEIGHED = [
    case for case in (*DEFAULTS, *OTHERS) if type(case.loss).item_weight is not al.Loss.item_weight and case.is_default
]
"""The losses of which something but the weight says what an item counts."""


def weights_of(case: Case):
    """What is kept of the items, and a weight of each."""
    rng = np.random.default_rng(4)
    shape = subject(case).checked(case.inputs(seed=3)).item_shape
    return rng.uniform(size=shape) < 0.6, rng.uniform(0.5, 2.0, size=shape)


IN_BLOCKS = next(x for x in VARIANTS if x.name == "numpy-blocks")
ALONE = [
    (case, name)
    for case in (*DEFAULTS, *OTHERS)
    for name, value in case.loss.settings().items()
    if (type(value) is float and name not in case.loss.structural) or name in case.loss.class_settings
    if (case.name, name) != ("kto", "kl")  # which counts as a constant
    if (case.name, name) != ("keras.categorical_crossentropy", "z_loss")  # which acts on logits
]


def at_a_setting(case: Case, name: str):
    """Arrays, where a setting is changed and along what, and the change of the loss, by central differences."""
    arrays = case.inputs(seed=2)
    value = getattr(case.loss, name)
    at = np.asarray(value if value and abs(value) > 1e-3 else 0.25)  # where a difference is that of a derivative
    if name in case.loss.class_settings and name != "pos_weight":
        at = np.linspace(0.5, 2.0, arrays[0].shape[-1] if case.loss.projected is None else arrays[1].shape[0])
    direction = np.linspace(0.5, 1.0, at.size).reshape(at.shape)
    up, down = [float(of_setting(case, name, at + step * direction, arrays)) for step in (1e-5, -1e-5)]
    return arrays, at, direction, (up - down) / 2e-5


def of_setting(case: Case, name: str, setting, given):
    return replace(case.loss, **{name: setting})(*given)


@pytest.mark.parametrize(("case", "name"), ALONE, ids=str)
def test_a_setting_has_a_gradient_where_nothing_else_is_traced(variant, case: Case, name):
    if variant.name not in ("numpy", "strict", "dask"):
        pytest.skip("one variant of each library that the tape is for")
    arrays, at, direction, expected = at_a_setting(case, name)
    given = [variant.array(x) for x in arrays]
    for way in [variant, *([IN_BLOCKS] if variant.name == "numpy" else [])]:
        with way.active():
            got = variant.numpy(al.grad(lambda setting: of_setting(case, name, setting, given))(variant.array(at)))
        np.testing.assert_allclose(np.sum(got * direction), expected, rtol=1e-5, atol=1e-8)


def test_a_loss_of_one_s_own_may_take_the_values_of_arrays_that_are_not_traced():
    @al.loss
    def scaled(prediction, target, *, scale=1.0):
        return scale * (prediction - target) ** 2 / float(np.max(np.abs(prediction)))

    value, slope = al.value_and_grad(lambda s: scaled(np.asarray([2.0, 4.0]), np.zeros(2), scale=s))(np.asarray(3.0))
    assert (value, slope) == (7.5, 2.5)  # 3 (4 + 16) / 2 / 4


OF_SEVERAL = [
    (c, n)
    for c, n in ALONE
    if n not in c.loss.structural and (n in c.loss.class_settings or c.loss.declaration.of_elements)
]


@pytest.mark.parametrize(("case", "name"), OF_SEVERAL, ids=str)
def test_numbers_of_a_sequence_that_are_learned_are_to_be_stacked(variant, case: Case, name):
    if variant.name not in ("numpy", "torch", "jax", "strict"):
        pytest.skip("one variant of each kind of gradient")
    arrays, at, direction, expected = at_a_setting(case, name)
    numbers = at if at.ndim else np.full(arrays[0].shape[-1], at)
    given, learned = [variant.array(x) for x in arrays], [variant.array(x) for x in numbers]
    compute = al.grad(lambda *x: of_setting(case, name, x, given), range(len(learned)))
    if variant.name == "jax":  # whose sequences keep their gradients
        got = compute(*learned)
    else:
        with pytest.raises(
            TypeError, match=f"^`{name}` must be one array where a part of it has a gradient, as `stack`"
        ):
            compute(*learned)
        stacked = lambda *x: of_setting(case, name, al.array_namespace(x[0]).stack(x), given)  # noqa: E731
        got = al.grad(stacked, range(len(learned)))(*learned)
    np.testing.assert_allclose(np.sum(np.stack([variant.numpy(x) for x in got]) * direction), expected, rtol=1e-5)


@pytest.mark.backend("torch")
@pytest.mark.parametrize(("case", "name"), ALONE, ids=str)
def test_torch_differentiates_a_setting_beside_a_prediction(case: Case, name):
    torch = pytest.importorskip("torch")
    arrays, at, direction, expected = at_a_setting(case, name)
    prediction, *others = map(torch.tensor, arrays)
    setting = torch.tensor(at, requires_grad=True)
    value = of_setting(case, name, setting, (prediction.requires_grad_(), *others))
    (got,) = torch.autograd.grad(value, setting, materialize_grads=True)
    np.testing.assert_allclose(np.sum(got.numpy() * direction), expected, rtol=1e-5, atol=1e-8)


@pytest.mark.main_variants
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("case", [c for c in ITEMS_WEIGHED if c.loss.class_settings], ids=str)
def test_a_weight_left_out_is_in_no_gradient_by_a_class_weight(variant, case: Case, bad):
    # Expected: that of any other weight in its place.
    dtype = variant.dtypes[-1]
    arrays = [variant.array(x) for x in case.inputs(seed=3, dtype=dtype)]
    own = variant.array(np.linspace(0.5, 2.0, CLASSES).astype(dtype))
    keep, weight = weights_of(case)

    def gradient(left_out):
        given = variant.array(np.where(keep, weight, left_out).astype(dtype))

        def of_classes(own):
            return replace(case.loss, class_weight=own)(*arrays, weight=given, where=variant.array(keep))

        return variant.numpy(al.grad(of_classes)(own))

    np.testing.assert_array_equal(gradient(bad), gradient(1.0))


@pytest.mark.main_variants
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("case", ITEMS_WEIGHED, ids=str)
def test_a_weight_left_out_is_in_no_value_and_warns_of_nothing(variant, case: Case, bad):
    # Expected: that of any other weight in its place.
    dtype = variant.dtypes[-1]
    arrays = [variant.array(x) for x in case.inputs(seed=3, dtype=dtype)]
    keep, weight = weights_of(case)
    found = [
        case.loss(*arrays, weight=variant.array(np.where(keep, weight, w).astype(dtype)), where=variant.array(keep))
        for w in (bad, 1.0)
    ]
    np.testing.assert_array_equal(*map(variant.numpy, found))


@pytest.mark.backend("jax")
def test_a_schedule_compiles_once():
    jax = pytest.importorskip("jax")
    x, y = np.random.default_rng(2).normal(size=(2, 8)).astype("float32")
    traced = []

    @jax.jit
    def step(x, y, delta):
        traced.append(delta)
        return al.huber(x, y, delta=delta)

    got = [float(step(x, y, delta)) for delta in (0.25, 0.5, 1.0)]
    np.testing.assert_allclose(got, [al.huber(x, y, delta=d) for d in (0.25, 0.5, 1.0)], rtol=1e-6)
    assert len(traced) == 1
