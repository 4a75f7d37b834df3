"""The pairs of a batch of embeddings, by their labels."""

from __future__ import annotations

from typing import NamedTuple

from .. import special
from .._array_api import Array, array_namespace
from ..numerics import elementwise, indexing, reductions

__all__ = ["Pairs", "counts_of_ids", "log_sum_of", "places", "unit_rows"]


def unit_rows(x: Array) -> Array:
    """Rows of length 1; 0, with a derivative of 0, where a row is 0 or holds but subnormal numbers."""
    xp = array_namespace(x)
    largest = special.stop_gradient(reductions.reduce_max(xp.abs(x), -1))
    # A quarter of the largest entry has an inverse that is in range.
    inverse = 1.0 / elementwise.at_least_smallest_normal(0.25 * largest)
    x = x * special.where(largest < elementwise.finfo(x).smallest_normal, 0.0, inverse)
    square = xp.sum(x * x, axis=-1, keepdims=True)
    return x / xp.sqrt(special.where(square == 0, 1.0, square))


def places(x: Array) -> Array:
    """The place of each item."""
    return indexing.along(x, 0)


def counts_of_ids(labels: Array, where: Array | None) -> tuple[Array, Array]:
    """How many other items have the label of each, and how many have another one."""
    xp = array_namespace(labels)
    kept = xp.ones_like(labels, dtype=xp.bool) if where is None else where
    same = indexing.count_equal(labels, kept)
    return same - 1, xp.sum(xp.astype(kept, same.dtype)) - same


class Pairs(NamedTuple):
    """Which items are the positives, and which the negatives, of each; none that is left out is one."""

    positive: Array
    negative: Array

    @classmethod
    def of(cls, labels: Array, where: Array | None) -> Pairs:
        """Those of items with these labels."""
        xp, own = array_namespace(labels), places(labels)
        same, itself = labels[:, None] == labels[None, :], own[:, None] == own[None, :]
        positive, negative = xp.logical_and(same, xp.logical_not(itself)), xp.logical_not(same)
        if where is None:
            return cls(positive, negative)
        return cls(xp.logical_and(positive, where[None, :]), xp.logical_and(negative, where[None, :]))


def log_sum_of(chosen: Array, exponents: Array, axis: int = -1) -> Array:
    """log Σ exp(x) over those that are chosen along `axis`; minus infinity of none."""
    return special.logsumexp(special.where(chosen, exponents, float("-inf")), axis)
