"""JAX: losses of rows whose derivative is the closed form, where JAX would derive one from each step of the formula.

For a loss of elements, what JAX derives is as short.

The rule is that of `jax.custom_jvp`, so forward mode, reverse mode and derivatives of every order follow from it. By an
array or a setting without a closed form, the derivative is that of `call`.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

from .._array_api import Array
from ..arguments import Inputs
from ..formula import Formula
from ..numerics._jax import as_jax

__all__ = ["items"]


def items(loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]) -> Array:
    """Return the per-item losses of prepared arrays."""
    jax: Any = sys.modules["jax"]
    closed = loss.closed_forms
    settings = {name: x for name in loss.array_settings if isinstance(x := getattr(loss, name), jax.Array)}

    def call(arrays: tuple[Array, ...], settings: dict[str, Array]) -> Array:
        return _with_settings(loss, settings).call(*as_jax(arrays))

    function = jax.custom_jvp(call)

    def rule(primals: Any, tangents: Any) -> tuple[Array, Array]:
        (arrays, settings), (by_arrays, by_settings) = primals, tangents
        arrays = as_jax(arrays)
        known = {k: t for k in closed if not _is_zero(t := by_arrays[k])}
        rest = [t if k not in closed and not _is_zero(t) else None for k, t in enumerate(by_arrays)]
        moving = {name: t for name, t in by_settings.items() if not _is_zero(t)}
        positions = tuple(known)
        value, derivatives = _with_settings(loss, settings).value_and_derivatives(positions, *arrays)
        if any([x is None for x in derivatives]):
            # There is none for these settings: all by the formula.
            rest, known = [None if _is_zero(t) else t for t in by_arrays], {}
        change = jax.numpy.zeros_like(value)
        for k, derivative in zip(known, derivatives, strict=False):
            product = derivative * known[k]
            if inputs.layout[k]:
                product = jax.numpy.sum(product, axis=inputs.layout[k])
            change = change + product
        if moving or any([t is not None for t in rest]):
            change = change + _by_formula(jax, call, arrays, settings, rest, moving)
        return value, change

    function.defjvp(rule, symbolic_zeros=True)
    result: Array = function(arrays, settings)
    return result


def _by_formula(
    jax: Any,
    call: Any,
    arrays: tuple[Array, ...],
    settings: dict[str, Array],
    by_arrays: list[Array | None],
    by_settings: dict[str, Array],
) -> Array:
    """The change of the items as JAX derives it from `call`, by those arrays and settings that have a tangent."""
    places = [k for k, t in enumerate(by_arrays) if t is not None]

    def of_moving(chosen: list[Array], moving: dict[str, Array]) -> Array:
        given = dict(zip(places, chosen, strict=True))
        return call(tuple([given.get(k, x) for k, x in enumerate(arrays)]), {**settings, **moving})

    primals = [arrays[k] for k in places], {name: settings[name] for name in by_settings}
    change: Array = jax.jvp(of_moving, primals, ([by_arrays[k] for k in places], by_settings))[1]
    return change


def _with_settings(loss: Any, settings: dict[str, Array]) -> Any:
    if not settings:
        return loss
    changed = copy.copy(loss)
    for name, x in settings.items():
        object.__setattr__(changed, name, x)
    return changed


def _is_zero(tangent: Any) -> bool:
    jax: Any = sys.modules["jax"]
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero) or tangent.dtype == jax.dtypes.float0
