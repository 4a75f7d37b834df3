"""Derivative rules of reductions and of cumulative functions."""

from __future__ import annotations

import math
from typing import Any

from .. import special
from .._array_api import Array, Namespace, array_namespace, dtype_kind, is_array, known_size, namespace_of
from ..numerics import indexing, reductions
from .array import LISTS
from .rules import composite, rule
from .tape import Pullback

__all__ = ["at", "axes_of", "conjugate", "counted", "flat_without_axis", "root", "several"]

Axis = int | tuple[int, ...] | None


def several(x: Any) -> tuple[Any, ...]:
    """Return axes, or other whole numbers, of which one may stand alone; it may be a number of NumPy's."""
    is_several = isinstance(x, LISTS) or getattr(x, "ndim", 0) > 0
    return tuple(x) if is_several else (x,)


def counted(axis: int, ndim: int) -> int:
    """Return an axis counted from 0. One that the array does not have is an error, as it is in the library."""
    if not -ndim <= axis < ndim:
        raise IndexError(f"`axis` must lie in [{-ndim}, {ndim}) for an array of {ndim} axes, got {axis}")
    return axis % ndim


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return reduced axes, counted from 0 and in order."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted([counted(k, ndim) for k in several(axis)]))


def flat_without_axis(xp: Namespace, x: Array, axis: int | None) -> tuple[Array, int]:
    """Return `x` and the axis, counted from 0; without an axis `x` is laid out flat, as by NumPy."""
    return (xp.reshape(x, (-1,)), 0) if axis is None else (x, counted(axis, x.ndim))


def conjugate(xp: Namespace, x: Array) -> Array:
    """Return the conjugate of an array that may be complex."""
    return xp.conj(x) if dtype_kind(x.dtype) == "complex" else x


def at(axis: int, key: int | slice) -> tuple[Any, ...]:
    """Return the index that applies `key` to `axis`, counted from 0, and takes the others whole."""
    return (*(slice(None),) * axis, key, ...)


def _kept(xp: Namespace, reduced: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Give a reduced array the axes that it would have with keepdims. A number broadcasts without them."""
    if not keepdims and axis is not None and reduced.ndim:
        for k in axes_of(axis, x.ndim):
            reduced = indexing.expand_dims(reduced, k)
    return reduced


def _count(xp: Namespace, x: Array, axis: Axis, keepdims: bool) -> int | Array:
    """How many entries are reduced; of a lazy array that does not know it, with the axes of the result."""
    lengths = tuple(x.shape[k] for k in axes_of(axis, x.ndim))
    known = known_size(lengths)
    return xp.sum(xp.ones_like(x), axis=axis, keepdims=keepdims) if known is None else known


# The cotangents of sums and means are thin: they are not brought to full size unless a rule asks for it.


def _sum(xp: Namespace, ans: Array, x: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Pullback:
    return _keeping(xp, x, axis, keepdims, 1)


def _mean(xp: Namespace, ans: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Pullback:
    return _keeping(xp, x, axis, keepdims, _count(xp, x, axis, keepdims))


def _keeping(xp: Namespace, x: Array, axis: Axis, keepdims: bool, divisor: int | Array) -> Pullback:
    axes = () if keepdims or axis is None else axes_of(axis, x.ndim)

    def pullback(g: Array) -> Array:
        if is_array(divisor):
            g = g / special.clip(divisor, 1.0)
        elif divisor != 1:
            g = g / divisor if divisor else xp.zeros_like(g)
        for k in axes:
            g = indexing.expand_dims(g, k)
        return g

    return pullback


rule("sum", _sum)
rule("mean", _mean)


def _extremum(xp: Namespace, ans: Array, x: Array, axis: Axis = None, keepdims: bool = False) -> Pullback:
    """Ties share the derivative evenly."""

    def pullback(g: Array) -> Array:
        chosen = x == _kept(xp, ans, x, axis, keepdims)
        ties = xp.sum(xp.astype(chosen, g.dtype), axis=axis, keepdims=keepdims)
        return xp.where(chosen, _kept(xp, g / ties, x, axis, keepdims), 0.0)

    return pullback


def _max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    if keepdims and isinstance(axis, int):
        return reductions.reduce_max(x, axis)
    return array_namespace(x).max(x, axis=axis, keepdims=keepdims)


rule("max", _extremum, forward=_max)
rule("min", _extremum)


def _var(
    xp: Namespace, ans: Array, x: Array, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Pullback:
    def pullback(g: Array) -> Array:
        centred = conjugate(xp, x - xp.mean(x, axis=axis, keepdims=True))
        count = _count(xp, x, axis, True)
        degrees = count - correction
        return _kept(xp, g, x, axis, keepdims) * (centred * (2 / degrees if is_array(degrees) or degrees else math.nan))

    return pullback


rule("var", _var)


@composite("std")
def _std(xp: Namespace, x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    return root(xp, xp.var(x, axis=axis, correction=correction, keepdims=keepdims))


def root(xp: Namespace, total: Array, order: float = 2) -> Array:
    """Return the root of a total of what is not negative, whose derivative counts as 0 at 0, as a norm's does."""
    is_zero = total == 0
    positive = xp.where(is_zero, 1.0, total)
    return xp.where(is_zero, 0.0, xp.sqrt(positive) if order == 2 else positive ** (1 / order))


# Products are put together from products of two, whose rule needs no division by an element that may be 0.


@composite("prod")
def _prod(xp: Namespace, x: Array, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    x = x if dtype is None else xp.astype(x, dtype)
    axes = axes_of(axis, x.ndim)
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    rest = [k for k in range(x.ndim) if k not in axes]
    x = xp.permute_dims(x, (*rest, *axes))
    x = xp.reshape(x, (*x.shape[: len(rest)], math.prod(x.shape[len(rest) :])))
    if x.shape[-1] == 0:
        x = xp.ones_like(xp.sum(x, axis=-1, keepdims=True))
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        pairs = x[..., :half] * x[..., half : 2 * half]
        x = xp.concat([pairs, x[..., 2 * half :]], axis=-1) if x.shape[-1] % 2 else pairs
    return xp.reshape(x, kept if keepdims else tuple(x.shape[:-1]))


@composite("cumulative_prod")
def _cumulative_prod(
    xp: Namespace, x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    x = x if dtype is None else xp.astype(x, dtype)
    x = x if x.ndim else xp.reshape(x, (1,))
    x = xp.moveaxis(x, 0 if axis is None else axis, -1)
    # After k rounds each place holds the product of the 2^k elements that end there (Hillis and Steele 1986).
    step = 1
    while step < x.shape[-1]:
        x = xp.concat([x[..., :step], x[..., step:] * x[..., :-step]], axis=-1)
        step *= 2
    if include_initial:
        x = xp.concat([xp.ones((*x.shape[:-1], 1), dtype=x.dtype, device=x.device), x], axis=-1)
    return xp.moveaxis(x, -1, 0 if axis is None else axis)


def _cumulative_sum(
    xp: Namespace, ans: Array, x: Array, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Pullback:
    along = 0 if axis is None else axis % ans.ndim
    skip = at(along, slice(1, None))
    is_number = not x.ndim  # of which NumPy makes an array of one element

    def pullback(g: Array) -> Array:
        g = g[skip] if include_initial else g
        g = xp.flip(xp.cumulative_sum(xp.flip(g, axis=along), axis=along), axis=along)
        return g[0] if is_number else g

    return pullback


def _added_up(x: Array, axis: int | None = None, **settings: Any) -> Array:
    return namespace_of(x).cumulative_sum(reductions.in_one_chunk(x, axis or 0), axis=axis, **settings)


rule("cumulative_sum", _cumulative_sum, forward=_added_up)


@composite("diff")
def _diff(
    xp: Namespace, x: Array, /, *, axis: int = -1, n: int = 1, prepend: Array | None = None, append: Array | None = None
) -> Array:
    axis = counted(axis, x.ndim)
    parts = [x]
    for part, place in ((prepend, 0), (append, 2)):
        if part is not None:
            part = xp.asarray(part)  # NumPy's takes a number too
            line = tuple(1 if k == axis else length for k, length in enumerate(x.shape))
            parts.insert(place, part if part.ndim else xp.broadcast_to(part, line))
    x = xp.concat(parts, axis=axis) if len(parts) > 1 else x
    for _ in range(n):
        x = x[at(axis, slice(1, None))] - x[at(axis, slice(None, -1))]
    return x
