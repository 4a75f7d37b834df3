"""Sums and maxima along an axis."""

from __future__ import annotations

import functools
import math
from typing import Any, TypeAlias

import numpy as np

from .._array_api import Array, Namespace, array_namespace, at_most, known_size
from .._values import FEW
from ._jax import lies_on_mesh, with_jvp_of
from ._variants import primitive
from .elementwise import finfo, weighted, where

_Terms: TypeAlias = tuple[Array, ...]


@functools.lru_cache(64)
def ones(count: int, dtype: Any = np.float64) -> Array:
    """Return few ones of NumPy, read-only."""
    return _read_only(np.ones(count, dtype))


def starts(rows: int, length: int) -> Array:
    """Return where each row begins in the memory of an array of NumPy."""
    return _starts_of_few(rows, length) if rows * length <= FEW else np.arange(0, rows * length, length)


@functools.lru_cache(64)
def _starts_of_few(rows: int, length: int) -> Array:
    return _read_only(np.arange(0, rows * length, length))


def _read_only(x: Array) -> Array:
    x.flags.writeable = False
    return x


def _reduce_max_dask(dask: Any, x: Array, axis: int) -> Array:
    # Its own maximum fails at an empty chunk, which a mask may leave.
    maximum = functools.partial(np.max, initial=-np.inf)
    return dask.reduction(x, maximum, maximum, axis=axis, keepdims=True, dtype=x.dtype)


def _reduce_max_numpy(_: Any, x: Array, axis: int) -> Array | None:
    is_few = x.ndim == 2 and axis in (-1, 1) and 0 < x.size <= FEW and x.dtype.kind == "f"
    if not is_few or not x.flags.c_contiguous:
        return None
    return x.reshape(-1)[starts(*x.shape) + x.argmax(1)][:, None]


@primitive(dask=_reduce_max_dask, numpy=_reduce_max_numpy)
def reduce_max(xp: Namespace, x: Array, axis: int) -> Array:
    """The largest entry along `axis`, which stays with length 1."""
    return xp.sum(x, axis=axis, keepdims=True) if 0 in x.shape else xp.max(x, axis=axis, keepdims=True)


# Of a maximum of many numbers XLA leaves NaN out on the CPU.
def _largest_jax(jax: Any, x: Array, axis: int) -> Any:
    jnp = jax.numpy
    return jnp.where(jnp.any(x != x, axis=axis, keepdims=True), jnp.nan, reduce_max(x, axis))


@primitive(jax=_largest_jax)
def largest(xp: Namespace, x: Array, axis: int) -> Array:
    """The result of `reduce_max`, for one that no exponential of its row follows: NaN where an entry is NaN."""
    return reduce_max(x, axis)


SHORT = 1 << 6
"""Numbers of which those that a lane of a vector register adds one after the other are as few as NumPy's sum adds."""


# NumPy's `sum` takes longer to arrive at its ufunc than that takes on a small array, and this starts anew for each row,
# in the time of a hundred numbers. Rows are not added by a product: where a number is infinite, it may warn of an
# invalid value that is none of theirs.
def _reduce_sum_numpy(numpy: Any, x: Array, axis: int | None = None) -> Array:
    if x.dtype.kind == "f":
        if axis is None and 0 < x.size <= FEW:
            return numpy.vdot(x, ones(x.size, x.dtype))
        if axis is not None and x.ndim > 1 and axis in (-1, x.ndim - 1) and x.shape[-1] <= SHORT:
            return numpy.einsum("...i->...", x)
    return numpy.add.reduce(x, axis)


@primitive(numpy=_reduce_sum_numpy, unwrapped=("torch",))
def reduce_sum(xp: Namespace, x: Array, axis: int | None = None) -> Array:
    """The sum along `axis`, or of all entries."""
    return xp.sum(x, axis=axis)


@primitive(numpy=lambda _, x, axis: reduce_sum(x, axis) / x.shape[axis])
def reduce_mean(xp: Namespace, x: Array, axis: int) -> Array:
    """The mean along `axis`."""
    return xp.mean(x, axis=axis)


REDUCTIONS_OF_TORCH = {"none": 0, "mean": 1, "sum": 2}
"""What torch's kernels of losses take for a reduction."""


_FEW_OF_A_DOT = 1 << 9
"""Numbers up to which a dot product, which adds them one after another in a few parts, keeps the digits of a sum."""


def reduced_in_torch(torch: Any, items: Array, reduction: str) -> Array:
    """The mean or the sum of per-item losses, or they themselves, in the fewest operations that torch records."""
    result: Array = items
    if reduction == "sum":
        result = items.sum()
    elif reduction == "mean" and items.ndim == 1 and items.shape[0] <= _FEW_OF_A_DOT:
        # a product with one number, whose derivative is one operation
        result = torch.dot(items, items.detach().new_full(items.shape, 1.0 / items.shape[0]))
    elif reduction == "mean":
        result = items.mean()
    return result


def in_one_chunk(x: Array, axis: int) -> Array:
    """Return a lazy array of lengths that are not known in one chunk along an axis; any other array as it is.

    What Dask computes along several chunks asks for the lengths of these along all axes.
    """
    chunks = getattr(x, "chunks", None)
    if chunks is None or len(chunks[axis]) == 1 or known_size(x.shape) is not None:
        return x
    return x.rechunk({axis % x.ndim: -1})


# array-api-compat's looks for the namespace once more, which torch's compiler can't trace without a warning.
@primitive(torch=lambda torch, x, axis: torch.cumsum(x, axis))
def cumulative_sum(xp: Namespace, x: Array, axis: int) -> Array:
    """The sums of the first entries along `axis`."""
    return xp.cumulative_sum(in_one_chunk(x, axis), axis=axis)


def _reduce_sums_jax(jax: Any, *terms: Array, axis: int) -> _Terms | None:
    """All in one pass, along the last axis."""
    # Of several operands XLA gathers the parts of all devices, where it adds up those of one sum by itself.
    if axis % terms[0].ndim != terms[0].ndim - 1 or lies_on_mesh(terms[0]):
        return None
    plain = lambda _, *terms: tuple([jax.numpy.sum(x, axis=-1) for x in terms])  # noqa: E731
    return tuple(with_jvp_of(plain, lambda *terms: _folded(jax, terms), *terms))


# XLA unrolls a reduction of eight along an axis that is not the last, and vectorises it along the last. So a row is
# folded into eighths until it is short; what eight does not divide is added by itself.
def _folded(jax: Any, terms: _Terms) -> _Terms:
    size = terms[0].shape[-1]
    if at_most(size, 15) is not False:
        return _reduced(jax, terms, -1)
    width = size // 8
    eighths = tuple(v[..., : 8 * width].reshape(*v.shape[:-1], 8, width) for v in terms)
    total = _folded(jax, _reduced(jax, eighths, -2))
    if size == 8 * width:
        return total
    return _add(total, _reduced(jax, tuple(v[..., 8 * width :] for v in terms), -1))


def _reduced(jax: Any, terms: _Terms, axis: int) -> _Terms:
    zeros = (jax.numpy.zeros((), terms[0].dtype),) * len(terms)
    return tuple(jax.lax.reduce(terms, zeros, _add, (axis % terms[0].ndim,)))


def _add(a: _Terms, b: _Terms) -> _Terms:
    return tuple(x + y for x, y in zip(a, b, strict=True))


@primitive(arrays=None, jax=_reduce_sums_jax)
def reduce_sums(xp: Namespace, *terms: Array, axis: int) -> _Terms:
    """The sum of each of `terms` along `axis`."""
    return tuple([xp.sum(x, axis=axis) for x in terms])


def scale_of_sum(size: Array, terms: int) -> Array:
    """A power of two: 1, but where a sum of so many numbers of at most `size` may be out of range, less."""
    small = 2.0 ** -math.ceil(math.log2(max(terms, 1)) + 1.0)
    return where(size > small * finfo(size).max, small, array_namespace(size).ones_like(size))


def expectation(values: Array, target: Array, axis: int) -> Array:
    """Σ t v along `axis`, where 0 times infinity is 0."""
    return reduce_sum(weighted(values, target), axis)
