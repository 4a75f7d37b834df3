"""Eager libraries: chunk by chunk, with the products written where they are wanted."""

from __future__ import annotations

import math
import sys
from typing import Any

from ..._array_api import Array, backend_of, single_device, unwrapped_namespace
from ...numerics import indexing
from ..direct import FIRST
from ..threads import for_each
from . import rows as of_rows
from .rows import Gradients, Rows, chunk_rows

__all__ = ["compute", "run"]

ROWS = 256
"""Rows of a chunk, if these are not more scores: the products want as many, to be worth their reading of the matrix."""

BLOCK = {"numpy": 1 << 17, "torch": 1 << 18}
"""Scores whose intermediates fit the caches, on the CPU."""

BLOCK_ELSEWHERE = 1 << 22
"""Scores whose intermediates, a dozen arrays, take little memory on an accelerator that wants large ones."""

_WITH_OUT = ("numpy", "torch", "cupy")


def run(rows: Rows, part: Array | None) -> Array:
    """Return the per-item losses, or without a gradient the sum of them times `part`."""
    items, _ = compute(rows, None)
    return items if part is None else rows.xp.sum(items * part)


def compute(
    rows: Rows, part: Array | None, wanted: tuple[bool, ...] = (False, False, False)
) -> tuple[Array, Gradients]:
    """The items, and those gradients by hidden, matrix and bias of Σ part · items that are wanted.

    What is a sum over the rows comes in the dtype of the computation, hidden's gradient in that of the product.
    """
    xp, matrix = rows.xp, rows.matrix
    n, classes = int(rows.hidden.shape[0]), int(matrix.shape[0])
    device = single_device(matrix)
    items = xp.empty((n,), dtype=rows.dtype, device=device)
    by_hidden = xp.empty_like(rows.hidden) if wanted[0] else None
    by_matrix = xp.zeros(tuple(matrix.shape), dtype=rows.dtype, device=device) if wanted[1] else None
    by_bias = xp.zeros((classes,), dtype=rows.dtype, device=device) if wanted[2] else None
    step = chunk_rows(n, classes, ROWS)
    scores = xp.empty((min(step, n), classes), dtype=matrix.dtype, device=device)
    transposed = rows.transposed()
    for start in range(0, n, step):
        chunk = slice(start, min(start + step, n))
        of_chunk = rows.take(chunk)
        hidden = of_chunk.kept_hidden()
        slopes = _product(rows, hidden, transposed, scores[: chunk.stop - start, ...])
        _evaluate(of_chunk, slopes, items, start, part if any(wanted) else None)
        if by_hidden is not None:
            _product(rows, slopes, matrix, by_hidden[chunk, ...])
        if by_matrix is not None:
            _add_product(rows, by_matrix, xp.permute_dims(slopes, (1, 0)), hidden)
        if by_bias is not None:
            by_bias += xp.sum(slopes, axis=0, dtype=rows.dtype)
    return items, (by_hidden, by_matrix, by_bias)


def _evaluate(rows: Rows, scores: Array, items: Array, start: int, part: Array | None) -> None:
    """Write the items of a chunk, and over its scores their derivatives times `part`, where there is one."""
    xp, backend = rows.xp, backend_of(rows.xp)
    n, classes = scores.shape
    is_on_cpu = backend in BLOCK and single_device(scores) in ("cpu", _torch_cpu())
    step = max(1, (BLOCK[backend] if is_on_cpu else BLOCK_ELSEWHERE) // classes)

    def compute(k: int) -> None:
        index = slice(k * step, min((k + 1) * step, n))
        place = slice(start + index.start, start + index.stop)
        values, derivatives = rows.take(index).evaluate(scores[index, ...], None if part is None else FIRST)
        items[place] = values
        for x in derivatives:
            factor = indexing.expand_dims(part[place], -1)  # type: ignore[index]
            if backend in _WITH_OUT and scores.dtype == x.dtype:
                unwrapped_namespace(xp).multiply(x, factor, out=scores[index, ...])
            else:
                scores[index, ...] = xp.astype(x * factor, scores.dtype, copy=False)

    for_each(compute, math.ceil(n / step), backend if is_on_cpu else "")


def _product(rows: Rows, a: Array, b: Array, out: Array) -> Array:
    """Write a @ b to `out`."""
    if backend_of(rows.xp) in _WITH_OUT:
        unwrapped_namespace(rows.xp).matmul(a, b, out=out)
    else:
        out[...] = rows.xp.matmul(a, b)
    return out


def _add_product(rows: Rows, total: Array, a: Array, b: Array) -> None:
    """Add a @ b to `total`, without an array of its size where the library lets us."""
    if backend_of(rows.xp) == "torch" and total.dtype == a.dtype:
        total.addmm_(a, b)
        return
    slabs = _slabs(*total.shape)
    memory = rows.xp.empty((slabs[0].stop, b.shape[1]), dtype=a.dtype, device=single_device(a))
    for slab in slabs:
        product = _product(rows, a[slab, ...], b, memory[: slab.stop - slab.start, ...])
        total[slab, ...] += rows.xp.astype(product, total.dtype, copy=False)


def _slabs(n: int, features: int) -> list[slice]:
    """Cut a matrix of so many rows where a product of its shape would be too large."""
    step = max(1, of_rows.SLAB // max(features, 1))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def _torch_cpu() -> Any:
    torch = sys.modules.get("torch")
    return None if torch is None else torch.device("cpu")
