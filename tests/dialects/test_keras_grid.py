"""The dialect of Keras beside Keras on JAX: values, dtypes, shapes and gradients of a grid of calls."""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any

import numpy as np
import pytest

import arraylosses as al
from arraylosses.dialects import keras as dialect

from .keras_grid import CLASSES, FUNCTIONS, Call, grid, inputs, mask, parameters, sample_weight, sampled, values_shape

jax = pytest.importorskip("jax", reason="Keras is run on JAX")
keras = pytest.importorskip("keras")
if keras.backend.backend() != "jax":
    pytest.skip("keras was imported with another backend", allow_module_level=True)

# Keras's least norm is beyond float16.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")

LIBRARIES = ["numpy", "torch", "jax"]
OPTIONS = {"xla_backend_optimization_level": 0}  # of programs that run once
TOLERANCE = {"float64": 1e-6, "float32": 2e-5, "float16": 2e-2}  # Keras's constants, such as log 2, are of float32
WIDENED = {"ctc", "sparse_categorical_crossentropy", "categorical_focal_crossentropy"}  # by Keras, from half precision
LEAST = {"float16": 1e-3}  # Keras rounds each of the numbers near 1 whose sum may be near 0


def calls(config: pytest.Config, library: str, function: str) -> list[Call]:
    if config.getoption("--sweep"):
        return [call for of_settings in grid()[function] for call in of_settings]
    found = sampled(function)
    return found[-2:-1] if library == "jax" else found  # which compiles each


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "call" in metafunc.fixturenames:
        metafunc.parametrize(
            ("library", "call", "together"),
            [
                pytest.param(library, call, group, id=f"{library}-{call}", marks=pytest.mark.backend(library))
                for library in LIBRARIES
                for function in FUNCTIONS
                for group in groups(calls(metafunc.config, library, function))
                for call in group
            ],
        )


def groups(found: list[Call]) -> list[tuple[Call, ...]]:
    """Calls by what arrays and settings they have in common."""
    by_arrays: dict[Any, list[Call]] = {}
    for call in found:
        by_arrays.setdefault((str(call.settings), call.rank, call.dtype), []).append(call)
    return [*map(tuple, by_arrays.values())]


def loss_of(losses: Any, call: Call, settings: dict[str, Any]) -> Any:
    if not call.reduced:
        return functools.partial(getattr(losses, call.function), **settings)
    return getattr(losses, CLASSES[call.function])(reduction=call.reduction, dtype=call.dtype, **settings)


def upstream(call: Call) -> np.ndarray:
    """What the values are multiplied by before their sum is differentiated."""
    size = 1 if call.reduced and call.reduction not in ("none", None) else math.prod(values_shape(call))
    return np.linspace(1.0, 2.0, size)


def of_keras(call: Call) -> tuple[dict[str, Any], int | None]:
    """The settings with which Keras computes the same, and the axis that is to be the last for it, if any."""
    settings = dict(call.settings)
    if call.function == "tversky":  # of which Keras has exchanged the two
        settings |= {"alpha": settings.get("beta", 0.5), "beta": settings.get("alpha", 0.5)}
    elif "categorical" in call.function and ("sparse" in call.function or "label_smoothing" in settings):
        return settings, settings.pop("axis", None)  # which Keras does not take there, or takes for the last
    return settings, None


@functools.cache
def of_jax(losses: Any, together: tuple[Call, ...]) -> dict[Call, tuple[Any, Any]]:
    """The values and the gradients of calls on JAX, as one program, which takes less time than as many."""
    settings, axis = of_keras(together[0]) if losses is keras.losses else (together[0].settings, None)

    def arranged(x: Any) -> Any:
        return x if axis is None or x.ndim < together[0].rank else jax.numpy.moveaxis(x, axis, -1)

    target, prediction = arrays(jax.numpy.asarray, together[0])

    def totals(p: Any) -> Any:
        found = []
        for call in together:
            loss = loss_of(losses, call, settings)
            found.append(values_of(loss, call, arranged(target), arranged(jax.numpy.copy(p)), jax.numpy.asarray))
        scaled = zip(found, together, strict=True)
        return jax.numpy.stack([jax.numpy.sum(x.reshape(-1) * upstream(call)) for x, call in scaled]), found

    gradients, values = jax.jit(jax.jacrev(totals, has_aux=True), compiler_options=OPTIONS)(prediction)
    return dict(zip(together, zip(values, gradients, strict=True), strict=True))


ASARRAY = {
    "numpy": lambda: np.asarray,
    "torch": lambda: pytest.importorskip("torch").asarray,
    "jax": lambda: jax.numpy.asarray,
}


def arrays(asarray: Any, call: Call) -> list[Any]:
    return [asarray(x.astype(call.dtype) if x.dtype.kind == "f" else x) for x in inputs(call)]


def values_of(loss: Any, call: Call, target: Any, prediction: Any, asarray: Any) -> Any:
    from keras.src.backend import set_keras_mask

    weight = sample_weight(call)
    weight = asarray(weight) if isinstance(weight, np.ndarray) else weight
    if call.mask:
        set_keras_mask(prediction, asarray(mask(call)))
    return loss(target, prediction, sample_weight=weight) if call.reduced else loss(target, prediction)


def of_dialect(library: str, call: Call) -> tuple[Any, Any]:
    asarray = ASARRAY[library]()
    xp = al.array_namespace(asarray([0.0]))
    target, prediction = arrays(asarray, call)
    loss, scale = loss_of(dialect, call, call.settings), asarray(upstream(call))

    def values(p: Any) -> Any:
        return values_of(loss, call, target, p, asarray)

    def total(p: Any) -> Any:
        return xp.sum(xp.reshape(values(p), (-1,)) * scale)

    return values(prediction), al.grad(total)(prediction)


def test_a_call_is_keras_s_own_in_value_and_gradient(library: str, call: Call, together: tuple[Call, ...]):
    with jax.enable_x64(call.dtype == "float64"):
        expected, gradient = map(np.asarray, of_jax(keras.losses, together)[call])
        found, slope = of_jax(dialect, together)[call] if library == "jax" else of_dialect(library, call)
        assert al.array_namespace(found) is al.array_namespace(ASARRAY[library]()([0.0]))
        found, slope = al.to_numpy(found), al.to_numpy(slope)
    assert found.dtype == call.dtype
    assert found.dtype == expected.dtype or (call.dtype == "float16" and call.function in WIDENED)
    if call.weight != "column":  # whose axis Keras keeps
        assert found.shape == expected.shape
    tolerance = TOLERANCE[call.dtype]
    for ours, theirs in ((found.reshape(expected.shape), expected), (slope, gradient)):
        size = np.max(np.abs(theirs), initial=0.0)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=max(tolerance * size, LEAST.get(call.dtype, 0.0)))


# The grid holds every argument


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_grid_has_every_argument_of_a_function_and_of_its_class(function):
    native = parameters(getattr(keras.losses, function))
    assert parameters(getattr(dialect, function)) == native
    off = {name for of_settings in grid()[function] for name in of_settings[0].settings}
    assert off == set(native)
    of_class = inspect.signature(getattr(keras.losses, CLASSES[function])).parameters
    assert set(of_class) == {*native, "reduction", "name", "dtype"}


def test_the_grid_has_every_function_of_keras():
    native = {name for name, found in vars(keras.losses).items() if inspect.isfunction(found)}
    assert native - {"get", "serialize", "deserialize"} == set(FUNCTIONS) == set(CLASSES)
