"""Lengths and cosines of rows, with their derivatives.

The squares of a row whose length is far from 1 are those of the row times a power of two, so that no length overflows
or vanishes. The power follows from the length, and every row is multiplied by one: the time is the same for all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _kernels, special
from ._array_api import Array, array_namespace, dtype_name

__all__ = ["Cosine", "Distance"]


class _Range(NamedTuple):
    """The lengths that need no factor, those of a short and of a long row, and what a normal number comes to at least.

    The product of two lengths is in range, times a factor too, and so is the square of any one.
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


def _scaled(own: Any, x: Array, axis: int, out: Array | None = None) -> tuple[Array, Array, Array]:
    """`x` times a power of two, the length of that along `axis`, and the power, which counts as a constant."""
    low, high, up, down, _ = _RANGES[dtype_name(x.dtype)]
    length = _length(own, special.constant(x), axis)
    factor = special.where(length > high, down, special.where(length < low, up, 1.0 + 0.0 * length))
    wide = special.new_axis(factor, axis)
    x = x * wide if out is None else own.multiply(x, wide, out=out)
    return x, _length(own, x, axis), factor


def _length(own: Any, x: Array, axis: int) -> Array:
    if own is not None:
        return _kernels.length(own, x, axis)
    xp = array_namespace(x)
    square = special.total(x * x, axis)
    zero = square == 0
    return special.where(zero, 0.0, xp.sqrt(special.where(zero, 1.0, square)))


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
        self._own = own = _kernels.workshop(x, y)
        self._rows, lengths, self._factors = zip(*[_scaled(own, v, axis) for v in (x, y)], strict=True)
        x, y = self._rows
        product = special.total(x * y, axis) if own is None else _kernels.dot(own, x, y, axis)
        least = _RANGES[dtype_name(x.dtype)].least
        self._counts = special.inside(xp.minimum(*lengths), least, None)
        self._lengths = [special.maximum(length, least) for length in lengths]
        self.value = product / self._lengths[0] / self._lengths[1] * self._counts

    # d cos / dx = (y / |y| - cos x / |x|) / |x|
    def slope(self, factor: Array, of: int = 0) -> Array:
        """The derivative of the cosine by x, or by y with ``of=1``, times one number an item."""
        x, y = self._rows if of == 0 else self._rows[::-1]
        length = self._lengths[of]
        across = special.new_axis(factor * self._counts / self._lengths[1 - of], self._axis)
        along = special.new_axis(factor * self.value / length, self._axis)
        inverse = special.new_axis(self._factors[of] / length, self._axis)
        if self._own is None:
            return (across * y - along * x) * inverse
        slope = _kernels.combination(self._own, across, y, along, x)
        return self._own.multiply(slope, inverse, out=slope)


class Distance:
    """(Σ |x - y + shift|^p)^(1/p) along `axis`, with a derivative of 0 where it is 0.

    Attributes
    ----------
    share : array
        A millionth of the distance, 2^-20 of it, which is in range where the distance itself is not.
    """

    def __init__(self, x: Array, y: Array, axis: int, p: float = 2.0, shift: float | Array = 0.0) -> None:
        self._axis, self._p = axis, p
        # The difference of two numbers may be out of range; that of their halves is not.
        own = _kernels.workshop(x, y)
        half = 0.5 * x - 0.5 * y if own is None else _kernels.half_difference(own, x, y)
        if not special.is_zero(shift):
            half = half + 0.5 * special.in_range(shift, half)
        if p == 2:
            self._unit, self._length, factor = _scaled(own, half, axis, None if own is None else half)
            self.share = 2.0**-19 * self._length / factor
            return
        # A quarter of the largest entry has an inverse that is in range, by which JAX multiplies.
        size = special.constant(special.largest(array_namespace(half).abs(half), axis))
        scale = special.above_zero(0.25 * size)
        self._unit = half / scale
        self._length = _norm(self._unit, p, axis)
        self.share = 2.0**-19 * special.without_axis(scale, axis) * self._length

    # sign(e) (|e| / length)^(p - 1) of the difference e, and for p = inf equal shares of the largest differences
    def slope(self, factor: Array) -> Array:
        """The derivative by x, times one number an item."""
        xp = array_namespace(self._unit, factor)
        if self._p == 1:
            return xp.sign(self._unit) * special.new_axis(factor, self._axis)
        zero = self._length == 0
        length, factor = special.where(zero, 1.0, self._length), special.where(zero, 0.0, factor)
        if self._p == 2:
            return self._unit * special.new_axis(factor / length, self._axis)
        share = xp.abs(self._unit) / special.new_axis(length, self._axis)
        if self._p == float("inf"):
            power = xp.astype(share == 1, share.dtype)
            power = power / special.maximum(xp.sum(power, axis=self._axis, keepdims=True), 1.0)
        else:
            power = special.where(share == 0, 0.0, special.where(share == 0, 1.0, share) ** (self._p - 1.0))
        return xp.sign(self._unit) * power * special.new_axis(factor, self._axis)


def _norm(x: Array, p: float, axis: int) -> Array:
    xp = array_namespace(x)
    if p == 1:
        return xp.sum(special.magnitude(x), axis=axis)
    if p == float("inf"):
        return special.without_axis(special.largest(special.magnitude(x), axis), axis)
    # The rule of the power, p |e|^(p - 1) sign(e), has no value at e = 0 once it is taken twice, nor has that of 1/p.
    none = x == 0
    powers = (0.25 * xp.abs(special.where(none, 1.0, x))) ** p
    total = xp.sum(special.where(none, 0.0, powers), axis=axis)
    if p < 1:  # of which the length of a few small entries may be out of range
        total = special.clip(total, None, 2.0 ** (100 * p))
    zero = total == 0
    return special.where(zero, 0.0, 4.0 * special.where(zero, 1.0, total) ** (1 / p))
