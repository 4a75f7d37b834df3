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

from ._array_api import Array, backend_of, holds_values, is_eager_numpy, namespace_of

__all__ = [
    "bernoulli",
    "bernoulli_slope",
    "expected_surprise",
    "expected_surprise_and_slope",
    "label_surprise",
    "log_cosh",
    "log_ratio",
    "precise_sigmoid_pair",
    "put",
    "relative_entropy",
    "sigmoid",
    "sigmoid_pair",
    "softmax",
    "softplus",
    "softplus_pair",
    "workshop",
]


def workshop(x: Array) -> Any | None:
    """Return the library whose functions may write over intermediate results that are made of `x`, or None."""
    if is_eager_numpy(x):
        return np if x.ndim else None  # NumPy makes numbers of arrays without axes
    if backend_of(namespace_of(x)) != "torch" or not holds_values(x):
        return None
    torch: Any = sys.modules["torch"]
    recorded = x.requires_grad and torch.is_grad_enabled()
    return None if recorded or torch.autograd.forward_ad._current_level >= 0 else torch


def _softplus_of_minus(own: Any, size: Array) -> Array:
    """log(1 + exp(-size)) of non-negative numbers, in their place."""
    for step in (own.negative, own.exp, own.log1p):
        step(size, out=size)
    return size


def softplus(own: Any, x: Array) -> Array:
    """log(1 + exp(x))."""
    if own is not np:
        return own.nn.functional.softplus(x, 1.0, 40.0)  # beyond 40 it is x in every dtype
    log_term = _softplus_of_minus(own, own.abs(x))
    return np.add(log_term, np.clip(x, 0.0, np.inf), out=log_term)


def softplus_pair(own: Any, x: Array) -> tuple[Array, Array]:
    """log(1 + exp(-x)) and log(1 + exp(x))."""
    log_term = _softplus_of_minus(own, own.abs(x))
    below = own.negative(x)
    own.clip(below, 0.0, np.inf, out=below)
    above = own.clip(x, 0.0, np.inf)
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


# Where every target is 0 or 1, as mostly, both are those of one softplus, of x or of -x.
def bernoulli(own: Any, x: Array, target: Array) -> Array:
    """t log(1 + exp(-x)) + (1 - t) log(1 + exp(x))."""
    side = _side(own, x, target)
    if side is not None:
        return softplus(own, own.multiply(side, x, out=side))
    yes, no = softplus_pair(own, x)
    own.multiply(yes, target, out=yes)
    return own.add(yes, own.multiply(no, 1.0 - target, out=no), out=yes)


def bernoulli_slope(own: Any, x: Array, target: Array) -> Array:
    """Its derivative, (1 - t) p - t (1 - p)."""
    side = _side(own, x, target)
    if side is not None:
        return own.multiply(side, sigmoid(own, side * x), out=side)
    p, q = sigmoid_pair(own, x)
    own.multiply(q, target, out=q)
    return own.subtract(own.multiply(p, 1.0 - target, out=p), q, out=p)


def _side(own: Any, x: Array, target: Array) -> Array | None:
    """1 - 2 t, if every t is 0 or 1."""
    square = target * target
    if not bool((square == target).all()):
        return None
    return (
        own.subtract(1.0, own.multiply(square, 2.0, out=square), out=square)
        if own is np
        else own.rsub(square, 1.0, alpha=2)
    )


# log1p(u² / 2w) below 1 and |x| - log 2 + log1p(w²) above, with u = exp(-|x|) - 1 and w = exp(-|x|)
def log_cosh(own: Any, x: Array) -> Array:
    """log(cosh x)."""
    size = own.abs(x)
    near = own.less(size, 1.0, out=own.empty_like(size))
    far = 1.0 - near
    less = own.negative(size)
    own.expm1(less, out=less)
    power = less + 1.0
    argument = power * power
    own.multiply(argument, far, out=argument)
    own.multiply(less, less, out=less)
    own.clip(power, 0.25, np.inf, out=power)
    own.divide(less, power, out=less)
    own.multiply(near, 0.5, out=near)
    own.multiply(less, near, out=less)
    own.add(argument, less, out=argument)
    own.log1p(argument, out=argument)
    own.subtract(size, _LOG_2, out=size)
    own.multiply(size, far, out=size)
    return own.add(argument, size, out=argument)


_LOG_2 = 0.6931471805599453


def softmax(own: Any, logits: Array, axis: int) -> tuple[Array, Array, Array]:
    """The softmax, and the largest logit and log Σ exp less it, which keep the axis."""
    top = own.amax(logits, axis, keepdims=True)
    if own is not np:
        p = own.softmax(logits, axis)
        return p, top, own.negative(own.log(own.amax(p, axis, keepdims=True)))
    p = logits - top
    np.exp(p, out=p)
    total = np.sum(p, axis=axis, keepdims=True)
    return np.divide(p, total, out=p), top, np.log(total)


def label_surprise(own: Any, logits: Array, labels: Array, axis: int) -> Array:
    """-log p of the class that `labels` names, with the axis; digits are lost where p is above 1/2."""
    if own is not np:
        return own.negative(own.log_softmax(logits, axis).gather(axis, labels))
    top = np.max(logits, axis=axis, keepdims=True)
    power = logits - top
    np.exp(power, out=power)
    return (top - np.take_along_axis(logits, labels, axis)) + np.log(np.sum(power, axis=axis, keepdims=True))


def expected_surprise(own: Any, logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
    """-Σ t log p, and Σ t, both with the axis; digits are lost where p is above 1/2 for the classes of the target."""
    mass = own.sum(target, axis, keepdims=True)
    if own is not np:
        logs = own.log_softmax(logits, axis)
        return own.negative(own.sum(own.multiply(logs, target, out=logs), axis, keepdims=True)), mass
    depth = np.subtract(np.max(logits, axis=axis, keepdims=True), logits)
    power = np.negative(depth)
    total = np.sum(np.exp(power, out=power), axis=axis, keepdims=True)
    with np.errstate(invalid="ignore"):  # 0 times an infinite depth
        np.multiply(depth, target, out=depth)
    return np.sum(depth, axis=axis, keepdims=True) + np.log(total) * mass, mass


def expected_surprise_and_slope(own: Any, logits: Array, target: Array, axis: int) -> tuple[Array, Array, Array]:
    """The same, with p Σ t - t in the third place."""
    p, top, log_total = softmax(own, logits, axis)
    mass = own.sum(target, axis, keepdims=True)
    depth = own.subtract(top, logits)
    with np.errstate(invalid="ignore"):
        own.multiply(depth, target, out=depth)
    value = own.sum(depth, axis, keepdims=True) + log_total * mass
    return value, mass, own.subtract(own.multiply(p, mass, out=p), target, out=p)


def relative_entropy(own: Any, target: Array, logs: Array, axis: int) -> Array:
    """Σ t (log t - log q); NaN where a class with t = 0 has q = 0 as well."""
    terms = own.clip(target, _SMALLEST[str(target.dtype)[-7:]], np.inf)
    own.subtract(own.log(terms, out=terms), logs, out=terms)
    with np.errstate(invalid="ignore"):
        own.multiply(terms, target, out=terms)
    result: Array = own.sum(terms, axis)
    return result


_SMALLEST = {name: float(np.finfo(name).smallest_subnormal) for name in ("float32", "float64")}


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
    if own is np:
        np.put_along_axis(x, index, values, axis)
    else:
        x.scatter_(axis, index, values)
