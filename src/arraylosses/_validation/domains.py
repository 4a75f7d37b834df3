"""What the arrays of a loss hold, and the values that this rules out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

from .._array_api import Array, Namespace, broadcast_to, dtype_kind, holds_values

__all__ = ["DOMAINS", "Domain", "Granularity", "Role", "check_values"]

Granularity: TypeAlias = Literal["element", "row"]

# What an array argument of a loss holds. In a loss of rows, `sign` and `labels` have one value an item; all else has
# the shape of the rows. `labels` are integers, one an item, or floating probabilities of the rows' shape. `matrix` and
# `per_class` belong to no item: (classes, features), by which rows of features are projected, and (classes,).
Domain: TypeAlias = Literal[
    "real",
    "nonnegative",
    "positive",
    "probability",
    "sign",
    "distribution",
    "log_distribution",
    "labels",
    "matrix",
    "per_class",
]
DOMAINS: frozenset[str] = frozenset(get_args(Domain))
Role: TypeAlias = Literal["row", "item", "labels", "whole"]

# Which values lie outside a domain, and what it is called. NaN, which stands for no value, lies in all of them.
_Outside: TypeAlias = tuple[Callable[[Any], Any], str]
_NONNEGATIVE: _Outside = (lambda x: x < 0, "numbers of at least 0")
_PROBABILITY: _Outside = (lambda x: (x < 0) | (x > 1), "probabilities, from 0 to 1")
_OUTSIDE: dict[str, _Outside] = {
    "nonnegative": _NONNEGATIVE,
    "positive": (lambda x: x <= 0, "numbers above 0"),
    "probability": _PROBABILITY,
    "sign": (lambda x: (x < -1) | (x > 1) | ((x > -1) & (x < 1)), "-1 or 1"),
    "distribution": _PROBABILITY,
    "log_distribution": (lambda x: x > 0, "logarithms of probabilities, at most 0"),
    "labels": _PROBABILITY,
}


def check_values(
    xp: Namespace,
    names: tuple[str, ...],
    domains: tuple[Domain, ...],
    arrays: tuple[Array, ...],
    roles: tuple[Role, ...],
    item_shape: tuple[int, ...],
    axis: int | None,
    weight: Array | None,
    where: Array | None,
) -> None:
    """Refuse a value of an item that is kept and lies outside its domain, in arrays that can be looked at."""
    for name, domain, x, role in zip(names, domains, arrays, roles, strict=False):
        if role != "labels" and domain in _OUTSIDE:
            of_rows = axis if role == "row" else None
            _refuse_outside(xp, name, x, *_OUTSIDE[domain], _along(xp, where, item_shape, of_rows))
    if weight is not None:
        _refuse_outside(xp, "weight", weight, *_NONNEGATIVE, where)


def _along(xp: Namespace, where: Array | None, item_shape: tuple[int, ...], axis: int | None) -> Array | None:
    if where is None or axis is None:
        return where
    return xp.expand_dims(broadcast_to(xp, where, item_shape), axis=axis)


def _refuse_outside(
    xp: Namespace, name: str, x: Array, outside: Callable[[Any], Any], wanted: str, where: Array | None
) -> None:
    if not holds_values(x, *(() if where is None else (where,))):
        return
    if dtype_kind(x.dtype) not in ("float", "half"):  # unsigned integers have no -1 to be compared with
        x = xp.astype(x, xp.float64)
    found = outside(x)
    if where is not None:
        found, x = xp.broadcast_arrays(found & where, x)
    if bool(xp.any(found)):
        raise ValueError(f"`{name}` must hold {wanted}, got {float(x[found][0])}")
