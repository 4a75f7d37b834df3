"""The softmax: negative log-probabilities and their derivatives, in one pass over the logits, to the last digits.

Where the label leads, its probability p is near 1, and both -log p and the derivative p - 1 would lose their digits.
The sum of all other probabilities has them: 1 - p, without a subtraction. So the largest entry, or that of the label,
is left out of the sum, and comes in where nothing cancels.

On eager NumPy, and on torch's CPU where no operation is recorded, the steps write over each other, and torch's own
softmax is one of them; everywhere else the formulas are those of the standard.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _kernels
from .._array_api import Array, array_namespace
from ..special import is_class, new_axis, pick, sums, top_of, weighted, where

__all__ = [
    "class_terms",
    "cross_entropy",
    "cross_entropy_and_derivative",
    "label_terms",
    "label_terms_and_derivative",
    "logsumexp",
    "normalized",
]

SMALL = 1 << 15
"""Logits up to which calls of torch take longer than what they compute, so that the fewest are best."""


def label_terms(logits: Array, labels: Array, axis: int) -> tuple[Array, Array]:
    """-log p and 1 - p of the class that integer `labels` name, for p = softmax(logits) along `axis`."""
    if (own := _kernels.workshop(logits)) is not None:
        nll, complement, _ = _label_terms_in_place(own, logits, labels, axis, derivative=False)
        return nll, complement
    return _label_terms(_Exponentials(logits, labels, axis))


def label_terms_and_derivative(logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
    """The same, and the derivative of -log p by each logit: p, and p - 1 for the label."""
    if (own := _kernels.workshop(logits)) is not None:
        return _label_terms_in_place(own, logits, labels, axis, derivative=True)
    parts = _Exponentials(logits, labels, axis)
    derivative = where(parts.chosen, -parts.others, parts.rest) / (parts.others + parts.label)
    return *_label_terms(parts), derivative


def cross_entropy(logits: Array, target: Array, axis: int) -> Array:
    """-Σ t log p along `axis`, for p = softmax(logits) and a target t of their shape."""
    if (own := _kernels.workshop(logits, target)) is not None:
        return _cross_entropy_in_place(own, logits, target, axis, derivative=False)[0]
    return _cross_entropy(logits, target, axis)[0]


def cross_entropy_and_derivative(logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
    """The same, and its derivative by each logit, p Σ t - t."""
    if (own := _kernels.workshop(logits, target)) is not None:
        return _cross_entropy_in_place(own, logits, target, axis, derivative=True)
    value, power, excess, mass = _cross_entropy(logits, target, axis)
    p, complement = _probabilities(power, excess)
    return value, p * (mass - target) - target * complement


def class_terms(logits: Array, axis: int) -> tuple[Array, Array, Array]:
    """-log p, p and 1 - p of every class."""
    gap, power, excess = _parts(logits, axis)
    return gap + array_namespace(logits).log1p(excess), *_probabilities(power, excess)


def logsumexp(logits: Array, axis: int) -> Array:
    """log Σ exp along `axis`."""
    _, _, excess = _parts(logits, axis)
    return array_namespace(logits).squeeze(top_of(logits, axis), axis=axis) + _log1p(excess, axis)


def normalized(x: Array, axis: int) -> tuple[Array, Array]:
    """p = x / Σ x along `axis`, and 1 - p: for the largest, the sum of all others."""
    xp = array_namespace(x)
    is_top = x == top_of(x, axis)
    others, count = sums(axis, where(is_top, 0.0, x), xp.astype(is_top, x.dtype))
    total = xp.sum(x, axis=axis, keepdims=True)
    p = x / total
    leads = xp.logical_and(is_top, new_axis(count, axis) == 1)
    return p, where(leads, new_axis(others, axis) / total, 1.0 - p)


# The standard's formulas. The derivative by the largest logit m, which is in all of them, is 0 whatever m is.


class _Exponentials:
    """exp(logit - m) of the label, and of all other classes with 0 at the label."""

    def __init__(self, logits: Array, labels: Array, axis: int) -> None:
        xp = array_namespace(logits, labels)
        top = top_of(logits, axis)
        label = new_axis(pick(logits, labels, axis), axis)
        self.axis = axis
        self.chosen = is_class(new_axis(labels, axis), logits, axis)
        self.rest = where(self.chosen, 0.0, xp.exp(logits - top))
        self.others = xp.sum(self.rest, axis=axis, keepdims=True)
        self.gap = top - label
        self.label = xp.exp(-self.gap)


# log(1 + others / label), and where that is far from a log of 1, gap + log(others + label)
def _label_terms(parts: _Exponentials) -> tuple[Array, Array]:
    xp = array_namespace(parts.others)
    total = parts.others + parts.label
    near = parts.gap < 20
    nll = where(near, xp.log1p(parts.others / where(near, parts.label, 1.0)), parts.gap + xp.log(total))
    return xp.squeeze(nll, axis=parts.axis), xp.squeeze(parts.others / total, axis=parts.axis)


def _parts(logits: Array, axis: int) -> tuple[Array, Array, Array]:
    """m - logit, exp(logit - m), and Σ exp(logit - m) - 1, the sum without the largest, with the axis."""
    gap, power, top = _powers(logits, axis)
    others, count = sums(axis, power - top, top)
    return gap, power, new_axis(others + (count - 1.0), axis)


def _powers(logits: Array, axis: int) -> tuple[Array, Array, Array]:
    """m - logit, exp(logit - m), and 1 where that is the largest."""
    xp = array_namespace(logits)
    gap = top_of(logits, axis) - logits
    power = xp.exp(-gap)
    return gap, power, xp.astype(gap == 0, power.dtype)


def _cross_entropy(logits: Array, target: Array, axis: int) -> tuple[Array, Array, Array, Array]:
    """The value, exp(logit - m), and, with the axis, Σ exp(logit - m) - 1 and Σ t; all sums in one pass."""
    gap, power, top = _powers(logits, axis)
    others, count, lead, mass = sums(axis, power - top, top, weighted(gap, target), target)
    excess = others + (count - 1.0)
    value = lead + array_namespace(logits).log1p(excess) * mass
    return value, power, new_axis(excess, axis), new_axis(mass, axis)


def _log1p(excess: Array, axis: int) -> Array:
    xp = array_namespace(excess)
    return xp.squeeze(xp.log1p(excess), axis=axis)


def _probabilities(power: Array, excess: Array) -> tuple[Array, Array]:
    # For the largest, 1 - power is 0 and its derivative is not; for the rest p is at most 1/2.
    total = 1.0 + excess
    p = power / total
    return p, where(power == 1, (excess + (1.0 - power)) / total, 1.0 - p)


# In place. `most` is the largest of the probabilities p, or of what is p but for a factor.


def _softmax(own: Any, logits: Array, axis: int, *, scaled: bool) -> tuple[Array, Array, Any]:
    """Return p (but for a factor, unless `scaled`), the largest logit and the largest p, the latter with the axis."""
    if own is not np:
        p = own.softmax(logits, axis)
        return p, logits.amax(axis, keepdim=True), p.amax(axis, keepdim=True)
    top = logits.max(axis=axis, keepdims=True)
    p = logits - top
    np.exp(p, out=p)
    if not scaled:
        return p, top, 1.0
    most = np.reciprocal(p.sum(axis=axis, keepdims=True))
    return np.multiply(p, most, out=p), top, most


def _label_terms_in_place(
    own: Any, logits: Array, labels: Array, axis: int, *, derivative: bool
) -> tuple[Array, Array, Array]:
    if own is not np and math.prod(logits.shape) <= SMALL:
        return _label_terms_in_few_calls(logits, labels.unsqueeze(axis), axis)
    index = new_axis(labels, axis)
    p, top, most = _softmax(own, logits, axis, scaled=derivative)
    label = _kernels.pick(own, p, index, axis)
    gap = top - _kernels.pick(own, logits, index, axis)
    _kernels.put(own, p, index, 0.0, axis)
    others = p.sum(axis, keepdims=True)
    # The label's p is `most` itself where it leads; elsewhere `others` is at least as large.
    nll = own.log1p((others - (most - label)) / most)
    nll += gap
    complement = others / (others + label)
    if derivative:
        _kernels.put(own, p, index, -complement, axis)
    return nll.squeeze(axis), complement.squeeze(axis), p


def _label_terms_in_few_calls(logits: Array, index: Array, axis: int) -> tuple[Array, Array, Array]:
    p = logits.log_softmax(axis)
    log_p = p.gather(axis, index)
    p.exp_().scatter_(axis, index, 0.0)
    others = p.sum(axis, True)
    less = -others
    p.scatter_(axis, index, less)
    log_p = log_p.where(log_p < -0.5, less.log1p_())
    return log_p.neg_().squeeze(axis), others.squeeze(axis), p


def _total(own: Any, gap: Array, target: Array, axis: int) -> Array:
    """Σ t gap with the axis, where 0 times an infinite gap is 0; `gap` is written over."""
    if own is not np:
        return gap.mul_(target).nansum(axis, keepdim=True)
    with np.errstate(invalid="ignore"):
        gap *= target
    np.putmask(gap, np.isnan(gap), 0.0)
    return gap.sum(axis, keepdims=True)


def _cross_entropy_in_place(
    own: Any, logits: Array, target: Array, axis: int, *, derivative: bool
) -> tuple[Array, Array]:
    p, top, most = _softmax(own, logits, axis, scaled=True)
    mass = target.sum(axis, keepdims=True)
    gap = own.subtract(top, logits)
    value = _total(own, gap, target, axis)
    above = own.greater(p, 0.5, out=gap)  # the largest, where 1 - p has to be the sum of the others
    p -= p * above
    others = p.sum(axis, keepdims=True)
    value += own.log1p((others - most * (most <= 0.5)) / most) * mass
    if derivative:
        # p Σ t - t, and for the largest (Σ t - t) - (1 - p) Σ t
        p *= mass
        p -= target
        p += above * mass
        above *= others * mass
        p -= above
    return value.squeeze(axis), p
