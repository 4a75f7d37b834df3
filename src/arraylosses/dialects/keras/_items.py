"""What Keras does to the arrays before a loss, and to its values after it.

A function of Keras returns one value a sample: of a loss of elements, the mean along an axis. A class weighs and masks
these values, and reduces them. A mean of means of equal lengths is the mean of all elements, so one call of a loss of
this package does both.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, ParamSpec, TypeAlias

import numpy as np

from ... import special
from ..._array_api import (
    NUMBERS,
    Array,
    array_namespace,
    as_array,
    dtype_kind,
    dtype_name,
    is_array,
    namespace_of,
    with_axes,
)
from ..._nested import is_nested
from ...arguments.hints import made_of
from ...arguments.shapes import check_broadcast
from ...loss import Loss
from ...losses._base import PureLoss
from .._common import one_program, translate
from ._arrays import together

__all__ = [
    "REDUCTIONS",
    "WORDS",
    "Items",
    "Reduction",
    "cast",
    "elements",
    "floating",
    "items_of",
    "labels_of",
    "of_values",
    "rows",
    "same_rank",
    "values_of",
]

P = ParamSpec("P")

Reduction: TypeAlias = Literal["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"] | None
REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")

WORDS = {
    **dict.fromkeys(("prediction", "logits", "embeddings"), "y_pred"),
    **dict.fromkeys(("target", "labels"), "y_true"),
    "weight": "sample_weight",
    "where": "mask",
    "ignore_index": "ignore_class",
}
"""Our names of arguments, and Keras's."""


# Arrays


def cast(name: str, x: Array, dtype: str) -> Array:
    """Return an array in a dtype that is given by its name."""
    xp = _namespace(name, x)
    if dtype_name(x.dtype) == dtype:
        return x
    wanted = getattr(xp, dtype, None)
    if wanted is None:
        try:
            wanted = np.dtype(dtype)  # bfloat16 of NumPy's arrays, where ml_dtypes is loaded
        except TypeError:
            raise TypeError(f"`dtype` must be one that the library of `{name}` has, got {dtype!r}") from None
    return xp.astype(x, wanted)


def _namespace(name: str, x: Array) -> Any:
    xp = namespace_of(x)
    if xp is None:
        raise TypeError(f"`{name}` must be an array, got {made_of(name, x)}")
    return xp


def floating(name: str, x: Array) -> Array:
    """Return an array as it is, or integers and booleans in float32."""
    _namespace(name, x)
    return cast(name, x, "float32") if dtype_kind(x.dtype) in ("int", "bool") else x


def same_rank(a: Array, b: Array) -> tuple[Array, Array]:
    """Return two arrays with as many axes, where one of length 1 at the end makes the difference."""
    if a.ndim == b.ndim + 1:
        b, a = same_rank(b, a)
    elif b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def _pair(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return the prediction, and the target in its dtype and with as many axes."""
    y_pred = floating("y_pred", y_pred)
    _namespace("y_true", y_true)
    if y_true.ndim != y_pred.ndim:
        y_true, y_pred = same_rank(y_true, y_pred)
    if y_true.dtype != y_pred.dtype:
        y_true = array_namespace(y_true, y_pred).astype(y_true, y_pred.dtype)
    return y_pred, y_true


def labels_of(y_true: Array) -> Array:
    """Return labels as integers."""
    xp = _namespace("y_true", y_true)
    return y_true if dtype_kind(y_true.dtype) == "int" else xp.astype(y_true, xp.int32)


# Items


class Items(NamedTuple):
    """A loss with its arrays, of whose items Keras makes one value a sample."""

    loss: Callable[..., Loss]
    """Makes the loss, by its reduction."""
    arrays: tuple[Array, ...]
    shape: tuple[int, ...]
    """Of the per-item losses."""
    averaged: tuple[int, ...] = ()
    """The axes along which the mean of the items is the value of a sample."""
    where: Array | None = None
    """The samples that count, where a loss says so."""

    def values(self) -> Array:
        """Return one value a sample."""
        if self.averaged and len(self.averaged) == len(self.shape) and 0 not in self.shape:
            return self._call("mean", None, self.where)
        return self._averaged(None, self.where)

    def reduced(self, reduction: Reduction, sample_weight: Any = None, mask: Array | None = None) -> Array:
        """Return the values, weighted, masked and reduced; that of a whole batch counts once for each weight."""
        if self.shape == ():
            each = [tuple(x.shape) for x in (sample_weight, mask) if x is not None and is_array(x) and x.ndim]
            if each:
                values = self.values()
                values = array_namespace(values).broadcast_to(values, each[0])
                return of_values(values).reduced(reduction, sample_weight, mask)
        weight = None if sample_weight is None else self._weight(sample_weight)
        where = None if mask is None and self.where is None else self._where(mask)
        if reduction in ("none", None):
            return self._averaged(weight, where)
        if reduction == "sum":
            count = math.prod([self.shape[k] for k in self.averaged])
            total = self._call("sum", weight, where)
            return total if count == 1 else total / count
        if weight is None or reduction == "mean_with_sample_weight":
            return self._call("mean", weight, where)
        return self._call("sum", weight, where) / self._kept(where)

    def _call(self, reduction: str, weight: Array | None, where: Array | None) -> Array:
        loss = self.loss(reduction=reduction)
        found = loss(*self.arrays) if weight is where is None else loss(*self.arrays, weight=weight, where=where)
        return _in_dtype_of(self.arrays[0], found)

    def _averaged(self, weight: Array | None, where: Array | None) -> Array:
        if not self.averaged:
            return self._call("none", weight, where)
        return _averaged(*self.arrays, weight, where, loss=self.loss(reduction="none"), axes=self.averaged)

    def _weight(self, x: Any) -> Array:
        like = self.arrays[0]
        if isinstance(x, NUMBERS):
            return as_array(x, like, like.dtype)
        _namespace("sample_weight", x)
        x = x if x.dtype == like.dtype else array_namespace(like, x).astype(x, like.dtype)
        return self._of_items(x, "weight")

    def _where(self, mask: Array | None) -> Array | None:
        own = None if self.where is None else self._of_items(self.where, "where")
        if mask is None:
            return own
        xp = _namespace("mask", mask)
        mask = self._of_items(xp.astype(mask, xp.bool), "where")
        return mask if own is None else xp.logical_and(mask, own)

    def _of_items(self, x: Array, name: str) -> Array:
        """Return one number a sample, broadcastable to the items; with more axes, it is one an item already."""
        samples = tuple([n for k, n in enumerate(self.shape) if k not in self.averaged])
        rank, shape = len(samples), tuple(x.shape)
        if x.ndim == rank + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        elif x.ndim + 1 == rank and samples[-1] == 1:
            x = x[..., None]
        if x.ndim > rank:
            return x
        if tuple(x.shape) != samples:
            check_broadcast(name, shape if len(shape) <= rank else tuple(x.shape), samples)
        x = x[((None,) * (rank - x.ndim) + (...,))] if x.ndim < rank else x
        return with_axes(x, tuple([k - len(self.shape) for k in self.averaged]))

    def _kept(self, where: Array | None) -> Any:
        """How many items count; 1 of none, whose sum is 0."""
        size = math.prod(self.shape)
        if where is None:
            return max(size, 1)
        xp = array_namespace(where)
        kept = xp.sum(xp.astype(where, self.arrays[0].dtype)) * (size / max(math.prod(where.shape), 1))
        return special.where(kept == 0, 1.0, kept)


@one_program
def _averaged(*given: Any, loss: Loss, axes: tuple[int, ...]) -> Array:
    *arrays, weight, where = given
    items = _in_dtype_of(arrays[0], loss(*arrays, weight=weight, where=where))
    return array_namespace(items).mean(items, axis=axes)


def _in_dtype_of(like: Array, found: Array) -> Array:
    return found if found.dtype == like.dtype else array_namespace(found).astype(found, like.dtype)


def elements(loss: Callable[..., Loss], y_true: Array, y_pred: Array, axis: int | tuple[int, ...] | None = -1) -> Items:
    """Items that are elements, of which the values are means along `axis`."""
    prediction, target = _pair(y_true, y_pred)
    shape = tuple(prediction.shape)
    last = len(shape) - 1
    return Items(loss, (prediction, target), shape, (last,) if axis == -1 and last >= 0 else axes_of(axis, last + 1))


def rows(loss: Callable[..., Loss], y_true: Array, y_pred: Array, axis: int = -1) -> Items:
    """Items that are rows along `axis`, of a prediction and a target of one shape."""
    prediction, target = _pair(y_true, y_pred)
    return Items(loss, (prediction, target), shape_without(prediction, axis))


def axes_of(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the first; all of them for None."""
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for k in axes:
        if isinstance(k, bool) or not isinstance(k, int) or not -ndim <= k < ndim:
            raise ValueError(f"`axis` must be one of the {ndim} axes of `y_pred`, or several, got {axis!r}")
    return tuple(sorted({k % ndim for k in axes}))


def shape_without(x: Array, axis: int) -> tuple[int, ...]:
    """Return the shape of `x` less an axis."""
    shape = tuple(x.shape)
    gone = len(shape) - 1 if axis == -1 and shape else axes_of(axis, len(shape))[0]
    return (*shape[:gone], *shape[gone + 1 :])


@dataclass(frozen=True, kw_only=True)
class _Values(PureLoss):
    """Values that are computed already, to be weighted and reduced."""

    arrays = "values[...]: real -> [...]"

    def call(self, values: Array) -> Array:
        return values


def of_values(values: Array, where: Array | None = None) -> Items:
    """Items that are computed already."""
    return Items(_Values.made, (values,), tuple(values.shape), where=where)


# Functions


def values_of(items: Callable[P, Items]) -> Callable[P, Array]:
    """Make a function of Keras, which returns one value a sample, of one that returns the items."""
    parameters = inspect.signature(items).parameters

    @functools.wraps(items)
    def of_arrays(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Items:
        if type(y_true) is not type(y_pred) or is_nested(y_true):
            y_true, y_pred = together(y_true, y_pred, floats=None if is_array(y_pred) else "float32")
        return items(y_true, y_pred, *args, **kwargs)

    @functools.wraps(items)
    def function(*args: P.args, **kwargs: P.kwargs) -> Array:
        try:
            return of_arrays(*args, **kwargs).values()
        except (TypeError, ValueError) as error:
            translate(error, WORDS, parameters)
            raise

    function.items = of_arrays  # type: ignore[attr-defined]
    function.__signature__ = inspect.signature(items).replace(return_annotation="Array")  # type: ignore[attr-defined]
    return function


def items_of(function: Callable[..., Any]) -> Callable[..., Items] | None:
    """Return what gives the items of a function that `values_of` has made; None of any other."""
    return getattr(function, "items", None)
