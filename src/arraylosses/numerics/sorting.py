"""Entries of rows in another order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._array_api import Array, Namespace
from ._variants import primitive


def _sort_dask(dask: Any, x: Array, axis: int) -> Array:
    # Its wrapper chooses chunks anew along all axes, which it can't where a length is not known.
    x = x.rechunk({axis % x.ndim: -1})
    return dask.map_blocks(np.sort, x, axis=axis, dtype=x.dtype)


@primitive(dask=_sort_dask)
def sort(xp: Namespace, x: Array, axis: int) -> Array:
    """The entries of each row of `x` along `axis`, the smallest first."""
    return xp.sort(x, axis=axis)


def _reordered_dask(dask: Any, x: Array, order: Array, axis: int) -> Array:
    # It has no take_along_axis; an order is that of whole rows, which then have to lie in one chunk.
    x, order = (v.rechunk({axis % x.ndim: -1}) for v in (x, order))
    return dask.map_blocks(np.take_along_axis, x, order.rechunk(x.chunks), axis=axis, dtype=x.dtype)


@primitive(arrays=2, dask=_reordered_dask)
def reordered(xp: Namespace, x: Array, order: Array, axis: int) -> Array:
    """The entries of each row of `x` along `axis` in an order, as `argsort` gives one of the same shape."""
    return xp.take_along_axis(x, order, axis=axis)


def _restored_in_place(library: Any, x: Array, order: Array, axis: int) -> Array:
    if library is not np:
        return x.scatter(axis, order, x)
    result = np.empty_like(x)
    np.put_along_axis(result, order, x, axis)
    return result


@primitive(arrays=2, in_place=_restored_in_place)
def restored(xp: Namespace, x: Array, order: Array, axis: int) -> Array:
    """What `reordered` makes `x` of, for the same order."""
    return reordered(x, xp.argsort(order, axis=axis), axis)
