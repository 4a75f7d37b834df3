"""Few classes of many rows: computed with the classes on the first axis.

Along a short last axis NumPy's reductions start anew for each row, and torch's softmax takes one number at a time.
Along the first axis both take a vector register of rows at once, which is worth two copies.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

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

VECTOR = 64
"""Bytes of a vector register: torch takes a last axis that fills one in good time."""

Derivatives = tuple[Array | None, ...]


def laid_out(
    loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]
) -> tuple[Formula, tuple[Array, ...], Callable[[Derivatives], Derivatives]]:
    """Return a loss, the arrays that it takes, and what lays its derivatives as `inputs` are."""
    if inputs.layout[:1] != ((-1,),) or backend_of(inputs.xp) not in loss.few_classes_first:
        return loss, arrays, _as_they_are
    library = in_place_library(*arrays)  # asked first: the lengths of a traced array may be symbols
    if library is None or (library is not np and not arrays[0].is_cpu) or not _are_few(loss, inputs, arrays):
        return loss, arrays, _as_they_are
    changed = copy.copy(loss)
    object.__setattr__(changed, "axis", 0)
    layouts = zip(arrays, inputs.layout, strict=True)
    moved = tuple([_moved(library, x, -1, 0) if layout else x for x, layout in layouts])
    return changed, moved, lambda found: tuple([None if x is None else _moved(library, x, 0, -1) for x in found])


def _are_few(loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]) -> bool:
    """Whether the rows have few classes on their last axis, and are so many that it pays to move them."""
    rows, axis = arrays[0], loss.class_axis()
    classes = rows.shape[-1]
    if axis is None or axis % rows.ndim != rows.ndim - 1 or not 1 < classes < FEW:
        return False
    if math.prod(inputs.item_shape) < ROWS or inputs.mask is not None or loss.declaration.coupled:
        return False
    if (inputs.labels and not loss.whole_rows) or (type(rows) is not np.ndarray and classes * rows.itemsize >= VECTOR):
        return False
    taken = ((-1,), rows.ndim), ((), rows.ndim - 1)  # what has the axis of the classes, and what has none
    return all([kind in taken for kind in zip(inputs.layout, [x.ndim for x in arrays], strict=True)])


def _as_they_are(derivatives: Derivatives) -> Derivatives:
    return derivatives


def _moved(library: Any, x: Array, source: int, destination: int) -> Array:
    moved = library.moveaxis(x, source, destination)
    return np.ascontiguousarray(moved) if library is np else moved.contiguous()
