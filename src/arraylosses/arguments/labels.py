"""Integers that name places of an axis, or how many of them there are."""

from __future__ import annotations

from .._array_api import Array, Namespace, as_index, holds_values, integer_range
from .._values import lie_below

__all__ = ["LEFT_OUT", "check_labels"]

LEFT_OUT = {True: "; `where` or `ignore_index` leaves items out", False: "; `where` leaves items out"}
"""The hint at how items are left out, by whether a loss has `ignore_index`."""


def check_labels(
    xp: Namespace,
    name: str,
    given: Array,
    classes: int,
    ignore_index: int | None,
    where: Array | None,
    called: str = "classes",
    hint: str = "",
) -> tuple[Array, Array | None, Array | None]:
    """Return labels that can index, those to keep, and those that are no class if these can't be refused.

    A message ends in the `hint` at how a label that is none is left out.
    """
    labels = as_index(xp, given)
    ignored = _as_label(given, labels, ignore_index)
    no_class = ignored is None or not 0 <= ignored < classes  # then no label that is one is left out
    plain = where is None and no_class and 0 not in labels.shape
    if plain and holds_values(labels) and lie_below(labels, classes):
        return labels, None, None
    if ignored is not None:
        used = labels != ignored
        where = used if where is None else xp.logical_and(used, where)
    if not holds_values(*(labels,) if where is None else (labels, where)):
        index = labels % classes  # one that can index, in the fewest operations
        invalid = index != labels
        return index, where, invalid if where is None else xp.logical_and(invalid, where)
    index = labels if where is None else xp.where(where, labels, xp.zeros_like(labels))
    if 0 not in index.shape and not lie_below(index, classes):
        invalid = xp.logical_or(index < 0, index >= classes)
        worst = xp.where(invalid, index, classes)
        label = int(xp.min(worst))
        label = label if label < 0 else int(xp.max(xp.where(invalid, index, -1)))
        low, high = integer_range(given.dtype)
        label = label if label >= low else label + high + 1
        raise ValueError(
            f"`{name}` must lie in [0, {classes}) for {classes} classes, got {label}{hint}"
            if called == "classes"
            else f"`{name}` must lie in [0, {classes - 1}], {called}, got {label}"
        )
    return index, where, None


# An unsigned integer may be beyond the dtype that indexes, in which it then wraps around to a negative number, and
# `ignore_index` beyond either dtype.
def _as_label(given: Array, labels: Array, ignore_index: int | None) -> int | None:
    """Return `ignore_index` as it is among `labels`, which were `given` in another dtype; None where it can't be."""
    if ignore_index is None:
        return None
    low, high = integer_range(given.dtype)
    if not low <= ignore_index <= high:
        return None
    low, high = integer_range(labels.dtype)
    return ignore_index if ignore_index <= high else ignore_index - (high - low + 1)
