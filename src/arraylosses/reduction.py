"""How per-item losses become the result: weight, where, reduction."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from . import special
from ._array_api import Array, Namespace, broadcast_to

__all__ = ["REDUCTIONS", "Reduction", "reduce"]

Reduction: TypeAlias = Literal["none", "sum", "mean", "batchmean"]
REDUCTIONS: tuple[Reduction, ...] = ("none", "sum", "mean", "batchmean")


def reduce(xp: Namespace, items: Array, weight: Array | None, where: Array | None, reduction: str) -> Array:
    """Reduce per-item losses l with weights w over the items that `where` keeps.

    ``none`` is w l with 0 where an item is left out, ``sum`` is Σ w l, ``mean`` is Σ w l / Σ w, ``batchmean`` is
    Σ w l / (length of the first axis). Without items, or with all weights 0, the result is 0.

    Parameters
    ----------
    xp : namespace
        The namespace of the arrays.
    items : array, floating
        Per-item losses. What `where` leaves out is finite already.
    weight : array of the dtype of `items`, broadcastable to them, optional
    where : array of bool, broadcastable to `items`, optional
    reduction : str
        One of `REDUCTIONS`.

    Returns
    -------
    array
        Of the shape of `items` for ``none``, else of shape ().
    """
    if weight is not None:
        weight = broadcast_to(xp, weight, items.shape)
    # A left-out weight may hold anything, and NaN times 0 is NaN, in the gradient too: it is replaced beforehand.
    if where is not None:
        where = broadcast_to(xp, where, items.shape)
        weight = xp.astype(where, items.dtype) if weight is None else special.where(where, weight, 0.0)
    total = items if weight is None else items * weight
    if reduction == "none":
        return total
    value = xp.sum(total)
    if reduction == "mean":
        return value / _divisor(xp, items, weight)
    if reduction == "batchmean":
        return value / max(items.shape[0], 1) if items.ndim else value
    return value


def _divisor(xp: Namespace, items: Array, weight: Array | None) -> Array | int:
    """Σ w of weights in the shape of the items; 1 where it is 0, since the numerator is 0 as well."""
    if weight is None:
        size = math.prod(items.shape)
        if size == size:  # not NaN, as it is for a lazy array of unknown shape
            return max(size, 1)
        weight = xp.ones_like(items)
    weight_sum = xp.sum(weight)
    return special.where(weight_sum == 0, 1.0, weight_sum)
