"""Settings: how they are kept, and what is refused when a loss is made.

A real-valued setting is a number, or an array: of no axes, traced, or broadcastable where a loss says so. Numbers and
eager NumPy arrays are looked at; the values of all other arrays are taken as they are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._array_api import (
    NUMBERS,
    dtype_kind,
    dtype_name,
    is_array,
    is_container,
    is_eager_numpy,
    is_torch,
    namespace_of,
    traceable,
    tracks_gradient,
    untraced,
)
from .hints import closest, in_short, is_table, made_of

__all__ = [
    "FrozenDict",
    "are_zero",
    "kept_setting",
    "of_classes",
    "require_choice",
    "require_factors",
    "require_finite",
    "require_integer",
    "require_nonnegative",
    "require_one_of_type",
    "require_per_class",
    "require_positive",
    "require_range",
]

_DEEPEST = 32  # NumPy's arrays had as many axes for thirty years


class FrozenDict(Mapping[Any, Any]):
    """A mapping that is hashable, so that a loss with one is."""

    def __init__(self, items: Mapping[Any, Any]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


def kept_setting(name: str, value: Any, depth: int = 0) -> Any:
    """Return a setting as a loss keeps it.

    A list becomes a tuple and a dict a `FrozenDict`, so that the loss is hashable; a number of NumPy's, of an enum or
    of another subclass becomes Python's own, which widens no result. An array with axes stays as it is.
    """
    if isinstance(value, list | tuple | dict):
        if depth == _DEEPEST:
            raise ValueError(f"`{name}` must not be nested deeper than {_DEEPEST} levels")
        if isinstance(value, dict):
            return FrozenDict({key: kept_setting(name, v, depth + 1) for key, v in value.items()})
        return tuple([kept_setting(name, v, depth + 1) for v in value])
    value = traceable(value)
    if is_eager_numpy(value) and not value.ndim:
        value = value[()]
    if isinstance(value, np.generic):
        value = float(value) if isinstance(value, np.longdouble) else value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    return str.__str__(value) if isinstance(value, str) else value


def _numbers(name: str, value: Any, must: str = "be a number") -> Sequence[Any]:
    """Return the numbers of a setting that can be looked at, each of which is real; none of another array."""
    if isinstance(value, NUMBERS) and not isinstance(value, bool):  # before all else: torch's compiler may trace it
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise ValueError(f"`{name}` must be a number that a float can hold, got {in_short(value)}")
        return (value,)
    if is_array(value):
        if is_container(value):
            got, _, _ = made_of(name, value).partition(", and ")  # `where` leaves out no number of a setting
            raise TypeError(f"`{name}` must be an array with a number in each place, got {got}")
        if dtype_kind(value.dtype) not in ("float", "half", "int"):
            raise TypeError(f"`{name}` must hold real numbers, got {dtype_name(value.dtype)}")
        return value.ravel().tolist() if is_eager_numpy(value) else ()
    is_sequence = isinstance(value, tuple) and bool(value)
    if is_sequence and not any([isinstance(v, tuple) for v in value]):  # which torch's compiler may trace, too
        if any([_may_have_gradient(v) for v in value]):  # which is lost where a library makes an array of a sequence
            raise TypeError(
                f"`{name}` must be one array where a part of it has a gradient, as `stack` makes one; got a sequence"
            )
        return [v for one in value for v in _numbers(name, one, "hold real numbers")]
    if is_sequence or is_table(value):
        got = in_short(value) if is_sequence else made_of(name, value)
        raise TypeError(f"`{name}` must be a number, a sequence of numbers or an array, got {got}")
    raise TypeError(f"`{name}` must {must}, got {in_short(value)}")


def _may_have_gradient(x: Any) -> bool:
    """Whether torch or the tape may differentiate by `x`."""
    if not is_array(x):
        return False
    return (is_torch(x) and bool(tracks_gradient(x))) or untraced(xp := namespace_of(x)) is not xp


def are_zero(name: str, value: Any) -> bool:
    """Whether the numbers of a setting are seen to be 0; those of a traced one, and of another array, are not."""
    numbers = _numbers(name, value)
    return bool(numbers) and all([x == 0 for x in numbers])


def _require(name: str, value: Any, holds: Callable[[Any], bool], wanted: str) -> None:
    for number in _numbers(name, value):
        if not holds(number):
            raise ValueError(f"`{name}` must {wanted}, got {in_short(number)}")


# Each looks at a float, which most settings are, before all else.


def require_positive(**settings: Any) -> None:
    """Refuse a setting that is not above 0."""
    for name, value in settings.items():
        if type(value) is not float or not value > 0:
            _require(name, value, lambda x: x > 0, "be above 0")


def require_nonnegative(**settings: Any) -> None:
    """Refuse a setting that is not at least 0."""
    for name, value in settings.items():
        if type(value) is not float or not value >= 0:
            _require(name, value, lambda x: x >= 0, "be at least 0")


def require_finite(**settings: Any) -> None:
    """Refuse a setting that is not finite."""
    for name, value in settings.items():
        if type(value) is not float or not -math.inf < value < math.inf:
            _require(name, value, lambda x: -math.inf < x < math.inf, "be finite")


def require_factors(weights: Sequence[Any]) -> None:
    """Refuse factors of losses that are no finite numbers, or arrays with axes."""
    for factor in weights:
        require_finite(weights=factor)
        if is_array(factor) and factor.ndim:
            raise ValueError(
                f"`weights` must hold numbers or arrays of shape (), got one of shape {tuple(factor.shape)}; `weight` "
                "of the call has one number an item"
            )


def require_range(low: float, high: float, *, ends: bool = True, otherwise: str = "", **settings: Any) -> None:
    """Refuse a setting outside the closed range from `low` to `high`, or outside it without its ends.

    The message names what the caller takes `otherwise`, such as "be 0 or ".
    """
    for name, value in settings.items():
        if type(value) is not float or not low < value < high:
            bounds = f"[{low}, {high}]" if ends else f"({low}, {high})"
            _require(name, value, lambda x: low <= x <= high if ends else low < x < high, f"{otherwise}lie in {bounds}")


def require_per_class(**settings: Any) -> None:
    """Refuse what are no finite numbers of at least 0, one a class or one for all; a dict has them by class."""
    for name, value in settings.items():
        if isinstance(value, FrozenDict):
            for key in value:
                if isinstance(key, bool) or not isinstance(key, int) or key < 0:
                    raise TypeError(f"`{name}` must be a dict of class to number, got the key {in_short(key)}")
            value = tuple(value.values())
        require_nonnegative(**{name: value})
        require_finite(**{name: value})


def of_classes(name: str, value: Any, classes: int) -> Any:
    """Return one number a class for a dict of class to number, 1 for a class that it leaves out; others as they are."""
    if not isinstance(value, FrozenDict):
        return value
    beyond = [key for key in value if not key < classes]
    if beyond:
        raise ValueError(f"`{name}` must be a dict of classes in [0, {classes}), got {max(beyond)}")
    return tuple([value.get(k, 1.0) for k in range(classes)])


def require_integer(**settings: Any) -> None:
    """Refuse a setting that is not an integer."""
    for name, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"`{name}` must be an integer, got {in_short(value)}")


def require_one_of_type(kind: type, **settings: object) -> None:
    """Refuse a setting of another type."""
    for name, value in settings.items():
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` must be a {kind.__name__}, got {in_short(value)}")


def require_choice(choices: Sequence[str], **settings: Any) -> None:
    """Refuse a setting that is none of `choices`, and say which is closest."""
    for name, value in settings.items():
        if not isinstance(value, str) or value not in choices:
            allowed = ", ".join(repr(choice) for choice in choices)
            raise ValueError(f"`{name}` must be one of {allowed}, got {in_short(value)}{closest(value, choices)}")
