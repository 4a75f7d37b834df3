"""Recurrences: what is computed step by step along an axis, each step from the one before."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .._array_api import Array, Namespace, single_device
from ._variants import in_place_library, primitive
from .indexing import stack

Step: TypeAlias = Callable[..., tuple[Any, Array | None]]
"""What makes a state, the entries of a step and what is fixed the next state and an output."""

SMALL = 1 << 15
"""Entries of a step up to which torch does not divide an operation among threads, and NumPy takes less time for it."""


def scan(
    step: Step, state: Any, *inputs: Array, fixed: tuple[Array, ...] = (), reverse: bool = False
) -> tuple[Any, Any]:
    """Call ``step(state, *entries, *fixed)`` for the entries of `inputs` along their first axis.

    A state is an array or a tuple of them, and a step computes with its arguments alone. With `reverse` the last entry
    comes first. The result is the last state, and the outputs along a first axis, in the order of the inputs; None if
    they are None. JAX compiles one step, however many there are.
    """
    found: tuple[Any, Any] = _scan(inputs[0], inputs, step, state, fixed, reverse)
    return found


@primitive(torch=lambda torch, x: torch.unbind(x))
def _entries(xp: Namespace, x: Array) -> tuple[Array, ...]:
    found: tuple[Array, ...] = xp.unstack(x)
    return found


def _scan_jax(
    jax: Any, _: Array, inputs: tuple[Array, ...], step: Step, state: Any, fixed: tuple[Array, ...], reverse: bool
) -> Any:
    return jax.lax.scan(lambda state, entries: step(state, *entries, *fixed), state, inputs, reverse=reverse)


def _scan_torch(
    torch: Any, first: Array, inputs: tuple[Array, ...], step: Step, state: Any, fixed: tuple[Array, ...], reverse: bool
) -> Any:
    """The same by NumPy, in the memory of the tensors, where nothing is recorded."""
    states = state if isinstance(state, tuple) else (state,)
    if not first.is_cpu or in_place_library(first, *inputs, *states, *fixed) is None:
        return None
    if math.prod(first.shape[1:]) > SMALL:  # asked last: the lengths of a traced array may be symbols
        return None

    def converted(convert: Callable[[Any], Any], x: Any) -> Any:
        if isinstance(x, tuple):
            return tuple([converted(convert, y) for y in x])
        return None if x is None else convert(x)

    first, inputs, state, fixed = converted(lambda x: x.numpy(force=True), (first, inputs, state, fixed))
    with np.errstate(all="ignore"):
        found = _scan(first, inputs, step, state, fixed, reverse)
    return converted(torch.from_numpy, found)


@primitive(jax=_scan_jax, torch=_scan_torch)
def _scan(
    xp: Namespace,
    first: Array,
    inputs: tuple[Array, ...],
    step: Step,
    state: Any,
    fixed: tuple[Array, ...],
    reverse: bool,
) -> Any:
    outputs, steps = [], list(zip(*map(_entries, inputs), strict=True))
    for entries in reversed(steps) if reverse else steps:
        state, output = step(state, *entries, *fixed)
        outputs.append(output)
    if not steps:
        zeros = [xp.zeros(x.shape[1:], dtype=x.dtype, device=single_device(x, to_make=True)) for x in inputs]
        like = step(state, *zeros, *fixed)[1]
        return state, None if like is None else stack(like)[:0, ...]
    return state, None if outputs[0] is None else stack(*(outputs[::-1] if reverse else outputs))
