"""The straight way, for all arrays: per-item losses, then the reduction. The other ways do this with parts of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from .. import special
from .._array_api import Array, Namespace, backend_of, in_chunks_of, in_transform, is_array, same_shape
from ..arguments import Inputs, in_short
from ..formula import Formula
from ..reduction import count_of, divisor_of, kept_weight, reduce, share
from . import few_classes, transformed

__all__ = [
    "FIRST",
    "Checked",
    "Wanted",
    "common_divisor",
    "evaluate",
    "item_weight",
    "multiplied",
    "parts_of_derivatives",
    "prepare",
    "run",
    "run_with_derivatives",
    "taken",
    "times",
    "weight_of_targets",
]


class Wanted(NamedTuple):
    """The derivatives of a call: by which arrays, and whether the second one by the first array is among them."""

    positions: tuple[int, ...] = (0,)
    second: bool = False

    @property
    def arrays(self) -> tuple[int, ...]:
        """The position of the array that each derivative is taken by."""
        return (*self.positions, 0) if self.second else self.positions


FIRST = Wanted()


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    arrays, weight = prepare(loss, inputs)
    return reduce(inputs.xp, evaluate(loss, inputs, arrays)[0], weight, loss.reduction)


def run_with_derivatives(
    loss: Formula, inputs: Inputs, wanted: Wanted = FIRST, upstream: Array | None = None
) -> tuple[Array, ...] | None:
    """Compute `loss` and the derivatives that are wanted, where it has them all in closed form.

    The reduction is linear in the per-item losses, so each of their derivatives is multiplied by the item's share in
    the result, and by `upstream`: of shape (), or one number an item for reduction "none". A derivative comes back in
    the dtype of the array that it is taken by.
    """
    found = parts_of_derivatives(loss, inputs, wanted)
    if found is None:
        return None
    value, derivatives, part = found
    in_place = loss.new_derivatives and backend_of(inputs.xp) == "numpy"
    return (value, *multiplied(inputs, derivatives, part, wanted, upstream, in_place=in_place))


def parts_of_derivatives(
    loss: Formula, inputs: Inputs, wanted: Wanted = FIRST
) -> tuple[Array, tuple[Array, ...], Array | float] | None:
    """Compute `loss`, the derivatives of its items, and what they are to be multiplied by: each item's share in it."""
    arrays, weight = prepare(loss, inputs)
    items, derivatives = evaluate(loss, inputs, arrays, wanted)
    if derivatives is None:
        return None
    divisor = divisor_of(inputs.xp, items, weight, loss.reduction)
    part = share(inputs.xp, items, weight, loss.reduction, divisor)
    if inputs.invalid is not None:
        if not isinstance(part, float) and not is_array(part):  # a symbol, of torch's compiler for any length
            part = part * inputs.xp.ones_like(items)
        part = special.where(inputs.invalid, items, part)  # NaN, in the dtype of the items
    return reduce(inputs.xp, items, weight, loss.reduction, divisor), derivatives, part


def multiplied(
    inputs: Inputs,
    derivatives: Sequence[Array],
    part: Array | float,
    wanted: Wanted = FIRST,
    upstream: Array | None = None,
    *,
    in_place: bool = False,
) -> tuple[Array, ...]:
    """Return the derivatives of the result, of those of its items, which may be written over if `in_place`."""
    if upstream is not None:
        # An infinite one, as of a root of 0, makes NaN of the 0 of what is left out.
        part = part * (upstream if inputs.where is None else special.where(inputs.where, upstream, 0.0))
    results = []
    for k, x in zip(wanted.arrays, derivatives, strict=True):
        source = inputs.arrays[k]
        factor = part if isinstance(part, float) else inputs.of_array(part, k)
        if upstream is not None and inputs.mask is not None and (keep := inputs.kept(k)) is not None:
            factor = special.where(keep, factor, 0.0)
        x = times(x, factor, in_place=in_place)
        results.append(in_chunks_of(_in_dtype(inputs.xp, x, source.dtype), source))
    return tuple(results)


def times(x: Array, factor: Array | float, *, in_place: bool) -> Array:
    """Multiply, and write the product over the array if that is of an eager library and `in_place`."""
    if not in_place:
        return x * factor
    x *= factor
    return x


def common_divisor(loss: Formula, inputs: Inputs) -> float | None:
    """Return what the sum of per-item losses is divided by in each call of a kind, unless the loss weighs them itself.

    None where the call weighs them or leaves some out, where arrays are to be converted, and without a sum.
    """
    if loss.reduction == "none" or not (inputs.weight is inputs.where is inputs.invalid is inputs.mask is None):
        return None
    if not all([x.dtype == inputs.dtype or inputs.is_integer(k) for k, x in enumerate(inputs.arrays)]):
        return None
    return float(count_of(inputs.item_shape, loss.reduction))


class Checked:
    """What calls of a kind have in common, of which none weighs its items: arguments, and what was seen of the results.

    There is no look at what is returned for the same positions once more.
    """

    __slots__ = ("_inputs", "_positions")

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs._replace(arrays=())
        self._positions: tuple[int, ...] | None = None

    def evaluate(
        self, loss: Formula, arrays: tuple[Array, ...], wanted: Wanted | None = None
    ) -> tuple[Array, tuple[Any, ...] | None]:
        """As the function."""
        if wanted is not None and wanted.positions == self._positions and not wanted.second:
            return loss.value_and_derivatives(wanted.positions, *arrays)
        found = evaluate(loss, self._inputs, arrays, wanted)
        if wanted and found[1] is not None and few_classes.laid_out(loss, self._inputs, arrays)[0] is loss:
            self._positions = wanted.positions
        return found


def prepare(loss: Formula, inputs: Inputs) -> tuple[tuple[Array, ...], Array | None]:
    """Return the arrays that a loss computes on, and one weight an item."""
    arrays = inputs.arrays
    if not inputs.as_given:
        arrays = tuple([_working(loss, inputs, k, x) for k, x in enumerate(arrays)])
    return arrays, item_weight(loss, inputs, arrays)


def item_weight(loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]) -> Array | None:
    """Return one weight an item, that which follows from the arrays included; None where all count the same."""
    own = loss.item_weight(*taken(inputs, arrays))
    if own is None or inputs.weight is None:
        return _kept(inputs, inputs.weight if own is None else own)
    # Each loses what `where` leaves out before they meet: NaN times 0 is NaN in the gradient by the other.
    given: Array = _kept(inputs, inputs.weight)
    return given * _kept(inputs, own)


def _kept(inputs: Inputs, weight: Array | None) -> Array | None:
    """Return `kept_weight` of a weight of any dtype."""
    weight = None if weight is None else _in_dtype(inputs.xp, weight, inputs.dtype)
    return kept_weight(inputs.xp, inputs.item_shape, inputs.dtype, weight, inputs.where)


def weight_of_targets(loss: Formula, inputs: Inputs) -> Array | None:
    """Return `item_weight` where nothing else is computed of the arrays: no weight follows from the first of them."""
    first, *others = inputs.arrays
    kept = [x if inputs.kept(k) is None else _working(loss, inputs, k, x) for k, x in enumerate(others, 1)]
    return item_weight(loss, inputs, (first, *kept))


def taken(inputs: Inputs, arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return what a formula takes: the arrays, and `where` last if it leaves out parts of an item."""
    return arrays if inputs.mask is None else (*arrays, inputs.mask.values)


def evaluate(
    loss: Formula, inputs: Inputs, arrays: tuple[Array, ...], wanted: Wanted | None = None
) -> tuple[Array, tuple[Array, ...] | None]:
    """Return per-item losses of prepared arrays and the derivatives that are wanted; None if one is lacking.

    The loss of an invalid item is NaN, and not the derivative of what was computed in its place.
    """
    invalid = inputs.invalid
    derivatives: tuple[Array | None, ...] = ()
    given = taken(inputs, arrays)
    if wanted is None:
        if backend_of(inputs.xp) == "jax" and _has_closed_form(loss, inputs):
            from . import closed_form

            items = closed_form.items(loss, inputs, given)
            if invalid is not None:  # by a product, through which the derivative is NaN too
                items = items * _nan_where(inputs.xp, invalid, items.dtype)
        else:
            # By NaN in the rows, and not in the items alone, the gradient that is derived from this is NaN there too.
            if invalid is not None and _may_be_derived_from(inputs):
                given = tuple([_spoilt(inputs, k, x) for k, x in enumerate(given)])
            if backend_of(inputs.xp) == "torch" and transformed.fits(loss, inputs):
                items = transformed.items(loss, inputs, given)
            else:
                formula, given, _ = few_classes.laid_out(loss, inputs, given)
                items = formula.call(*given)
    else:
        formula, given, back = few_classes.laid_out(loss, inputs, given)
        items, derivatives = formula.value_and_derivatives(wanted.positions, *given)
        if wanted.second:
            derivatives = (*derivatives, formula.second_derivative(*given))
        derivatives = back(derivatives)
    shape = getattr(items, "shape", None)
    if shape != inputs.item_shape and (shape is None or not same_shape(tuple(shape), inputs.item_shape)):
        _refuse_items(loss, items, inputs.item_shape)
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
    return items, tuple(found)


def _refuse_items(loss: Formula, items: Any, item_shape: tuple[int, ...]) -> NoReturn:
    said = f"`call` of {type(loss).__name__} must return per-item losses of shape {item_shape}, got"
    if not is_array(items):
        raise TypeError(f"{said} {in_short(items)}, which is no array")
    raise ValueError(
        f"{said} {tuple(items.shape)}; a loss whose items are more than elements must say so by `arrays`, such as "
        f"{_EXAMPLE}, and reduce the other axes itself"
    )


_EXAMPLE = '"prediction[..., D]: real, target[..., D]: real -> [...]"'


def _has_closed_form(loss: Formula, inputs: Inputs) -> bool:
    """Whether JAX is given the closed form, which for a loss of elements is no shorter than what it derives."""
    is_of_rows = any([bool(layout) for layout in inputs.layout])
    return is_of_rows and loss.pure and bool(loss.closed_forms) and inputs.mask is None


def _may_be_derived_from(inputs: Inputs) -> bool:
    """Whether a gradient may be derived from what is computed: of torch, each tensor and the thread say so."""
    if backend_of(inputs.xp) != "torch":
        return True
    torch: Any = sys.modules["torch"]
    return in_transform() or (torch.is_grad_enabled() and any([x.requires_grad for x in inputs.arrays]))


def _nan_where(xp: Namespace, invalid: Array, dtype: Any) -> Array:
    """1, and NaN where an item is invalid."""
    return special.where(invalid, float("nan"), xp.ones_like(invalid, dtype=dtype))


def _spoilt(inputs: Inputs, k: int, x: Array) -> Array:
    """Return an array with NaN in those of the items that have a label which is no class."""
    if k >= len(inputs.layout) or inputs.is_integer(k) or not inputs.layout[k]:
        return x
    of_rows = inputs.of_array(inputs.invalid, k)
    return x * _nan_where(inputs.xp, of_rows, x.dtype)


def _in_dtype(xp: Any, x: Array, dtype: Any) -> Array:
    return x if x.dtype == dtype else xp.astype(x, dtype)


def _working(loss: Formula, inputs: Inputs, k: int, x: Array) -> Array:
    """Return array `k` in the dtype of the computation, with harmless numbers in what `where` leaves out."""
    if inputs.is_integer(k):
        return x
    x = _in_dtype(inputs.xp, x, inputs.dtype)
    keep = inputs.kept(k)
    if keep is None:
        return x
    neutral = loss.declaration.arguments[k].form(integer=False).domain.neutral(x, inputs.layout[k])
    return special.where(keep, x, neutral)
