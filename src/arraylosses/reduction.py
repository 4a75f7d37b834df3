"""How per-item losses become the result: weight, where, reduction."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from . import special
from ._array_api import Array, Namespace, backend_of, broadcast_to, is_eager_torch, known_size
from .numerics import reductions

__all__ = ["REDUCTIONS", "Reduction", "kept_weight", "reduce", "share"]

Reduction: TypeAlias = Literal["none", "sum", "mean", "batchmean"]
REDUCTIONS: tuple[Reduction, ...] = ("none", "sum", "mean", "batchmean")


def kept_weight(
    xp: Namespace, shape: tuple[int, ...], dtype: Any, weight: Array | None, where: Array | None
) -> Array | None:
    """Return one weight an item, 0 where `where` leaves it out; None where all count the same.

    Parameters
    ----------
    xp : namespace
        The namespace of the arrays.
    shape : tuple of int
        Shape of the per-item losses.
    dtype : dtype
        Their dtype, and that of `weight`.
    weight : array, broadcastable to `shape`, optional
    where : array of bool, broadcastable to `shape`, optional
    """
    if weight is not None:
        weight = broadcast_to(xp, weight, shape)
    # A left-out weight may hold anything, and NaN times 0 is NaN, in the gradient too: it is replaced beforehand.
    if where is not None:
        where = broadcast_to(xp, where, shape)
        weight = xp.astype(where, dtype) if weight is None else special.where(where, weight, 0.0)
    return weight


def reduce(xp: Namespace, items: Array, weight: Array | None, reduction: str) -> Array:
    """Reduce per-item losses l with weights w.

    ``none`` is w l, ``sum`` is Σ w l, ``mean`` is Σ w l / Σ w, ``batchmean`` is Σ w l / (length of the first axis).
    Without items, or with all weights 0, the result is 0.

    Parameters
    ----------
    xp : namespace
        The namespace of the arrays.
    items : array, floating
        Per-item losses. What is left out is finite already.
    weight : array of the dtype and shape of `items`, optional
    reduction : str
        One of `REDUCTIONS`.

    Returns
    -------
    array
        Of the shape of `items` for ``none``, else of shape ().
    """
    if weight is None and reduction == "mean" and backend_of(xp) == "torch" and is_eager_torch(items) and items.numel():
        return items.mean()  # in one call
    total = items if weight is None else items * weight
    if reduction == "none":
        return total
    divisor = _divisor(xp, items, weight, reduction)
    value = reductions.reduce_sum(total)
    return value if divisor is None else value / divisor


def share(xp: Namespace, items: Array, weight: Array | None, reduction: str) -> Array | float:
    """Return the derivative of the reduced loss with respect to each per-item loss: w, w / Σ w or w / length."""
    divisor = _divisor(xp, items, weight, reduction)
    if divisor is None:
        return 1.0 if weight is None else weight
    return (1.0 if weight is None else weight) / divisor


def _divisor(xp: Namespace, items: Array, weight: Array | None, reduction: str) -> Array | int | None:
    """What the weighted sum is divided by; for a mean 1 where Σ w is 0, since the numerator is 0 as well."""
    if reduction == "batchmean" and items.ndim:
        length = known_size(items.shape[:1])
        if length is not None:
            return max(length, 1)
        ones = xp.ones_like(items)
        of_one = xp.sum(xp.ones_like(xp.sum(ones, axis=0)))  # the items of one place of the first axis
        return _or_one(xp.sum(ones) / _or_one(of_one))
    if reduction != "mean":
        return None
    size = known_size(items.shape)
    if weight is None and size is not None:
        return max(size, 1)
    if size is None:  # then a weight may have a length of 1 where the items have more
        ones = xp.ones_like(items)
        weight = ones if weight is None else ones * weight
    return _or_one(xp.sum(weight))


def _or_one(total: Array) -> Array:
    return special.where(total == 0, 1.0, total)
