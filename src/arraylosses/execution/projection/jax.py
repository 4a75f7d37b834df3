"""JAX: one program for each loss of rows, a scan over the chunks with a derivative of its own."""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

from ..._array_api import Array
from ...numerics import _jax
from ..direct import FIRST
from . import rows as of_rows
from .rows import Gradients, Rows, chunk_rows, factors, kept, tensors_of, unit_of, with_tensors, without_tensors

__all__ = ["program", "run"]

ROWS = 96
"""Rows of a chunk: the program holds three arrays of a chunk's scores, and more where pairs are told apart."""

PARTS = 32
"""Chunks of a call of so many rows that each has as many all the same."""


def run(rows: Rows, part: Array | None) -> Array:
    """Return the per-item losses, or the sum of them times `part`, in one program."""
    return program(without_tensors(rows))(*tensors_of(rows, part))


@functools.lru_cache(maxsize=256)
def program(rest: Rows) -> Any:
    """The function for a loss of rows: one program, kept, with a derivative of its own."""
    jax: Any = sys.modules["jax"]
    xp = rest.xp

    def scan(body: Any, initial: Any, tensors: tuple[Any, ...]) -> Any:
        """Go through the rows in chunks; zeros fill up the last one."""
        hidden, matrix, bias, *of_rows, columns = tensors
        n = hidden.shape[0]
        step = chunk_rows(n, matrix.shape[0], ROWS, PARTS)
        count = math.ceil(n / step)

        def cut(x: Array) -> Array:
            x = xp.pad(x, ((0, count * step - n), *[(0, 0)] * (x.ndim - 1)))
            return xp.reshape(x, (count, step, *x.shape[1:]))

        def of_chunk(total: Any, chunk: Any) -> Any:
            hidden, part, *others = chunk
            return body(total, with_tensors(rest, (hidden, matrix, bias, part, *others, columns)), part)

        total, found = jax.lax.scan(of_chunk, initial, jax.tree_util.tree_map(cut, (hidden, *of_rows)))
        return total, jax.tree_util.tree_map(lambda x: xp.reshape(x, (count * step, *x.shape[2:]))[:n], found)

    def items_of(tensors: tuple[Any, ...]) -> Array:
        return scan(lambda total, rows, part: (total, rows.evaluate(rows.scores())[0]), None, tensors)[1]

    def add_product(total: Array, slopes: Array, hidden: Array) -> Array:
        """Add slopes.T @ hidden slab by slab: XLA would hold the whole product."""
        n, features = total.shape
        size = min(n, max(1, of_rows.SLAB // max(features, 1)))
        dynamic = jax.lax.dynamic_slice_in_dim

        def add(k: Array, total: Array) -> Array:
            start = xp.minimum(k * size, n - size)
            product = xp.astype(xp.matmul(dynamic(slopes, start, size, 1).T, hidden), rest.dtype)
            is_new = xp.arange(size) >= k * size - start  # the last slab overlaps the one before
            sums = dynamic(total, start, size) + xp.where(is_new[:, None], product, 0.0)
            return jax.lax.dynamic_update_slice_in_dim(total, sums, start, 0)

        return jax.lax.fori_loop(0, math.ceil(n / size), add, total)

    def gradients_of(tensors: tuple[Any, ...]) -> tuple[Array, Gradients]:
        def add(total: Any, rows: Rows, part: Array) -> Any:
            by_matrix, by_bias = total
            items, (slopes,) = rows.evaluate(rows.scores(), FIRST)
            slopes = xp.astype(slopes * part[:, None], rows.matrix.dtype)
            by_matrix = add_product(by_matrix, slopes, rows.kept_hidden())
            by_bias = None if by_bias is None else by_bias + xp.sum(slopes, axis=0, dtype=rest.dtype)
            return (by_matrix, by_bias), (items, xp.matmul(slopes, rows.matrix))

        # What is added varies over a mesh as the rows do, and so must what it is added to: a sum of nothing does.
        nothing = sum([xp.sum(xp.astype(x[:0], rest.dtype)) for x in tensors if x is not None])
        zeros = [None if x is None else xp.zeros(x.shape, rest.dtype) + nothing for x in tensors[1:3]]
        (by_matrix, by_bias), (items, by_hidden) = scan(add, tuple(zeros), tensors)
        return items, (by_hidden, by_matrix, by_bias)

    def by_labels(tensors: tuple[Any, ...], factor: Array) -> Array:
        def pull_back(total: Any, rows: Rows, part: Array) -> Any:
            scores = rows.scores()
            return total, jax.vjp(lambda x: rows._replace(labels=x).evaluate(scores)[0], rows.labels)[1](part)[0]

        return scan(pull_back, None, (*tensors[:3], factor, *tensors[4:]))[1]

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def compute(*tensors: Any) -> Array:
        items, part = items_of(tensors), tensors[3]
        return items if part is None else xp.sum(items * part)

    def forward(*tensors: Any) -> Any:
        part = tensors[3]
        if part is None:
            return items_of(tensors), (tensors, None, None)
        unit = unit_of(with_tensors(rest, tensors))
        items, gradients = gradients_of((*tensors[:3], part * unit, *tensors[4:]))
        return xp.sum(items * part), (tensors, items, gradients)

    def backward(residuals: Any, upstream: Array) -> Any:
        tensors, items, gradients = residuals
        part, rows = tensors[3], with_tensors(rest, tensors)
        if part is None:
            _, gradients = gradients_of((*tensors[:3], kept(rows, upstream), *tensors[4:]))
        else:
            pairs = zip(gradients, factors(rows, upstream / unit_of(rows)), strict=True)
            gradients = [None if x is None else xp.astype(x, rest.dtype) * factor for x, factor in pairs]
        results = [None if x is None else xp.astype(x, y.dtype) for x, y in zip(gradients, tensors, strict=False)]
        results.append(None if part is None else items * upstream)
        of_labels = None
        if not rest.of_labels:
            of_labels = by_labels(tensors, upstream if part is None else part * upstream)
        results = [x if x is None else summed(x, y) for x, y in zip((*results, of_labels), tensors, strict=False)]
        return *results, None, None, None

    def summed(cotangent: Array, x: Array) -> Array:
        """Inside `shard_map`, what each part of a mesh adds to the cotangent of an array that all of them hold."""
        axes = _jax.varying_axes(cotangent) - _jax.varying_axes(x)
        return jax.lax.psum(cotangent, tuple(axes)) if axes else cotangent

    compute.defvjp(forward, backward)
    return jax.jit(compute)
