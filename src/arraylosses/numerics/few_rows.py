"""Cross entropy of a few rows of NumPy in single precision, by few and short calls.

Where another library has used the processor's caches since, a small call takes what it takes to fetch its code: a sum
of NumPy, or an operation that broadcasts, as much as three of arrays of one shape. In double precision no logit has to
be taken from the others before the exponential, and a sum is a product with ones. What would cancel in the other forms
does so here, so the entry that leads is left out of the sum as there.
"""

from __future__ import annotations

import numpy as np

from .._array_api import Array
from .._values import FEW, least_and_most
from .reductions import ones, starts

__all__ = ["cross_entropy", "fit", "label_terms"]

_LARGEST = 300.0
"""The logit whose exponential, and the ratio of two of which, are far from the end of the range."""


def fit(rows: Array) -> bool:
    """Whether rows of NumPy that lie one after the other are few, in single precision and of no extreme numbers."""
    if rows.dtype != np.float32 or not 0 < rows.size <= FEW:
        return False
    least, most = least_and_most(rows)
    return least >= -_LARGEST and most <= _LARGEST


def _spread(numbers: Array, like: Array) -> Array:
    """One number a row for each of its entries."""
    return numbers.repeat(like.shape[1]).reshape(like.shape)


def _single(x: Array) -> Array:
    return x.astype(np.float32)


# With e = exp(logit): log(1 + others / e_label), others / total, and e / total, less 1 for the label.
def label_terms(logits: Array, labels: Array, *, derivative: bool) -> tuple[Array, ...]:
    """-log p and 1 - p of the labels, and the derivative if it is asked for."""
    e = logits.astype(np.float64)
    np.exp(e, out=e)
    flat, place = e.reshape(-1), starts(*e.shape) + labels
    label = flat[place]
    flat[place] = 0.0
    others = e.dot(ones(e.shape[1]))
    nll, share = np.log1p(others / label), np.reciprocal(others + label)
    others *= share
    if not derivative:
        return _single(nll), _single(others)
    e *= _spread(share, e)
    flat[place] = -others
    return _single(nll), _single(others), _single(e)


# With the gap m - logit to the largest: Σ t gap + log(1 + others / e_m) Σ t, and e Σ t / total - t.
def cross_entropy(logits: Array, target: Array, *, derivative: bool) -> Array | tuple[Array, Array]:
    """Σ t (-log p) of each row, and the derivative if it is asked for."""
    x, t, of_class = logits.astype(np.float64), target.astype(np.float64), ones(logits.shape[1])
    e, mass = np.exp(x), t.dot(of_class)
    flat, top = e.reshape(-1), starts(*x.shape) + logits.argmax(1)
    most = flat[top]
    flat[top] = 0.0
    others = e.dot(of_class)
    gap = _spread(x.reshape(-1)[top], x)
    gap -= x
    gap *= t
    value = gap.dot(of_class)
    value += np.log1p(others / most) * mass
    if not derivative:
        return _single(value)
    share = mass / (others + most)
    e *= _spread(share, e)
    e -= t
    flat[top] = mass - t.reshape(-1)[top] - others * share
    return _single(value), _single(e)
