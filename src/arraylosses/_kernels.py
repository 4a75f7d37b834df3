"""The primitives that take most of a loss's time, for arrays whose intermediate results may be written over.

Such are NumPy's, and torch's on the CPU where no operation is recorded. The formulas are those of `special`, which says
what each is for; here every step writes into the memory of the one before, and torch's fused kernels are used where
they lose no digit. Both libraries know all of these functions and `out`.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ._array_api import Array, backend_of, holds_values, is_eager_numpy, namespace_of

__all__ = ["label_surprise", "log_cosh", "sigmoid_pair", "softmax", "softplus_pair", "workshop"]


def workshop(x: Array) -> Any | None:
    """Return the library whose functions may write over intermediate results that are made of `x`, or None."""
    if is_eager_numpy(x):
        return np if x.ndim else None  # NumPy makes numbers of arrays without axes
    if backend_of(namespace_of(x)) != "torch" or not holds_values(x):
        return None
    torch: Any = sys.modules["torch"]
    recorded = x.requires_grad and torch.is_grad_enabled()
    return None if recorded or torch.autograd.forward_ad._current_level >= 0 else torch


def softplus_pair(own: Any, x: Array) -> tuple[Array, Array]:
    """log(1 + exp(-x)) and log(1 + exp(x))."""
    log_term = own.abs(x)
    for step in (own.negative, own.exp, own.log1p):
        step(log_term, out=log_term)
    below = own.negative(x)
    own.clip(below, 0.0, np.inf, out=below)
    above = own.clip(x, 0.0, np.inf)
    return own.add(below, log_term, out=below), own.add(above, log_term, out=above)


def sigmoid_pair(own: Any, x: Array) -> tuple[Array, Array]:
    """The sigmoid of x and of -x."""
    minus = own.negative(x)
    if own is not np:
        return own.sigmoid(x), own.sigmoid(minus)
    with np.errstate(over="ignore"):  # 1 / inf is 0, which is right
        both = np.exp(minus, out=minus), np.exp(x)
    for half in both:
        np.reciprocal(np.add(half, 1.0, out=half), out=half)
    return both


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


def put(own: Any, x: Array, index: Array, values: Array | float, axis: int) -> None:
    """Write to the entries of `x` along `axis` that `index` names."""
    if own is np:
        np.put_along_axis(x, index, values, axis)
    else:
        x.scatter_(axis, index, values)
