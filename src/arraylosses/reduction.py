"""How per-item losses become the result: weight, where, reduction."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from . import special
from ._array_api import NUMBERS, Array, Namespace, backend_of, broadcast_to, is_array, is_eager_torch, known_size
from .numerics import reductions

__all__ = ["REDUCTIONS", "Reduction", "Totals", "count_of", "divisor_of", "kept_weight", "reduce", "share"]

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


@dataclass(slots=True)
class Totals:
    """What a reduced loss is made of. Those of parts add up to those of the whole, in any order.

    Attributes
    ----------
    loss : number or array of shape ()
        Σ w l.
    weight : number or array of shape ()
        Σ w, for a mean.
    length : number or array of shape ()
        That of the first axis, for a mean over it.
    """

    loss: Any = 0.0
    weight: Any = 0.0
    length: Any = 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.loss + other.loss, self.weight + other.weight, self.length + other.length)

    @classmethod
    def merged(cls, parts: Iterable[Totals]) -> Totals:
        """Return the totals of parts whose own are floats, as if they were added without rounding."""
        parts = list(parts)
        return cls(*[_sum([getattr(part, name) for part in parts]) for name in ("loss", "weight", "length")])

    def divisor(self, reduction: str) -> Any:
        """Return what Σ w l is divided by; 1 where that is 0, since Σ w l is 0 as well."""
        if reduction == "mean":
            return _or_one(self.weight)
        return _or_one(self.length) if reduction == "batchmean" else 1.0

    def result(self, reduction: str) -> Any:
        """Return the reduced loss."""
        return _divided(self.loss, self.divisor(reduction))


def _divided(total: Any, divisor: Any) -> Any:
    return total if isinstance(divisor, float) and divisor == 1.0 else total / divisor


def _or_one(total: Any) -> Any:
    if isinstance(total, NUMBERS):
        return total or 1.0
    return special.where(total == 0, 1.0, total) if is_array(total) else total  # the length of a traced array


def _sum(values: list[float]) -> float:
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # the sum is infinite, or infinities of both signs are in it
        return sum(values)


def reduce(xp: Namespace, items: Array, weight: Array | None, reduction: str, divisor: Any = None) -> Array:
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
    divisor : number or array of shape (), optional
        What `divisor_of` says, where it is known.

    Returns
    -------
    array
        Of the shape of `items` for ``none``, else of shape ().
    """
    if weight is None and reduction == "mean" and (size := known_size(items.shape)):
        if backend_of(xp) == "torch" and is_eager_torch(items):
            return items.mean()  # in one call
        return reductions.reduce_sum(items) / size
    weighted = items if weight is None else items * weight
    if reduction == "none":
        return weighted
    if divisor is None:
        divisor = divisor_of(xp, items, weight, reduction)
    return _divided(reductions.reduce_sum(weighted), divisor)


def share(xp: Namespace, items: Array, weight: Array | None, reduction: str, divisor: Any = None) -> Array | float:
    """Return the derivative of the reduced loss with respect to each per-item loss: w, w / Σ w or w / length."""
    if divisor is None:
        divisor = divisor_of(xp, items, weight, reduction)
    return (1.0 if weight is None else weight) / divisor


def divisor_of(xp: Namespace, items: Array, weight: Array | None, reduction: str) -> Any:
    """Return what Σ w l is divided by: 1, Σ w or the length of the first axis."""
    return _totals(xp, items, weight, reduction).divisor(reduction)


def count_of(shape: tuple[int, ...], reduction: str) -> int:
    """Return what Σ l is divided by for items of this shape, whose lengths are known, without weights."""
    if reduction == "mean":
        return max(math.prod(shape), 1)
    return max(shape[0], 1) if reduction == "batchmean" and shape else 1


def _totals(xp: Namespace, items: Array, weight: Array | None, reduction: str) -> Totals:
    """The totals of the weights of items, as far as a reduction asks for them."""
    if reduction == "batchmean" and items.ndim:
        if known_size(items.shape[:1]) is not None:
            return Totals(length=count_of(items.shape[:1], reduction))
        ones = xp.ones_like(items)
        of_one = xp.sum(xp.ones_like(xp.sum(ones, axis=0)))  # the items of one place of the first axis
        return Totals(length=xp.sum(ones) / _or_one(of_one))
    if reduction != "mean":
        return Totals(length=1)
    size = known_size(items.shape)
    if weight is None and size is not None:
        return Totals(weight=count_of(items.shape, reduction))
    if size is None:  # then a weight may have a length of 1 where the items have more
        ones = xp.ones_like(items)
        weight = ones if weight is None else ones * weight
    return Totals(weight=xp.sum(weight))
