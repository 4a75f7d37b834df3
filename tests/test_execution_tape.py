"""A loss as one step of the tape against the tape of its formula, and when it is one.

The formula is run straight on traced arrays, so that every operation of it is recorded; that tape is held against
central differences, torch and JAX elsewhere.
"""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff
from arraylosses.autodiff import TracedArray
from arraylosses.execution import blocks
from arraylosses.testing.laws import formula_of

from .cases import CASES
from .test_execution import items_of, small_blocks, ways_taken
from .variants import VARIANTS, Variant

pytestmark = pytest.mark.otherwise_numpy

CLOSED = [case for case in CASES if 0 in case.loss.closed_forms]
GIVEN = [case for case in CLOSED if case.loss.derivative(*case.inputs()) is not None]
closed_cases = pytest.mark.parametrize("case", CLOSED, ids=str)
given_cases = pytest.mark.parametrize("case", GIVEN, ids=str)
lazy_or_strict = pytest.mark.parametrize(
    "library",
    [
        pytest.param(v, id=v.name, marks=pytest.mark.backend(v.backend))
        for v in VARIANTS
        if v.name in ("strict", "dask")
    ],
)
REDUCTIONS = ("none", "mean", "sum", "batchmean")


def close(actual: Any, expected: Any, rtol: float) -> None:
    assert np.shape(actual) == np.shape(expected)
    scale = np.max(np.abs(expected), initial=1e-3)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * float(scale))


def cotangent_of(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(21).uniform(-3.0, 3.0, size=shape)


def pulled_back(f: Callable[..., Any], x: Any, *rest: Any, **of_items: Any) -> tuple[Any, Any]:
    """The value of `f`, and the gradient by `x` of its sum with factors other than 1."""
    value, pull_back = autodiff.vjp(lambda x: f(x, *rest, **of_items), x)
    return value, pull_back(cotangent_of(value.shape))[0]


def is_one_step(loss: Callable[..., Any], x: Any, *rest: Any, **of_items: Any) -> bool:
    """Whether the tape goes from the result to the first array at once."""
    found = []

    def f(x: TracedArray) -> Any:
        result = loss(x, *rest, **of_items)
        found.append([source for source, _ in result._node.edges] == [x._node])
        return result

    autodiff.vjp(f, x)
    return found[0]


@closed_cases
@pytest.mark.parametrize("size", [4, 1 << 17], ids=["in blocks", "at once"])
def test_a_loss_and_its_gradient_are_those_of_the_formula(case, size):
    both = ("weight", "where")
    for dtype, names, reductions in (
        ("float64", (), ("mean",)),
        ("float64", both, REDUCTIONS),
        ("float32", both[:1], ("none",)),
        ("float32", both[1:], ("mean",)),
    ):
        x, *rest = case.inputs(shape=(5, 3), dtype=dtype)
        of_items = items_of(case.item_shape((5, 3)), dtype=dtype)
        chosen = {name: of_items[name] for name in names}
        for reduction in reductions:
            loss = replace(case.loss, reduction=reduction)
            value, gradient = pulled_back(formula_of(loss), x, *rest, **chosen)
            with small_blocks(size, several=False), ways_taken() as taken:
                got, of_step = pulled_back(loss, x, *rest, **chosen)
            assert taken[:1] == ["taped"]
            assert got.dtype == of_step.dtype == dtype
            close(got, value, 2e-15 if dtype == "float64" else 1e-6)
            close(of_step, gradient, 1e-13 if dtype == "float64" else 1e-5)


@given_cases
def test_the_tape_has_one_step_of_a_closed_form_and_all_of_a_formula(case):
    arrays = case.inputs()
    for reduction in REDUCTIONS:
        loss = replace(case.loss, reduction=reduction)
        assert is_one_step(loss, *arrays)
        assert is_one_step(loss, *arrays, **items_of(case.item_shape((4, 3))))
        assert not is_one_step(formula_of(loss), *arrays)


def test_large_arrays_go_block_by_block_in_both_directions(monkeypatch):
    called = []

    def note(function: Any, *args: Any) -> Any:
        called.append(function.__name__)
        return function(*args)

    for function in (blocks.run, blocks.run_with_derivatives, blocks.gradients):
        monkeypatch.setattr(blocks, function.__name__, functools.partial(note, function))
    x, y = np.random.default_rng(22).normal(size=(2, 40))
    with small_blocks():
        pulled_back(al.huber, x, y)
        assert called == ["run_with_derivatives"]
        pulled_back(al.Huber(reduction="none"), x, y)
        assert called[1:] == ["run", "gradients"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nothing_of_a_call_is_kept_once_its_results_are_gone(reduction):
    x, y = np.random.default_rng(34).normal(size=(2, 5))
    x, y = x.copy(), y.copy()
    value, gradient = pulled_back(al.Huber(reduction=reduction), x, y)
    seen = [weakref.ref(a) for a in (x, y, gradient)]
    gc.disable()
    try:
        del x, y, value, gradient
        assert all(a() is None for a in seen)
    finally:
        gc.enable()


# tapes within tapes


def along_gradient(f: Callable[..., Any], direction: np.ndarray) -> Callable[..., Any]:
    """The sum of a function's gradient times a direction: its gradient is a product with the Hessian."""

    def product(x: Any) -> Any:
        return al.array_namespace(x).sum(autodiff.grad(f)(x) * direction)

    return product


@closed_cases
def test_second_derivatives_are_those_of_the_formula(case):
    x, *rest = case.inputs(seed=2, shape=(3, 3))
    of_items = items_of(case.item_shape((3, 3)))
    direction = cotangent_of(x.shape)
    for reduction in REDUCTIONS:
        loss = replace(case.loss, reduction=reduction)

        def product(f: Callable[..., Any]) -> Any:
            def squares(x: Any) -> Any:
                items = f(x, *rest, **of_items)
                return al.array_namespace(x).sum(items * items)  # a factor that depends on the argument itself

            return autodiff.value_and_grad(along_gradient(squares, direction))(x)

        got, expected = product(loss), product(formula_of(loss))
        close(got[0], expected[0], 1e-12)
        close(got[1], expected[1], 1e-10)
        assert np.any(got[1] != 0)


@pytest.mark.parametrize("loss", [al.LogCosh(), al.BinaryFocal(), al.CrossEntropy()], ids=lambda x: type(x).__name__)
def test_third_derivatives_are_those_of_the_formula(loss):
    (case,) = (c for c in CASES if c.loss == loss and not c.soft)
    x, *rest = case.inputs(seed=3, shape=(2,))
    first, second = cotangent_of((2, *x.shape))

    def third(f: Callable[..., Any]) -> Any:
        return autodiff.grad(along_gradient(along_gradient(lambda x: f(x, *rest), first), second))(x)

    close(third(loss), third(formula_of(loss)), 1e-10)


@pytest.mark.parametrize("size", [2, 1 << 17], ids=["in blocks", "at once"])
def test_a_factor_has_a_derivative_of_its_own(size):
    x, y = np.random.default_rng(23).normal(size=(2, 5))
    for reduction, factor in (("sum", np.asarray(1.0)), ("sum", np.asarray(2.0)), ("none", y**2)):
        loss = al.PseudoHuber(reduction=reduction)

        def along(a: Any, loss: Any = loss) -> Any:
            xp = al.array_namespace(a)
            return xp.sum(autodiff.grad(lambda x: al.array_namespace(x, a).sum(a * loss(x, y)))(x) * y)

        with small_blocks(size, several=False):
            gradient = autodiff.grad(along)(factor)
        each = y * al.grad(replace(loss, reduction="sum"))(x, y)
        close(gradient, each if reduction == "none" else np.sum(each), 1e-14)


# what goes straight


def test_a_second_array_that_is_traced_goes_straight():
    x, y, w = np.random.default_rng(24).uniform(0.1, 0.9, size=(3, 4, 5))
    where = x < y
    calls: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
        "target": (lambda f, z: f(al.Huber())(z, z * z), x),
        "target alone": (lambda f, z: f(al.Huber())(x, z), y),
        "weight": (lambda f, z: f(al.Huber())(z, y, weight=z * w, where=where), x),
        "weight alone": (lambda f, z: f(al.Huber())(x, y, weight=z), w),
        "setting": (lambda f, z: f(al.BinaryCrossEntropy(pos_weight=z))(z, y), x),
        "setting alone": (lambda f, z: f(al.CrossEntropy(class_weight=z[0, :]))(x, y), w),
        "outer": (lambda f, z: autodiff.grad(lambda v: f(al.Huber())(v, z))(x)[0, 0], y),
    }
    for name, (call, z) in calls.items():
        with ways_taken() as taken:
            gradient = autodiff.grad(lambda z, call=call: call(lambda loss: loss, z))(z)
        expected = autodiff.grad(lambda z, call=call: call(formula_of, z))(z)
        assert taken == ["direct"], name
        close(gradient, expected, 1e-14)
        assert np.any(gradient != 0)


def test_a_loss_without_a_promise_or_a_closed_form_goes_straight():
    class Steeper(al.Huber):
        """Another formula, of which nothing is said."""

        def call(self, prediction, target):
            return 2 * super().call(prediction, target)

    @al.loss(pure=True)
    def quartic(prediction, target):
        return (prediction - target) ** 4

    x, y = np.random.default_rng(25).normal(size=(2, 4, 5))
    for loss in (Steeper(), quartic):
        with ways_taken() as taken:
            assert not is_one_step(loss, x, y)
        assert taken == ["direct"]


@pytest.mark.parametrize("size", [8, 1 << 17], ids=["in blocks", "at once"])
def test_a_closed_form_that_is_lacking_for_some_settings_leaves_the_formula_s_gradient(size):
    class Power(al.Loss):
        arrays = "prediction[...]: real, target[...]: real -> [...]"
        pure = True

        def call(self, prediction, target):
            return (prediction - target) ** 4

        def derivative(self, prediction, target):
            return None

    x, y = np.random.default_rng(35).normal(size=(2, 4, 5))
    for reduction in REDUCTIONS:
        loss = Power(reduction=reduction)
        with small_blocks(size, several=False):
            got = pulled_back(loss, x, y, **items_of(x.shape))
        for a, b in zip(got, pulled_back(formula_of(loss), x, y, **items_of(x.shape)), strict=True):
            close(a, b, 1e-14)


# numbers


@pytest.mark.parametrize("size", [64, 1 << 17], ids=["in blocks", "at once"])
@pytest.mark.parametrize("loss", [al.Huber(), al.CrossEntropy(axis=0)], ids=["elements", "rows"])
def test_a_gradient_in_half_precision_waits_for_its_factor(loss, size):
    x, y = np.random.default_rng(26).uniform(size=(2, 40, 30)).astype(np.float16)
    items = (30,) if loss.granularity == "row" else x.shape
    weight, where = np.full(items, 1e-9, np.float32), np.arange(30) % 3 < 2
    loss = replace(loss, reduction="sum")
    with small_blocks(size, several=False):
        value, gradient = autodiff.value_and_grad(lambda x: 1e9 * loss(x, y, weight=weight, where=where))(x)
        items_loss = replace(loss, reduction="none")
        _, by_items = pulled_back(lambda x: 1e9 * items_loss(x, y, weight=weight, where=where), x)
    assert value.dtype == np.float32
    assert gradient.dtype == by_items.dtype == np.float16
    wide = [a.astype(np.float64) for a in (x, y)]
    expected = autodiff.grad(lambda x: formula_of(loss)(x, wide[1], where=where))(wide[0])
    close(gradient.astype(float), expected, 1e-3)
    close(by_items.astype(float), expected * cotangent_of(items), 1e-3)


def test_a_gradient_is_computed_in_the_wider_dtype_and_has_its_own():
    rng = np.random.default_rng(27)
    x, y = rng.normal(size=7).astype(np.float32), rng.normal(size=7)
    loss = al.Huber(reduction="sum")
    value, gradient = autodiff.value_and_grad(lambda x: 1e60 * loss(x, y, weight=np.full(7, 1e-60)))(x)
    assert value.dtype == np.float64
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, np.clip(x - y, -1, 1), rtol=1e-6)


@given_cases
@pytest.mark.parametrize("size", [4, 1 << 17], ids=["in blocks", "at once"])
def test_what_is_left_out_has_no_gradient_whatever_the_factor(case, size):
    arrays = case.inputs(seed=4)
    where = items_of(case.item_shape((4, 3)))["where"]
    keep = np.expand_dims(where, case.axis) if case.rows else where
    x, *rest = [
        np.where(np.broadcast_to(keep, a.shape) if a.ndim > where.ndim or not case.rows else where, a, bad)
        for a, bad in zip(arrays, (np.nan, *[99 if a.dtype.kind == "i" else np.inf for a in arrays[1:]]), strict=True)
    ]
    for reduction in REDUCTIONS:
        loss = replace(case.loss, reduction=reduction)
        _, clean = pulled_back(loss, *arrays, where=where)
        with small_blocks(size, several=False):
            _, gradient = pulled_back(loss, x, *rest, where=where)
            close(gradient, clean, 1e-13)
            _, pull_back = autodiff.vjp(lambda x, f=loss: f(x, *rest, where=where), x)
            factor = np.where(where, 1.0, np.inf) if reduction == "none" else np.full((), np.inf)
            (gradient,) = pull_back(factor)
        left_out = np.broadcast_to(~keep, x.shape)
        np.testing.assert_array_equal(gradient[left_out], 0.0)
        assert np.any(gradient != 0)
        if reduction == "none":
            assert np.all(np.isfinite(gradient))


def test_without_items_or_weight_the_gradient_is_zero():
    rng = np.random.default_rng(28)
    x, y = rng.normal(size=(2, 3, 4))
    for loss in (al.Huber(), al.LogCosh(), al.CrossEntropy(axis=0)):
        for reduction in REDUCTIONS:
            f = replace(loss, reduction=reduction)
            items = (4,) if loss.granularity == "row" else (3, 4)
            for of_items in ({"weight": np.zeros(items)}, {"where": np.zeros(items, bool)}):
                value, gradient = pulled_back(f, x, y, **of_items)
                np.testing.assert_array_equal(value, np.zeros(np.shape(value)))
                np.testing.assert_array_equal(gradient, np.zeros((3, 4)))
            value, gradient = pulled_back(f, x[:, :0], y[:, :0])
            assert gradient.shape == (3, 0)
            assert np.sum(value) == 0


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("size", [8, 1 << 17], ids=["in blocks", "at once"])
def test_rows_may_lie_along_any_axis(axis, size):
    rng = np.random.default_rng(29)
    x = rng.normal(size=(3, 3, 3))
    labels, of_items = rng.integers(0, 3, size=(3, 3)), items_of((3, 3))
    for reduction in REDUCTIONS:
        loss = al.CrossEntropy(axis=axis, class_weight=(1.0, 2.0, 0.5), reduction=reduction)
        expected = pulled_back(formula_of(loss), x, labels, **of_items)
        with small_blocks(size, several=False):
            got = pulled_back(loss, x, labels, **of_items)
        for a, b in zip(got, expected, strict=True):
            close(a, b, 1e-14)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_tape_may_be_run_back_again_and_its_gradient_be_written_to(dtype, reduction):
    x, y = np.random.default_rng(30).normal(size=(2, 5)).astype(dtype)
    before = x.copy(), y.copy()
    value, pull_back = autodiff.vjp(lambda x: al.huber(x, y, reduction=reduction), x)
    one = np.ones_like(value)
    (first,) = pull_back(one)
    kept = first.copy()
    first += 1
    (second,) = pull_back(one)
    (twice,) = pull_back(2 * one)
    np.testing.assert_array_equal(second, kept)
    np.testing.assert_allclose(twice, 2 * kept, rtol=1e-15 if dtype == "float64" else 2e-3)
    np.testing.assert_array_equal(one, np.ones_like(value))
    np.testing.assert_array_equal([x, y], before)


def test_a_label_that_is_no_class_is_refused_unless_it_is_left_out():
    x, labels = np.random.default_rng(31).normal(size=(4, 3)), np.asarray([0, 3, 1, 2])
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 3\) .* got 3"):
        autodiff.grad(lambda x: al.cross_entropy(x, labels))(x)
    gradient = autodiff.grad(lambda x: 2 * al.cross_entropy(x, labels, ignore_index=3))(x)
    np.testing.assert_allclose(gradient[[0, 2, 3]], 2 * al.grad(al.cross_entropy)(x[[0, 2, 3]], labels[[0, 2, 3]]))
    np.testing.assert_array_equal(gradient[1], 0.0)


# other libraries


@pytest.mark.main_variants
@closed_cases
def test_the_step_is_the_same_on_every_library(variant: Variant, case):
    dtype = variant.dtypes[-1]
    arrays = case.inputs(seed=5, dtype=dtype)
    items = items_of(case.item_shape((4, 3)), dtype=dtype)
    for reduction in ("none", "mean"):
        loss = replace(case.loss, reduction=reduction)
        shape = items["where"].shape if reduction == "none" else ()
        factor = cotangent_of(shape).astype(dtype)

        def compute(x: Any, factor: Any, weight: Any, where: Any, *rest: Any, loss: Any = loss) -> Any:
            value, pull_back = autodiff.vjp(lambda x: loss(x, *rest, weight=weight, where=where), x)
            return value, pull_back(factor)[0]

        expected = compute(arrays[0], factor, *items.values(), *arrays[1:], loss=formula_of(loss))
        given = [variant.array(x) for x in (arrays[0], factor, *items.values(), *arrays[1:])]
        got = variant.run(compute, *given)
        for x, want in zip(got, expected, strict=True):
            assert variant.of_this_library(x)
            assert str(x.dtype).rpartition(".")[2] == dtype
            close(variant.numpy(x), want, 1e-12 if dtype == "float64" else 1e-5)
        if variant.backend == "dask":
            assert got[1].chunks == given[0].chunks


@lazy_or_strict
def test_a_label_that_is_no_class_has_the_value_and_the_gradient_nan_elsewhere(library):
    x, labels = np.random.default_rng(32).normal(size=(4, 3)), np.asarray([0, 3, 1, 2])
    loss = al.CrossEntropy(reduction="sum")

    def compute(x: Any, labels: Any) -> Any:
        return autodiff.value_and_grad(lambda x: 2.0 * loss(x, labels))(x)

    value, gradient = library.run(compute, library.array(x), library.array(labels))
    assert np.isnan(float(value))
    valid = [0, 2, 3]
    np.testing.assert_allclose(library.numpy(gradient)[valid], 2 * al.grad(loss)(x[valid], labels[valid]), rtol=1e-13)
    assert np.all(np.isnan(library.numpy(gradient)[1]))


@lazy_or_strict
def test_tapes_within_tapes_are_the_same_elsewhere(library):
    x, y = np.random.default_rng(33).normal(size=(2, 3, 4))
    for loss in (al.LogCosh(), al.BinaryCrossEntropy(reduction="none"), al.KlDivergence(axis=0, reduction="none")):

        def product(x: Any, y: Any, loss: Any = loss) -> Any:
            def f(x: Any) -> Any:
                items = loss(x, y)
                return al.array_namespace(x).sum(items * items)

            def along(x: Any) -> Any:
                return al.array_namespace(x).sum(autodiff.grad(f)(x) * y)

            return autodiff.grad(along)(x)

        def by_factor(a: Any, x: Any, y: Any, loss: Any = loss) -> Any:
            def along(a: Any) -> Any:
                f = autodiff.grad(lambda x: al.array_namespace(a).sum(a * loss(x, y)))
                return al.array_namespace(a).sum(f(x) * y)

            return autodiff.grad(along)(a)

        p = np.abs(y) / np.sum(np.abs(y), axis=0)
        factor = cotangent_of(formula_of(loss)(x, p).shape)
        for function, arrays in ((product, (x, p)), (by_factor, (factor, x, p))):
            expected = function(*arrays, loss=formula_of(loss))
            got = library.run(function, *[library.array(a) for a in arrays])
            close(library.numpy(got), expected, 1e-11)
