"""How torch's arguments become those of a loss here: reductions, warnings, shapes, and what a mean is divided by."""

from __future__ import annotations

import inspect
import math
import sys
import warnings
from dataclasses import replace
from typing import Any

from ... import special
from ..._array_api import (
    Array,
    Namespace,
    array_namespace,
    as_array,
    as_index,
    dtype_kind,
    holds_values,
    namespace_of,
)
from ..._values import lie_below
from ...arguments import require_choice
from ...arguments.places import FLOATING, one_library
from ...loss import Loss
from .._common import one_program

__all__ = [
    "REDUCTIONS",
    "broadcast",
    "broadcast_with_warning",
    "chosen",
    "in_dtype_of",
    "library",
    "like",
    "over",
    "over_sum",
    "run",
    "warn",
]

_PACKAGE = __name__.rpartition(".")[0].rpartition(".")[0]

REDUCTIONS = ("none", "mean", "sum")


def warn(message: str) -> None:
    """Warn, at the user's line."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.compiler.is_compiling():
        return
    level, frame = 2, inspect.currentframe()
    frame = frame and frame.f_back
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def chosen(
    reduction: str, size_average: bool | None = None, reduce: bool | None = None, *, known: tuple[str, ...] = REDUCTIONS
) -> Any:
    """Return the reduction, one of `known`, which the two deprecated arguments override where one is given."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            reduction = "none"
        else:
            reduction = "sum" if size_average is False else "mean"
        warn(f"size_average and reduce args will be deprecated, please use reduction={reduction!r} instead.")
    if reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        return "mean"
    if reduction not in known:
        require_choice(known, reduction=reduction)
    return reduction


def library(**arrays: Array) -> Namespace:
    """Return the namespace of arrays, which have their names in errors."""
    found = [namespace_of(x) for x in arrays.values()]
    xp = found[0]
    if xp is not None and all([other is xp for other in found]):
        return xp
    return one_library(tuple(arrays), tuple(arrays.values()), None, None)


def broadcast(**arrays: Array) -> tuple[Array, ...]:
    """Return arrays in the shape that torch broadcasts them to."""
    given = tuple(arrays.values())
    shape = getattr(given[0], "shape", None)
    if shape is not None and all([getattr(x, "shape", None) == shape for x in given[1:]]):
        return given
    try:
        return tuple(library(**arrays).broadcast_arrays(*given))
    except (ValueError, RuntimeError):
        said = ", ".join([f"`{name}` {tuple(x.shape)}" for name, x in arrays.items()])
        raise ValueError(f"all arrays must broadcast to one shape, got {said}") from None


def broadcast_with_warning(input: Array, target: Array) -> tuple[Array, ...]:
    """Return arrays in one shape, with torch's warning where they are of two."""
    if (shape := getattr(input, "shape", None)) is not None and getattr(target, "shape", None) == shape:
        return input, target
    library(input=input, target=target)
    warn(
        f"Using a target size ({tuple(target.shape)}) that is different to the input size ({tuple(input.shape)}). "
        "They broadcast, which is rarely meant: give them one shape."
    )
    return broadcast(input=input, target=target)


def like(value: Any, input: Array) -> Array | None:
    """Return weights as an array of the library, the dtype and the device of `input`; None for None."""
    return None if value is None else as_array(value, input, input.dtype)


def of_classes(weight: Array | None, classes: int) -> Array | None:
    """Return weights, which must be one a class, of one at least; None for None."""
    if weight is not None and classes == 0:
        raise ValueError(f"`weight` must have at least one class, got shape {tuple(weight.shape)}")
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(f"`weight` must have one number a class, shape ({classes},), got {tuple(weight.shape)}")
    return weight


def at_labels(weight: Array, labels: Array) -> Array:
    """Return the weight of the class of each label; that of any class for a label that is none."""
    xp = array_namespace(weight, labels)
    places, classes = as_index(xp, labels), weight.shape[0]
    if 0 in places.shape or not (holds_values(places) and lie_below(places, classes)):
        places = xp.where(xp.logical_and(places >= 0, places < classes), places, xp.zeros_like(places))
    return xp.reshape(xp.take(weight, xp.reshape(places, (-1,)), axis=0), labels.shape)


def run(loss: Loss, *arrays: Array, weight: Array | None = None) -> Array:
    """Compute a loss whose mean is over the number of items, whatever their weights, and NaN of none.

    The last array has an entry for each item, or the first no place.
    """
    if weight is not None and loss.reduction == "mean":
        value = _mean_of_weighted(*arrays, weight, loss=replace(loss, reduction="sum"))
    else:
        value = loss(*arrays, weight=weight)
        shape = arrays[0].shape
        if 0 in shape and (loss.reduction == "mean" or (loss.reduction == "batchmean" and shape[0] == 0)):
            value = value * math.nan
    return in_dtype_of(value, *arrays)


@one_program
def _mean_of_weighted(*arrays: Array, loss: Loss) -> Array:
    *given, weight = arrays
    return over(loss(*given, weight=weight), math.prod(given[-1].shape))


def over(total: Array, count: int) -> Array:
    """Return a sum over the number of its items: NaN of none."""
    return total / count if count else total * math.nan


def over_sum(total: Array, weights: Array) -> Array:
    """Return a sum over that of its weights: NaN where that is 0, with the gradient of the sum."""
    xp = array_namespace(total, weights)
    divisor = xp.sum(xp.astype(weights, total.dtype, copy=False))
    none = divisor == 0
    return special.where(none, math.nan, total / special.where(none, 1.0, divisor))


def in_dtype_of(value: Array, *arrays: Array) -> Array:
    """Return a result in half precision where all that is floating of the arrays is of one, as torch does."""
    dtype = arrays[0].dtype
    if value.dtype == dtype or dtype_kind(dtype) != "half":
        return value
    if any([x.dtype != dtype and dtype_kind(x.dtype) in FLOATING for x in arrays[1:]]):
        return value
    return array_namespace(value).astype(value, dtype)
