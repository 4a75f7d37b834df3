"""What is given to a loss of Keras, as arrays of one library: Keras makes arrays of all that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..._array_api import NUMBERS, NUMPY_ARRAYS, Array, as_array, backend_of, is_array, namespace_of
from ..._nested import is_nested
from ...arguments import in_short

__all__ = ["is_structure", "map_structure", "together"]

# Plain tuples, not unions: torch's compiler cannot trace `|` of types.
_LISTS = (list, tuple)
_NUMBERS = (*NUMBERS, np.generic)


def is_structure(x: object) -> bool:
    """Whether `x` is a nested dict, list or tuple of arrays, and no list of numbers, which is an array itself."""
    return is_nested(x) and not _holds_numbers(x)


def _holds_numbers(x: Any) -> bool:
    while isinstance(x, _LISTS) and x:
        x = x[0]
    return isinstance(x, (*_NUMBERS, *_LISTS))


def map_structure(f: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Apply `f` to the arrays of nested dicts, lists and tuples of one structure."""
    if not is_structure(first):
        return f(first, *others)
    if isinstance(first, dict):
        return {key: map_structure(f, part, *[x[key] for x in others]) for key, part in first.items()}
    parts = [map_structure(f, *every) for every in zip(first, *others, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)


def together(*given: Any, floats: str | None = None) -> tuple[Any, ...]:
    """Return arrays of one library: lists of numbers, and NumPy's arrays beside another's, follow the others.

    What is None, a number, or no array at all stays as it is. `floats` is the dtype of lists that hold floats; they
    are float64 without it.
    """
    kind = type(given[0])
    if not is_nested(given[0]) and all([x is None or type(x) is kind for x in given]):
        return given
    arrays = [x for part in given for x in _leaves(part) if is_array(x)]
    like = next((x for x in arrays if backend_of(namespace_of(x)) != "numpy"), None)
    return tuple([map_structure(lambda x: _following(x, like, floats), part) for part in given])


def _leaves(x: Any) -> Iterator[Any]:
    if not is_structure(x):
        yield x
        return
    for part in x.values() if isinstance(x, dict) else x:
        yield from _leaves(part)


def _following(x: Any, like: Array | None, floats: str | None) -> Any:
    if isinstance(x, _LISTS):
        x = _array_of(x, floats)
    of_numpy = isinstance(x, NUMPY_ARRAYS) and is_array(x)
    return x if like is None or not of_numpy else as_array(x, like=like)


def _array_of(numbers: Any, floats: str | None) -> Any:
    try:
        x = np.asarray(numbers)
    except ValueError:
        raise ValueError(f"a list must hold lists of one length, got {in_short(numbers)}") from None
    if x.dtype.kind == "f" and floats is not None:
        return x.astype(floats)
    if x.dtype.kind == "i" and x.size and x.min() >= -(2**31) and x.max() < 2**31:
        return x.astype("int32")
    return x
