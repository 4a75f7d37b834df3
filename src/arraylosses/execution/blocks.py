"""Block by block, for large arrays of eager libraries on the CPU.

Such a library writes every intermediate result to memory and reads it again. Here a loss is computed on a block of
items at a time, small enough for its intermediates to stay in the cache: memory sees the inputs once, and the gradient
once. Half precision is widened block by block too. The blocks' sums are added in float64.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import special
from .._array_api import Array, as_array, backend_of, broadcast_to, dtype_name, unwrapped_namespace, with_axes
from ..arguments import Inputs, Layout, of_classes
from ..formula import Formula
from ..reduction import Totals
from . import few_classes
from .direct import FIRST, Wanted, evaluate, prepare, taken
from .threads import for_each

__all__ = ["ELEMENTS", "fits", "gradients", "run", "run_with_derivatives"]

ELEMENTS = {"numpy": 1 << 18, "torch": 1 << 17}
"""Elements of a block: some intermediates of it fit the last cache, and the calls take little beside them, nor do
threads wait for Python between them."""

ROWS = 1 << 19
"""The same for rows, of which there are fewer intermediates."""

WHOLE = {"numpy": 0, "torch": 1 << 21}
"""Elements up to which an array is one block in any case. torch divides each operation among its own threads, and as
long as the intermediates fit the last cache, blocks in threads of ours gain nothing by it."""

WHOLE_ROWS = {"numpy": 0, "torch": 1 << 23}
"""The same for rows. malloc takes an array beyond 32 MiB from the system each time, so not many may be as long."""

SMALL = 1 << 14
"""Elements up to which the intermediates are too little for malloc to return them to the system."""

INTERMEDIATES = 16
"""Half of what is alive of a block at a time, at the most."""

Index = tuple[slice, ...]


def fits(loss: Formula, inputs: Inputs, *, whole: bool = False) -> bool:
    """Whether eager arrays are more than one block; `whole` says that an array like the first one will come out."""
    of_labels_alone = not whole and not loss.whole_rows and bool(inputs.labels)
    first, backend = inputs.arrays[0], backend_of(inputs.xp)
    elements = math.prod(inputs.item_shape if of_labels_alone else first.shape) * _pairs_of_entry(loss, inputs)
    if elements <= min(SMALL, ELEMENTS[backend], ROWS):
        return False
    block, whole_block = (ELEMENTS[backend], WHOLE) if _of_item(inputs) == 1 else (ROWS, WHOLE_ROWS)
    at_once = elements if elements <= whole_block[backend] else min(elements, block)
    _foresee(INTERMEDIATES * at_once * (8 if dtype_name(inputs.dtype) == "float64" else 4))
    if elements <= block or not loss.in_blocks:
        return False
    # No array of half precision has a copy that is wider.
    return elements > whole_block[backend] or first.dtype != inputs.dtype


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    blocks = _Blocks(loss, inputs)
    total = _Total(loss, blocks)

    def compute(k: int) -> None:
        part = blocks.part(k)
        arrays, weight = prepare(loss, part)
        total.add(k, evaluate(blocks.loss(k), part, arrays)[0], weight)

    blocks.each(compute)
    return total.result()


def run_with_derivatives(loss: Formula, inputs: Inputs, wanted: Wanted = FIRST) -> tuple[Array, ...] | None:
    """Compute `loss` and the derivatives that are wanted; None where there is no closed form."""
    blocks = _Blocks(loss, inputs)
    total = _Total(loss, blocks)
    divisor = _divisor(loss, blocks)
    results = [blocks.like(position) for position in wanted.arrays]
    lacking = []

    def compute(k: int) -> None:
        part = blocks.part(k)
        arrays, weight = prepare(loss, part)
        items, derivatives = evaluate(blocks.loss(k), part, arrays, wanted)
        if derivatives is None:
            lacking.append(k)
            return
        total.add(k, items, weight)
        for position, x, result in zip(wanted.arrays, derivatives, results, strict=True):
            blocks.write(k, position, result, x, 1.0 / divisor if weight is None else weight / divisor)

    blocks.each(compute)
    return None if lacking else (total.result(), *results)


def gradients(loss: Formula, inputs: Inputs, positions: tuple[int, ...], upstream: Array) -> tuple[Array, ...] | None:
    """Compute the gradients alone, times `upstream`: of shape (), or one number an item for reduction "none"."""
    blocks = _Blocks(loss, inputs)
    divisor = _divisor(loss, blocks)
    results = [blocks.like(position) for position in positions]
    of_items = loss.reduction == "none"
    factor = 1.0 if of_items else float(upstream) / divisor
    # An infinite one, as of a root of 0, makes NaN of the 0 of what is left out.
    may_spoil = of_items or not math.isfinite(factor)
    lacking = []

    def compute(k: int) -> None:
        part = blocks.part(k)
        arrays, weight = prepare(loss, part)
        alone = positions == (0,)
        formula, given, back = few_classes.laid_out(blocks.loss(k), part, taken(part, arrays))
        derivatives = back(
            (formula.derivative(*given),) if alone else formula.value_and_derivatives(positions, *given)[1]
        )
        factors = upstream[blocks.items[k]] if of_items else factor
        share = factors if weight is None else weight * factors
        if may_spoil and part.where is not None:
            share = special.where(part.where, share, 0.0)
        for position, x, result in zip(positions, derivatives, results, strict=True):
            if x is None:
                lacking.append(k)
                return
            keep = part.kept(position) if may_spoil and part.mask is not None else None
            blocks.write(k, position, result, x, share, keep)

    blocks.each(compute)
    return None if lacking else tuple(results)


class _Blocks:
    """The blocks of a call's inputs."""

    def __init__(self, loss: Formula, inputs: Inputs) -> None:
        xp, shape = inputs.xp, inputs.item_shape
        self.library = unwrapped_namespace(xp)
        weight = None if inputs.weight is None else broadcast_to(xp, inputs.weight, shape)
        where = None if inputs.where is None else broadcast_to(xp, inputs.where, shape)
        self.inputs = inputs._replace(weight=weight, where=where)
        self.whole = loss
        of_item = _of_item(inputs) * _pairs_of_entry(loss, inputs)
        self.settings = _of_elements(loss, inputs) if loss.array_settings and of_item == 1 else {}
        size = ELEMENTS[backend_of(xp)]
        if not loss.in_blocks:
            size = max(1, math.prod(shape))
        elif of_item != 1:
            size = max(1, ROWS // max(1, of_item))
        elif self.settings is None:
            size = max(1, math.prod(shape))
        self.items = _partition(shape, size)
        """The index of each block's items, in arrays that have one value an item."""
        self.indices = [[_with_axes(index, layout) for layout in inputs.layout] for index in self.items]
        """The same in each array."""

    def __len__(self) -> int:
        return len(self.items)

    def each(self, compute: Callable[[int], None]) -> None:
        """Call ``compute(k)`` for every block."""
        for_each(compute, len(self), backend_of(self.inputs.xp))

    def loss(self, k: int) -> Formula:
        """The loss of block `k`, with the part of each setting that belongs to its elements."""
        if not self.settings:
            return self.whole
        part = copy.copy(self.whole)
        for name, x in self.settings.items():
            object.__setattr__(part, name, x[self.items[k]])
        return part

    def part(self, k: int) -> Inputs:
        """The inputs of block `k`: views."""
        whole, index, mask = self.inputs, self.items[k], self.inputs.mask
        return Inputs(
            whole.xp,
            tuple([x[place] for x, place in zip(whole.arrays, self.indices[k], strict=True)]),
            whole.dtype,
            tuple([s.stop - s.start for s in index]),
            whole.layout,
            whole.labels,
            None if whole.weight is None else whole.weight[index],
            None if whole.where is None else whole.where[index],
            None,
            mask and mask._replace(values=mask.values[_with_axes(index, mask.layout)]),
        )

    def weight_of(self, weight: Array | None, items: Array, reduction: str) -> float:
        """Return Σ w of a block's items, where it is asked for."""
        if reduction != "mean":
            return 0.0
        return float(math.prod(items.shape)) if weight is None else float(self.library.sum(weight))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an array to be filled."""
        return np.empty(shape, dtype) if self.library is np else self.library.empty(shape, dtype=dtype, device="cpu")

    def like(self, position: int) -> Array:
        """Return an array to be filled like one of the inputs: its memory is laid out alike, but is no memory map."""
        x = self.inputs.arrays[position]
        return np.empty_like(x, subok=False) if self.library is np else self.library.empty_like(x)

    def number(self, value: float, dtype: Any) -> Array:
        """Return `value` as an array of shape ()."""
        return (
            np.dtype(dtype).type(value)
            if self.library is np
            else self.library.asarray(value, dtype=dtype, device="cpu")
        )

    def write(
        self,
        k: int,
        position: int,
        result: Array,
        derivative: Array,
        share: Array | float,
        keep: Array | None = None,
    ) -> None:
        """Write a derivative by an array to its place, times each item's share in the result where it is to be kept."""
        if not isinstance(share, float):
            share = with_axes(share, self.inputs.layout[position] or ())
        if keep is not None:
            share = special.where(keep, share, 0.0)
        self.library.multiply(derivative, share, out=result[self.indices[k][position]])


class _Total:
    """What the blocks' per-item losses add up to, or where they are kept."""

    def __init__(self, loss: Formula, blocks: _Blocks) -> None:
        inputs = blocks.inputs
        self.reduction, self.blocks, self.dtype = loss.reduction, blocks, inputs.dtype
        self.items = blocks.empty(inputs.item_shape, inputs.dtype) if loss.reduction == "none" else None
        self.parts = [Totals()] * len(blocks)

    def add(self, k: int, items: Array, weight: Array | None) -> None:
        weighted = items if weight is None else items * weight
        if self.items is not None:
            self.items[self.blocks.items[k]] = weighted
            return
        library = self.blocks.library
        self.parts[k] = Totals(float(library.sum(weighted)), self.blocks.weight_of(weight, weighted, self.reduction))

    def result(self) -> Array:
        if self.items is not None:
            return self.items
        totals = Totals.merged(self.parts) + Totals(length=_length(self.blocks.inputs))
        return self.blocks.number(totals.result(self.reduction), self.dtype)


def _of_elements(loss: Formula, inputs: Inputs) -> dict[str, Array] | None:
    """Broadcast the settings that hold arrays to the elements; None where one does not fit, which the loss will say."""
    found = {}
    for name in loss.array_settings:
        given = of_classes(name, getattr(loss, name), inputs.item_shape[-1] if inputs.item_shape else 0)
        x = as_array(given, inputs.arrays[0], inputs.dtype)
        try:
            found[name] = inputs.xp.broadcast_to(x, inputs.item_shape)
        except (RuntimeError, ValueError):
            return None
    return found


def _divisor(loss: Formula, blocks: _Blocks) -> float:
    """What the weighted sum is divided by."""
    inputs = blocks.inputs
    totals = Totals(length=_length(inputs))
    if loss.reduction == "mean":
        if prepare(loss, blocks.part(0))[1] is None:
            totals = Totals(weight=float(math.prod(inputs.item_shape)))
        else:
            parts = [totals] * len(blocks)

            def compute(k: int) -> None:
                parts[k] = Totals(weight=float(blocks.library.sum(prepare(loss, blocks.part(k))[1])))

            blocks.each(compute)
            totals = Totals.merged(parts)
    divisor: float = totals.divisor(loss.reduction)
    return divisor


def _length(inputs: Inputs) -> float:
    return float(inputs.item_shape[0]) if inputs.item_shape else 1.0


def _partition(shape: tuple[int, ...], size: int) -> list[Index]:
    """Cut `shape` into blocks of about `size` items at the most, each a range of one axis and all of the later ones."""
    if 0 in shape:
        return [tuple([slice(0, n) for n in shape])]
    axis, inner = len(shape), 1
    while axis and inner * shape[axis - 1] <= size:
        axis -= 1
        inner *= shape[axis]
    whole = tuple([slice(0, n) for n in shape[axis:]])
    if not axis:
        return [whole]
    pieces = math.ceil(shape[axis - 1] * inner / size)
    step = math.ceil(shape[axis - 1] / pieces)
    cuts = [slice(k, min(k + step, shape[axis - 1])) for k in range(0, shape[axis - 1], step)]
    single = [[slice(k, k + 1) for k in range(n)] for n in shape[: axis - 1]]
    return [(*index, *whole) for index in itertools.product(*single, cuts)]


def _with_axes(index: Index, layout: Layout) -> Index:
    """Insert the axes that are none of the items' as a whole; all of an array that belongs to no item."""
    if layout is None:
        return ()
    items, ndim = iter(index), len(index) + len(layout)
    return tuple([slice(None) if k in layout else next(items) for k in range(-ndim, 0)])


def _of_item(inputs: Inputs) -> int:
    """The most entries of an array that belong to one item."""
    if not any(inputs.layout):
        return 1
    most = 1
    for x, layout in zip(inputs.arrays, inputs.layout, strict=True):
        if layout:
            most = max(most, math.prod([x.shape[axis] for axis in layout]))
    return most


def _pairs_of_entry(loss: Formula, inputs: Inputs) -> int:
    """How many others of its item an entry is compared with; 1 where pairs are not compared."""
    layout = inputs.layout[0]
    if not loss.compares_pairs or not layout or any([classes is not None for _, classes in inputs.labels]):
        return 1
    return max(1, int(inputs.arrays[0].shape[layout[0]]))


_foreseen = 0


def _foresee(size: int) -> None:
    """Tell malloc how much memory a call goes through, by a workspace of that size that is freed untouched.

    The GNU C library keeps freed memory up to twice the largest block that was freed yet, and 128 KiB in a process that
    has freed none. What is beyond it goes back to the system at each call, and each page of it costs a fault when the
    next call asks for it: as much time as all computation, for a few hundred thousand elements.
    """
    global _foreseen
    size = min(size, (1 << 25) - (1 << 16))  # it learns from none above 32 MiB
    if size > _foreseen:
        _foreseen = size
        np.empty(size, dtype=np.uint8)
