"""The primitives that take most of a loss's time, for arrays whose intermediate results may be written over.

Such are NumPy's, and torch's on the CPU where no operation is recorded. The formulas are those of `special`, which says
what each is for; here every step writes into the memory of the one before, and torch's fused kernels are used where
they lose no digit. Both libraries know all of these functions and `out`.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ._array_api import Array, dtype_name, holds_values, is_eager_numpy, is_torch

__all__ = [
    "bernoulli",
    "bernoulli_and_slope",
    "combination",
    "dot",
    "finite_where_none",
    "half_difference",
    "is_nothing",
    "length",
    "log1p_ratio",
    "log_cosh",
    "pick",
    "put",
    "sigmoid",
    "sigmoid_pair",
    "sign",
    "softplus",
    "softplus_pair",
    "workshop",
]


def workshop(*arrays: Array) -> Any | None:
    """Return the library whose functions may write over intermediate results that are made of `arrays`, or None."""
    if is_eager_numpy(arrays[0]):
        # NumPy makes numbers of arrays without axes
        return np if arrays[0].ndim and all([is_eager_numpy(x) and x.ndim for x in arrays[1:]]) else None
    if not is_torch(arrays[0]) or not holds_values(*arrays):
        return None
    torch: Any = sys.modules["torch"]
    if torch.is_grad_enabled() and any([x.requires_grad for x in arrays]):
        return None
    return None if torch.autograd.forward_ad._current_level >= 0 else torch


def _softplus_of_minus(own: Any, size: Array) -> Array:
    """log(1 + exp(-size)) of non-negative numbers, in their place."""
    for step in (own.negative, own.exp, own.log1p):
        step(size, out=size)
    return size


def _limit(own: Any, x: Array, low: float) -> None:
    """Raise `x` to at least `low`, in its place."""
    if own is np:
        x.clip(low, np.inf, out=x)  # what `np.clip` comes to, after some Python
    else:
        x.clip_(low)


def softplus(own: Any, x: Array) -> Array:
    """log(1 + exp(x))."""
    if own is not np:
        return own.nn.functional.softplus(x, 1.0, 40.0)  # beyond 40 it is x in every dtype
    log_term = _softplus_of_minus(own, own.abs(x))
    return np.add(log_term, x.clip(0.0, np.inf), out=log_term)


def softplus_pair(own: Any, x: Array) -> tuple[Array, Array]:
    """log(1 + exp(-x)) and log(1 + exp(x))."""
    log_term = _softplus_of_minus(own, own.abs(x))
    below = own.negative(x)
    _limit(own, below, 0.0)
    above = x.clip(0.0, np.inf)
    return own.add(below, log_term, out=below), own.add(above, log_term, out=above)


def sigmoid(own: Any, x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return _sigmoid_of_minus(own, np.negative(x)) if own is np else own.sigmoid(x)


def sigmoid_pair(own: Any, x: Array) -> tuple[Array, Array]:
    """The sigmoid of x and of -x."""
    return sigmoid(own, x), sigmoid(own, own.negative(x))


def bernoulli(own: Any, x: Array, target: Array) -> Array:
    """t log(1 + exp(-x)) + (1 - t) log(1 + exp(x))."""
    side, gap = _sides(own, x, target)
    lost, size = _of_sides(own, x, own.multiply(gap, side, out=gap), target)
    return own.add(lost, _softplus_of_minus(own, size), out=lost)


def bernoulli_and_slope(own: Any, x: Array, target: Array) -> tuple[Array, Array]:
    """The same, and its derivative, (1 - t) p - t (1 - p)."""
    side, gap = _sides(own, x, target)
    lost, size = _of_sides(own, x, gap * side, target)
    small = _sigmoid_of_minus(own, size)
    slope = own.subtract(gap, own.multiply(side, small, out=side), out=gap)
    # log(1 + exp(-|x|)), that of 1 / sigmoid(|x|)
    own.log1p(own.negative(small, out=small), out=small)
    return own.subtract(lost, small, out=lost), slope


def _sigmoid_of_minus(own: Any, size: Array) -> Array:
    """1 / (1 + exp(size)), in its place."""
    if own is not np:
        return size.neg_().sigmoid_()
    with np.errstate(over="ignore"):  # 1 / inf is 0, which is right
        np.exp(size, out=size)
    return np.reciprocal(np.add(size, 1.0, out=size), out=size)


def _sides(own: Any, x: Array, target: Array) -> tuple[Array, Array]:
    """1 for x >= 0 and -1 below, and 1 - t and -t there."""
    side = own.greater_equal(x, 0.0, out=own.empty_like(x))
    gap = side - target
    own.multiply(side, 2.0, out=side)
    return side.__isub__(1.0), gap


def _of_sides(own: Any, x: Array, against: Array, target: Array) -> tuple[Array, Array]:
    """|x| times what x speaks against, in its memory, where 0 times infinity is 0, and |x|."""
    size = own.abs(x)
    if own is np:
        none = np.isinf(size) & (against == 0)
        with np.errstate(invalid="ignore"):
            np.multiply(against, size, out=against)
        np.copyto(against, 0.0, where=none)
    else:
        own.multiply(against, size, out=against)
        against.nan_to_num_(0.0, own.inf, -own.inf).add_(target, alpha=0.0)  # a NaN of the target stays
    return against, size


# log1p(cosh x - 1), with cosh x - 1 = u² / (2 (1 + u)) for u = exp(|x|) - 1. Beyond 40, where u² might overflow, it
# grows as |x| does.
def log_cosh(own: Any, x: Array) -> Array:
    """log(cosh x)."""
    size = own.abs(x)
    near = size.clip(0.0, 40.0)
    own.subtract(size, near, out=size)
    own.expm1(near, out=near)
    ratio = near + 1.0
    own.divide(near, ratio, out=ratio)
    own.multiply(near, own.multiply(ratio, 0.5, out=ratio), out=near)
    return own.add(own.log1p(near, out=near), size, out=size)


def pick(own: Any, x: Array, index: Array, axis: int) -> Array:
    """Take the entries of `x` along `axis` that `index` names, with the axis."""
    if own is not np:
        return x.gather(axis, index)
    if not _are_rows(x, axis):
        return np.take_along_axis(x, index, axis)
    return x.reshape(-1)[_places(x, index)][:, None]


def is_nothing(own: Any, x: Array) -> Array:
    """1 where x is 0, else 0."""
    result: Array = (np.equal if own is np else own.eq)(x, 0.0, out=own.empty_like(x))
    return result


def finite_where_none(own: Any, x: Array, weight: Array) -> Array:
    """`x`, raised to -1 where `weight` is 0."""
    bound = is_nothing(own, weight)
    own.negative(bound, out=bound)
    with np.errstate(divide="ignore"):
        own.reciprocal(bound, out=bound)  # -infinity where there is a weight
    return own.maximum(x, bound, out=bound)


def sign(own: Any, x: Array) -> Array:
    """-1, 0 or 1, and NaN for NaN: a multiple of x, which is limited; NumPy's own takes twice as long."""
    if own is not np:
        return own.sign(x)
    factor = _HUGE[dtype_name(x.dtype)]
    with np.errstate(over="ignore"):
        result = np.multiply(np.multiply(x, factor), factor)
    return np.clip(result, -1.0, 1.0, out=result)


# Twice as a factor, these make the smallest number larger than 1.
_HUGE = {"float32": 2.0**126, "float64": 2.0**1000}


def dot(own: Any, x: Array, y: Array, axis: int) -> Array:
    """Σ x y along `axis`."""
    vecdot: Any = np.vecdot if own is np else own.linalg.vecdot
    return vecdot(x, y, axis=axis) if own is np else vecdot(x, y, dim=axis)


def half_difference(own: Any, x: Array, y: Array) -> Array:
    """x / 2 - y / 2."""
    half = x * 0.5
    return np.subtract(half, y * 0.5, out=half) if own is np else half.sub_(y, alpha=0.5)


def length(own: Any, x: Array, axis: int) -> Array:
    """The Euclidean length along `axis`, of numbers whose squares are in range; else it is 0 or infinite."""
    if own is not np:
        return own.linalg.vector_norm(x, dim=axis)
    with np.errstate(over="ignore", under="ignore"):
        return np.sqrt(dot(own, x, x, axis))


def combination(own: Any, a: Array, x: Array, b: Array, y: Array) -> Array:
    """a x - b y."""
    result = own.multiply(x, a)
    if own is np:
        return np.subtract(result, np.multiply(y, b), out=result)
    return own.addcmul(result, y, b, value=-1.0, out=result)


def log1p_ratio(own: Any, a: Array, b: Array) -> Array:
    """log((1 + a) / (1 + b)): that of 1 plus a non-negative number, with the sign of a - b."""
    large, small = own.maximum(a, b), own.minimum(a, b)
    own.subtract(large, small, out=large)
    own.add(small, 1.0, out=small)
    far = large > small * 2.0**60
    own.divide(own.where(far, large * 2.0**-60, large), small, out=small)
    own.log1p(own.where(far, small - 1.0, small), out=large)
    own.add(large, own.where(far, 60.0 * _LOG_2, own.zeros_like(large)), out=large)
    return own.copysign(large, own.subtract(a, b, out=small), out=large)


_LOG_2 = 0.6931471805599453


def put(own: Any, x: Array, index: Array, values: Array | float, axis: int) -> None:
    """Write to the entries of `x` along `axis` that `index` names."""
    if own is not np:
        x.scatter_(axis, index, values)
    elif _are_rows(x, axis):
        x.reshape(-1)[_places(x, index)] = values if isinstance(values, float) else values[:, 0]
    else:
        np.put_along_axis(x, index, values, axis)


# What NumPy's functions do for any axis, they do with much Python, and with two numbers for each place.
def _are_rows(x: Array, axis: int) -> bool:
    return x.ndim == 2 and axis in (-1, 1) and x.flags.c_contiguous


def _places(x: Array, index: Array) -> Array:
    """The places of one entry a row in the flat memory of `x`."""
    return np.arange(0, x.size, x.shape[1]) + index[:, 0]
