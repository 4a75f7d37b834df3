"""The logarithm of the gamma function, and what is left where its large parts cancel, for likelihoods of counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, array_namespace
from ._variants import primitive
from .elementwise import at_least_lowest, divide, where
from .logarithms import atanh_excess, atanh_series, log, log1p_shortfall, polynomial

_LOG_2_PI = math.log(2.0 * math.pi)

# Coefficients of z^(1 - 2k) in log Γ(z) - Stirling's formula: B_2k / (2k (2k - 1)).
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)

_SHIFT = 10
"""From here on, the series has all digits of a float64."""


def _nearness(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Where x is near y, x - y there, and v = (x - y) / (x + y); elsewhere both are 0."""
    difference = x - y
    half = 0.5 * difference
    mean = y + half
    near = 3.0 * array_namespace(x, y).abs(half) < mean
    return near, where(near, difference, 0.0), divide(where(near, half, 0.0), where(near, mean, 1.0))


def _nearness_in_place(library: Any, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """The same, with some numbers where x is not near y."""
    difference = x - y
    half = 0.5 * difference
    mean = y + half
    size = library.abs(half)
    size *= 3.0
    return size < mean, difference, library.divide(half, mean, out=mean)


# x (2 atanh(v)) - (x - y) = v (x - y) + 2 x (atanh(v) - v), in which nothing cancels; the formula where they are apart,
# whose first term is out of range below only where y is infinite, and so is the sum
def _kl_div_in_place(library: Any, x: Array, y: Array, log_y: Array | None = None) -> Array:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near, difference, v = _nearness_in_place(library, x, y)
        square = v * v
        series = atanh_excess(square)
        series *= square
        series *= 2.0
        series *= x
        series += difference
        series *= v
        value = library.log(x) - (library.log(y) if log_y is None else log_y)
        value *= x
        value = at_least_lowest(value)
        value -= difference
    return where(x == 0, y, where(near, series, value))


@primitive(arrays=2, in_place=_kl_div_in_place)
def kl_div(xp: Namespace, x: Array, y: Array, log_y: Array | None = None) -> Array:
    """x log(x / y) - x + y of numbers of at least 0, all digits of which are kept where x is near y; y where x is 0."""
    near, difference, v = _nearness(x, y)
    series = v * (difference + x * (2.0 * (v * v) * atanh_excess(v * v)))
    unused = xp.logical_or(near, x == 0)
    log_y = log(where(unused, 1.0, y)) if log_y is None else where(unused, 0.0, log_y)
    return where(near, series, at_least_lowest(x * (log(where(unused, 1.0, x)) - log_y)) - (x - y))


# 2 (atanh(v) - v) + v (x - y) / x, and the formula where they are apart
def _kl_div_over_x_in_place(library: Any, x: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near, difference, v = _nearness_in_place(library, x, y)
        difference /= x
        square = v * v
        series = atanh_excess(square)
        series *= square
        series *= 2.0
        series += difference
        series *= v
        value = library.log(x) - library.log(y)
        value -= difference
    return where(near, series, value)


@primitive(arrays=2, in_place=_kl_div_over_x_in_place)
def kl_div_over_x(xp: Namespace, x: Array, y: Array) -> Array:
    """log(x / y) - 1 + y / x of numbers above 0, all digits of which are kept where x is near y."""
    near, difference, v = _nearness(x, y)
    series = v * (divide(difference, x) + 2.0 * (v * v) * atanh_excess(v * v))
    return where(near, series, log(where(near, 1.0, x)) - log(where(near, 1.0, y)) - divide(x - y, x))


# 2 atanh(v)
def _near_and_log_ratio_in_place(library: Any, x: Array, y: Array) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near, _, v = _nearness_in_place(library, x, y)
        square = v * v
        ratio = atanh_excess(square)
        ratio *= square
        ratio += 1.0
        ratio *= v
        ratio *= 2.0
    return near, ratio


@primitive(arrays=2, in_place=_near_and_log_ratio_in_place)
def near_and_log_ratio(xp: Namespace, x: Array, y: Array) -> tuple[Array, Array]:
    """Where x is near y, and log(x / y) there, all digits of which are kept; elsewhere some number."""
    near, _, v = _nearness(x, y)
    return near, 2.0 * v * (1.0 + v * v * atanh_excess(v * v))


# δ(z) - δ(z + 1) = (z + 1/2) log(1 + 1/z) - 1 = atanh(v) / v - 1, with v = 1 / (2 z + 1), is positive; so a small z is
# moved up to where Stirling's series holds.
def stirling_error(z: Array) -> Array:
    """What log Γ(z) exceeds Stirling's formula by, (z - 1/2) log z - z + log(2π) / 2, for z above 0."""
    small = z < _SHIFT
    return _stirling_error(small, where(small, z, 1.0), 1.0 / where(small, z + _SHIFT, z))


def stirling_error_of_inverse(w: Array) -> Array:
    """The same at z = 1 / w, with a derivative by w that is in range however small that is."""
    small = w * _SHIFT > 1
    low = where(small, w, 1.0)
    low = divide(array_namespace(w).ones_like(low), low)
    return _stirling_error(small, low, where(small, 1.0 / (low + _SHIFT), w))


def _stirling_error(small: Array, low: Array, inverse: Array) -> Array:
    xp = array_namespace(low)
    near = low >= 1
    first = where(near, 1.0, low)
    steps: Any = where(near, _step(where(near, low, 1.0), 1), (first + 0.5) * (xp.log1p(first) - xp.log(first)) - 1.0)
    for k in range(1, _SHIFT):
        steps = steps + _step(low + k, k)
    return inverse * polynomial(_STIRLING, inverse * inverse) + where(small, steps, 0.0)


def _step(z: Array, least: int) -> Any:
    v = 1.0 / (2.0 * z + 1.0)
    return (v * v) * _EXCESSES[least](v * v)


# By the least z, which is an integer.
_EXCESSES = {k: atanh_series(1.0 / (2 * k + 1)) for k in range(1, _SHIFT)}


@primitive(torch=lambda torch, z: torch.lgamma(z))  # JAX's own has fewer digits
def log_gamma(xp: Namespace, z: Array) -> Array:
    """log Γ(z) for z above 0."""
    return (z - 0.5) * xp.log(z) - z + 0.5 * _LOG_2_PI + stirling_error(z)


# By Stirling's formula it is y log z + (z + y) log(1 + y/z) - y - log(1 + y/z) / 2 + δ(z + y) - δ(z).
def log_gamma_excess(z: Array, y: Array) -> Array:
    """log Γ(z + y) - log Γ(z) - y log z for z above 0 and y of at least 0: of order y² / z where z is large."""
    z_and_y = z + y
    log1p = array_namespace(z_and_y).log1p
    return kl_div(z_and_y, z) - 0.5 * log1p(y / z) + (stirling_error(z_and_y) - stirling_error(z))


# With u = w y it is y ((1 + u) log(1 + u) / u - 1) - log(1 + u) / 2 + δ(z + y) - δ(z), where log(1 + u) / u is known by
# what it falls short of 1 by.
def log_gamma_excess_of_inverse(w: Array, y: Array) -> Array:
    """The same for z = 1 / w, where w y is at most 1; its derivative by w keeps its digits however small that is."""
    u = w * y
    log_term = array_namespace(u).log1p(u)
    errors = stirling_error_of_inverse(w / (1.0 + u)) - stirling_error_of_inverse(w)
    return y * (u - (1.0 + u) * log1p_shortfall(u)) - 0.5 * log_term + errors
