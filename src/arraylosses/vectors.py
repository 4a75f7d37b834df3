"""Lengths and cosines of rows, with their derivatives.

A row is divided by its largest entry before its squares are summed, so no length overflows or vanishes.
"""

from __future__ import annotations

from . import _kernels, special
from ._array_api import Array, array_namespace

__all__ = ["Cosine", "Distance"]


def _scaled(x: Array, axis: int) -> tuple[Array, Array]:
    """`x` over its largest entry along `axis`, and that, which keeps the axis and counts as a constant."""
    size = special.largest(array_namespace(x).abs(x), axis)
    scale = special.constant(special.above_zero(size))
    return x / scale, scale


def _squeezed(x: Array, axis: int) -> Array:
    return array_namespace(x).squeeze(x, axis=axis)


class Cosine:
    """The cosine of the angle between the rows of `x` and `y` along `axis`; a row of zeros has cosine and slope 0.

    Attributes
    ----------
    value : array
        The cosine.
    """

    def __init__(self, x: Array, y: Array, axis: int) -> None:
        xp = array_namespace(x, y)
        self._axis = axis
        (x, x_scale), (y, y_scale) = _scaled(x, axis), _scaled(y, axis)
        self._rows, self._scales = (x, y), (x_scale, y_scale)
        if (own := _kernels.workshop(x, y)) is not None:
            product, *squares = (_kernels.dot(own, a, b, axis) for a, b in ((x, y), (x, x), (y, y)))
        else:
            product, *squares = special.sums(axis, x * y, x * x, y * y)
        zero = squares[0] * squares[1] == 0
        self._squares = [special.where(zero, 1.0, square) for square in squares]
        self._inverse = special.where(zero, 0.0, 1.0 / xp.sqrt(self._squares[0] * self._squares[1]))
        self.value = product * self._inverse

    # d cos / dx = (y / |y| - cos x / |x|) / |x|
    def slope(self, factor: Array, of: int = 0) -> Array:
        """The derivative of the cosine by x, or by y with ``of=1``, times one number an item."""
        x, y = self._rows if of == 0 else self._rows[::-1]
        factor = factor / _squeezed(self._scales[of], self._axis)
        across = special.new_axis(factor * self._inverse, self._axis)
        along = special.new_axis(factor * self.value / self._squares[of], self._axis)
        if (own := _kernels.workshop(x, y)) is not None:
            return _kernels.combination(own, across, y, along, x)
        return across * y - along * x


class Distance:
    """(Σ |x - y + shift|^p)^(1/p) along `axis`, with a derivative of 0 where it is 0.

    Attributes
    ----------
    scale, length : array
        The distance is their product, twice.
    """

    def __init__(self, x: Array, y: Array, axis: int, p: float = 2.0, shift: float | Array = 0.0) -> None:
        self._axis, self._p = axis, p
        # The difference of two numbers may be out of range; that of their halves is not.
        half = 0.5 * x - 0.5 * y
        if not special.is_zero(shift):
            half = half + 0.5 * shift
        self._unit, scale = _scaled(half, axis)
        self.scale = _squeezed(scale, axis)
        self.length = _norm(self._unit, p, axis)

    def slope(self, factor: Array) -> Array:
        """The derivative by x, times one number an item; p is 1 or 2."""
        xp = array_namespace(self._unit, factor)
        if self._p == 1:
            return xp.sign(self._unit) * special.new_axis(factor, self._axis)
        zero = self.length == 0
        share = special.where(zero, 0.0, factor) / special.where(zero, 1.0, self.length)
        return self._unit * special.new_axis(share, self._axis)


def _norm(x: Array, p: float, axis: int) -> Array:
    xp = array_namespace(x)
    if p == 1:
        return xp.sum(special.magnitude(x), axis=axis)
    if p == float("inf"):
        return _squeezed(special.largest(special.magnitude(x), axis), axis)
    if p == 2 and (own := _kernels.workshop(x)) is not None:
        return _kernels.length(own, x, axis)
    # The rule of the power, p |e|^(p - 1) sign(e), has no value at e = 0 once it is taken twice, nor has that of 1/p.
    bare = x == 0
    powers = x * x if p == 2 else special.where(bare, 0.0, xp.abs(special.where(bare, 1.0, x)) ** p)
    total = xp.sum(powers, axis=axis)
    zero = total == 0
    total = special.where(zero, 1.0, total)
    return special.where(zero, 0.0, xp.sqrt(total) if p == 2 else total ** (1 / p))
