"""Derivative rules of functions that move elements about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _array_api
from .._array_api import Array, Namespace, dtype_kind, namespace_of
from .array import TracedArray, plain
from .reductions import at, flat_without_axis, several
from .rules import composite, elementwise, every, rule
from .tape import Pullback, unbroadcast

__all__: list[str] = []


def _library(x: Array) -> Namespace:
    return namespace_of(x)


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=lambda k: axes[k] % len(axes)))


# Shapes
elementwise("broadcast_to", lambda xp, ans, x, shape, chunks=None: lambda g: g)
rule("reshape", lambda xp, ans, x, shape, copy=None: _reshaping(xp, x.shape))
rule("squeeze", lambda xp, ans, x, axis=None: _expanding(x.shape, axis))
rule("expand_dims", lambda xp, ans, x, axis=0: lambda g: xp.squeeze(g, axis=axis))


def _reshaping(xp: Namespace, shape: tuple[int, ...]) -> Pullback:
    return lambda g: xp.reshape(g, shape)


def _expanding(shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> Pullback:
    """Give the axes back that were squeezed; a reshape would have to know all lengths."""
    ndim = len(shape)
    if axis is None:  # NumPy's: all of length 1
        axis = tuple([k for k in range(ndim) if shape[k] == 1])
    axes = {k % ndim for k in several(axis)}
    index = tuple([None if k in axes else slice(None) for k in range(ndim)])
    return lambda g: g[index]


# Order
rule("permute_dims", lambda xp, ans, x, axes: lambda g: xp.permute_dims(g, _inverse(axes)))
rule("moveaxis", lambda xp, ans, x, source, destination: lambda g: xp.moveaxis(g, destination, source))
rule("_reversed", lambda xp, ans, x: lambda g: xp._reversed(g), forward=lambda x: x.T)
rule("matrix_transpose", lambda xp, ans, x: lambda g: xp.matrix_transpose(g))
rule("flip", lambda xp, ans, x, axis=None: lambda g: xp.flip(g, axis=axis))
rule("tril", lambda xp, ans, x, k=0: _triangle(xp, "tril", k, ans.shape, x.shape))
rule("triu", lambda xp, ans, x, k=0: _triangle(xp, "triu", k, ans.shape, x.shape))


def _triangle(xp: Namespace, name: str, k: int, shape: tuple[int, ...], target: tuple[int, ...]) -> Pullback:
    """NumPy takes a row too, for each row of a square matrix."""
    part = getattr(xp, name)
    return lambda g: unbroadcast(xp, part(g, k=k), shape, target)


def _roll(xp: Namespace, ans: Array, x: Array, shift: Any, axis: Any = None) -> Pullback:
    back = tuple(-n for n in shift) if isinstance(shift, list | tuple) else -shift
    return lambda g: xp.roll(g, back, axis=axis)


rule("roll", _roll)


# Joining and taking apart


@composite("concat")
def _concat(xp: Namespace, arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
    return xp._concat(*arrays, axis=axis)


@composite("stack")
def _stack(xp: Namespace, arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    return xp._stack(*arrays, axis=axis)


def _part(k: int, xp: Namespace, ans: Array, *arrays: Array, axis: int | None) -> Pullback:
    shape = arrays[k].shape
    if axis is None:
        start = sum(math.prod(x.shape) for x in arrays[:k])
        return lambda g: xp.reshape(g[start : start + math.prod(shape)], shape)
    along = axis % ans.ndim
    start = sum(x.shape[along] for x in arrays[:k])
    key = at(along, slice(start, start + shape[along]))
    return lambda g: g[key]


def _layer(k: int, xp: Namespace, ans: Array, *arrays: Array, axis: int) -> Pullback:
    key = at(axis % ans.ndim, k)
    return lambda g: g[key]


every("_concat", _part, lambda *arrays, axis: _library(arrays[0]).concat(arrays, axis=axis))
every("_stack", _layer, lambda *arrays, axis: _library(arrays[0]).stack(arrays, axis=axis))


@composite("unstack")
def _unstack(xp: Namespace, x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    return tuple(x[at(axis % x.ndim, k)] for k in range(x.shape[axis]))


@composite("broadcast_arrays")
def _broadcast_arrays(xp: Namespace, *arrays: Array) -> list[Array]:
    library = xp.__wrapped_namespace__
    shape = library.broadcast_arrays(*(library.empty_like(plain(x)) for x in arrays))[0].shape
    return [xp.broadcast_to(x, shape) for x in arrays]


@composite("meshgrid")
def _meshgrid(xp: Namespace, *arrays: Array, indexing: str = "xy") -> list[Array]:
    n = len(arrays)
    swapped = indexing == "xy" and n > 1
    place = [1, 0, *range(2, n)] if swapped else list(range(n))
    return list(
        xp.broadcast_arrays(
            *(xp.reshape(x, (1,) * place[k] + (-1,) + (1,) * (n - 1 - place[k])) for k, x in enumerate(arrays))
        )
    )


# Repetition


@composite("tile")
def _tile(xp: Namespace, x: Array, repetitions: int | tuple[int, ...], /) -> Array:
    repetitions = several(repetitions)
    ndim = max(x.ndim, len(repetitions))
    shape = (1,) * (ndim - x.ndim) + tuple(x.shape)
    times = (1,) * (ndim - len(repetitions)) + repetitions
    x = xp.reshape(x, tuple(n for k in range(ndim) for n in (1, shape[k])))
    x = xp.broadcast_to(x, tuple(n for k in range(ndim) for n in (times[k], shape[k])))
    return xp.reshape(x, tuple(times[k] * shape[k] for k in range(ndim)))


@composite("repeat")
def _repeat(xp: Namespace, x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    x, along = flat_without_axis(xp, x, axis)
    if not isinstance(repeats, int):
        library = xp.__wrapped_namespace__
        places = library.arange(x.shape[along], device=_array_api.device(plain(x)))
        return xp.take(x, library.repeat(places, repeats), axis=along)
    x = xp.expand_dims(x, axis=along + 1)
    shape = tuple(x.shape)
    x = xp.broadcast_to(x, (*shape[: along + 1], repeats, *shape[along + 2 :]))
    return xp.reshape(x, (*shape[:along], shape[along] * repeats, *shape[along + 2 :]))


# Dtypes, devices, and arrays made of traced ones

rule("_astype", lambda xp, ans, x, dtype: lambda g: g, forward=lambda x, dtype: _library(x).astype(x, dtype))


@composite("astype")
def _astype(xp: Namespace, x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    if device is not None:
        x = x.to_device(device)
    if not isinstance(dtype, type(x.dtype)):  # Python's `float`, or a name
        dtype = xp.__wrapped_namespace__.empty((), dtype=dtype).dtype
    if isinstance(x, TracedArray) and dtype_kind(dtype) in ("float", "half", "complex"):
        return xp._astype(x, dtype) if x.dtype != dtype else x
    return xp.__wrapped_namespace__.astype(plain(x), dtype, copy=copy)


def _to_device(x: Array, device: Any, stream: Any = None) -> Array:
    return _array_api.to_device(x, device, stream=stream)


rule("_to_device", lambda xp, ans, x, device, stream=None: _returning(xp, x), forward=_to_device)


def _returning(xp: Namespace, x: Array) -> Pullback:
    home = _array_api.device(plain(x))
    return lambda g: xp._to_device(g, home)


@composite("asarray")
def _asarray(xp: Namespace, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Array:
    if isinstance(obj, TracedArray):
        return xp.astype(obj, obj.dtype if dtype is None else dtype, device=device)
    if plain(obj) is not obj:
        raise TypeError("`asarray` can't make an array of a list of traced arrays; use xp.stack")
    settings = {} if device is None else {"device": device}
    return xp.__wrapped_namespace__.asarray(obj, dtype=dtype, copy=copy, **settings)


@composite("full")
def _full(xp: Namespace, shape: int | tuple[int, ...], fill_value: Any, **settings: Any) -> Array:
    if not isinstance(fill_value, TracedArray):
        return xp.__wrapped_namespace__.full(shape, fill_value, **settings)
    return xp.broadcast_to(xp.asarray(fill_value, **settings), several(shape))


@composite("full_like")
def _full_like(xp: Namespace, x: Array, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    settings = {} if device is None else {"device": device}
    if not isinstance(fill_value, TracedArray):
        return xp.__wrapped_namespace__.full_like(plain(x), fill_value, dtype=dtype, **settings)
    like = xp.__wrapped_namespace__.zeros_like(plain(x), dtype=dtype, **settings)
    return like + xp.astype(fill_value, like.dtype)


@composite("linspace")
def _linspace(
    xp: Namespace, start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Array:
    library = xp.__wrapped_namespace__
    settings = {} if device is None else {"device": device}
    if not isinstance(start, TracedArray) and not isinstance(stop, TracedArray):
        return library.linspace(start, stop, num, dtype=dtype, endpoint=endpoint, **settings)
    own = (start if isinstance(start, TracedArray) else stop).dtype
    if hasattr(start, "dtype") and hasattr(stop, "dtype"):
        own = library.result_type(start.dtype, stop.dtype)
    part = library.linspace(0.0, 1.0, num, dtype=own, endpoint=endpoint, **settings)
    # NumPy's takes arrays too, and lays the steps along a new first axis.
    part = library.reshape(part, (num,) + (1,) * max(getattr(start, "ndim", 0), getattr(stop, "ndim", 0)))
    steps = start * (1 - part) + stop * part
    if dtype is None:
        return steps
    dtype = library.empty((), dtype=dtype).dtype
    return xp.astype(xp.floor(steps) if dtype_kind(dtype) == "int" else steps, dtype)  # as NumPy has it
