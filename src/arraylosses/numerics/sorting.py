"""Entries of rows in another order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._array_api import Array, Namespace, dtype_name
from ._variants import primitive


def _sort_dask(dask: Any, x: Array, axis: int) -> Array:
    # Its wrapper chooses chunks anew along all axes, which it can't where a length is not known.
    x = x.rechunk({axis % x.ndim: -1})
    return dask.map_blocks(np.sort, x, axis=axis, dtype=x.dtype)


@primitive(dask=_sort_dask)
def sort(xp: Namespace, x: Array, axis: int) -> Array:
    """The entries of each row of `x` along `axis`, the smallest first."""
    return xp.sort(x, axis=axis)


# NumPy sorts integers in a quarter of the time that torch takes on one thread, and in a quarter of that for a stable
# order. Those here hold the bits of a number, which are in its order from 0 on, above its place.
def _descending_in_place(library: Any, x: Array) -> Array | None:
    if dtype_name(x.dtype) != "float32":
        return None
    if library is not np and (not x.is_cpu or library.get_num_threads() > _FEW):
        return None
    numbers = (x if library is np else x.numpy(force=True)) + np.float32(0.0)  # 0 in the place of -0
    keys = np.left_shift(0x7FFFFFFF - numbers.view(np.int32).astype(np.int64), 32)
    keys |= np.arange(x.shape[-1])
    keys.sort(axis=-1)
    keys &= 0xFFFFFFFF
    return keys if library is np else library.from_numpy(keys)


_FEW = 4


@primitive(in_place=_descending_in_place)
def descending(xp: Namespace, x: Array) -> Array:
    """The order of each row of non-negative numbers along the last axis, the largest first; equal ones stay in turn."""
    return xp.argsort(x, axis=-1, descending=True)


def _reordered_dask(dask: Any, x: Array, order: Array, axis: int) -> Array:
    # It has no take_along_axis; an order is that of whole rows, which then have to lie in one chunk.
    x, order = (v.rechunk({axis % x.ndim: -1}) for v in (x, order))
    return dask.map_blocks(np.take_along_axis, x, order.rechunk(x.chunks), axis=axis, dtype=x.dtype)


# torch's take_along_dim is compiled for one shape alone.
@primitive(arrays=2, dask=_reordered_dask, torch=lambda torch, x, order, axis: x.gather(axis, order))
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
