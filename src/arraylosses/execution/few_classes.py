"""Few classes of many rows of NumPy: computed with the classes on the first axis.

Along a short last axis NumPy's reductions start anew for each row. Along the first axis they take a vector register of
rows at once, which is worth two copies.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np

from .._array_api import Array, backend_of
from ..arguments import Inputs
from ..formula import Formula
from ..numerics._variants import in_place_library

__all__ = ["laid_out"]

FEW = 16
"""Classes below which those of many rows are moved."""

ROWS = 512
"""Rows that are many."""

Derivatives = tuple[Array | None, ...]


def laid_out(
    loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]
) -> tuple[Formula, tuple[Array, ...], Callable[[Derivatives], Derivatives]]:
    """Return a loss, the arrays that it takes, and what lays its derivatives as `inputs` are."""
    if inputs.layout[:1] != ((-1,),) or backend_of(inputs.xp) != "numpy":
        return loss, arrays, _as_they_are
    if in_place_library(*arrays) is None or not _are_few(loss, inputs, arrays):
        return loss, arrays, _as_they_are
    changed = copy.copy(loss)
    object.__setattr__(changed, "axis", 0)
    layouts = zip(arrays, inputs.layout, strict=True)
    moved = tuple([_moved(x, -1, 0) if layout else x for x, layout in layouts])
    return changed, moved, lambda found: tuple([None if x is None else _moved(x, 0, -1) for x in found])


def _are_few(loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]) -> bool:
    """Whether the rows have few classes on their last axis, and are so many that it pays to move them."""
    rows, axis = arrays[0], loss.class_axis()
    classes = rows.shape[-1]
    if axis is None or axis % rows.ndim != rows.ndim - 1 or not 1 < classes < FEW:
        return False
    if math.prod(inputs.item_shape) < ROWS or inputs.mask is not None or loss.declaration.coupled:
        return False
    if not loss.few_classes_first(of_labels=bool(inputs.labels)):
        return False
    taken = ((-1,), rows.ndim), ((), rows.ndim - 1)  # what has the axis of the classes, and what has none
    return all([kind in taken for kind in zip(inputs.layout, [x.ndim for x in arrays], strict=True)])


def _as_they_are(derivatives: Derivatives) -> Derivatives:
    return derivatives


def _moved(x: Array, source: int, destination: int) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, source, destination))
