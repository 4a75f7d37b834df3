"""What was found out about a call, and holds for each further one of its kind: the checked arguments, and the way.

A kind of call is a loss with its settings, and the dtypes and shapes of plain arrays whose values can be looked at.
Only the range of labels is looked at every time.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, TypeAlias

from .._array_api import Array, holds_values, in_transform, is_eager_numpy
from .._config import setting
from .._values import lie_below
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["Kind", "find", "keep", "kind_of"]

MOST = 256
"""Kinds that are remembered for a class of losses."""

Kind: TypeAlias = tuple[Any, ...]


class _Known(NamedTuple):
    way: Any
    inputs: Inputs  # without the arrays


def kind_of(loss: Formula, arrays: tuple[Array, ...], *, whole: bool = False) -> Kind | None:
    """Return the kind of a call without weights; None where it is of none. `whole` is that of the way's choice."""
    if loss.array_settings or not arrays or setting("check_values"):
        return None
    if is_eager_numpy(*arrays):
        return (whole, *loss.__dict__.values(), *[(x.dtype, x.shape) for x in arrays])
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(arrays[0], torch.Tensor) or not holds_values(*arrays) or in_transform():
        return None
    if torch.is_grad_enabled():
        return (whole, *loss.__dict__.values(), *[(x.dtype, x.shape, x.requires_grad) for x in arrays])
    return (whole, *loss.__dict__.values(), *[(x.dtype, x.shape, False) for x in arrays])


def find(loss: Formula, kind: Kind, arrays: tuple[Array, ...]) -> tuple[Any, Inputs] | None:
    """Return the way that calls of a kind go, and the arguments of this one; None where it has to be checked."""
    found: _Known | None = loss.checked.get(kind)
    if found is None:
        return None
    way, inputs = found
    for labels in inputs.labels:
        if labels.classes is not None and not lie_below(arrays[labels.position], labels.classes):
            return None
    return way, Inputs(inputs[0], arrays, *inputs[2:])


def keep(loss: Formula, kind: Kind, arrays: tuple[Array, ...], inputs: Inputs, way: Any) -> None:
    """Remember the arguments of a call, checked, and the way that it goes."""
    unchanged = len(inputs.arrays) == len(arrays) and all([x is y for x, y in zip(inputs.arrays, arrays, strict=True)])
    # Where lengths say which labels are in use, these are looked at together.
    plain = inputs.where is None and inputs.invalid is None and 0 not in inputs.item_shape and len(inputs.labels) < 2
    if unchanged and plain:
        as_given = all([x.dtype == inputs.dtype or inputs.is_integer(k) for k, x in enumerate(arrays)])
        if len(loss.checked) >= MOST:
            loss.checked.clear()
        loss.checked[kind] = _Known(way, inputs._replace(arrays=(), as_given=as_given))
