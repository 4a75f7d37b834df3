"""Derivative rules of sorting."""

from __future__ import annotations

from .._array_api import Array, Namespace, array_namespace
from .array import plain
from .reductions import flat_without_axis
from .rules import composite, rule
from .tape import Pullback

__all__: list[str] = []


@composite("sort")
def _sort(xp: Namespace, x: Array, /, *, axis: int | None = -1, descending: bool = False, stable: bool = True) -> Array:
    x, axis = flat_without_axis(xp, x, axis)
    return xp._sort(x, axis, descending, stable)


def _sorting(xp: Namespace, ans: Array, x: Array, axis: int, descending: bool, stable: bool) -> Pullback:
    def pullback(g: Array) -> Array:
        order = xp.argsort(plain(x), axis=axis, descending=descending, stable=stable)
        return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)

    return pullback


def _sorted(x: Array, axis: int, descending: bool, stable: bool) -> Array:
    return array_namespace(x).sort(x, axis=axis, descending=descending, stable=stable)


rule("_sort", _sorting, forward=_sorted)
