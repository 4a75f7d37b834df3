"""The checks of a call, which are made once for each kind of arguments.

They look at types, dtypes, devices and shapes alone, but for the range of labels, which is looked at every time.
"""

from __future__ import annotations

import sys

from .._array_api import Array, holds_values, is_eager_numpy, lie_below
from .._config import setting
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["check"]

MOST = 256
"""Kinds of arguments that are remembered for a class of losses."""


def check(loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> tuple[Inputs, bool]:
    """Return the arguments of a call, checked, and whether their values can be looked at."""
    if weight is None and where is None and not loss.array_settings and _are_eager(arrays):
        return _of_kind(loss, arrays), True
    inputs = loss.check(arrays, weight, where)
    return inputs, holds_values(*[x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None])


def _are_eager(arrays: tuple[Array, ...]) -> bool:
    if not arrays:
        return False
    if is_eager_numpy(arrays[0]):
        return all([is_eager_numpy(x) for x in arrays])
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(arrays[0], torch.Tensor) and holds_values(*arrays)


def _of_kind(loss: Formula, arrays: tuple[Array, ...]) -> Inputs:
    known = loss.checked
    kind = (*loss.__dict__.values(), *[(type(x), x.dtype, x.shape) for x in arrays])
    found = known.get(kind)
    if (
        found is not None
        and not setting("check_values")
        and all([x.classes is None or lie_below(arrays[x.position], x.classes) for x in found.labels])
    ):
        return Inputs(found[0], arrays, *found[2:])
    inputs = loss.check(arrays, None, None)
    unchanged = len(inputs.arrays) == len(arrays) and all([x is y for x, y in zip(inputs.arrays, arrays, strict=True)])
    # Where lengths say which labels are in use, these are looked at together.
    plain = inputs.where is None and inputs.invalid is None and 0 not in inputs.item_shape and len(inputs.labels) < 2
    if found is None and unchanged and plain:
        if len(known) >= MOST:
            known.clear()
        known[kind] = inputs._replace(arrays=())
    return inputs
