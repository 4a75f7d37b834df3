"""Derivative rules of sorting."""

from __future__ import annotations

from typing import Any

from .._array_api import Array, Namespace
from .array import plain
from .rules import rule
from .tape import Pullback

__all__: list[str] = []


def _sort(xp: Namespace, ans: Array, x: Array, **settings: Any) -> Pullback:
    axis = settings.get("axis", -1)

    def pullback(g: Array) -> Array:
        order = xp.argsort(plain(x), **settings)
        return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)

    return pullback


rule("sort", _sort)
