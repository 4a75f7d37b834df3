"""The tape: a loss as one step, whose pullback is the closed form, where the straight way records every operation.

The value is computed on the plain arrays, block by block where that serves, and the gradient together with it. Where
one tape runs within another, a pullback computes the closed form on arrays that the outer one traces, and so records.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import special
from .._array_api import Array, Namespace, is_eager_numpy, untraced
from ..arguments import Inputs
from ..autodiff.array import plain
from ..autodiff.derivatives import vjp
from ..autodiff.tape import Pullback, Rule, primitive
from ..formula import Formula
from . import blocks, direct

__all__ = ["fits", "run"]


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether this is the way for arrays some of which are traced: the first alone is, and there is a closed form."""
    if 0 not in loss.closed_forms:
        return False
    others = [*inputs.arrays[1:], inputs.weight, inputs.where, *[getattr(loss, name) for name in loss.array_settings]]
    return all([plain(x) is x for x in others])


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs, the first of which is traced."""
    traced = inputs.arrays[0]
    values = _of_library(_with_first(inputs, plain(traced)))
    gradient: Array | None = None
    if loss.reduction == "none" or traced.dtype != inputs.dtype:
        # Each item waits for a factor of its own; in half precision the gradient may vanish before its factor comes.
        value = _way(loss, values).run(loss, values)
    else:
        found = _way(loss, values, whole=True).run_with_derivatives(loss, values)
        if found is None:
            return direct.run(loss, inputs)
        value, gradient = found
    result: Array = _recorded(inputs.xp)(traced, loss=loss, inputs=inputs, value=value, gradient=gradient)
    return result


@functools.cache
def _recorded(space: Namespace) -> Callable[..., Array]:
    """The function whose result and pullback are known when it is called; it keeps nothing of a call."""

    def make(
        space: Namespace, result: Array, x: Array, *, loss: Formula, inputs: Inputs, value: Array, gradient: Any
    ) -> Pullback:
        return _Pullback(loss, _with_first(inputs, x), gradient if plain(x) is x else None)

    return primitive(space, "loss", Rule((make,), False, lambda x, *, value, **rest: value), None)


class _Pullback:
    """What makes the first array's cotangent of the result's."""

    def __init__(self, loss: Formula, inputs: Inputs, gradient: Array | None) -> None:
        self.loss, self.inputs, self.gradient = loss, inputs, gradient

    def __call__(self, g: Array) -> Array:
        gradient, self.gradient = self.gradient, None  # given away, to whoever may write to it
        if gradient is None:
            gradient = self._closed_form(g)
        elif _is_numpy(g) and float(g) == 1.0:
            return gradient
        else:
            gradient = gradient * g
        if gradient is None:
            x = self.inputs.arrays[0]
            return vjp(lambda x: direct.run(self.loss, _with_first(self.inputs, x)), x)[1](g)[0]
        if self.inputs.where is None:
            return gradient
        # An infinite cotangent, as of a root of 0, makes NaN of the 0 of what is left out.
        return special.where(self.inputs.kept(0), gradient, 0.0)

    def _closed_form(self, g: Array) -> Array | None:
        values = _of_library(self.inputs)
        if _is_numpy(g) and _way(self.loss, values, whole=True) is blocks:
            found = blocks.gradients(self.loss, values, (0,), g)
        else:
            found = direct.run_with_derivatives(self.loss, self.inputs, upstream=g)
        return None if found is None else found[-1]


def _with_first(inputs: Inputs, x: Array) -> Inputs:
    return inputs._replace(arrays=(x, *inputs.arrays[1:]))


def _of_library(inputs: Inputs) -> Inputs:
    return inputs._replace(xp=untraced(inputs.xp))


def _is_numpy(g: Array) -> bool:
    return isinstance(g, np.ndarray | np.generic)


def _way(loss: Formula, values: Inputs, *, whole: bool = False) -> Any:
    """The way of NumPy's arrays. torch's would be recorded by torch, and those of others have no blocks."""
    given = (*values.arrays, values.weight, values.where)
    is_numpy = all([x is None or is_eager_numpy(x) for x in given])
    return blocks if is_numpy and blocks.fits(loss, values, whole=whole) else direct
