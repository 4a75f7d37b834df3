"""What Optax takes and the losses here do not: numbers, several axes, masks within a row; and half precision kept."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ... import special
from ..._array_api import (
    NUMBERS,
    Array,
    array_namespace,
    as_array,
    backend_of,
    broadcast_to,
    dtype_kind,
    dtype_name,
    is_array,
    joined,
    namespace_of,
    with_axes,
)
from ...arguments.hints import made_of

__all__ = [
    "Axis",
    "axes_of",
    "broadcast",
    "in_dtype_of",
    "masked_rows",
    "of_elements",
    "require_arrays",
    "require_floating",
    "rows",
    "together",
    "without",
]

Axis: TypeAlias = int | Sequence[int] | None
"""An axis or several, which together hold a row; None for all."""


def together(*given: Any) -> tuple[Any, ...]:
    """Return arrays of one library: a number, and an array of NumPy beside JAX's, follow the others as JAX has it."""
    kind = type(given[0])
    if all([type(x) is kind for x in given]):
        return given
    arrays = [x for x in given if is_array(x)]
    if not arrays:
        return given  # of which the loss says what is wrong
    like = next((x for x in arrays if backend_of(namespace_of(x)) != "numpy"), arrays[0])
    return tuple([_following(x, like) for x in given])


def _following(x: Any, like: Array) -> Any:
    if isinstance(x, NUMBERS):
        return as_array(x, like=like, dtype=like.dtype)
    xp, wanted = namespace_of(x), namespace_of(like)
    if xp is None or backend_of(wanted) != "jax" or joined(xp, wanted) is not None:
        return x
    return wanted.asarray(x)


def broadcast(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays of one shape, to which they broadcast."""
    shape = getattr(arrays[0], "shape", None)
    if all([getattr(x, "shape", None) == shape for x in arrays[1:]]) or not all(map(is_array, arrays)):
        return arrays
    return tuple(array_namespace(*arrays).broadcast_arrays(*arrays))


def in_dtype_of(result: Array, *arrays: Array) -> Array:
    """Return a result in half precision where all floating arrays are of it."""
    dtype = arrays[0].dtype
    if dtype_kind(dtype) != "half" or any([_is_floating(x) and x.dtype != dtype for x in arrays[1:]]):
        return result
    return array_namespace(result).astype(result, dtype)


def _is_floating(x: Array) -> bool:
    return dtype_kind(x.dtype) in ("float", "half")


def of_elements(
    loss: Callable[..., Array], predictions: Array, targets: Any, *, equal: bool = False, **settings: Any
) -> Array:
    """Return the loss of each element, of arrays of one shape if they must be `equal`, else of any that broadcast."""
    predictions, targets = together(predictions, targets)
    if not equal:
        predictions, targets = broadcast(predictions, targets)
    return in_dtype_of(loss(predictions, targets, reduction="none", **settings), predictions, targets)


def require_arrays(**arrays: Any) -> None:
    """Refuse what is no array."""
    for name, x in arrays.items():
        if not is_array(x):
            raise TypeError(f"`{name}` must be an array, got {made_of(name, x)}")


def require_floating(**arrays: Array) -> None:
    """Refuse arrays that do not hold floating numbers."""
    for name, x in arrays.items():
        if is_array(x) and not _is_floating(x):
            raise TypeError(f"`{name}` must have a floating dtype, got {dtype_name(x.dtype)}")


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes as they are counted from 0."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, Sequence) else (operator.index(axis),)
    found = tuple([k % ndim for k in axes if -ndim <= k < ndim])
    if len(set(found)) < len(axes):
        raise ValueError(f"`axis` must name axes of an array that has {ndim}, each once, got {axis}")
    return found


def rows(axis: Axis, *arrays: Array, neutral: float = 0.0) -> tuple[tuple[Array, ...], int]:
    """Return arrays of one shape with their rows along one axis, and that axis: several are made one, the last.

    Rows without entries get one, which counts for nothing: 0, and `neutral` in the last array.
    """
    if not is_array(arrays[0]):
        return arrays, axis  # type: ignore[return-value]
    along = axis if type(axis) is int else -1
    if type(axis) is not int:
        arrays = tuple([_with_rows_last(x, axes_of(axis, x.ndim)) for x in arrays])
    shape = arrays[0].shape
    if 0 in shape and -len(shape) <= along < len(shape) and shape[along] == 0:
        values = [*[0.0] * (len(arrays) - 1), neutral]
        arrays = tuple([_of_one_entry(x, along, value) for x, value in zip(arrays, values, strict=True)])
    return arrays, along


def _of_one_entry(x: Array, axis: int, value: float) -> Array:
    """Return rows with one entry in place of none."""
    xp = array_namespace(x)
    none = xp.sum(xp.astype(x, xp.float32) if dtype_kind(x.dtype) == "bool" else x, axis=axis, keepdims=True)
    return xp.astype(none + value, x.dtype, copy=False)


def _with_rows_last(x: Array, axes: tuple[int, ...]) -> Array:
    xp = array_namespace(x)
    rest = tuple([k for k in range(x.ndim) if k not in axes])
    shape = (*[x.shape[k] for k in rest], math.prod([x.shape[k] for k in axes]))
    return xp.reshape(xp.permute_dims(x, (*rest, *axes)), shape)


def masked_rows(
    axis: Axis, where: Array, *arrays: Array, of_rows: bool = False
) -> tuple[Array, tuple[Array, ...], int]:
    """Return the entries to keep, and arrays, as `rows` has them; a mask without `axis` may be one `of_rows`."""
    require_arrays(where=where)
    if dtype_kind(where.dtype) != "bool":
        raise TypeError(f"`where` must have dtype bool, got {dtype_name(where.dtype)}; compare it, as in where != 0")
    like = arrays[0]
    if of_rows and where.ndim != like.ndim:
        where = with_axes(where, tuple([k - like.ndim for k in axes_of(axis, like.ndim)]))
    where = broadcast_to(array_namespace(like, where), where, tuple(like.shape))
    (where, *rest), axis = rows(axis, where, *arrays)
    return where, tuple(rest), axis


def without(where: Array, axis: int, x: Array, neutral: float) -> tuple[Array, Array]:
    """Return `x` with `neutral` in what is left out of its rows, but for rows of nothing else, and which are others."""
    xp = array_namespace(where, x)
    some = xp.any(where, axis=axis, keepdims=True)
    kept = xp.squeeze(some, axis=axis)
    return special.where(xp.logical_or(where, xp.logical_not(some)), x, neutral), kept
