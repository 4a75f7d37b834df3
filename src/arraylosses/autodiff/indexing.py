"""Derivative rules of indexing.

The derivative of taking elements is putting them back, and the other way round. Where an element may have been taken
more than once its cotangents are added, which the standard has no function for: a library that can add at indices does
so, for others each index is compared with all there are.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from .. import _array_api
from .._array_api import Array, Namespace, backend_of, dtype_kind, is_array, namespace_of
from .array import LISTS, plain
from .reductions import flat_without_axis
from .rules import composite, rule
from .tape import Pullback, unbroadcast

__all__: list[str] = []


def _library(x: Array) -> Namespace:
    return namespace_of(x)


# x[key]

# What the libraries make an array of, as a part of an index
_SEQUENCES = (*LISTS, range)


@composite("_getitem")
def _getitem(xp: Namespace, x: Array, key: Any) -> Array:
    keys = tuple(plain(k) for k in key) if isinstance(key, tuple) else (plain(key),)
    arrays = [k for k, part in enumerate(keys) if is_array(part) or isinstance(part, _SEQUENCES)]
    if not arrays:
        return xp._slice(x, keys)
    keys = tuple(xp.asarray(k, dtype=None if k else xp.int64) if isinstance(k, _SEQUENCES) else k for k in keys)
    part = keys[arrays[0]]
    if len(arrays) == 1 and part.ndim == 1 and dtype_kind(part.dtype) == "int":
        others = [k for k in keys if isinstance(k, int)]
        if not others:
            axis, keys = _axis_of(arrays[0], keys, x.ndim)
            return xp.take(xp._slice(x, keys), part, axis=axis)
    return xp._gather(x, keys)


def _axis_of(position: int, keys: tuple[Any, ...], ndim: int) -> tuple[int, tuple[Any, ...]]:
    """Return the axis of x[keys] that the array at `position` makes, and the keys with all of that axis instead."""
    before = keys[:position]
    axis = sum(part is not Ellipsis for part in before)
    if Ellipsis in before:
        axis += ndim - sum(part is not Ellipsis and part is not None for part in keys)
    return axis, (*before, slice(None), *keys[position + 1 :])


def _unslice(g: Array, keys: tuple[Any, ...], shape: tuple[int, ...], chunks: Any) -> Array:
    """Zeros of `shape` with `g` at the slices `keys`."""
    xp = _library(g)
    backend = backend_of(xp)
    if backend == "jax":
        return xp.zeros(shape, dtype=g.dtype).at[keys].set(g)
    # What assigns takes no None everywhere, and on Dask no integer beside a negative step: an integer becomes a slice.
    if None in keys or backend == "dask":
        g = g[tuple(_REVERSE.get(type(k), k) for k in keys)]
        keys = tuple(slice(k, k + 1 or None) if isinstance(k, int) else k for k in keys if k is not None)
    if backend == "dask" and _array_api.known_size(shape) is None:
        return _unslice_by_axis(xp, g, keys, shape)
    if backend == "dask":
        out = xp.zeros(shape, dtype=g.dtype, chunks=chunks)
    else:
        out = xp.zeros(shape, dtype=g.dtype, device=_array_api.device(g))
    if 0 not in g.shape:
        out[keys] = g
    return out


def _unslice_by_axis(xp: Namespace, g: Array, keys: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """The same an axis at a time, where a length is not known, along which nothing is assigned to."""
    if Ellipsis in keys:
        k = keys.index(Ellipsis)
        keys = (*keys[:k], *[slice(None)] * (len(shape) - len(keys) + 1), *keys[k + 1 :])
    for axis, key in enumerate(keys):
        if key == slice(None):
            continue
        place = {index: k for k, index in enumerate(range(shape[axis])[key])}
        if not place:
            g = xp.sum(g, axis=axis, keepdims=True)  # 0, of which there is something to take
        g = xp.take(g, xp.asarray([place.get(k, 0) for k in range(shape[axis])]), axis=axis)
        line = [shape[axis] if k == axis else 1 for k in range(len(shape))]
        kept = xp.reshape(xp.asarray([k in place for k in range(shape[axis])]), tuple(line))
        g = xp.where(kept, g, xp.asarray(0, dtype=g.dtype))
    return g


# The index that takes back what None, an integer or a slice did to the axes
_REVERSE: dict[type, Any] = {type(None): 0, int: None, slice: slice(None)}


def _slicing(xp: Namespace, ans: Array, x: Array, keys: tuple[Any, ...]) -> Pullback:
    shape, chunks = x.shape, plain(x).chunks if xp._chunked else None
    return lambda g: xp._unslice(g, keys, shape, chunks)


rule("_slice", _slicing, forward=operator.getitem)
rule("_unslice", lambda xp, ans, g, keys, shape, chunks: lambda c: xp._slice(c, keys), forward=_unslice)


# x[arrays], by the place of each element that is taken in x laid out flat


def _gather_places(xp: Namespace, x: Array, keys: tuple[Any, ...]) -> Array:
    library = xp.__wrapped_namespace__
    places = library.reshape(library.arange(math.prod(x.shape), device=_array_api.device(plain(x))), x.shape)
    return places[keys if len(keys) > 1 else keys[0]]


def _ungather(g: Array, keys: tuple[Any, ...], shape: tuple[int, ...], places: Array) -> Array:
    xp = _library(g)
    return xp.reshape(_add_at(xp, xp.reshape(g, (-1,)), xp.reshape(places, (-1,)), math.prod(shape)), shape)


def _gather(xp: Namespace, ans: Array, x: Array, keys: tuple[Any, ...]) -> Pullback:
    shape = x.shape
    if xp._chunked:
        raise TypeError(
            "an index of booleans, or of more than one array, has no derivative rule on Dask; use xp.where for a mask, "
            "and xp.take for indices"
        )
    places = _gather_places(xp, x, keys)
    return lambda g: xp._ungather(g, keys, shape, places)


rule("_gather", _gather, forward=lambda x, keys: x[keys if len(keys) > 1 else keys[0]])
rule("_ungather", lambda xp, ans, g, keys, shape, places: lambda c: xp._gather(c, keys), forward=_ungather)


# take and take_along_axis


@composite("take")
def _take(xp: Namespace, x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    x, axis = flat_without_axis(xp, x, axis)
    indices = plain(indices)
    if getattr(indices, "ndim", 0) == 1:
        return xp._take(x, indices, axis)
    # NumPy's takes indices of any shape, which comes in the place of the axis.
    indices = xp.asarray(indices)
    taken = xp._take(x, xp.reshape(indices, (-1,)), axis)
    return xp.reshape(taken, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _untake(g: Array, indices: Array, axis: int, length: int) -> Array:
    """Zeros with `g` added at `indices` along `axis`."""
    xp = _library(g)
    return xp.moveaxis(_add_at(xp, xp.moveaxis(g, axis, 0), indices, length), 0, axis)


rule(
    "_take",
    lambda xp, ans, x, indices, axis: _putting_back(xp, x.shape[axis], indices, axis),
    forward=lambda x, indices, axis: _library(x).take(x, indices, axis=axis),
)
rule(
    "_untake",
    lambda xp, ans, g, indices, axis, length: lambda c: xp._take(c, indices, axis),
    forward=_untake,
)


def _putting_back(xp: Namespace, length: int, indices: Array, axis: int) -> Pullback:
    return lambda g: xp._untake(g, indices, axis, length)


@composite("take_along_axis")
def _take_along_axis(xp: Namespace, x: Array, indices: Array, /, *, axis: int | None = -1) -> Array:
    x, axis = flat_without_axis(xp, x, axis)
    return xp._take_along(x, plain(indices), axis)


def _along(xp: Namespace, ans: Array, x: Array, indices: Array, axis: int) -> Pullback:
    shape = tuple(x.shape)
    # The axes of x and of the indices broadcast to each other, all but the one that is indexed.
    full = tuple(shape[axis] if k == axis else n for k, n in enumerate(ans.shape))
    return lambda g: unbroadcast(xp, xp._untake_along(g, indices, axis, shape[axis]), full, shape)


def _untake_along(g: Array, indices: Array, axis: int, length: int) -> Array:
    """Zeros with `g` added, row by row, at `indices` along `axis`."""
    xp = _library(g)
    indices = xp.broadcast_to(indices, g.shape)
    g, indices = xp.moveaxis(g, axis, -1), xp.moveaxis(indices, axis, -1)
    rows, taken = tuple(g.shape[:-1]), g.shape[-1]
    if not _can_add_at(xp):
        return xp.moveaxis(_add_by_comparison(xp, g, indices, length), -1, axis)
    first = xp.reshape(xp.arange(math.prod(rows), dtype=xp.int64, device=_array_api.device(g)) * length, (-1, 1))
    places = first + xp.reshape(indices, (math.prod(rows), taken)) % length  # a negative index counts from the end
    size = math.prod(rows) * length
    flat, places = xp.reshape(g, (-1,)), xp.reshape(places, (-1,))
    if taken == 1:
        out = xp.zeros((size,), dtype=g.dtype, device=_array_api.device(g))
        out[places] = flat
    else:
        out = _add_at(xp, flat, places, size)
    return xp.moveaxis(xp.reshape(out, (*rows, length)), -1, axis)


rule("_take_along", _along, forward=lambda x, indices, axis: _library(x).take_along_axis(x, indices, axis=axis))
rule(
    "_untake_along",
    lambda xp, ans, g, indices, axis, length: lambda c: xp._take_along(c, indices, axis),
    forward=_untake_along,
)


# Adding at indices


def _can_add_at(xp: Namespace) -> bool:
    return backend_of(xp) in ("numpy", "cupy", "torch")


def _add_at(xp: Namespace, g: Array, indices: Array, length: int) -> Array:
    """Zeros of `length` along the first axis, with g[k] added at indices[k]."""
    backend = backend_of(xp)
    shape = (length, *g.shape[1:])
    if backend == "jax":
        return xp.zeros(shape, dtype=g.dtype).at[indices].add(g)
    if not _can_add_at(xp):
        return xp.moveaxis(_add_by_comparison(xp, xp.moveaxis(g, 0, -1), indices, length), -1, 0)
    out = xp.zeros(shape, dtype=g.dtype, device=_array_api.device(g))
    if backend == "torch":
        out.index_put_((indices,), g, accumulate=True)
    else:
        xp.add.at(out, indices, g)
    return out


def _add_by_comparison(xp: Namespace, g: Array, indices: Array, length: int) -> Array:
    """Add g[..., k] at indices[..., k] along the last axis, on libraries that have nothing but comparisons."""
    wide = xp.astype(indices, xp.int64, copy=False)
    wide = xp.where(wide < 0, wide + length, wide)
    places = xp.reshape(xp.arange(length, dtype=xp.int64, device=_array_api.device(g)), (length, 1))
    return xp.sum(xp.where(places == xp.expand_dims(wide, axis=-2), xp.expand_dims(g, axis=-2), 0.0), axis=-1)
