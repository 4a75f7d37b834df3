"""The straight way, for all arrays: per-item losses, then the reduction."""

from __future__ import annotations

from typing import Protocol

from .. import special
from .._array_api import Array, broadcast_to, same_shape
from .._validation import Inputs
from ..reduction import reduce

__all__ = ["Computable", "run"]

# What stands in for a value that `where` leaves out. It lies in the domain of every loss (a real number, a positive
# one, a probability), away from any kink, so neither the loss nor its derivative there is anything but finite.
NEUTRAL = 0.5


class Computable(Protocol):
    """What is asked of a loss to compute it."""

    @property
    def reduction(self) -> str:
        """How per-item losses become the result."""

    def call(self, *arrays: Array) -> Array:
        """Return per-item losses."""

    def item_weight(self, *arrays: Array) -> Array | None:
        """Return weights of items that follow from the arrays, such as class weights."""


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    arrays = tuple(_working(inputs, x, role) for x, role in zip(inputs.arrays, inputs.roles, strict=True))
    items = loss.call(*arrays)
    if not same_shape(tuple(items.shape), inputs.item_shape):
        raise ValueError(
            f"`call` of {type(loss).__name__} must return per-item losses of shape {inputs.item_shape}, got "
            f"{tuple(items.shape)}; a loss of rows must have granularity 'row', and reduces over its axis itself"
        )
    if inputs.invalid is not None:
        items = special.where(inputs.invalid, float("nan"), items)
    weight = loss.item_weight(*arrays)
    if inputs.weight is not None:
        given = inputs.xp.astype(inputs.weight, inputs.dtype, copy=False)
        weight = given if weight is None else given * weight
    return reduce(inputs.xp, items, weight, inputs.where, loss.reduction)


def _working(inputs: Inputs, x: Array, role: str) -> Array:
    """Return `x` in the dtype of the computation, with a harmless number wherever `where` leaves an item out."""
    if role == "labels":
        return x
    xp = inputs.xp
    if x.dtype != inputs.dtype:
        x = xp.astype(x, inputs.dtype)
    if inputs.where is None:
        return x
    keep = inputs.where
    if inputs.axis is not None and role == "row":
        keep = special.new_axis(broadcast_to(xp, keep, inputs.item_shape), inputs.axis)
    return special.where(keep, x, NEUTRAL)
