"""The straight way, for all arrays: per-item losses, then the reduction. The other ways do this with parts of them."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from .. import special
from .._array_api import Array, backend_of, broadcast_to, in_chunks_of, same_shape
from .._validation import Inputs
from ..numerics import indexing
from ..reduction import kept_weight, reduce, share

__all__ = ["FIRST", "Computable", "Wanted", "evaluate", "kept", "prepare", "run", "run_with_derivatives"]

# What stands in for a value that `where` leaves out. It lies in the domain of every loss (a real number, a positive
# one, a probability), away from any kink, so neither the loss nor its derivative there is anything but finite.
NEUTRAL = 0.5


class Wanted(NamedTuple):
    """The derivatives of a call: by which arrays, and whether the second one by the first array is among them."""

    positions: tuple[int, ...] = (0,)
    second: bool = False

    @property
    def arrays(self) -> tuple[int, ...]:
        """The position of the array that each derivative is taken by."""
        return (*self.positions, 0) if self.second else self.positions


FIRST = Wanted()


class Computable(Protocol):
    """What is asked of a loss to compute it."""

    @property
    def self_contained(self) -> bool:
        """Whether its settings and arrays say all about it."""

    @property
    def closed_forms(self) -> tuple[int, ...]:
        """The positions of the arrays by which there is a closed form of the derivative."""

    @property
    def whole_rows(self) -> bool:
        """Whether an item is computed from its whole row, where the labels are integers."""

    @property
    def array_settings(self) -> tuple[str, ...]:
        """The settings that hold an array or a sequence."""

    @property
    def checked(self) -> dict[Any, Any]:
        """The kinds of arguments that were checked already."""

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

    def call_and_derivatives(
        self, positions: tuple[int, ...], *arrays: Array
    ) -> tuple[Array, tuple[Array | None, ...]]:
        """Return per-item losses and their derivatives by several arrays."""

    def second_derivative(self, *arrays: Array) -> Array | None:
        """Return the second derivative."""

    def item_weight(self, *arrays: Array) -> Array | None:
        """Return weights of items that follow from the arrays, such as class weights."""


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    arrays, weight = prepare(loss, inputs)
    return reduce(inputs.xp, evaluate(loss, inputs, arrays)[0], weight, loss.reduction)


def run_with_derivatives(
    loss: Computable, inputs: Inputs, wanted: Wanted = FIRST, upstream: Array | None = None
) -> tuple[Array, ...] | None:
    """Compute `loss` and the derivatives that are wanted, where it has them all in closed form.

    The reduction is linear in the per-item losses, so each of their derivatives is multiplied by the item's share in
    the result, and by `upstream`: of shape (), or one number an item for reduction "none". A derivative comes back in
    the dtype of the array that it is taken by.
    """
    arrays, weight = prepare(loss, inputs)
    items, derivatives = evaluate(loss, inputs, arrays, wanted)
    if derivatives is None:
        return None
    xp = inputs.xp
    part = share(xp, items, weight, loss.reduction)
    if upstream is not None:
        part = part * upstream
    if inputs.axis is not None and not isinstance(part, float):
        part = indexing.expand_dims(part, inputs.axis)
    sources = [inputs.arrays[k] for k in wanted.arrays]
    results = [
        in_chunks_of(_in_dtype(xp, x * part, source.dtype), source)
        for x, source in zip(derivatives, sources, strict=True)
    ]
    return (reduce(xp, items, weight, loss.reduction), *results)


def prepare(loss: Computable, inputs: Inputs) -> tuple[tuple[Array, ...], Array | None]:
    """Return the arrays that a loss computes on, and one weight an item."""
    arrays, roles = inputs.arrays, inputs.roles
    dtype = inputs.dtype
    if inputs.where is not None or not all([x.dtype == dtype or roles[k] == "labels" for k, x in enumerate(arrays)]):
        arrays = tuple([_working(inputs, x, role) for x, role in zip(arrays, roles, strict=True)])
    weight = loss.item_weight(*arrays)
    if weight is None and inputs.weight is None and inputs.where is None:
        return arrays, None
    if inputs.weight is not None:
        given = _in_dtype(inputs.xp, inputs.weight, inputs.dtype)
        weight = given if weight is None else given * weight
    return arrays, kept_weight(inputs.xp, inputs.item_shape, inputs.dtype, weight, inputs.where)


def evaluate(
    loss: Computable, inputs: Inputs, arrays: tuple[Array, ...], wanted: Wanted | None = None
) -> tuple[Array, tuple[Array, ...] | None]:
    """Return per-item losses of prepared arrays and the derivatives that are wanted; None if one is lacking."""
    invalid = inputs.invalid
    derivatives: tuple[Array | None, ...] = ()
    if wanted is None:
        # By NaN in the rows, and not in the items alone, the gradient that is derived from this is NaN there too.
        if invalid is not None:
            arrays = tuple([_spoilt(inputs, k, x) for k, x in enumerate(arrays)])
        if inputs.axis is not None and loss.self_contained and loss.closed_forms and backend_of(inputs.xp) == "jax":
            from . import closed_form

            items = closed_form.items(loss, inputs, arrays)
        else:
            items = loss.call(*arrays)
    else:
        items, derivatives = loss.call_and_derivatives(wanted.positions, *arrays)
        if wanted.second:
            derivatives = (*derivatives, loss.second_derivative(*arrays))
    if items.shape != inputs.item_shape and not same_shape(tuple(items.shape), inputs.item_shape):
        raise ValueError(
            f"`call` of {type(loss).__name__} must return per-item losses of shape {inputs.item_shape}, got "
            f"{tuple(items.shape)}; a loss of rows must have granularity 'row', and reduces over its axis itself"
        )
    if wanted is None and invalid is None:
        return items, ()
    found = []
    for k, x in enumerate(derivatives):
        if x is None:
            return items, None
        source = arrays[wanted.arrays[k]] if wanted else x
        if x.shape != source.shape and not same_shape(tuple(x.shape), tuple(source.shape)):
            name = "second_derivative" if wanted and k == len(wanted.positions) else "derivative"
            raise ValueError(
                f"`{name}` of {type(loss).__name__} must return the shape of the array that it is taken by, "
                f"{tuple(source.shape)}, got {tuple(x.shape)}"
            )
        found.append(x)
    if invalid is not None:
        items = special.where(invalid, float("nan"), items)
        found = [special.where(_of_array(inputs, invalid, "row"), float("nan"), x) for x in found]
    return items, tuple(found)


def _spoilt(inputs: Inputs, k: int, x: Array) -> Array:
    """Return rows with NaN in those of the items that have no class."""
    if inputs.roles[k] != "row":
        return x
    of_rows = _of_array(inputs, inputs.invalid, "row")
    return x * special.where(of_rows, float("nan"), inputs.xp.ones_like(of_rows, dtype=x.dtype))


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
    return special.where(kept(inputs, role), x, NEUTRAL)


def kept(inputs: Inputs, role: str) -> Array:
    """Return `where`, broadcastable to an array of `role`."""
    return _of_array(inputs, inputs.where, role)


def _of_array(inputs: Inputs, of_items: Array, role: str) -> Array:
    if inputs.axis is None or role != "row":
        return of_items
    return indexing.expand_dims(broadcast_to(inputs.xp, of_items, inputs.item_shape), inputs.axis)
