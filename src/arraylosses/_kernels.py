"""The primitives that take most of a loss's time, for arrays whose intermediate results may be written over.

Such are NumPy's, and torch's on the CPU where no operation is recorded. The formulas are those of `special`, which says
what each is for; here every step writes into the memory of the one before, and torch's fused kernels are used where
they lose no digit. Both libraries know all of these functions and `out`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ._array_api import Array, dtype_name, holds_values, is_eager_numpy, is_torch

__all__ = [
    "bernoulli",
    "bernoulli_and_slope",
    "bernoulli_slope",
    "combination",
    "length",
    "log_cosh",
    "log_ratio",
    "pick",
    "precise_sigmoid",
    "precise_sigmoid_pair",
    "put",
    "relative_entropy",
    "side_of",
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
    if own is not np:
        return own.sigmoid(x)
    power = np.negative(x)
    with np.errstate(over="ignore"):  # 1 / inf is 0, which is right
        np.exp(power, out=power)
    return np.reciprocal(np.add(power, 1.0, out=power), out=power)


def sigmoid_pair(own: Any, x: Array) -> tuple[Array, Array]:
    """The sigmoid of x and of -x."""
    return sigmoid(own, x), sigmoid(own, own.negative(x))


def precise_sigmoid_pair(own: Any, x: Array, halves: Callable[[Array], tuple[Array, Array]]) -> tuple[Array, Array]:
    """The sigmoid of x and of -x, rounded but once after the exponential; `halves` splits a number's digits."""
    if x.dtype == own.float32:
        return _precise_sigmoid(own, x), _precise_sigmoid(own, own.negative(x))
    small = own.abs(x)
    own.exp(own.negative(small, out=small), out=small)
    total = small + 1.0
    lost = own.subtract(small, total - 1.0)
    share = small / total
    product = share * total
    (share_high, share_low), (total_high, total_low) = halves(share), halves(total)
    # small - share total, exactly, and then less share lost
    own.subtract(small, product, out=small)
    own.subtract(product, own.multiply(share_high, total_high), out=product)
    for a, b in ((share_high, total_low), (share_low, total_high), (share_low, total_low)):
        own.subtract(product, own.multiply(a, b), out=product)
    own.add(small, product, out=small)
    own.subtract(small, own.multiply(share, lost, out=lost), out=small)
    own.add(share, own.divide(small, total, out=small), out=share)
    rest = own.subtract(1.0, share, out=small) if own is np else own.rsub(share, 1.0)
    negative = own.less(x, 0.0, out=total)
    other = 1.0 - negative
    p = own.multiply(share, negative, out=lost)
    own.add(p, own.multiply(rest, other, out=product), out=p)
    q = own.multiply(share, other, out=other)
    return p, own.add(q, own.multiply(rest, negative, out=negative), out=q)


def precise_sigmoid(own: Any, x: Array, halves: Callable[[Array], tuple[Array, Array]]) -> Array:
    """The first of them."""
    return _precise_sigmoid(own, x) if x.dtype == own.float32 else precise_sigmoid_pair(own, x, halves)[0]


def _precise_sigmoid(own: Any, x: Array) -> Array:
    if own is not np:
        return own.sigmoid(x.double()).float()
    power = x.astype(np.float64)
    np.exp(np.clip(np.negative(power, out=power), None, 700.0, out=power), out=power)
    return np.reciprocal(np.add(power, 1.0, out=power), out=power).astype(np.float32)


# Where every target is 0 or 1, as mostly, both are those of one softplus, of x or of -x.
def bernoulli(own: Any, x: Array, target: Array) -> Array:
    """t log(1 + exp(-x)) + (1 - t) log(1 + exp(x))."""
    side = side_of(own, target)
    if side is not None:
        return softplus(own, own.multiply(side, x, out=side))
    yes, no = softplus_pair(own, x)
    own.multiply(yes, target, out=yes)
    return own.add(yes, own.multiply(no, 1.0 - target, out=no), out=yes)


def bernoulli_and_slope(own: Any, x: Array, target: Array) -> tuple[Array, Array]:
    """Both."""
    side = side_of(own, target)
    if side is None:
        return bernoulli(own, x, target), bernoulli_slope(own, x, target)
    wrong = side * x
    return softplus(own, wrong), own.multiply(side, sigmoid(own, wrong), out=side)


def bernoulli_slope(own: Any, x: Array, target: Array) -> Array:
    """Its derivative, (1 - t) p - t (1 - p)."""
    side = side_of(own, target)
    if side is not None:
        return own.multiply(side, sigmoid(own, side * x), out=side)
    p, q = sigmoid_pair(own, x)
    own.multiply(q, target, out=q)
    return own.subtract(own.multiply(p, 1.0 - target, out=p), q, out=p)


def side_of(own: Any, target: Array) -> Array | None:
    """1 - 2 t, if every t is 0 or 1."""
    square = target * target
    bits = np.logical_and.reduce(square == target, None) if own is np else own.equal(square, target)
    if not bits:
        return None
    return (
        own.subtract(1.0, own.multiply(square, 2.0, out=square), out=square)
        if own is np
        else own.rsub(square, 1.0, alpha=2)
    )


# log1p(u² / 2w), with u = exp(-|x|) - 1 and w = exp(-|x|). Beyond 40, where w might vanish, it grows as |x| does.
def log_cosh(own: Any, x: Array) -> Array:
    """log(cosh x)."""
    size = own.abs(x)
    near = size.clip(0.0, 40.0)
    own.subtract(size, near, out=size)
    own.negative(near, out=near)
    less, power = own.expm1(near), own.exp(near, out=near)
    own.multiply(less, less, out=less)
    own.divide(less, own.multiply(power, 2.0, out=power), out=less)
    return own.add(own.log1p(less, out=less), size, out=size)


def pick(own: Any, x: Array, index: Array, axis: int) -> Array:
    """Take the entries of `x` along `axis` that `index` names, with the axis."""
    if own is not np:
        return x.gather(axis, index)
    if not _are_rows(x, axis):
        return np.take_along_axis(x, index, axis)
    return x.reshape(-1)[_places(x, index)][:, None]


def relative_entropy(own: Any, target: Array, logs: Array, axis: int) -> Array:
    """Σ t (log t - log q); NaN where a class with t = 0 has q = 0 as well."""
    terms = own.clip(target, _SMALLEST[dtype_name(target.dtype)], np.inf)
    own.subtract(own.log(terms, out=terms), logs, out=terms)
    with np.errstate(invalid="ignore"):
        own.multiply(terms, target, out=terms)
    result: Array = own.sum(terms, axis)
    return result


_SMALLEST = {name: float(np.finfo(name).smallest_subnormal) for name in ("float32", "float64")}


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


def length(own: Any, x: Array) -> Array:
    """The Euclidean length along the last axis, of numbers whose squares are in range."""
    return np.sqrt(np.vecdot(x, x)) if own is np else own.linalg.vector_norm(x, dim=-1)


def combination(own: Any, a: Array, x: Array, b: Array, y: Array) -> Array:
    """a x - b y."""
    result = own.multiply(x, a)
    if own is np:
        return np.subtract(result, np.multiply(y, b), out=result)
    return own.addcmul(result, y, b, value=-1.0, out=result)


def log_ratio(own: Any, a: Array, b: Array, offset: float) -> Array:
    """log((offset + a) / (offset + b)): that of 1 plus a non-negative number, with the sign of a - b."""
    large, small = own.maximum(a, b), own.minimum(a, b)
    own.subtract(large, small, out=large)
    if offset:
        own.add(small, offset, out=small)
    own.log1p(own.divide(large, small, out=large), out=large)
    return own.copysign(large, own.subtract(a, b, out=small), out=large)


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
