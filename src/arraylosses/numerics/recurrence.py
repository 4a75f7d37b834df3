"""Recurrences: what is computed step by step along an axis, each step from the one before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .._array_api import Array, Namespace, single_device
from ._variants import primitive

Step: TypeAlias = Callable[..., tuple[Any, Array | None]]
"""What makes a state, and the entries of a step, the next state and an output."""


def scan(step: Step, state: Any, *inputs: Array, reverse: bool = False) -> tuple[Any, Any]:
    """Call ``step(state, *entries)`` for the entries of `inputs` along their first axis, the last first if `reverse`.

    The result is the last state, and the outputs along a first axis, in the order of the inputs; None if they are None.
    JAX compiles one step, however many there are.
    """
    found: tuple[Any, Any] = _scan(inputs[0], inputs, step, state, reverse)
    return found


@primitive(torch=lambda torch, x: torch.unbind(x))
def _entries(xp: Namespace, x: Array) -> tuple[Array, ...]:
    found: tuple[Array, ...] = xp.unstack(x)
    return found


def _scan_jax(jax: Any, _: Array, inputs: tuple[Array, ...], step: Step, state: Any, reverse: bool) -> Any:
    return jax.lax.scan(lambda state, entries: step(state, *entries), state, inputs, reverse=reverse)


@primitive(jax=_scan_jax)
def _scan(xp: Namespace, first: Array, inputs: tuple[Array, ...], step: Step, state: Any, reverse: bool) -> Any:
    outputs, steps = [], list(zip(*map(_entries, inputs), strict=True))
    for entries in reversed(steps) if reverse else steps:
        state, output = step(state, *entries)
        outputs.append(output)
    if not steps:
        zeros = [xp.zeros(x.shape[1:], dtype=x.dtype, device=single_device(x)) for x in inputs]
        like = step(state, *zeros)[1]
        return state, None if like is None else xp.stack([like])[:0, ...]
    return state, None if outputs[0] is None else xp.stack(outputs[::-1] if reverse else outputs)
