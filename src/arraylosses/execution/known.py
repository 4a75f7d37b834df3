"""What was found out about a call, and holds for each further one of its kind: the checked arguments, and the way.

A kind of call is a loss with its settings, and the dtypes, shapes and device of plain arrays of NumPy or torch, weights
and what is kept among them. Only the range of labels is looked at every time, or computed where it can't be.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .._array_api import Array, as_index, is_array, is_eager_numpy
from .._config import setting
from .._values import lie_below
from ..arguments import Inputs
from ..arguments.labels import LEFT_OUT, check_labels
from ..formula import Formula

__all__ = ["Kind", "find", "keep", "kind_of", "kinds_of_tensors"]

MOST = 256
"""Kinds that are remembered for a class of losses."""

Kind: TypeAlias = tuple[Any, ...]


_LEAVES_OUT = "leaves out"
"""The end of a kind of which `ignore_index` leaves something out."""


class _Known(NamedTuple):
    way: Any
    inputs: Inputs  # without the arrays
    narrow: tuple[int, ...]  # positions of labels whose dtype cannot index


def kind_of(
    loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None, *, whole: bool = False
) -> Kind | None:
    """Return the kind of a call; None where it is of none. `whole` is that of the way's choice."""
    if not arrays or setting("check_values"):
        return None
    held: list[Array] = []
    if loss.array_settings:
        if not set(loss.array_settings) <= set(loss.class_settings):
            return None
        # Arguments are checked without a look at what weighs the classes.
        held = [x for x in [getattr(loss, name) for name in loss.array_settings] if is_array(x)]
        arrays = (*arrays, *held)
    if weight is where is None:
        given = "all alike"
    else:
        given = "weighted" if where is None else "kept" if weight is None else "both"
        arrays = (*arrays, *[x for x in (weight, where) if x is not None])
    found = [(x.dtype, x.shape) for x in arrays] if is_eager_numpy(*arrays) else kinds_of_tensors(arrays)
    if found is None:  # as within torch's compiler, which does not trace what follows
        return None
    settings = loss.setting_values()
    if held:
        settings = tuple([None if is_array(x) else x for x in settings])
    return (whole, given, *settings, *found)


def kinds_of_tensors(arrays: tuple[Array, ...]) -> list[Any] | None:
    """Return dtype, shape, device and whether it is to have a gradient of each plain tensor, in one list.

    None where `is_eager_torch` is False, and within a transform or autocast. What these ask is written out here, since
    each call of a loss asks it.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or torch.compiler.is_compiling():
        return None
    inside, functorch, strided = torch._C, torch._C._functorch, torch.strided
    tensor, parameter = torch.Tensor, torch.nn.Parameter
    recorded = inside.is_grad_enabled()
    found: list[Any] = []
    for x in arrays:
        kind = type(x)
        if (kind is not tensor and kind is not parameter) or x.layout is not strided or x.is_nested:
            return None
        if functorch.is_functorch_wrapped_tensor(x) or functorch.is_legacy_batchedtensor(x):
            return None
        # Of all devices the CPU is told without making an object.
        found += (x.dtype, x.shape, x.is_cpu or x.device, recorded and x.requires_grad)
    if inside._len_torch_dispatch_stack() or inside._is_any_autocast_enabled():
        return None
    if inside._get_tracing_state() is not None or inside._are_functorch_transforms_active():
        return None
    return None if torch.autograd.forward_ad._current_level >= 0 else found


def find(
    loss: Formula, kind: Kind, arrays: tuple[Array, ...], weight: Array | None = None, where: Array | None = None
) -> tuple[Any, Inputs] | None:
    """Return the way that calls of a kind go, and the arguments of this one; None where it has to be checked."""
    found: _Known | None = loss.checked.get(kind)
    if found is not None:
        way, inputs, narrow = found
        given = arrays
        for k in narrow:
            given = (*given[:k], as_index(inputs.xp, given[k]), *given[k + 1 :])
        if not any([_are_to_check(given[position], classes, where) for position, classes in inputs.labels]):
            return way, Inputs(inputs[0], given, *inputs[2:6], weight, where, *inputs[8:])
    ignored = getattr(loss, "ignore_index", None)
    if where is None and _is_on_cpu(arrays[0]):
        # Whether a label leaves its item out decides the way, and one that is no class is refused by a check of all.
        found = None if ignored is None else loss.checked.get((*kind, _LEAVES_OUT))
    if found is None:
        return None
    way, inputs, _ = found
    ((position, classes),) = [(k, count) for k, count in inputs.labels if count is not None]
    name = loss.declaration.names[position]
    hint = LEFT_OUT[hasattr(loss, "ignore_index")]
    index, kept, invalid = check_labels(inputs.xp, name, arrays[position], classes, ignored, where, hint=hint)
    if kept is invalid is None:
        return None
    given = (*arrays[:position], index, *arrays[position + 1 :])
    return way, inputs._replace(arrays=given, weight=weight, where=kept, invalid=invalid)


def _are_to_check(labels: Array, classes: int | None, where: Array | None) -> bool:
    """Whether labels are not seen to lie below `classes`, or need not."""
    return classes is not None and (where is not None or not (_is_on_cpu(labels) and lie_below(labels, classes)))


def keep(loss: Formula, kind: Kind, arrays: tuple[Array, ...], inputs: Inputs, way: Any, where: Array | None) -> None:
    """Remember the arguments of a call, checked, and the way that it goes."""
    # Where lengths say which labels are in use, these are looked at together.
    if len(inputs.arrays) != len(arrays) or 0 in inputs.item_shape or len(inputs.labels) > 1 or inputs.mask is not None:
        return
    if any([classes is not None and not _is_of_item(loss, k) for k, classes in inputs.labels]) and (
        where is not None or inputs.where is not None or inputs.invalid is not None
    ):
        return
    labels = [k for k, classes in inputs.labels if classes is not None]
    if any([0 in inputs.arrays[k].shape for k in labels]) or (inputs.where is not where and not labels):
        return
    if not all([k in labels or inputs.arrays[k] is x for k, x in enumerate(arrays)]):
        return
    of_dtype = all([x.dtype == inputs.dtype or inputs.is_integer(k) for k, x in enumerate(arrays)])
    as_given = of_dtype and inputs.where is None
    if inputs.where is not where and where is None and _is_on_cpu(arrays[0]):
        kind = (*kind, _LEAVES_OUT)
    if len(loss.checked) >= MOST:
        loss.checked.clear()
    narrow = tuple([k for k in labels if inputs.arrays[k].dtype != arrays[k].dtype])
    checked = inputs._replace(arrays=(), weight=None, where=None, invalid=None, as_given=as_given)
    loss.checked[kind] = _Known(way, checked, narrow)


def _is_of_item(loss: Formula, k: int) -> bool:
    """Whether array `k` holds one label an item."""
    declaration = loss.declaration
    form = declaration.arguments[k].form(integer=True)
    return form.axes == declaration.items == declaration.where and form.domain.name != "length"


def _is_on_cpu(x: Array) -> bool:
    """Whether the values of a plain array can be looked at."""
    return isinstance(x, np.ndarray) or bool(x.is_cpu)
