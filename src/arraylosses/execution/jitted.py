"""Eager JAX: the straight way as one compiled program, kept for each loss, its settings, and shapes.

Called from a program that is being compiled already, a loss sees traced arrays and goes straight: nothing of this is
left in the outer program.
"""

from __future__ import annotations

import functools
import sys
import weakref
from typing import Any

from .._array_api import Array, as_array, is_array, is_eager_jax
from ..formula import Formula
from . import direct
from .settings import following

__all__ = ["fits", "run", "value_and_grad"]


def fits(loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> bool:
    """Whether this is the way for a call: for arrays of JAX, none of them traced."""
    if not loss.pure or not arrays or not is_eager_jax(arrays[0]):
        return False
    if sys.modules["jax"].config.jax_disable_jit:
        return False
    return all([x is None or is_eager_jax(x) for x in (*arrays[1:], weight, where)])


def run(loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Array:
    """Compute `loss`."""
    return _call(loss, None, arrays, weight, where)


def value_and_grad(
    loss: Formula, positions: tuple[int, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> tuple[Array, tuple[Array, ...]]:
    """Compute `loss` and its gradients by the arrays at `positions`."""
    value, gradients = _call(loss, positions, arrays, weight, where)
    return value, gradients


def _call(
    loss: Any, positions: tuple[int, ...] | None, arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> Any:
    place = arrays[0].sharding
    if any([x is not None and x.sharding != place for x in (*arrays[1:], weight, where)]):
        loss.check(arrays, weight, where)  # a program moves what has no device of its own; here nothing moves by itself
    cls: Any = type(loss)
    # The chunks of a projection are a program of their own, made for the numbers of its loss.
    asks = cls in _ASKING or loss.projected is not None
    try:
        return _run(
            cls, positions, arrays, weight, where, *_divided(loss, arrays, _has_arrays if asks else _is_operand)
        )
    except Exception:
        if asks:
            raise
    # A formula may ask in Python what a number is; where the error has another reason, this raises it again.
    found = _run(cls, positions, arrays, weight, where, *_divided(loss, arrays, _has_arrays))
    _ASKING.add(cls)
    return found


_ASKING: weakref.WeakSet[type] = weakref.WeakSet()
"""Losses whose formula asks in Python what a number of their settings is, so that each number has its own program."""


def _divided(loss: Any, arrays: tuple[Array, ...], is_operand: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide the settings into those that a program is compiled for and those that it is given."""
    settings = loss.settings()
    given = {
        name: x if type(x) is float else as_array(x, arrays[0])
        for name, x in settings.items()
        if is_operand(x) and name not in loss.structural
    }
    return {name: x for name, x in settings.items() if name not in given}, given


def _run(
    cls: Any,
    positions: tuple[int, ...] | None,
    arrays: tuple[Array, ...],
    weight: Array | None,
    where: Array | None,
    settings: dict[str, Any],
    given: dict[str, Any],
) -> Any:
    types = tuple(map(type, settings.values()))  # 1, 1.0 and True are equal, and may mean something else to a loss
    return _program(cls, tuple(settings.items()), types, positions)(arrays, weight, where, given)


def _is_operand(value: Any) -> bool:
    """Whether a program may be given a setting: not where it leaves out a part of the formula, nor beyond float32."""
    return _has_arrays(value) or (type(value) is float and 1e-30 < abs(value) < 1e30)


def _has_arrays(value: Any) -> bool:
    return is_array(value) or (isinstance(value, tuple) and any(map(_has_arrays, value)))


@functools.lru_cache(maxsize=1024)
def _program(
    cls: Any, settings: tuple[tuple[str, Any], ...], types: tuple[type, ...], positions: tuple[int, ...] | None
) -> Any:
    jax: Any = sys.modules["jax"]

    def compute(arrays: tuple[Array, ...], weight: Array | None, where: Array | None, given: dict[str, Array]) -> Any:
        loss = cls(**dict(settings), **given)
        if positions is None:
            return loss(*arrays, weight=weight, where=where)
        if set(positions) <= set(loss.closed_forms):
            inputs = loss.check(arrays, weight, where)
            found = direct.run_with_derivatives(following(loss, inputs), inputs, direct.Wanted(positions))
            if found is not None:
                return found[0], found[1:]
        return jax.value_and_grad(lambda *x: loss(*x, weight=weight, where=where), positions)(*arrays)

    return jax.jit(compute)
