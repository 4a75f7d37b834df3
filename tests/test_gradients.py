"""`al.grad` and `al.value_and_grad`: every loss, on every library, with respect to every floating argument.

The gradients are held against central differences of NumPy's values in float64, and, where they are installed, against
PyTorch's and JAX's own differentiation of the same loss.
"""

from __future__ import annotations

import collections
import functools
import itertools
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

import arraylosses as al
from arraylosses.testing.laws import formula_of

from .cases import CASES, CLASSES, DEFAULTS, Case
from .catalogue import CATALOGUE
from .variants import Variant

all_cases = pytest.mark.parametrize("case", CASES, ids=str)
default_cases = pytest.mark.parametrize("case", DEFAULTS, ids=str)


def close(actual, expected, rtol: float) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * np.max(np.abs(expected), initial=1e-3))


def of_items(case: Case, dtype: str = "float64", shape: tuple[int, ...] = (4, 3)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(101)
    item_shape = case.item_shape(shape)
    return {
        "weight": rng.uniform(0.5, 2.0, size=item_shape).astype(dtype),
        "where": rng.uniform(size=item_shape) < 0.7,
    }


def compute(variant: Variant, function, arrays, settings):
    """Call a gradient function in the manner of the variant; its results are the library's."""
    names = list(settings)

    def call(*given):
        return function(*given[: len(arrays)], **dict(zip(names, given[len(arrays) :], strict=True)))

    return variant.run(call, *(variant.array(x) for x in (*arrays, *settings.values())))


@functools.cache
def of_framework(framework: str, case: Case, weighted: bool) -> list[np.ndarray]:
    """The gradients of a loss by PyTorch's or JAX's own means, in float64."""
    settings = of_items(case) if weighted else {}
    arrays = case.inputs(seed=3)
    positions = case.floating()
    if framework == "torch":
        import torch

        given = [torch.tensor(x, requires_grad=k in positions) for k, x in enumerate(arrays)]
        (2.5 * case.loss(*given, **{name: torch.tensor(x) for name, x in settings.items()})).backward()
        return [given[k].grad.numpy() for k in positions]
    import jax

    with jax.enable_x64(True):
        given = [jax.numpy.asarray(x) for x in arrays]
        settings = {name: jax.numpy.asarray(x) for name, x in settings.items()}
        return [np.asarray(g) for g in jax.grad(lambda *a: 2.5 * case.loss(*a, **settings), positions)(*given)]


@pytest.mark.main_variants
@all_cases
@pytest.mark.parametrize(
    "framework", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("torch", "jax")]
)
def test_the_gradient_is_that_of_torch_and_of_jax(variant, case, framework):
    positions = case.floating()
    # JAX compiles each of these anew.
    for weighted in (True,) if variant.backend == "jax" else (False, True):
        expected = of_framework(framework, case, weighted)
        for dtype, rtol in (("float64", 1e-10), ("float32", 1e-5))[: 1 if variant.backend == "jax" else 2]:
            settings = of_items(case, dtype) if weighted else {}
            arrays = case.inputs(seed=3, dtype=dtype)
            gradients = compute(variant, al.grad(case.loss, positions), arrays, settings)
            # The first one by itself comes from the closed form, where there is one, and with a factor from the tape,
            # of which it is one step then; the tape of the formula has none of it.
            first = compute(variant, al.grad(case.loss), arrays, settings)
            scaled = [
                compute(variant, al.grad(lambda *a, f=f, **s: 2.5 * f(*a, **s)), arrays, settings)
                for f in (case.loss, formula_of(case.loss))
            ]
            for got, want in zip(gradients, expected, strict=True):
                close(2.5 * variant.numpy(got), want, rtol)
            close(2.5 * variant.numpy(first), expected[0], rtol)
            for got in scaled:
                close(variant.numpy(got), expected[0], rtol)


@pytest.mark.backend("dask")
@all_cases
def test_a_lazy_gradient_has_the_chunks_of_its_argument(case):
    from .variants import VARIANTS

    (dask,) = (v for v in VARIANTS if v.name == "dask")
    arrays = [dask.array(x) for x in case.inputs()]
    for k in case.floating():
        gradient = dask.run(al.grad(case.loss, k), *arrays)
        assert gradient.chunks == arrays[k].chunks


@pytest.mark.backend("strict")
def test_a_label_that_is_no_class_makes_the_value_and_its_gradient_nan():
    import array_api_strict as strict

    logits = strict.asarray(np.random.default_rng(8).normal(size=(3, CLASSES)))
    labels = strict.asarray(np.asarray([1, 7, 2]))
    value, gradient = al.value_and_grad(al.cross_entropy)(logits, labels)
    assert np.isnan(float(value))
    good = al.grad(al.cross_entropy)(np.asarray(logits)[[0, 2]], np.asarray([1, 2])) * 2 / 3
    np.testing.assert_allclose(np.asarray(gradient)[[0, 2]], good, rtol=1e-12)
    assert np.all(np.isnan(np.asarray(gradient)[1]))


@pytest.mark.main_variants
def test_argnums_count_as_in_python(variant):
    dtype = variant.dtypes[-1]
    x, y = (variant.array(np.asarray(v, dtype)) for v in ([1.0, 3.0], [0.0, 5.0]))
    forward = variant.numpy(al.grad(al.squared_error)(x, y))
    np.testing.assert_allclose(forward, [1.0, -2.0])
    np.testing.assert_allclose(variant.numpy(al.grad(al.squared_error, -2)(x, y)), forward)
    np.testing.assert_allclose(variant.numpy(al.grad(al.squared_error, -1)(x, y)), -forward)
    (only,) = al.grad(al.squared_error, [0])(x, y)
    np.testing.assert_allclose(variant.numpy(only), forward)
    by_y, by_x = al.grad(al.squared_error, (1, 0))(x, y)
    np.testing.assert_allclose(variant.numpy(by_x), forward)
    np.testing.assert_allclose(variant.numpy(by_y), -forward)
    for argnums in (2, -3, (0, 5)):
        with pytest.raises(ValueError, match="`argnums` must count from 0 to 1 for 2 arguments"):
            al.grad(al.squared_error, argnums)(x, y)
    with pytest.raises(ValueError, match="`argnums` must name each argument once"):
        al.grad(al.squared_error, (0, -2))(x, y)
    for argnums in ((), 1.0, True, "0"):
        with pytest.raises(TypeError, match="`argnums` must be an integer or several"):
            al.grad(al.squared_error, argnums)
    with pytest.raises(TypeError, match="argument 1 is an array of .* of dtype int"):
        al.grad(al.squared_error, 1)(x, variant.array(np.asarray([1, 2])))


INF, MOST = np.inf, np.finfo(np.float32).max

# By the published formulas
LIMITS = {
    al.get(name, **entry.limits[0]): entry.limits[1:] for name, entry in CATALOGUE.items() if entry.limits is not None
}


RETURNED = {
    "float": (lambda value: 3.0, "float"),
    "None": (lambda value: None, "NoneType"),
    "str": (lambda value: "loss", "str"),
    "tuple": (lambda value: (value, value), "tuple; return the number alone"),
    "dict": (lambda value: {"loss": value}, "dict; return the number alone"),
}


@pytest.mark.main_variants
@pytest.mark.parametrize("name", RETURNED)
def test_a_function_that_returns_no_array_is_refused(variant, name):
    returned, said = RETURNED[name]
    x = variant.array(np.asarray([1.0, 2.0]))
    with pytest.raises(TypeError, match=rf"(?m)^`loss` must return an array of one number, got {said}$"):
        variant.run(al.value_and_grad(lambda x: returned(al.squared_error(x, x))), x)


@pytest.mark.main_variants
@pytest.mark.parametrize("loss", LIMITS, ids=str)
def test_an_infinite_error_has_the_gradient_of_the_limit_by_either_array(variant, loss):
    dtype = variant.dtypes[0]
    prediction = np.asarray([INF, -INF, 1.0, 0.0, INF, -MOST], dtype)
    target = np.asarray([0.0, 1.0, INF, -INF, -INF, MOST], dtype)
    low, high = LIMITS[loss]
    total = replace(loss, reduction="sum")
    functions = (total, formula_of(total), lambda *a: 1.0 * total(*a), lambda *a: 1.0 * formula_of(total)(*a))
    for f, argnums in itertools.product(functions, ((0, 1), (1, 0), 0, 1)):
        with np.errstate(all="ignore"):  # an error beyond the range, and what the formula computes and does not choose
            found = compute(variant, al.grad(f, argnums), (prediction, target), {})
            gradients = [variant.numpy(g).astype("float64") for g in (found if np.ndim(argnums) else (found,))]
        for k, gradient in zip(np.atleast_1d(argnums), gradients, strict=True):
            by_error = -gradient if k else gradient
            np.testing.assert_allclose(by_error, [high, low, low, high, high, low], rtol=1e-6)


class Layer(NamedTuple):
    """The parameters of a layer."""

    weight: Any
    bias: Any


def network(parameters, x, target):
    """A small network, whose parameters are nested in every manner."""
    xp = al.array_namespace(x, parameters["last"].weight)
    hidden = x
    for weight, bias in parameters["layers"]:
        hidden = xp.tanh(xp.matmul(hidden, weight) + bias[None, :])
    last, (scale,) = parameters["last"], parameters["scale"]
    return al.huber(scale * xp.matmul(hidden, last.weight) + last.bias, target)


def test_a_mapping_of_parameters_stays_one_of_its_kind():
    x, parameters = np.asarray([1.0, 2.0]), collections.OrderedDict(b=np.asarray([3.0, 4.0]), a=np.asarray(0.0))
    found = al.grad(lambda p: al.squared_error(p["b"] + p["a"], x, reduction="sum"))(parameters)
    assert type(found) is collections.OrderedDict
    assert {name: g.tolist() for name, g in found.items()} == {"b": [4.0, 4.0], "a": 8.0}
    several = collections.defaultdict(list, layers=[np.asarray([3.0, 4.0])])
    found = al.grad(lambda p: al.squared_error(p["layers"][0], x, reduction="sum"))(several)
    assert found["layers"][0].tolist() == [4.0, 4.0]
    assert found["others"] == []


def parameters_of(array):
    rng = np.random.default_rng(31)

    def normal(*shape):
        return array(rng.normal(size=shape))

    return {
        "layers": [(normal(3, 4), normal(4)), (normal(4, 4), normal(4))],
        "last": Layer(normal(4), normal()),
        "scale": (normal(),),
        "nothing": None,
    }


def flat(parameters):
    (a, b), (c, d) = parameters["layers"]
    return [a, b, c, d, parameters["last"].weight, parameters["last"].bias, parameters["scale"][0]]


@pytest.mark.main_variants
@pytest.mark.parametrize("module", ["", "autodiff"], ids=["al", "autodiff"])
def test_parameters_may_be_nested(variant, module):
    dtype, tools = variant.dtypes[-1], getattr(al, module, al)
    rng = np.random.default_rng(32)
    x, target = (variant.array(rng.normal(size=shape).astype(dtype)) for shape in ((5, 3), (5,)))
    parameters = parameters_of(lambda v: variant.array(np.asarray(v, dtype)))
    value, (by_target, gradient) = tools.value_and_grad(network, (2, 0))(parameters, x, target)
    assert isinstance(gradient["last"], Layer)
    assert [type(gradient[name]) for name in ("layers", "scale", "nothing")] == [list, tuple, type(None)]
    assert list(gradient) == list(parameters)

    def along(step):
        moved = [v + step * d for v, d in zip(flat(parameters_of(np.asarray)), directions, strict=True)]
        a, b, c, d, e, f, g = moved
        given = {"layers": [(a, b), (c, d)], "last": Layer(e, f), "scale": [g]}
        return float(network(given, *(variant.numpy(v).astype("float64") for v in (x, target))))

    directions = [rng.normal(size=np.shape(v)) for v in flat(parameters_of(np.asarray))]
    np.testing.assert_allclose(variant.numpy(value), along(0.0), rtol=1e-6)
    for g, v in zip(flat(gradient), flat(parameters), strict=True):
        assert variant.of_this_library(g)
        assert (g.dtype, g.shape) == (v.dtype, v.shape)
    got = sum(np.sum(variant.numpy(g) * d) for g, d in zip(flat(gradient), directions, strict=True))
    np.testing.assert_allclose(got, (along(1e-6) - along(-1e-6)) / 2e-6, rtol=1e-4 if dtype == "float32" else 1e-7)
    np.testing.assert_allclose(
        variant.numpy(by_target), variant.numpy(tools.grad(network, 2)(parameters, x, target)), rtol=1e-6
    )


def test_nested_parameters_are_refused_by_their_place():
    x = np.ones(2)
    for tools in (al, al.autodiff):
        for parameters, message in (
            (
                {"a": [x, 3.0]},
                r"`argnums` must choose floating arrays, or dicts, .* but argument 0\['a'\]\[1\] is float",
            ),
            ((x, np.asarray([1])), r"but argument 0\[1\] is an array of NumPy of dtype int64"),
        ):
            with pytest.raises(TypeError, match=message):
                tools.grad(lambda p: p)(parameters)
        with pytest.raises(ValueError, match=r"`argnums` must choose at least one array, got \{\}"):
            tools.grad(lambda p: p)({})


@pytest.mark.backend("torch")
def test_nested_parameters_of_two_libraries_are_refused():
    import torch

    for tools in (al, al.autodiff):
        with pytest.raises(TypeError, match="arrays must come from one library, got NumPy and PyTorch"):
            tools.grad(lambda p: p)([np.ones(2), torch.ones(2)])


@pytest.mark.main_variants
def test_what_has_no_single_number_is_refused(variant):
    dtype = variant.dtypes[-1]
    x = variant.array(np.asarray([1.0, 3.0], dtype))
    for function in (al.grad, al.value_and_grad, al.value_grad_hess):
        for loss in (al.SquaredError(reduction="none"), al.HingeEmbedding(reduction="none")):
            with pytest.raises(ValueError, match="choose reduction 'mean' or 'sum' instead of 'none'"):
                function(loss)(x, x)
        with pytest.raises(ValueError, match="choose reduction 'mean' or 'sum' instead of 'none'"):
            function(al.squared_error)(x, x, reduction="none")


def test_a_gradient_is_the_caller_s_to_write_to():
    for case in CASES:
        for k in case.floating():
            for reduction in ("mean", "sum"):
                arrays = case.inputs()
                before = [x.copy() for x in arrays]
                _, gradient, diagonal = al.value_grad_hess(replace(case.loss, reduction=reduction), k)(*arrays)
                gradient += 1
                diagonal += 1
                for x, old in zip(arrays, before, strict=True):
                    np.testing.assert_array_equal(x, old)


@pytest.mark.backend("torch")
@pytest.mark.parametrize("loss", [al.AbsoluteError, al.SmoothL1, al.Hinge, al.Quantile], ids=lambda loss: loss.__name__)
def test_second_derivatives_of_zero_are_numbers_in_memory(loss):
    torch = pytest.importorskip("torch")
    loss = loss(reduction="sum", beta=0.0) if loss is al.SmoothL1 else loss(reduction="sum")
    *_, diagonal = al.value_grad_hess(loss)(torch.tensor([0.25, 3.0]), torch.tensor([1.0, -1.0]))
    diagonal += 1e-6
    assert diagonal.numpy().tolist() == [np.float32(1e-6)] * 2
    gradient = al.grad(lambda x: torch.sign(x).sum())(torch.ones(2))
    assert gradient.numpy().tolist() == [0.0, 0.0]
