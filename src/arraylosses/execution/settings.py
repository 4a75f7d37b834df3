"""Settings that hold numbers follow the arrays of a call: into their library and dtype, and onto their device."""

from __future__ import annotations

import copy
from typing import Any

from .._array_api import NUMBERS, as_array, is_array
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["following"]


def following(loss: Formula, inputs: Inputs) -> Formula:
    """Return a loss whose settings are arrays like those of a call, where they hold arrays or sequences of numbers."""
    if not loss.array_settings:
        return loss
    names = [name for name in loss.array_settings if name not in loss.class_settings]
    found = {name: x for name in names if _holds_numbers(x := getattr(loss, name))}
    if not found:
        return loss
    like = inputs.arrays[0]
    changed = copy.copy(loss)
    for name, x in found.items():
        object.__setattr__(changed, name, as_array(x, like, inputs.dtype))
    return changed


def _holds_numbers(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(map(_holds_numbers, value))
    return (isinstance(value, NUMBERS) and not isinstance(value, bool)) or is_array(value)
