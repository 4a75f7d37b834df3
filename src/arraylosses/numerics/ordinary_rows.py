"""Cross entropy of NumPy's rows whose logits are of ordinary size, by few and short calls.

Where no exponential, sum or ratio of these can be out of range, no logit has to be taken from the others before. That
spares NumPy the largest of each row and a difference that broadcasts, which take more than all else where classes are
few. What would cancel in the other forms does so here, so the entry that leads is left out of the sum as there.

Few rows of single precision are computed in double, in which a sum is a product with ones: where another library has
used the processor's caches since, a small call takes what it takes to fetch its code, and NumPy's own sum, or an
operation that broadcasts, as much as three of arrays of one shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._array_api import Array
from .._values import FEW, least_and_most
from .reductions import ones, reduce_sum, starts

__all__ = ["cross_entropy", "label_terms", "working_dtype"]

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)

_RANGE = {_SINGLE: 78.0, _DOUBLE: 600.0}
"""The largest number of ordinary size, and how far two may be apart: the exponential, or the ratio of two, is in the
range of normal numbers, and so is the sum of `_CLASSES` of them."""

_CLASSES = 1 << 12

_NARROW = 1 << 8
"""Classes up to which single precision takes less time in double than the largest of each row does."""


def working_dtype(*arrays: Array) -> Any | None:
    """Return the dtype in which all numbers of rows of NumPy are of ordinary size; None where some are in neither."""
    dtype, classes = arrays[0].dtype, arrays[0].shape[-1]
    if not arrays[0].size or classes > _CLASSES or not all([x.dtype == dtype for x in arrays]):
        return None
    if dtype == _SINGLE:
        if arrays[0].size <= FEW:
            dtype = _DOUBLE
    elif dtype != _DOUBLE:
        return None
    for x in arrays:
        least, most = least_and_most(x)
        if _are_ordinary(least, most, dtype):
            continue
        if classes > _NARROW or not _are_ordinary(least, most, _DOUBLE):
            return None
        dtype = _DOUBLE
    return dtype


def _are_ordinary(least: float, most: float, dtype: Any) -> bool:
    largest = _RANGE[dtype]
    return least >= -largest and most <= largest and most - least <= largest


def _sums(rows: Array) -> Array:
    """The sum of each row of finite numbers."""
    return rows.dot(ones(rows.shape[1])) if rows.size <= FEW else reduce_sum(rows, -1)


def _spread(numbers: Array, like: Array) -> Array:
    """One number a row for each of its entries."""
    return numbers.repeat(like.shape[1]).reshape(like.shape)


def _exponential(rows: Array, dtype: Any) -> Array:
    if rows.dtype == dtype:
        return np.exp(rows)
    x = rows.astype(dtype)
    return np.exp(x, out=x)


# With e = exp(logit): log(1 + others / e_label), others / total, and e / total, less 1 for the label.
def label_terms(logits: Array, labels: Array, dtype: Any, *, derivative: bool) -> tuple[Array, ...]:
    """-log p and 1 - p of the labels, and the derivative if it is asked for, computed in `dtype`."""
    e = _exponential(logits, dtype)
    flat, place = e.reshape(-1), starts(*e.shape) + labels
    label = flat[place]
    flat[place] = 0.0
    others = _sums(e)
    nll, share = np.log1p(others / label), np.reciprocal(others + label)
    others *= share
    found = [nll, others]
    if derivative:
        e *= _spread(share, e)
        flat[place] = -others
        found.append(e)
    return tuple([x.astype(logits.dtype, copy=False) for x in found])


# With the gap m - logit to the largest: Σ t gap + log(1 + others / e_m) Σ t, and e Σ t / total - t; of the largest
# (e (Σ t - t) - others t) / total.
def cross_entropy(logits: Array, target: Array, dtype: Any, *, derivative: bool) -> tuple[Array, ...]:
    """Σ t (-log p) of each row, and the derivative if it is asked for, computed in `dtype`."""
    e = _exponential(logits, dtype)
    x, t = logits.astype(dtype, copy=False), target.astype(dtype, copy=False)
    flat, top = e.reshape(-1), starts(*x.shape) + logits.argmax(1)
    most = flat[top]
    flat[top] = 0.0
    others, mass = _sums(e), _sums(t)
    gap = _spread(x.reshape(-1)[top], x)
    gap -= x
    gap *= t
    value = _sums(gap)
    value += np.log1p(others / most) * mass
    found = [value]
    if derivative:
        total, of_top = others + most, t.reshape(-1)[top]
        e *= _spread(mass / total, e)
        e -= t
        flat[top] = (most * (mass - of_top) - others * of_top) / total
        found.append(e)
    return tuple([x.astype(logits.dtype, copy=False) for x in found])
