"""Derivative rules of sorting."""

from __future__ import annotations

from .._array_api import Array, Namespace
from .array import plain
from .rules import rule
from .tape import Pullback

__all__: list[str] = []


def _sort(
    xp: Namespace, ans: Array, x: Array, axis: int = -1, descending: bool = False, stable: bool = True
) -> Pullback:
    def pullback(g: Array) -> Array:
        order = xp.argsort(plain(x), axis=axis, descending=descending, stable=stable)
        return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)

    return pullback


rule("sort", _sort)
