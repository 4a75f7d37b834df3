"""Eager JAX: the straight way as one compiled program, kept for each loss, its settings, and shapes.

Called from a program that is being compiled already, a loss sees traced arrays and goes straight: nothing of this is
left in the outer program.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from .._array_api import Array, as_array, is_array, is_eager_jax
from .._config import setting
from ..arguments import FrozenDict
from ..formula import Formula
from . import direct
from .direct import Wanted
from .settings import following

__all__ = ["fits", "fits_all", "run", "run_function", "run_with_derivatives", "value_and_grad"]


def fits(loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> bool:
    """Whether this is the way for a call: for arrays of JAX, none of them traced."""
    if not loss.pure or not arrays or not is_eager_jax(arrays[0]):
        return False
    return _all_eager((*arrays[1:], weight, where))


def fits_all(arrays: tuple[Array | None, ...]) -> bool:
    """Whether these, any of which may be None, are arrays of JAX in one place, none of them traced."""
    first = next((x for x in arrays if x is not None), None)
    return is_eager_jax(first) and _all_eager(arrays) and _in_one_place(first, arrays)


def _all_eager(arrays: tuple[Array | None, ...]) -> bool:
    if sys.modules["jax"].config.jax_disable_jit:
        return False
    return all([x is None or is_eager_jax(x) for x in arrays])


def _in_one_place(first: Array, others: tuple[Array | None, ...]) -> bool:
    place = first.sharding
    return all([x is None or x.sharding == place for x in others])


def run(loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Array:
    """Compute `loss`."""
    return _call(loss, None, arrays, weight, where)


def value_and_grad(
    loss: Formula, positions: tuple[int, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> tuple[Array, tuple[Array, ...]]:
    """Compute `loss` and its gradients by the arrays at `positions`."""
    value, *gradients = _call(loss, Wanted(positions), arrays, weight, where)
    return value, tuple(gradients)


def run_with_derivatives(
    loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None, wanted: Wanted
) -> tuple[Array, ...] | None:
    """Compute `loss` and the derivatives that are wanted; None where there is no closed form of the second one."""
    found: tuple[Array, ...] | None = _call(loss, wanted, arrays, weight, where)
    return found


def run_function(
    function: Callable[..., Any], loss: Formula | None, arrays: tuple[Array | None, ...], settings: dict[str, Any]
) -> Any:
    """Return what a function does with arrays, plain settings and, if there is one, with a loss."""
    key = (function, tuple(settings.items()), tuple(map(type, settings.values())))
    if loss is None:
        return _program_of(key, None, (), ())({}, *arrays)
    return _run(_program_of, key, loss, arrays)


def _call(
    loss: Any, wanted: Wanted | None, arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> Any:
    given = (*arrays, weight, where)
    # A program moves what has no device of its own, where nothing moves by itself here, and sees no value.
    if setting("check_values") or not _in_one_place(arrays[0], given):
        loss.check(arrays, weight, where)
    return _run(_program, wanted, loss, given)


def _run(program: Callable[..., Any], key: Any, loss: Any, arrays: tuple[Array | None, ...]) -> Any:
    """Call the program of a loss, which is compiled for its settings and given its numbers."""
    # The chunks of a projection are a program of their own, made for the numbers of its loss.
    asks = type(loss) in _ASKING or loss.projected is not None
    try:
        return _called(program, key, loss, arrays, _has_arrays if asks else _is_operand)
    except Exception:
        if asks:
            raise
    # A formula may ask in Python what a number is; where the error has another reason, this raises it again.
    found = _called(program, key, loss, arrays, _has_arrays)
    _ASKING.add(type(loss))
    return found


_ASKING: weakref.WeakSet[type] = weakref.WeakSet()
"""Losses whose formula asks in Python what a number of their settings is, so that each number has its own program."""


def _called(
    program: Callable[..., Any], key: Any, loss: Any, arrays: tuple[Array | None, ...], is_operand: Callable[..., bool]
) -> Any:
    settings = loss.settings()
    given = {name: x for name, x in settings.items() if is_operand(x) and name not in loss.structural}
    static = {name: x for name, x in settings.items() if name not in given}
    types = tuple(map(_told_apart, static.values()))
    like = next(x for x in arrays if x is not None)
    operands = {name: x if type(x) is float else as_array(x, like) for name, x in given.items()}
    return program(key, type(loss), tuple(static.items()), types)(operands, *arrays)


def _told_apart(value: Any) -> Any:
    """Return what equal settings differ in: 1, 1.0 and True, or 0.0 and -0.0, may not mean the same to a loss."""
    kind = type(value)
    if kind is tuple:
        return tuple(map(_told_apart, value))
    if kind is FrozenDict:
        return tuple([(key, _told_apart(key), _told_apart(x)) for key, x in value.items()])
    return repr(value) if kind is float and not value else kind


def _is_operand(value: Any) -> bool:
    """Whether a program may be given a setting: not where it leaves out a part of the formula, nor beyond float32."""
    return _has_arrays(value) or (type(value) is float and 1e-30 < abs(value) < 1e30)


def _has_arrays(value: Any) -> bool:
    return is_array(value) or (isinstance(value, tuple) and any(map(_has_arrays, value)))


@functools.lru_cache(maxsize=1024)
def _program(wanted: Wanted | None, cls: Any, settings: tuple[tuple[str, Any], ...], types: tuple[Any, ...]) -> Any:
    jax: Any = sys.modules["jax"]

    def compute(given: dict[str, Array], *every: Any) -> Any:
        *arrays, weight, where = every
        loss = cls(**dict(settings), **given)
        if wanted is None:
            return loss(*arrays, weight=weight, where=where)
        if set(wanted.positions) <= set(loss.closed_forms):
            followed, inputs = following(loss, loss.check(tuple(arrays), weight, where))
            found = direct.run_with_derivatives(followed, inputs, wanted)
            if found is not None or wanted.second:
                return found
        value, gradients = jax.value_and_grad(lambda *x: loss(*x, weight=weight, where=where), wanted.positions)(
            *arrays
        )
        return value, *gradients

    return jax.jit(compute)


@functools.lru_cache(maxsize=1024)
def _program_of(key: Any, cls: Any, settings: tuple[tuple[str, Any], ...], types: tuple[Any, ...]) -> Any:
    function, own, _ = key

    def compute(given: dict[str, Array], *arrays: Array | None) -> Any:
        loss = {} if cls is None else {"loss": cls(**dict(settings), **given)}
        return function(*arrays, **dict(own), **loss)

    return sys.modules["jax"].jit(compute)
