"""Derivative rules of linear algebra."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

from .._array_api import Array, Namespace, dtype_kind, namespace_of
from .array import plain
from .reductions import axes_of, conjugate, counted, root, several
from .rules import composite, rule
from .tape import Maker, Pullback, unbroadcast

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
    return xp.sum(conjugate(xp, x) * y, axis=axis)


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
    return total if ord == 1 else root(xp, total, ord) if ord > 0 else total ** (1 / ord)


def _length(xp: Namespace, ans: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Pullback:
    """x / |x|, and 0 at 0."""

    def pullback(g: Array) -> Array:
        share = g / xp.where(ans == 0, 1.0, ans)
        if not keepdims and axis is not None:
            for k in axes_of(axis, x.ndim):
                share = xp.expand_dims(share, axis=k)
        return share * conjugate(xp, x)

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
    if ord in ("nuc", 2, -2):
        values = xp.linalg.svdvals(x)
        norm = xp.sum(values, axis=-1) if ord == "nuc" else values[..., 0 if ord == 2 else -1]
        return norm[..., None, None] if keepdims else norm
    if ord not in (1, -1, math.inf, -math.inf):
        raise TypeError(
            f"`linalg.matrix_norm` of order {ord!r} has no derivative rule; it has with 1, 2, inf, 'fro', 'nuc'"
        )
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


def _sign_of_det(xp: Namespace, ans: Array, x: Array) -> Pullback:
    """The determinant turns by the imaginary part of the change of its logarithm."""
    return lambda g: xp.imag(g * ans)[..., None, None] * 1j * _transposed(xp, xp.linalg.inv(x))


rule("linalg.det", _det)
rule("linalg._sign_of_det", _sign_of_det, forward=lambda x: _library(x).linalg.slogdet(x)[0])
rule("linalg._log_det", _log_det, forward=lambda x: _library(x).linalg.slogdet(x)[1])


class SlogdetResult(NamedTuple):
    """What `linalg.slogdet` returns."""

    sign: Array
    logabsdet: Array


@composite("linalg.slogdet")
def _slogdet(xp: Namespace, x: Array, /) -> SlogdetResult:
    if dtype_kind(x.dtype) == "complex":
        return SlogdetResult(xp.linalg._sign_of_det(x), xp.linalg._log_det(x))
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


@composite("linalg.cholesky")
def _of_cholesky(xp: Namespace, x: Array, /, *, upper: bool = False) -> Array:
    _require_real("cholesky", x)
    return xp.linalg._cholesky(x, upper=upper)


rule("linalg._cholesky", _cholesky, forward=lambda x, upper: _library(x).linalg.cholesky(x, upper=upper))


# Decompositions of real matrices. Each part has a rule of its own, which computes the other parts anew: so it can be
# differentiated again, and a part that is not asked for costs nothing. Vectors of equal eigenvalues or singular values
# may turn among themselves; of that turn there is no derivative, and it counts as 0.


class EighResult(NamedTuple):
    """What `linalg.eigh` returns."""

    eigenvalues: Array
    eigenvectors: Array


class SVDResult(NamedTuple):
    """What `linalg.svd` returns."""

    U: Array
    S: Array
    Vh: Array


class QRResult(NamedTuple):
    """What `linalg.qr` returns."""

    Q: Array
    R: Array


def _require_real(name: str, x: Array) -> None:
    if dtype_kind(x.dtype) == "complex":
        raise TypeError(f"`linalg.{name}` of a complex matrix has no derivative rule; it has of a real one")


def _inverse_gaps(xp: Namespace, values: Array) -> Array:
    """1 / (values[j] - values[i]) at place (i, j), and 0 where they are equal."""
    gaps = values[..., None, :] - values[..., :, None]
    return xp.where(gaps == 0, 0.0, 1 / xp.where(gaps == 0, 1.0, gaps))


def _part(name: str, maker: Maker, decomposition: str, part: int, **settings: Any) -> None:
    """State the rule of one part of a decomposition, as a step of its own."""
    rule(f"linalg.{name}", maker, forward=lambda x: getattr(_library(x).linalg, decomposition)(x, **settings)[part])


def _eigenvalues(xp: Namespace, ans: Array, x: Array) -> Pullback:
    def pullback(g: Array) -> Array:
        vectors = xp.linalg._eigenvectors(x)
        return (vectors * g[..., None, :]) @ _transposed(xp, vectors)

    return pullback


def _eigenvectors(xp: Namespace, ans: Array, x: Array) -> Pullback:
    def pullback(g: Array) -> Array:
        inner = _inverse_gaps(xp, xp.linalg._eigenvalues(x)) * (_transposed(xp, ans) @ g)
        full = ans @ inner @ _transposed(xp, ans)
        return (full + _transposed(xp, full)) * 0.5

    return pullback


_part("_eigenvalues", _eigenvalues, "eigh", 0)
_part("_eigenvectors", _eigenvectors, "eigh", 1)


@composite("linalg.eigh")
def _eigh(xp: Namespace, x: Array, /) -> EighResult:
    _require_real("eigh", x)
    return EighResult(xp.linalg._eigenvalues(x), xp.linalg._eigenvectors(x))


@composite("linalg.eigvalsh")
def _eigvalsh(xp: Namespace, x: Array, /) -> Array:
    _require_real("eigvalsh", x)
    return xp.linalg._eigenvalues(x)


# James Townsend, Differentiating the singular value decomposition (2016), for the thin one.


def _singular_values(xp: Namespace, ans: Array, x: Array) -> Pullback:
    return lambda g: (xp.linalg._left(x) * g[..., None, :]) @ xp.linalg._right(x)


def _left_vectors(xp: Namespace, ans: Array, x: Array) -> Pullback:
    def pullback(g: Array) -> Array:
        s, right = xp.linalg._singular(x), xp.linalg._right(x)
        return _of_vectors(xp, ans, s, g) @ right

    return pullback


def _right_vectors(xp: Namespace, ans: Array, x: Array) -> Pullback:
    def pullback(g: Array) -> Array:
        left, s = xp.linalg._left(x), xp.linalg._singular(x)
        return left @ _transposed(xp, _of_vectors(xp, _transposed(xp, ans), s, _transposed(xp, g)))

    return pullback


def _of_vectors(xp: Namespace, vectors: Array, s: Array, g: Array) -> Array:
    """What the cotangent of the vectors of one side makes on that side: within their space, and out of it."""
    within = _transposed(xp, vectors) @ g
    turned = _inverse_gaps(xp, s * s) * (within - _transposed(xp, within)) * s[..., None, :]
    outside = (g - vectors @ within) / xp.where(s == 0, 1.0, s)[..., None, :]
    return vectors @ turned + outside


_part("_left", _left_vectors, "svd", 0, full_matrices=False)
_part("_singular", _singular_values, "svd", 1, full_matrices=False)
_part("_right", _right_vectors, "svd", 2, full_matrices=False)


@composite("linalg.svd")
def _svd(xp: Namespace, x: Array, /, *, full_matrices: bool = True, compute_uv: bool = True) -> SVDResult | Array:
    _require_real("svd", x)
    if not compute_uv:  # NumPy's
        return xp.linalg._singular(x)
    if full_matrices and x.shape[-2] != x.shape[-1]:
        raise TypeError("`linalg.svd` has a derivative rule with full_matrices=False, of matrices that are not square")
    return SVDResult(xp.linalg._left(x), xp.linalg._singular(x), xp.linalg._right(x))


@composite("linalg.svdvals")
def _svdvals(xp: Namespace, x: Array, /) -> Array:
    _require_real("svdvals", x)
    return xp.linalg._singular(x)


def _orthogonal(xp: Namespace, ans: Array, x: Array) -> Pullback:
    return lambda g: _of_qr(xp, ans, xp.linalg._triangular(x), g, -(_transposed(xp, g) @ ans))


def _triangular(xp: Namespace, ans: Array, x: Array) -> Pullback:
    return lambda g: _of_qr(xp, xp.linalg._orthogonal(x), ans, 0.0, ans @ _transposed(xp, g))


def _of_qr(xp: Namespace, q: Array, r: Array, g: Array | float, inner: Array) -> Array:
    """Walter and Lehmann, Algorithmic differentiation of linear algebra functions (2010): (G + Q sym) R^-T."""
    symmetric = xp.tril(inner) + _transposed(xp, xp.tril(inner, k=-1))
    return _transposed(xp, xp.linalg.solve(r, _transposed(xp, g + q @ symmetric)))


_part("_orthogonal", _orthogonal, "qr", 0)
_part("_triangular", _triangular, "qr", 1)


@composite("linalg.qr")
def _qr(xp: Namespace, x: Array, /, *, mode: str = "reduced") -> QRResult:
    _require_real("qr", x)
    if mode != "reduced" or x.shape[-2] < x.shape[-1]:
        raise TypeError("`linalg.qr` has a derivative rule with mode='reduced', of at least as many rows as columns")
    return QRResult(xp.linalg._orthogonal(x), xp.linalg._triangular(x))


def _pinv(xp: Namespace, ans: Array, x: Array, **settings: Any) -> Pullback:
    """Golub and Pereyra (1973), of matrices whose rank does not change nearby."""
    _require_real("pinv", x)

    def pullback(g: Array) -> Array:
        p, down = _transposed(xp, ans), _transposed(xp, g)
        first = (down - x @ (ans @ down)) @ ans @ p
        second = p @ ans @ (down - (down @ ans) @ x)
        return first + second - p @ g @ p

    return pullback


rule("linalg.pinv", _pinv)
