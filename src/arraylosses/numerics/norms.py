"""Norms and cosines of rows, with their derivatives.

The squares of a row whose norm is far from 1 are those of the row times a power of two, so that no norm overflows or
vanishes. The power follows from the norm, and every row is multiplied by one, unless it is seen that none needs it.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from .._array_api import (
    Array,
    Namespace,
    array_namespace,
    at_most,
    dtype_kind,
    dtype_name,
    holds_values,
    known_size,
)
from .._values import least_and_most
from ..arguments import require_positive
from ._jax import in_short, with_jvp_of
from ._variants import in_place_library, primitive
from .elementwise import absolute, at_least_smallest_normal, clip, clip_derivative, finfo, sign, stop_gradient, where
from .indexing import expand_dims
from .reductions import reduce_max, reduce_sum, reduce_sums
from .settings import in_range, is_zero


class _Range(NamedTuple):
    """The norms that need no factor, the factors of a short and of a long row, and the least norm of a normal number.

    The product of two norms is in range, times a factor too, and so is the square of any one.
    """

    low: float
    high: float
    up: float
    down: float
    least: float


_RANGES = {
    "float32": _Range(2.0**-50, 2.0**62, 2.0**70, 2.0**-80, 2.0**-56),
    "float64": _Range(2.0**-450, 2.0**510, 2.0**560, 2.0**-530, 2.0**-462),
}


def _scaled(library: Any, x: Array, axis: int, out: Array | None = None) -> tuple[Array, Array, Array | float]:
    """`x` times a power of two, the norm of that along `axis`, and the power, which counts as a constant."""
    if library is None:
        norm, factor = _norm_and_factor(x, axis)
        return x * expand_dims(factor, axis), norm, factor
    norm = _euclidean(library, x, axis)
    if _need_no_factor(norm, x):
        return x, norm, 1.0
    factor = _factor(norm, x)
    wide = expand_dims(factor, axis)
    x = x * wide if out is None else library.multiply(x, wide, out=out)
    return x, _euclidean(library, x, axis), factor


def _need_no_factor(norm: Array, x: Array) -> bool:
    """Whether norms are seen to be in range."""
    low, high, *_ = _RANGES[dtype_name(x.dtype)]
    if 0 in norm.shape or not holds_values(norm):
        return False
    least, most = least_and_most(norm)
    return least >= low and most <= high


def norm_in_torch(torch: Any, x: Array, axis: int) -> Array | None:
    """The norm along `axis` by torch's own function, whose derivative torch knows; None where it needs a factor."""
    norm: Array = torch.linalg.vector_norm(x, 2, axis)
    return norm if _need_no_factor(norm.detach(), x) else None


def _factor(norm: Array, x: Array) -> Array:
    low, high, up, down, _ = _RANGES[dtype_name(x.dtype)]
    return where(norm > high, down, where(norm < low, up, array_namespace(norm).ones_like(norm)))


def _norm_and_factor_jax(jax: Any, x: Array, axis: int) -> Any:
    # The norms of all multiples of a row at once: XLA reads `x` one time, and writes no multiple.
    def exact(x: Array) -> tuple[Array, Array]:
        if x.shape[axis] == 1:  # XLA takes (u x)² of one number for u² x², in which u² is infinite
            size = jax.numpy.abs(jax.numpy.squeeze(x, axis=axis))
            factor = _factor(size, x)
            return size * factor, factor
        _, _, up, down, _ = _RANGES[dtype_name(x.dtype)]
        squares = reduce_sums(x * x, (x * up) * (x * up), (x * down) * (x * down), axis=axis)
        norm, of_short, of_long = map(jax.numpy.sqrt, squares)
        factor = _factor(norm, x)
        return where(factor == down, of_long, where(factor == up, of_short, norm)), factor

    def short(x: Array) -> tuple[tuple[Array, Array], Array]:
        norm = _root_of_squares(x, axis)
        return (norm, jax.numpy.ones_like(norm)), _are_in_range(norm)

    def plain(known: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        _, factor = known
        return _euclidean(None, x * expand_dims(factor, axis), axis), factor

    return with_jvp_of(plain, functools.partial(in_short, short, exact, most=_MIDDLE), x)


_MIDDLE = 1 << 18
"""Numbers beyond which XLA takes longer to write a difference, for a branch, than to multiply it."""


def _root_of_squares(x: Array, axis: int) -> Array:
    return array_namespace(x).sqrt(reduce_sum(x * x, axis))


def _are_in_range(norm: Array) -> Array:
    low, high, *_ = _RANGES[dtype_name(norm.dtype)]
    return (norm >= low) & (norm <= high)


@primitive(jax=_norm_and_factor_jax)
def _norm_and_factor(_: Namespace, x: Array, axis: int) -> tuple[Array, Array]:
    """The power of two by which a row is multiplied, and before it the norm of that multiple."""
    factor = _factor(_euclidean(None, stop_gradient(x), axis), x)
    return _euclidean(None, x * expand_dims(factor, axis), axis), factor


def _euclidean(library: Any, x: Array, axis: int) -> Array:
    """The Euclidean norm along `axis`, of numbers whose squares are in range; else it is 0 or infinite."""
    if library is np:
        with np.errstate(over="ignore", under="ignore"):
            return np.sqrt(_dot(np, x, x, axis))
    if library is not None:
        return library.linalg.vector_norm(x, dim=axis)
    square = reduce_sum(x * x, axis)
    zero = square == 0
    return where(zero, 0.0, array_namespace(x).sqrt(where(zero, 1.0, square)))


def _dot(library: Any, x: Array, y: Array, axis: int) -> Array:
    if library is None:
        return reduce_sum(x * y, axis)
    vecdot: Any = np.vecdot if library is np else library.linalg.vecdot
    return vecdot(x, y, axis=axis) if library is np else vecdot(x, y, dim=axis)


class Cosine:
    """The cosine of the angle between the rows of `x` and `y` along `axis`.

    It is 0, and has a derivative of 0, where a row is 0 or holds but subnormal numbers.

    Attributes
    ----------
    value : array
        The cosine.
    """

    def __init__(self, x: Array, y: Array, axis: int) -> None:
        xp = array_namespace(x, y)
        self._axis = axis
        self._library = library = in_place_library(x, y)
        self._rows, norms, self._factors = zip(*[_scaled(library, v, axis) for v in (x, y)], strict=True)
        x, y = self._rows
        least = _RANGES[dtype_name(x.dtype)].least
        self._counts = clip_derivative(xp.minimum(*norms), least, None)
        self._norms = [clip(norm, least) for norm in norms]
        self.value = _dot(library, x, y, axis) / self._norms[0] / self._norms[1] * self._counts

    # d cos / dx = (y / |y| - cos x / |x|) / |x|
    def derivative(self, factor: Array, of: int = 0) -> Array:
        """The derivative of the cosine by x, or by y with ``of=1``, times one number an item."""
        x, y = self._rows if of == 0 else self._rows[::-1]
        norm = self._norms[of]
        across = expand_dims(factor * self._counts / self._norms[1 - of], self._axis)
        along = expand_dims(factor * self.value / norm, self._axis)
        inverse = expand_dims(self._factors[of] / norm, self._axis)
        if self._library is None:
            return (across * y - along * x) * inverse
        result = self._library.multiply(y, across)
        if self._library is np:
            np.subtract(result, np.multiply(x, along), out=result)
        else:
            self._library.addcmul(result, x, along, value=-1.0, out=result)
        return self._library.multiply(result, inverse, out=result)


class _CosineOfUnits(Cosine):
    """The same on JAX, as the product of unit vectors: XLA reads the arrays in one pass, and writes no multiple."""

    def __init__(self, x: Array, y: Array, axis: int) -> None:
        self._axis = axis
        self._rows, self._inverses = zip(*[self._unit(v) for v in (x, y)], strict=True)
        self.value = with_jvp_of(lambda _, x, y: self._of_units(x, y), self._value, x, y)

    def _of_units(self, x: Array, y: Array) -> Array:
        return reduce_sum(self._unit(x)[0] * self._unit(y)[0], self._axis)

    def _value(self, x: Array, y: Array) -> Array:
        def short(x: Array, y: Array) -> tuple[Array, Array]:
            first, second = [_root_of_squares(v, self._axis) for v in (x, y)]
            value = reduce_sum(x * y, self._axis) / first / second
            return value, _are_in_range(first) & _are_in_range(second)

        value: Array = in_short(short, self._of_units, x, y)
        return value

    # A quarter of the largest entry has an inverse that is in range. The sum of squares is at least 1, or 0 for a row
    # of zeros; as XLA fuses a choice with no sum, there is none.
    def _unit(self, x: Array) -> tuple[Array, Array]:
        """The unit vector of each row, and with the axis the inverse of its norm; both are 0 where the row is."""
        xp = array_namespace(x)
        inverse = 1.0 / at_least_smallest_normal(0.25 * stop_gradient(reduce_max(xp.abs(x), self._axis)))
        x = x * inverse
        square = xp.sum(x * x, axis=self._axis, keepdims=True)
        factor = clip(square, None, 1.0) / xp.sqrt(clip(square, 1.0))
        return x * factor, inverse * factor

    # d cos / dx = (y / |y| - cos x / |x|) / |x|
    def derivative(self, factor: Array, of: int = 0) -> Array:
        x, y = self._rows if of == 0 else self._rows[::-1]
        return (y - expand_dims(self.value, self._axis) * x) * (expand_dims(factor, self._axis) * self._inverses[of])


@primitive(arrays=2, jax=lambda _, x, y, axis: _CosineOfUnits(x, y, axis))
def cosine(_: Namespace, x: Array, y: Array, axis: int) -> Cosine:
    """The cosine of the angle between the rows of `x` and `y` along `axis`, with its derivatives."""
    return Cosine(x, y, axis)


class Norm:
    """(Σ |x|^p)^(1/p) along `axis`, with a derivative of 0 where it is 0.

    Parameters
    ----------
    x : array
    axis : int
    p : float, default 2.0
        Above 0, or infinity.
    factor : float, default 1.0
        What the norm is multiplied by before it may be out of range.
    overwrite : bool, default False
        Whether `x` may be written over.

    Attributes
    ----------
    value : array
        `factor` times the norm.
    """

    def __init__(self, x: Array, axis: int, p: float = 2.0, factor: float = 1.0, overwrite: bool = False) -> None:
        self._axis, self._p = axis, p
        if p == 2:
            library = in_place_library(x)
            out = x if overwrite and library is not None else None
            self._unit, self._norm, power = _scaled(library, x, axis, out)
            self.value = factor * self._norm / power
            return
        # A quarter of the largest entry has an inverse that is in range, by which JAX multiplies. What an infinite
        # entry is divided by is finite, so that it stays infinite.
        xp = array_namespace(x)
        bounds = finfo(x)
        scale = clip(0.25 * stop_gradient(reduce_max(xp.abs(x), axis)), bounds.smallest_normal, 0.25 * bounds.max)
        self._unit = x / scale
        self._norm = _p_norm(self._unit, p, axis)
        self.value = factor * xp.squeeze(scale, axis=axis) * self._norm

    # sign(x) (|x| / norm)^(p - 1), and for p = inf equal shares of the largest entries
    def derivative(self, factor: Array) -> Array:
        """The derivative by x, times one number an item."""
        xp = array_namespace(self._unit, factor)
        if self._p == 1:
            return sign(self._unit) * expand_dims(factor, self._axis)
        zero = self._norm == 0
        norm, factor = where(zero, 1.0, self._norm), where(zero, 0.0, factor)
        if self._p == 2:
            return self._unit * expand_dims(factor / norm, self._axis)
        ratio = xp.abs(self._unit) / expand_dims(norm, self._axis)
        if self._p == float("inf"):
            power = xp.astype(ratio == 1, ratio.dtype)
            power = power / clip(xp.sum(power, axis=self._axis, keepdims=True), 1.0)
        else:
            power = where(ratio == 0, 0.0, where(ratio == 0, 1.0, ratio) ** (self._p - 1.0))
        return sign(self._unit) * power * expand_dims(factor, self._axis)


class Distance(Norm):
    """2^-20 of the norm of x - y + shift along `axis`, which is in range where the norm itself is not."""

    def __init__(self, x: Array, y: Array, axis: int, p: float = 2.0, shift: float | Array = 0.0) -> None:
        # The difference of two numbers may be out of range; that of their halves is not.
        half, library = x * 0.5, in_place_library(x, y)
        if library is None:
            half = half - y * 0.5
        else:
            half = np.subtract(half, y * 0.5, out=half) if library is np else half.sub_(y, alpha=0.5)
        if not is_zero(shift):
            half = half + 0.5 * in_range(shift, half)
        super().__init__(half, axis, p, 2.0**-19, overwrite=True)


def _p_norm(x: Array, p: float, axis: int) -> Array:
    xp = array_namespace(x)
    if p == 1:
        return xp.sum(absolute(x), axis=axis)
    if p == float("inf"):
        return xp.squeeze(reduce_max(absolute(x), axis), axis=axis)
    # The rule of the power, p |e|^(p - 1) sign(e), has no value at e = 0 once it is taken twice, nor has that of 1/p.
    none = x == 0
    powers = (0.25 * xp.abs(where(none, 1.0, x))) ** p
    total = xp.sum(where(none, 0.0, powers), axis=axis)
    if p < 1:  # of which the norm of a few small entries may be out of range
        total = where(total == float("inf"), total, clip(total, None, 2.0 ** (100 * p)))
    zero = total == 0
    return where(zero, 0.0, 4.0 * where(zero, 1.0, total) ** in_range(1 / p, x))


def vector_norm(x: Array, /, axis: int = -1, ord: float = 2.0) -> Array:  # noqa: A002
    """Norm of vectors, without overflow, and with a derivative of 0 at 0.

    Parameters
    ----------
    x : array
        Floating, with the vectors along `axis`.
    axis : int, default -1
        The axis of the vectors.
    ord : float, default 2.0
        Order of the norm, above 0; infinity is the largest absolute value.

    Returns
    -------
    array
        ``sum(abs(x) ** ord) ** (1 / ord)``, without `axis`.

    Raises
    ------
    TypeError, ValueError
        If `ord` is no number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.vector_norm(np.asarray([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [5.0, 0.0]
    """
    require_positive(ord=ord)
    if dtype_kind(x.dtype) == "half":
        xp = array_namespace(x)
        return xp.astype(vector_norm(xp.astype(x, xp.float32), axis, ord), x.dtype)
    return Norm(x, axis, ord).value


DIFFERENCES = 1 << 24
"""Differences of coordinates up to which Euclidean distances are computed of them, and not of products."""


def pairwise_distances(x: Array, y: Array | None = None, /, ord: float = 2.0) -> Array:  # noqa: A002
    """Distances of each row of `x` from each of `y`, with a derivative of 0 between equal rows.

    Parameters
    ----------
    x : array, shape (N, D)
        Floating.
    y : array, shape (M, D), optional
        Floating; by default it is `x`.
    ord : float, default 2.0
        Order of the norm, above 0; infinity is the largest absolute difference.

    Returns
    -------
    array, shape (N, M)
        ``vector_norm(x[i] - y[j])``.

    Raises
    ------
    TypeError, ValueError
        If `ord` is no number above 0.

    Notes
    -----
    All differences, N M D of them, are held at once. Of more than 2^24, Euclidean distances are those of
    ``|x|^2 + |y|^2 - 2 x @ y.T``, of which a distance that is far below the lengths has fewer digits, as with
    `torch.cdist`; a program that is exported for lengths of any kind has the differences.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.pairwise_distances(np.asarray([[0.0, 0.0], [3.0, 4.0]])).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    require_positive(ord=ord)
    y = x if y is None else y
    if ord != 2 or at_most(known_size((x.shape[0], *y.shape)), DIFFERENCES) is not False:
        return vector_norm(x[:, None, :] - y[None, :, :], -1, ord)
    xp = array_namespace(x, y)
    lengths = [xp.sum(v * v, axis=-1) for v in (x, y)]
    square = lengths[0][:, None] + lengths[1][None, :] - 2.0 * xp.matmul(x, xp.permute_dims(y, (1, 0)))
    none = square <= 0
    return where(none, 0.0, xp.sqrt(where(none, 1.0, square)))
