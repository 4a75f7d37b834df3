"""Real settings of a loss, which may be numbers, arrays, or traced."""

from __future__ import annotations

import math
from typing import Any

from .._array_api import NUMBERS, Array, array_namespace, as_array
from .elementwise import clip, finfo, weighted


def is_zero(setting: Any) -> bool:
    """Whether a setting is known to be 0, so that what it scales may be left out.

    False for an array and for a number that is traced: the formula has to hold there whatever the value is.
    """
    return isinstance(setting, NUMBERS) and setting == 0


def in_range(setting: Any, like: Array) -> Any:
    """A real setting, of which a number is limited to the range of the dtype of `like`: 0 times it is 0."""
    most = finfo(like).max
    return min(max(setting, -most), most) if isinstance(setting, NUMBERS) else setting


def times(setting: Any, x: Array) -> Array:
    """A real setting times x, where 0 times infinity is 0."""
    if not isinstance(setting, NUMBERS):
        return weighted(x, as_array(setting, x, x.dtype))
    most = finfo(x).max
    return setting * (clip(x, -most, most) if is_zero(setting) else x)


def limited(setting: Any, low: float, high: float) -> Any:
    """A real setting, limited to a range."""
    return min(max(setting, low), high) if isinstance(setting, NUMBERS) else clip(setting, low, high)


def at_least_tiny(setting: Any, like: Array) -> Any:
    """A real setting that is divided by, limited to the normal numbers of the dtype of `like`."""
    return limited(setting, *finfo(like))


def squarable(setting: Any, like: Array) -> Any:
    """A real setting above 0, limited to what has a square among the normal numbers of the dtype of `like`."""
    tiny, most = finfo(like)
    return limited(setting, 2.0 * tiny**0.5, 0.5 * most**0.5)


def exponent(setting: Any, like: Array) -> Any:
    """A real setting, the exponent of what is at most 1: a number is limited to what 2^12 times is in range."""
    return min(setting, 2.0**-12 * finfo(like).max) if isinstance(setting, NUMBERS) else setting


def log(setting: Any, like: Array) -> Any:
    """The logarithm of a real setting above 0."""
    if isinstance(setting, NUMBERS):
        return math.log(setting)
    setting = as_array(setting, like, like.dtype)
    return array_namespace(setting, like).log(setting)
