"""Where the arrays of a call come from, where they are, and of which dtypes."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from .._array_api import (
    Array,
    Namespace,
    backend_of,
    dtype_kind,
    dtype_name,
    is_container,
    is_torch,
    joined,
    library_of,
    namespace_of,
    single_device,
)
from .declaration import Argument
from .hints import as_dtype, holds_text, made_of, of_text

__all__ = ["FLOATING", "check_dtype", "check_integers", "check_places", "narrowed", "one_library"]

FLOATING = ("float", "half")
"""The kinds of dtypes that are computed in."""


def one_library(
    names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> Namespace:
    """Return the namespace that all of them share."""
    xp = namespace_of(arrays[0])
    others = arrays[1:]
    if weight is not None or where is not None:
        others = tuple([x for x in (*others, weight, where) if x is not None])
    if xp is not None and all([namespace_of(x) is xp for x in others]):
        return xp
    given = dict(zip(names, arrays, strict=True))
    if weight is not None:
        given["weight"] = weight
    if where is not None:
        given["where"] = where
    found = [namespace_of(x) for x in given.values()]
    xp = found[0]
    for other in found:
        if other is not xp:
            xp = None if xp is None or other is None else joined(xp, other)
    if xp is None:
        _refuse_libraries(given, found)
    return xp


def _refuse_libraries(given: dict[str, object], found: list[Namespace]) -> NoReturn:
    like = next((x for x, xp in zip(given.values(), found, strict=True) if xp is not None), None)
    for (name, x), xp in zip(given.items(), found, strict=True):
        if xp is None:
            raise TypeError(
                f"`{name}` must be an array of NumPy, PyTorch, JAX, CuPy, Dask or another library of the array API "
                f"standard, got {made_of(name, x, like)}"
            )
    said = [f"`{name}` of {library_of(xp)}" for name, xp in zip(given, found, strict=True)]
    for name, x in given.items():
        if holds_text(x):
            other = next(xp for xp in found if xp is not namespace_of(x))
            raise TypeError(f"all arrays must come from one library, got {', '.join(said)}{of_text(name, x, other)}")
    raise TypeError(
        f"all arrays must come from one library, got {', '.join(said)}; al.convert(x, like=y) moves one over"
    )


def check_places(
    xp: Namespace, names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> None:
    """Refuse containers without a number in each place, and arrays on two devices."""
    backend = backend_of(xp)
    if backend == "numpy":
        return
    given = [x for x in (*arrays, weight, where) if x is not None]
    if any([is_container(x) for x in given]):
        _refuse_container(names, arrays, weight, where)
    if backend != "dask":
        _one_device(names, arrays, weight, where)


def _one_device(names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> None:
    if is_torch(arrays[0]) and all([x is None or x.device == arrays[0].device for x in (*arrays, weight, where)]):
        return
    first = None
    for name, x in zip((*names, "weight", "where"), (*arrays, weight, where), strict=True):
        device = None if x is None else single_device(x)
        if device is None or device == first:
            continue
        if first is not None:
            raise ValueError(
                f"all arrays must be on one device, got `{names[0]}` on {first} and `{name}` on {device}; "
                "nothing moves between devices by itself"
            )
        first = device


def _refuse_container(
    names: tuple[str, ...], arrays: tuple[Array, ...], weight: Array | None, where: Array | None
) -> NoReturn:
    given = zip((*names, "weight", "where"), (*arrays, weight, where), strict=True)
    name, x = next((name, x) for name, x in given if x is not None and is_container(x))
    raise TypeError(f"`{name}` must be an array with a number in each place, got {made_of(name, x)}")


def check_dtype(xp: Namespace, argument: Argument, x: Array, *, is_prediction: bool) -> None:
    """Refuse an array that is not floating, where it can't be meant."""
    name, kind = argument.name, dtype_kind(x.dtype)
    takes_integers = [form.domain.is_integer for form in argument.forms]
    if is_prediction and not all(takes_integers):
        raise TypeError(f"`{name}` must have a floating dtype, got {dtype_name(x.dtype)}{narrowed(xp, name, x)}")
    if kind == "complex" or kind == "other":
        held = argument.domain.values if all(takes_integers) else "real numbers"
        if holds_text(x):
            raise TypeError(f"`{name}` must hold {held}, got text{of_text(name, x, xp, argument)}")
        if any(takes_integers) and isinstance(x, np.ndarray) and all([isinstance(v, int) for v in x.flat]):
            hint = f"; convert it, as in {as_dtype(name, xp, 'int64')}"
        else:
            hint = narrowed(xp, name, x)
        raise TypeError(f"`{name}` must hold {held}, got {dtype_name(x.dtype)}{hint}")
    if kind in FLOATING or all(takes_integers):  # whose dtype is looked at when the shape is known to fit
        return
    if kind == "bool" and any(takes_integers):
        raise TypeError(
            f"`{name}` must hold integer labels or floating probabilities, got bool; convert it, as in "
            f"{as_dtype(name, xp, 'int64')} for labels or {as_dtype(name, xp, 'float32')} for a one-hot target"
        )
    if kind == "bool" and argument.domain.name == "sign":
        integers = as_dtype(name, xp, "int8") if backend_of(xp) == "strict" else name
        raise TypeError(f"`{name}` must hold -1 or 1, got bool, whose False would count as 0; use 2 * {integers} - 1")


def check_integers(xp: Namespace, name: str, held: str, x: Array) -> None:
    """Refuse labels of another dtype, whose shape is that of labels."""
    if dtype_kind(x.dtype) != "int":
        hint = f"convert it, as in {as_dtype(name, xp, 'int64')}"
        raise TypeError(f"`{name}` must hold {held}, got {dtype_name(x.dtype)}; {hint}")


def narrowed(xp: Namespace, name: str, x: Array) -> str:
    """Return a hint at how real numbers become those of a dtype that is computed with."""
    said = dtype_name(x.dtype)
    if holds_text(x):
        return of_text(name, x, xp, floating=True)
    if said == "object":  # which may be numbers, as in a column of a table
        return f"; convert it, as in {as_dtype(name, xp, 'float64')}"
    if dtype_kind(x.dtype) == "int":
        return f"; convert it, as in {as_dtype(name, xp, 'float32')}"
    if said.startswith(("longdouble", "float")):
        return f"; convert it, as in {as_dtype(name, xp, 'float64')}"
    return f"; {name}.dequantize() makes one" if said.startswith(("quint", "qint")) else ""
