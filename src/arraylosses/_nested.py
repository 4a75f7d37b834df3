"""Arrays in nested dicts, lists and tuples, as the parameters of a model are kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ._array_api import Array, dtype_kind, dtype_name, joined, library_of, namespace_of

__all__ = ["by_arrays", "is_nested"]


# A plain tuple, not a union: torch's compiler cannot trace `|` of types.
_NESTED = (dict, list, tuple)


def is_nested(x: object) -> bool:
    """Whether `x` is a dict, a list or a tuple."""
    return isinstance(x, _NESTED)


def by_arrays(
    f: Callable[..., Any], args: Sequence[Any], positions: Sequence[int]
) -> tuple[Callable[..., Any], list[Array], Callable[[Sequence[Array]], tuple[Any, ...]]]:
    """Take a function of nested arrays for one of the arrays in the arguments at `positions`, one after another.

    Returns the function, the arrays, and what puts gradients by them into the structure of the arguments.
    """
    chosen = [args[k] for k in positions]
    arrays = [x for k, part in zip(positions, chosen, strict=True) for x in _arrays_of(part, f"argument {k}")]
    if not arrays:
        raise ValueError(f"`argnums` must choose at least one array, got {chosen[0]!r}")
    first = namespace_of(arrays[0])
    for x in arrays:
        if joined(first, namespace_of(x)) is None:
            raise TypeError(
                f"arrays must come from one library, got {library_of(first)} and {library_of(namespace_of(x))}; "
                "al.convert(x, like=y) moves one over"
            )

    def restored(values: Sequence[Array]) -> tuple[Any, ...]:
        rest = iter(values)
        return tuple(_with_arrays(part, rest) for part in chosen)

    def of_arrays(*values: Array, **settings: Any) -> Any:
        given = list(args)
        for k, part in zip(positions, restored(values), strict=True):
            given[k] = part
        return f(*given, **settings)

    return of_arrays, arrays, restored


def _arrays_of(x: Any, name: str) -> list[Array]:
    if x is None:
        return []
    if is_nested(x):
        parts = x.items() if isinstance(x, dict) else enumerate(x)
        return [array for key, part in parts for array in _arrays_of(part, f"{name}[{key!r}]")]
    xp = namespace_of(x)
    if xp is None or dtype_kind(x.dtype) not in ("float", "half"):
        got = type(x).__name__ if xp is None else f"an array of {library_of(xp)} of dtype {dtype_name(x.dtype)}"
        raise TypeError(
            f"`argnums` must choose floating arrays, or dicts, lists and tuples of them, but {name} is {got}"
        )
    return [x]


def _with_arrays(x: Any, values: Iterator[Array]) -> Any:
    """Return `x` with the next of `values` in the place of each array."""
    if x is None:
        return None
    if isinstance(x, dict):
        new = x.copy() if type(x) is dict else copy.copy(x)  # torch's compiler cannot trace copy.copy
        for key, part in x.items():
            new[key] = _with_arrays(part, values)
        return new
    if isinstance(x, tuple) and hasattr(x, "_fields"):  # a named tuple
        return type(x)(*(_with_arrays(part, values) for part in x))
    return type(x)(_with_arrays(part, values) for part in x) if is_nested(x) else next(values)
