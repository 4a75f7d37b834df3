"""The straight way, for all arrays: per-item losses, then the reduction."""

from __future__ import annotations

from typing import Protocol

from .. import special
from .._array_api import Array, broadcast_to, in_chunks_of, same_shape
from .._validation import Inputs
from ..reduction import kept_weight, reduce, share

__all__ = ["Computable", "run", "run_with_derivatives"]

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

    def derivative(self, *arrays: Array) -> Array | None:
        """Return the derivative of per-item losses by the first array, where there is a closed form."""

    def second_derivative(self, *arrays: Array) -> Array | None:
        """Return the second one."""

    def item_weight(self, *arrays: Array) -> Array | None:
        """Return weights of items that follow from the arrays, such as class weights."""


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    arrays, weight = _prepared(loss, inputs)
    return reduce(inputs.xp, _items(loss, inputs, arrays), weight, loss.reduction)


def run_with_derivatives(loss: Computable, inputs: Inputs, order: int = 1) -> tuple[Array, ...] | None:
    """Compute `loss` and its derivatives by the first array, up to `order`, where it has them all in closed form.

    The reduction is linear in the per-item losses, so each of their derivatives is multiplied by the item's share in
    the result. The derivatives come back in the dtype of the first array.
    """
    arrays, weight = _prepared(loss, inputs)
    derivatives = []
    for name in ("derivative", "second_derivative")[:order]:
        x = getattr(loss, name)(*arrays)
        if x is None:
            return None
        if not same_shape(tuple(x.shape), tuple(arrays[0].shape)):
            raise ValueError(
                f"`{name}` of {type(loss).__name__} must return the shape of the first array, "
                f"{tuple(arrays[0].shape)}, got {tuple(x.shape)}"
            )
        derivatives.append(x)
    items = _items(loss, inputs, arrays)
    xp, first = inputs.xp, inputs.arrays[0]
    part = share(xp, items, weight, loss.reduction)
    invalid = inputs.invalid
    if inputs.axis is not None:
        part = part if isinstance(part, float) else special.new_axis(part, inputs.axis)
        invalid = None if invalid is None else special.new_axis(invalid, inputs.axis)
    results = []
    for x in derivatives:
        x = x if invalid is None else special.where(invalid, 0.0, x)
        results.append(in_chunks_of(xp.astype(x * part, first.dtype, copy=False), first))
    return (reduce(xp, items, weight, loss.reduction), *results)


def _prepared(loss: Computable, inputs: Inputs) -> tuple[tuple[Array, ...], Array | None]:
    """Return the arrays that a loss computes on, and one weight an item."""
    arrays = tuple(_working(inputs, x, role) for x, role in zip(inputs.arrays, inputs.roles, strict=True))
    weight = loss.item_weight(*arrays)
    if inputs.weight is not None:
        given = inputs.xp.astype(inputs.weight, inputs.dtype, copy=False)
        weight = given if weight is None else given * weight
    return arrays, kept_weight(inputs.xp, inputs.item_shape, inputs.dtype, weight, inputs.where)


def _items(loss: Computable, inputs: Inputs, arrays: tuple[Array, ...]) -> Array:
    items = loss.call(*arrays)
    if not same_shape(tuple(items.shape), inputs.item_shape):
        raise ValueError(
            f"`call` of {type(loss).__name__} must return per-item losses of shape {inputs.item_shape}, got "
            f"{tuple(items.shape)}; a loss of rows must have granularity 'row', and reduces over its axis itself"
        )
    return items if inputs.invalid is None else special.where(inputs.invalid, float("nan"), items)


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
