"""Settings that hold numbers follow the arrays of a call: into their library and dtype, and onto their device."""

from __future__ import annotations

import copy
from typing import Any

from .._array_api import NUMBERS, Array, as_array, is_array, namespace_of, untraced
from ..arguments import Inputs, check_broadcast
from ..formula import Formula

__all__ = ["following", "holds_numbers"]


def following(loss: Formula, inputs: Inputs) -> tuple[Formula, Inputs]:
    """Return a loss whose settings are arrays like those of a call, where they hold arrays or sequences of numbers.

    The arrays of the call follow where the tape traces a setting alone: a formula takes its functions from them. One
    that is not said to be pure may take their values, too, so it is given them as they are.
    """
    if not loss.array_settings:
        return loss, inputs
    held = {name: x for name in loss.array_settings if holds_numbers(x := getattr(loss, name))}
    for x in held.values() if loss.pure else ():
        if is_array(x) and untraced(space := namespace_of(x)) is inputs.xp is not space:
            from ..autodiff.tape import beside  # the tape, which is there with its arrays

            first, *others = inputs.arrays
            inputs = inputs._replace(xp=space, arrays=(beside(x, first), *others))
            break
    found = {name: x for name, x in held.items() if name not in loss.class_settings}
    if not found:
        return loss, inputs
    like = inputs.arrays[0]
    changed = copy.copy(loss)
    of_items = loss.settings_of_items and loss.declaration.of_elements
    for name, x in found.items():
        array = as_array(x, like, inputs.dtype)
        object.__setattr__(changed, name, _of_items(name, array, inputs.item_shape) if of_items else array)
    return changed, inputs


def _of_items(name: str, x: Array, shape: tuple[int, ...]) -> Array:
    """Return a setting with as many axes as the items: a library may promote numbers alone."""
    if not x.ndim:
        return x
    check_broadcast(name, tuple(x.shape), shape)
    missing = len(shape) - x.ndim
    return x[(*(None,) * missing, ...)] if missing else x


def holds_numbers(value: Any) -> bool:
    """Whether a setting is a number, an array, or a sequence of such."""
    if isinstance(value, tuple):
        return bool(value) and all(map(holds_numbers, value))
    return (isinstance(value, NUMBERS) and not isinstance(value, bool)) or is_array(value)
