"""The straight way, for all arrays: per-item losses, then the reduction. The other ways do this with parts of them."""

from __future__ import annotations

from typing import Any, Protocol

from .. import special
from .._array_api import Array, broadcast_to, in_chunks_of, same_shape
from .._validation import Inputs
from ..reduction import kept_weight, reduce, share

__all__ = ["Computable", "evaluate", "prepare", "run", "run_with_derivatives"]

# What stands in for a value that `where` leaves out. It lies in the domain of every loss (a real number, a positive
# one, a probability), away from any kink, so neither the loss nor its derivative there is anything but finite.
NEUTRAL = 0.5


class Computable(Protocol):
    """What is asked of a loss to compute it."""

    @property
    def self_contained(self) -> bool:
        """Whether its settings and arrays say all about it."""

    @property
    def has_derivative(self) -> bool:
        """Whether there is a closed form of the derivative."""

    @property
    def whole_rows(self) -> bool:
        """Whether an item is computed from its whole row, where the labels are integers."""

    @property
    def array_settings(self) -> tuple[str, ...]:
        """The settings that hold an array or a sequence."""

    @property
    def projected(self) -> Computable | None:
        """The loss of rows that is computed of a projection of the first array by the second."""

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""

    @property
    def reduction(self) -> str:
        """How per-item losses become the result."""

    def check(self, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Inputs:
        """Return the arguments of a call, checked."""

    def call(self, *arrays: Array) -> Array:
        """Return per-item losses."""

    def derivative(self, *arrays: Array) -> Array | None:
        """Return the derivative of per-item losses by the first array, where there is a closed form."""

    def call_and_derivative(self, *arrays: Array) -> tuple[Array, Array | None]:
        """Return both."""

    def second_derivative(self, *arrays: Array) -> Array | None:
        """Return the second derivative."""

    def item_weight(self, *arrays: Array) -> Array | None:
        """Return weights of items that follow from the arrays, such as class weights."""


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    arrays, weight = prepare(loss, inputs)
    return reduce(inputs.xp, evaluate(loss, inputs, arrays)[0], weight, loss.reduction)


def run_with_derivatives(loss: Computable, inputs: Inputs, order: int = 1) -> tuple[Array, ...] | None:
    """Compute `loss` and its derivatives by the first array, up to `order`, where it has them all in closed form.

    The reduction is linear in the per-item losses, so each of their derivatives is multiplied by the item's share in
    the result. The derivatives come back in the dtype of the first array.
    """
    arrays, weight = prepare(loss, inputs)
    items, derivatives = evaluate(loss, inputs, arrays, order)
    if derivatives is None:
        return None
    xp, first = inputs.xp, inputs.arrays[0]
    part = share(xp, items, weight, loss.reduction)
    if inputs.axis is not None and not isinstance(part, float):
        part = special.new_axis(part, inputs.axis)
    results = [in_chunks_of(_in_dtype(xp, x * part, first.dtype), first) for x in derivatives]
    return (reduce(xp, items, weight, loss.reduction), *results)


def prepare(loss: Computable, inputs: Inputs) -> tuple[tuple[Array, ...], Array | None]:
    """Return the arrays that a loss computes on, and one weight an item."""
    arrays, roles = inputs.arrays, inputs.roles
    unlike = [x.dtype != inputs.dtype and roles[k] != "labels" for k, x in enumerate(arrays)]
    if inputs.where is not None or any(unlike):
        arrays = tuple([_working(inputs, x, role) for x, role in zip(arrays, roles, strict=True)])
    weight = loss.item_weight(*arrays)
    if weight is None and inputs.weight is None and inputs.where is None:
        return arrays, None
    if inputs.weight is not None:
        given = _in_dtype(inputs.xp, inputs.weight, inputs.dtype)
        weight = given if weight is None else given * weight
    return arrays, kept_weight(inputs.xp, inputs.item_shape, inputs.dtype, weight, inputs.where)


def evaluate(
    loss: Computable, inputs: Inputs, arrays: tuple[Array, ...], order: int = 0
) -> tuple[Array, tuple[Array, ...] | None]:
    """Return per-item losses of prepared arrays and their derivatives up to `order`; None if one is lacking."""
    derivatives: tuple[Array | None, ...] = ()
    if order == 0:
        items = loss.call(*arrays)
    else:
        items, derivative = loss.call_and_derivative(*arrays)
        derivatives = (derivative,) if order == 1 else (derivative, loss.second_derivative(*arrays))
    if items.shape != inputs.item_shape and not same_shape(tuple(items.shape), inputs.item_shape):
        raise ValueError(
            f"`call` of {type(loss).__name__} must return per-item losses of shape {inputs.item_shape}, got "
            f"{tuple(items.shape)}; a loss of rows must have granularity 'row', and reduces over its axis itself"
        )
    invalid = inputs.invalid
    if order == 0 and invalid is None:
        return items, ()
    found = []
    for name, x in zip(("derivative", "second_derivative"), derivatives, strict=False):
        if x is None:
            return items, None
        if not same_shape(tuple(x.shape), tuple(arrays[0].shape)):
            raise ValueError(
                f"`{name}` of {type(loss).__name__} must return the shape of the first array, "
                f"{tuple(arrays[0].shape)}, got {tuple(x.shape)}"
            )
        found.append(x)
    if invalid is not None:
        items = special.where(invalid, float("nan"), items)
        of_rows = invalid if inputs.axis is None else special.new_axis(invalid, inputs.axis)
        found = [special.where(of_rows, 0.0, x) for x in found]
    return items, tuple(found)


def _in_dtype(xp: Any, x: Array, dtype: Any) -> Array:
    return x if x.dtype == dtype else xp.astype(x, dtype)


def _working(inputs: Inputs, x: Array, role: str) -> Array:
    """Return `x` in the dtype of the computation, with a harmless number wherever `where` leaves an item out."""
    if role == "labels":
        return x
    xp = inputs.xp
    x = _in_dtype(xp, x, inputs.dtype)
    if inputs.where is None:
        return x
    keep = inputs.where
    if inputs.axis is not None and role == "row":
        keep = special.new_axis(broadcast_to(xp, keep, inputs.item_shape), inputs.axis)
    return special.where(keep, x, NEUTRAL)
