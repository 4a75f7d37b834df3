"""Derivative rules of linear algebra."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

from .._array_api import Array, Namespace, dtype_kind, namespace_of
from .array import plain
from .reductions import axes_of, counted, several
from .rules import composite, rule
from .tape import Pullback, unbroadcast

__all__: list[str] = []


def _library(x: Array) -> Namespace:
    return namespace_of(x)


# Products


@composite("matmul")
@composite("linalg.matmul")
def _matmul(xp: Namespace, x: Array, y: Array, /) -> Array:
    if x.ndim > 1 and y.ndim > 1:
        return xp._matmul(x, y)
    product = xp._matmul(x[None, :] if x.ndim == 1 else x, y[:, None] if y.ndim == 1 else y)
    if y.ndim == 1:
        product = product[..., 0]
    return product[..., 0, :] if x.ndim == 1 and y.ndim > 1 else product[..., 0] if x.ndim == 1 else product


def _matmul_left(xp: Namespace, ans: Array, x: Array, y: Array) -> Pullback:
    shape = x.shape
    return lambda g: _as_batch_of(xp, xp._matmul(g, xp.matrix_transpose(y)), shape)


def _matmul_right(xp: Namespace, ans: Array, x: Array, y: Array) -> Pullback:
    shape = y.shape
    return lambda g: _as_batch_of(xp, xp._matmul(xp.matrix_transpose(x), g), shape)


def _as_batch_of(xp: Namespace, g: Array, shape: tuple[int, ...]) -> Array:
    """Undo the broadcasting of the axes before the last two."""
    return g if g.shape == shape else unbroadcast(xp, g, (*g.shape[:-2], *shape[-2:]), shape)


rule("_matmul", _matmul_left, _matmul_right, forward=operator.matmul)


@composite("vecdot")
@composite("linalg.vecdot")
def _vecdot(xp: Namespace, x: Array, y: Array, /, *, axis: int = -1) -> Array:
    x = xp.conj(x) if dtype_kind(x.dtype) == "complex" else x
    return xp.sum(x * y, axis=axis)


@composite("linalg.outer")
def _outer(xp: Namespace, x: Array, y: Array, /) -> Array:
    return x[:, None] * y[None, :]


@composite("tensordot")
@composite("linalg.tensordot")
def _tensordot(xp: Namespace, x: Array, y: Array, /, *, axes: Any = 2) -> Array:
    if not isinstance(axes, list | tuple):
        axes = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes)))
    of_each = zip(axes, (x, y), strict=True)
    return xp._tensordot(x, y, axes=tuple(tuple(counted(k, z.ndim) for k in several(a)) for a, z in of_each))


def _contract_back(
    xp: Namespace, g: Array, other: Array, axes: tuple[int, ...], other_axes: tuple[int, ...], ndim: int, left: bool
) -> Array:
    """The cotangent of one factor: the result's contracted with the other factor over its free axes."""
    free = tuple(k for k in range(other.ndim) if k not in other_axes)
    own_free = [k for k in range(ndim) if k not in axes]
    in_result = tuple(k + len(own_free) if left else k for k in range(len(free)))
    part = xp._tensordot(g, other, axes=(in_result, free))
    # Its axes are now the factor's free ones, then the contracted ones in the order that they have in `other`.
    contracted = [axes[other_axes.index(k)] for k in sorted(other_axes)]
    order = [*own_free, *contracted]
    return xp.permute_dims(part, tuple(order.index(k) for k in range(ndim)))


def _tensordot_left(xp: Namespace, ans: Array, x: Array, y: Array, axes: Any) -> Pullback:
    ndim = x.ndim
    return lambda g: _contract_back(xp, g, y, axes[0], axes[1], ndim, left=True)


def _tensordot_right(xp: Namespace, ans: Array, x: Array, y: Array, axes: Any) -> Pullback:
    ndim = y.ndim
    return lambda g: _contract_back(xp, g, x, axes[1], axes[0], ndim, left=False)


def _library_tensordot(x: Array, y: Array, axes: Any) -> Array:
    return _library(x).tensordot(x, y, axes=axes)


rule("_tensordot", _tensordot_left, _tensordot_right, forward=_library_tensordot)


@composite("linalg.cross")
def _cross(xp: Namespace, x: Array, y: Array, /, *, axis: int = -1) -> Array:
    x, y = xp.broadcast_arrays(x, y)
    (x0, x1, x2), (y0, y1, y2) = xp.unstack(x, axis=axis), xp.unstack(y, axis=axis)
    return xp.stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], axis=axis)


@composite("linalg.matrix_power")
def _matrix_power(xp: Namespace, x: Array, n: int, /) -> Array:
    if n < 0:
        x, n = xp.linalg.inv(x), -n
    if n == 0:
        return xp.broadcast_to(xp.eye(x.shape[-1], dtype=x.dtype, device=x.device), x.shape)
    half = x if n == 1 else _matrix_power(xp, x, n // 2)
    if n == 1:
        return half
    return half @ half @ x if n % 2 else half @ half


# Parts of a matrix


@composite("linalg.matrix_transpose")
def _matrix_transpose(xp: Namespace, x: Array, /) -> Array:
    return xp.matrix_transpose(x)


@composite("linalg.diagonal")
def _diagonal(xp: Namespace, x: Array, /, *, offset: int = 0) -> Array:
    rows, columns = x.shape[-2:]
    first = max(-offset, 0)
    length = max(min(rows - first, columns - max(offset, 0)), 0)
    # The row of each diagonal element has one element that is not masked.
    down = xp.reshape(xp.arange(rows, device=x.device), (rows, 1))
    on = down + offset == xp.arange(columns, device=x.device)
    return xp.sum(xp.where(on, x, 0.0), axis=-1)[..., first : first + length]


@composite("linalg.trace")
def _trace(xp: Namespace, x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    return xp.sum(xp.linalg.diagonal(x, offset=offset), axis=-1, dtype=dtype)


# Norms


@composite("linalg.vector_norm")
def _vector_norm(
    xp: Namespace,
    x: Array,
    /,
    *,
    axis: Any = None,
    keepdims: bool = False,
    ord: float = 2,  # noqa: A002
) -> Array:
    if ord == 2:
        return xp.linalg._length(x, axis=axis, keepdims=keepdims)
    if ord == 0:
        return xp.astype(xp.count_nonzero(x, axis=axis, keepdims=keepdims), abs(plain(x)).dtype)
    if math.isinf(ord):
        return (xp.max if ord > 0 else xp.min)(abs(x), axis=axis, keepdims=keepdims)
    total = xp.sum(abs(x) ** ord, axis=axis, keepdims=keepdims)
    return total if ord == 1 else total ** (1 / ord)


def _length(xp: Namespace, ans: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Pullback:
    """x / |x|, and 0 at 0."""

    def pullback(g: Array) -> Array:
        share = g / xp.where(ans == 0, 1.0, ans)
        if not keepdims and axis is not None:
            for k in axes_of(axis, x.ndim):
                share = xp.expand_dims(share, axis=k)
        return share * (xp.conj(x) if dtype_kind(x.dtype) == "complex" else x)

    return pullback


rule(
    "linalg._length",
    _length,
    forward=lambda x, axis, keepdims: _library(x).linalg.vector_norm(x, axis=axis, keepdims=keepdims),
)


@composite("linalg.matrix_norm")
def _matrix_norm(xp: Namespace, x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:  # noqa: A002
    if ord == "fro":
        return xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        raise TypeError(f"`linalg.matrix_norm` of order {ord!r} has no derivative rule; it has with 'fro', 1 and inf")
    first, second = (-2, -1) if abs(ord) == 1 else (-1, -2)
    sums = xp.sum(abs(x), axis=first, keepdims=True)
    norm = (xp.max if ord > 0 else xp.min)(sums, axis=second, keepdims=True)
    return norm if keepdims else norm[..., 0, 0]


# Inverses and factors


def _transposed(xp: Namespace, x: Array) -> Array:
    return xp.matrix_transpose(x)


def _inv(xp: Namespace, ans: Array, x: Array) -> Pullback:
    return lambda g: -(_transposed(xp, ans) @ g @ _transposed(xp, ans))


rule("linalg.inv", _inv)


@composite("linalg.solve")
def _solve(xp: Namespace, x: Array, y: Array, /) -> Array:
    return xp.linalg._solve(x, y[:, None])[..., 0] if y.ndim == 1 else xp.linalg._solve(x, y)


def _solve_matrix(xp: Namespace, ans: Array, x: Array, y: Array) -> Pullback:
    shape = x.shape
    return lambda g: _as_batch_of(xp, -(xp.linalg._solve(_transposed(xp, x), g) @ _transposed(xp, ans)), shape)


def _solve_right(xp: Namespace, ans: Array, x: Array, y: Array) -> Pullback:
    shape = y.shape
    return lambda g: _as_batch_of(xp, xp.linalg._solve(_transposed(xp, x), g), shape)


rule("linalg._solve", _solve_matrix, _solve_right, forward=lambda x, y: _library(x).linalg.solve(x, y))


def _det(xp: Namespace, ans: Array, x: Array) -> Pullback:
    return lambda g: (g * ans)[..., None, None] * _transposed(xp, xp.linalg.inv(x))


def _log_det(xp: Namespace, ans: Array, x: Array) -> Pullback:
    return lambda g: g[..., None, None] * _transposed(xp, xp.linalg.inv(x))


rule("linalg.det", _det)
rule("linalg._log_det", _log_det, forward=lambda x: _library(x).linalg.slogdet(x)[1])


class SlogdetResult(NamedTuple):
    """What `linalg.slogdet` returns."""

    sign: Array
    logabsdet: Array


@composite("linalg.slogdet")
def _slogdet(xp: Namespace, x: Array, /) -> SlogdetResult:
    return SlogdetResult(xp.__wrapped_namespace__.linalg.slogdet(plain(x))[0], xp.linalg._log_det(x))


def _cholesky(xp: Namespace, ans: Array, x: Array, upper: bool = False) -> Pullback:
    """Iain Murray, Differentiation of the Cholesky decomposition (2016): L^-T Φ(L^T G) L^-1, made symmetric."""

    def pullback(g: Array) -> Array:
        low, g_low = (_transposed(xp, ans), _transposed(xp, g)) if upper else (ans, g)
        half = xp.tril(_transposed(xp, low) @ xp.tril(g_low))
        half = half - 0.5 * half * xp.eye(x.shape[-1], dtype=half.dtype, device=half.device)
        inverse = xp.linalg.inv(low)
        full = _transposed(xp, inverse) @ half @ inverse
        return (full + _transposed(xp, full)) * 0.5

    return pullback


rule("linalg.cholesky", _cholesky)
