"""Lengths and cosines of rows, with their derivatives.

A row is divided by what its largest entry says before its squares are summed, so no length overflows or vanishes.
"""

from __future__ import annotations

from . import _kernels, special
from ._array_api import Array, array_namespace

__all__ = ["Cosine", "Distance"]


def _scaled(x: Array, axis: int) -> tuple[Array, Array]:
    """`x` over a quarter of its largest entry along `axis`, and that, which counts as a constant.

    Its inverse is in range, by which JAX multiplies.
    """
    if (own := _kernels.workshop(x)) is not None:
        scale = _kernels.largest_size(own, x, axis)
    else:
        scale = special.constant(special.largest(array_namespace(x).abs(x), axis))
    scale = special.above_zero(0.25 * scale)
    return x / scale, special.without_axis(scale, axis)


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
        (x, x_scale), (y, y_scale) = _scaled(x, axis), _scaled(y, axis)
        self._rows, self._scales = (x, y), (x_scale, y_scale)
        if (own := _kernels.workshop(x, y)) is not None:
            product, *self._squares = [_kernels.dot(own, a, b, axis) for a, b in ((x, y), (x, x), (y, y))]
        else:
            product, *self._squares = special.sums(axis, x * y, x * x, y * y)
        # A square is at least 1 but where there is nothing to divide by.
        counts = special.inside(xp.minimum(*self._squares), 1.0, None)
        self._inverse = counts / xp.sqrt(special.maximum(self._squares[0] * self._squares[1], 1.0))
        self.value = product * self._inverse

    # d cos / dx = (y / |y| - cos x / |x|) / |x|
    def slope(self, factor: Array, of: int = 0) -> Array:
        """The derivative of the cosine by x, or by y with ``of=1``, times one number an item."""
        x, y = self._rows if of == 0 else self._rows[::-1]
        factor = factor / self._scales[of]
        across = special.new_axis(factor * self._inverse, self._axis)
        along = special.new_axis(factor * self.value / special.maximum(self._squares[of], 1.0), self._axis)
        if (own := _kernels.workshop(x, y)) is not None:
            return _kernels.combination(own, across, y, along, x)
        return across * y - along * x


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
        if (own := _kernels.workshop(x, y)) is not None:
            half = _kernels.half_difference(own, x, y)
        else:
            half = 0.5 * x - 0.5 * y
        if not special.is_zero(shift):
            half = half + 0.5 * special.in_range(shift, half)
        self._unit, scale = _scaled(half, axis)
        self._length = _norm(self._unit, p, axis)
        self.share = 2.0**-19 * scale * self._length

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
    if p == 2 and (own := _kernels.workshop(x)) is not None:
        return _kernels.length(own, x, axis)
    # The rule of the power, p |e|^(p - 1) sign(e), has no value at e = 0 once it is taken twice, nor has that of 1/p.
    bare = x == 0
    powers = x * x if p == 2 else special.where(bare, 0.0, (0.25 * xp.abs(special.where(bare, 1.0, x))) ** p)
    total = xp.sum(powers, axis=axis)
    zero = total == 0
    total = special.where(zero, 1.0, total)
    return special.where(zero, 0.0, xp.sqrt(total) if p == 2 else 4.0 * total ** (1 / p))
