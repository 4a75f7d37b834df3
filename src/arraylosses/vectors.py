"""Lengths and angles of rows, with their derivatives.

Sums of products are carried to twice the working precision, because what follows subtracts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _jax_rules, _kernels
from ._array_api import Array, Namespace, array_namespace, backend_of, dtype_name, holds_values
from .precision import dot, exact_sum, plain_dot, two_difference, two_product, two_sum, widened
from .special import axis_last, largest, magnitude, new_axis, sums, where

__all__ = ["Angle", "Distance"]


def _safe_scale(xp: Namespace, x: Array) -> Array:
    """1 for a row whose squares neither overflow nor vanish, else its largest entry."""
    size = largest(xp.abs(x), -1)
    return where(xp.logical_or(size == 0, _is_usual(xp, size, 1)), 1.0, size)


def _is_usual(xp: Namespace, size: Array, power: int) -> Array:
    low, high = (1e-130, 1e140) if dtype_name(size.dtype) == "float64" else (1e-13, 1e15)
    return xp.logical_and(size > low**power, size < high**power)


def _axis_back(x: Array, axis: int) -> Array:
    """Undo `axis_last`."""
    axis %= x.ndim
    order = [*range(axis), x.ndim - 1, *range(axis, x.ndim - 1)]
    return x if axis == x.ndim - 1 else array_namespace(x).permute_dims(x, tuple(order))


def _in_two(x: Array, dtype: Any) -> tuple[Array, Array]:
    """`x` in the dtype of the computation, and what that rounding takes from it."""
    xp = array_namespace(x)
    rounded = xp.astype(x, dtype)
    return rounded, xp.astype(x - xp.astype(rounded, x.dtype), dtype)


class Distance:
    """(Σ |x - y + shift|^p)^(1/p) along `axis`, free of overflow, with a zero derivative at 0.

    Attributes
    ----------
    length, lost : array
        The distance and, for p = 1 and 2, what rounding took from it.
    """

    def __init__(self, x: Array, y: Array, axis: int, p: float = 2.0, shift: float = 0.0) -> None:
        self._axis, self._p, self._dtype = axis, p, x.dtype
        x, y = axis_last(x, axis), axis_last(y, axis)
        wide = widened(x, y)
        if wide is not None:
            x, y = wide
            if (own := _kernels.workshop(x)) is None:
                self._difference = _plain_difference(x, y, shift)
            else:
                self._difference = own.subtract(x, y, out=x)
                if shift:
                    own.add(x, shift, out=x)
            self._length = _length(self._difference, p) if own is None or p != 2 else _kernels.length(own, x)
            self.length, self.lost = _in_two(self._length, self._dtype)
            return
        self._difference = _plain_difference(x, y, shift)
        self.length, self.lost = _long_length(x, y, p, shift)
        self._length = self.length

    def slope(self, factor: Array) -> Array:
        """The derivative by x, times one number an item; p is 1 or 2."""
        xp = array_namespace(self._difference, factor)
        if self._p == 1:
            slope = xp.sign(self._difference) * new_axis(xp.astype(factor, self._difference.dtype), -1)
        else:
            zero = self._length == 0
            length, factor = where(zero, 1.0, self._length), where(zero, 0.0, factor)
            if self._length.dtype == self._dtype:  # the inverse of a tiny length may be infinite
                slope = self._difference / new_axis(length, -1) * new_axis(factor, -1)
            else:
                slope = self._difference * new_axis(factor / length, -1)
        return _axis_back(xp.astype(slope, self._dtype, copy=False), self._axis)


def _plain_difference(x: Array, y: Array, shift: float) -> Array:
    return x - y + shift if shift else x - y


def _length(difference: Array, p: float) -> Array:
    xp = array_namespace(difference)
    if p == 1:
        return xp.sum(magnitude(difference), axis=-1)
    if p == float("inf"):
        return xp.squeeze(largest(magnitude(difference), -1), axis=-1)
    # The rule of the power, p |e|^(p - 1) sign(e), has no value at e = 0 once it is taken twice, nor has that of 1/p.
    if p == 2:
        total = plain_dot(difference, difference)
    else:
        bare = difference == 0
        total = xp.sum(where(bare, 0.0, xp.abs(where(bare, 1.0, difference)) ** p), axis=-1)
    zero = total == 0
    total = where(zero, 1.0, total)
    return where(zero, 0.0, xp.sqrt(total) if p == 2 else total ** (1 / p))


def _long_length(x: Array, y: Array, p: float, shift: float) -> tuple[Array, Array]:
    """The distance as a result and its remainder, without a wider dtype."""
    xp = array_namespace(x, y)
    if p == 1:
        difference, lost = _difference(x, y, shift)
        return exact_sum(magnitude(difference), where(difference < 0, -lost, lost))
    if p != 2:
        difference = _plain_difference(x, y, shift)
        if p == float("inf"):
            length = _length(difference, p)
        else:
            scale = _safe_scale(xp, difference)
            length = xp.squeeze(scale, axis=-1) * _length(difference / scale, p)
        return length, xp.zeros_like(length)
    if backend_of(xp) != "jax":
        return _root(*_scaled_squares(x, y, shift))

    def exact(x: Array, y: Array) -> tuple[Array, Array]:
        total, lost = _square_sum(*_difference(x, y, shift))
        as_is = (total, lost, xp.ones_like(total))
        return _root(*_jax_rules.either(_is_usual(xp, total, 2), as_is, lambda: _scaled_squares(x, y, shift)))

    def plain(found: tuple[Array, Array], x: Array, y: Array) -> tuple[Array, Array]:
        zero = found[0] == 0
        scale = where(zero, 1.0, found[0])
        difference = (x - y + shift) / new_axis(scale, -1)
        total = xp.sum(difference * difference, axis=-1)
        return where(zero, 0.0, scale * xp.sqrt(where(zero, 1.0, total))), xp.zeros_like(scale)

    length, lost = _jax_rules.with_derivative_of(plain, exact, x, y)
    return length, lost


def _difference(x: Array, y: Array, shift: float) -> tuple[Array, Array]:
    """x - y + shift, and what rounding took from it."""
    difference, lost = two_difference(x, y)
    if not shift:
        return difference, lost
    difference, shift_lost = two_sum(difference, array_namespace(difference).full_like(difference, shift))
    return difference, lost + shift_lost


def _scaled_squares(x: Array, y: Array, shift: float) -> tuple[Array, Array, Array]:
    """The sum of the squares of the difference over a scale, what rounding took from it, and the scale."""
    xp = array_namespace(x, y)
    difference, lost = _difference(x, y, shift)
    scale = _safe_scale(xp, difference)
    return *_square_sum(difference / scale, lost / scale), xp.squeeze(scale, axis=-1)


def _square_sum(x: Array, lost: Array) -> tuple[Array, Array]:
    square, rest = two_product(x, x)
    return exact_sum(square, rest + 2 * x * lost)


def _root(total: Array, total_lost: Array, scale: Array) -> tuple[Array, Array]:
    xp = array_namespace(total)
    zero = total == 0
    total = where(zero, 1.0, total)
    root = xp.sqrt(total)
    square, rest = two_product(root, root)
    root_lost = ((total - square) - rest + total_lost) / (2 * root)
    return where(zero, 0.0, scale * root), where(zero, 0.0, scale * root_lost)


class Angle:
    """The angle between the rows of `x` and `y` along `axis`.

    Attributes
    ----------
    cosine : array
        0 where a row is 0.
    """

    def __init__(self, x: Array, y: Array, axis: int) -> None:
        xp = array_namespace(x, y)
        self._axis, self._dtype = axis, x.dtype
        x, y = axis_last(x, axis), axis_last(y, axis)
        wide = widened(x, y)
        self._is_wide = wide is not None
        self._scales: tuple[Array, ...] | None = None
        given = x, y
        if wide is None:
            self._scales = _safe_scale(xp, x), _safe_scale(xp, y)
            x, y = x / self._scales[0], y / self._scales[1]
        else:
            x, y = wide
        self._rows = x, y
        squares: Sequence[Array]
        if wide is not None:
            squares, self._product = (plain_dot(x, x), plain_dot(y, y)), plain_dot(x, y)
        elif backend_of(xp) == "jax":
            self._product, *squares = sums(-1, x * y, x * x, y * y)
        else:
            high, low = dot(x, y)
            squares, self._product = (xp.sum(x * x, axis=-1), xp.sum(y * y, axis=-1)), high + low
        self._squares = tuple([where(square == 0, 1.0, square) for square in squares])
        if backend_of(xp) == "jax":
            self._cosine = _cosine_of_jax(*given)
        else:
            self._cosine = self._product / xp.sqrt(self._squares[0] * self._squares[1])
        self.cosine: Array = xp.astype(self._cosine, self._dtype, copy=False)

    def gap(self) -> Array:
        """1 minus the cosine, to full relative precision for nearly parallel rows too."""
        xp = array_namespace(self._cosine)
        # Up to here the plain difference keeps its digits; float64 has so many more than float32.
        near = self._cosine > (1.0 - 2.0**-29 if self._is_wide else 0.5)
        gap = 1.0 - self._cosine
        if holds_values(near) and not xp.any(near):
            return xp.astype(gap, self._dtype, copy=False)
        # sin² is the squared length of what is left of y without its part along x, over |y|², and 1 - cos is
        # sin² / (1 + cos). What the rounding of the first multiple of x leaves along x is taken away by a second one.
        (x, y), (x_square, y_square) = self._rows, self._squares
        multiple = new_axis(self._product / x_square, -1)
        if self._is_wide:  # whose rounding is far below what float32 rows can differ by
            left = y - multiple * x
        else:
            along, along_lost = two_product(multiple, x)
            left = (y - along) - along_lost
            left = left - new_axis(xp.sum(left * x, axis=-1) / x_square, -1) * x
        sine_square = xp.sum(left * left, axis=-1) / y_square
        gap = where(near, sine_square / where(near, 1.0 + self._cosine, 1.0), gap)
        return xp.astype(gap, self._dtype, copy=False)

    # d cos / dx = (y - (x·y / |x|²) x) / (|x| |y|)
    def slope(self, factor: Array, of: int = 0) -> Array:
        """The derivative of the cosine by x, or by y with ``of=1``, times one number an item."""
        x, y = self._rows if of == 0 else self._rows[::-1]
        xp = array_namespace(x, y)
        factor = factor / xp.sqrt(self._squares[0] * self._squares[1])
        along = factor * (self._product / self._squares[of])
        factor, along = new_axis(factor, -1), new_axis(along, -1)
        if (own := _kernels.workshop(x, factor)) is not None:
            slope = _kernels.combination(own, factor, y, along, x)
        else:
            slope = factor * y - along * x
        if self._scales is not None:
            slope = slope / self._scales[of]
        return _axis_back(xp.astype(slope, self._dtype, copy=False), self._axis)


def _cosine_of_jax(x: Array, y: Array) -> Array:
    xp = array_namespace(x, y)

    def scaled(x: Array, y: Array) -> tuple[Array, Array]:
        return tuple(v / _jax_rules.constant(_safe_scale(xp, v)) for v in (x, y))

    def sums_of(x: Array, y: Array) -> tuple[Array, ...]:
        return _jax_rules.exact_sum(*two_product(x, y), x * x, y * y)

    def quotient(product: Array, *squares: Array) -> Array:
        x_square, y_square = (where(v == 0, 1.0, v) for v in squares)
        return product / xp.sqrt(x_square * y_square)

    def exact(x: Array, y: Array) -> Array:
        found = sums_of(x, y)
        usual = xp.logical_and(*(_is_usual(xp, square, 2) for square in found[2:]))
        high, low, *squares = _jax_rules.either(usual, found, lambda: sums_of(*scaled(x, y)))
        return quotient(high + low, *squares)

    def plain(_: Array, x: Array, y: Array) -> Array:
        x, y = scaled(x, y)
        return quotient(*(xp.sum(v, axis=-1) for v in (x * y, x * x, y * y)))

    cos: Array = _jax_rules.with_derivative_of(plain, exact, x, y)
    return cos
