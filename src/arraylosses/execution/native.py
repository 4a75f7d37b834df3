"""torch's own functions, which it records itself.

A kernel computes some losses to the last digit: one step forward, one backward. It holds under torch's transforms too,
so it comes first; but in forward mode, in which torch has no derivative of the gradient of some, and within `vmap` of
`vmap`, where its rule for some mixes up the two axes. torch's compiler makes as good a kernel of the formula, and does
not compile it again for each setting. Other losses are a few operations, some in float64, or a kernel that has the
digits of ordinary values alone: these take less than an autograd function in Python where there are few elements.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from .._array_api import Array, in_forward_mode, in_transform
from ..arguments import Inputs
from ..formula import Formula
from ..numerics.reductions import REDUCTIONS_OF_TORCH
from ..reduction import reduce
from . import autograd, direct, transformed

__all__ = ["FEW", "LARGEST", "Few", "Kernel", "are_few", "fits"]

LARGEST = 1 << 22
"""Elements, each an item, up to which they are faster on the CPU: a result of all items still fits the last cache."""

FEW = 100_000
"""Elements up to which a few operations that torch records take less than an autograd function written in Python."""


def fits(loss: Any, inputs: Inputs) -> bool:
    """Whether a kernel computes the loss of checked inputs of torch."""
    torch: Any = sys.modules["torch"]
    if loss.array_settings or loss.torch_kernel() is None:
        return False
    if in_forward_mode() or transformed.levels().count("Vmap") > 1:
        return False
    first = inputs.arrays[0]
    if loss.reduction not in REDUCTIONS_OF_TORCH or not (inputs.weight is inputs.where is inputs.invalid is None):
        return False
    # torch.nn.functional has its own answer to a mean of nothing.
    if not math.prod(inputs.item_shape) or not all([_is_plain(torch, x) for x in inputs.arrays]):
        return False
    if inputs.labels:
        return first.dtype == inputs.dtype and inputs.layout == ((-1,), ()) and first.ndim == 2 and not in_transform()
    of_one_dtype = all([x.dtype == inputs.dtype for x in inputs.arrays])
    is_fast = first.numel() <= LARGEST or not first.is_cpu
    return len(inputs.arrays) == 2 and not any(inputs.layout) and of_one_dtype and is_fast


def _is_plain(torch: Any, x: Array) -> bool:
    return type(x) in (torch.Tensor, torch.nn.Parameter) and x.layout == torch.strided and not x.is_nested


class Kernel:
    """How the calls of a kind go that are one kernel: this, and what it is given behind the arrays."""

    __slots__ = ("_function", "_settings")

    def __init__(self, loss: Formula) -> None:
        torch: Any = sys.modules["torch"]
        name, settings = loss.torch_kernel() or ("", {})
        # What torch.nn.functional broadcasts and warns before it calls.
        self._function = getattr(torch._C._nn, name)
        self._settings = {**settings, "reduction": REDUCTIONS_OF_TORCH[loss.reduction]}

    def run(self, _: Formula, inputs: Inputs) -> Array:
        """Compute the loss on checked inputs."""
        result: Array = self._function(*inputs.arrays, **self._settings)
        return result


def are_few(loss: Formula, inputs: Inputs) -> bool:
    """Whether arrays on the CPU, whose values can be looked at, may have a loss by a few operations of torch's."""
    if type(loss).in_torch is Formula.in_torch or not 0 < inputs.arrays[0].numel() <= FEW:
        return False
    if not (inputs.invalid is inputs.mask is None) or not set(loss.array_settings) <= set(loss.class_settings):
        return False
    if loss.once_in_torch and not _is_of_all(loss, inputs):
        return False
    torch: Any = sys.modules["torch"]
    return all([_is_as_it_is_computed(torch, inputs, k) for k in range(len(inputs.arrays))])


def _is_as_it_is_computed(torch: Any, inputs: Inputs, k: int) -> bool:
    x = inputs.arrays[k]
    return (x.dtype == inputs.dtype or inputs.is_integer(k)) and _is_plain(torch, x) and not _is_broadcast(inputs, k)


def _is_of_all(loss: Formula, inputs: Inputs) -> bool:
    """Whether the call itself weighs no item, and the result is a mean or a sum of torch's."""
    if loss.reduction == "none" or not (inputs.weight is inputs.where is None):
        return False
    if loss.reduction != "batchmean":
        return True
    return len(inputs.item_shape) == 1 and loss.item_weight(*inputs.arrays) is None


def _is_broadcast(inputs: Inputs, k: int) -> bool:
    shape, layout = inputs.arrays[k].shape, inputs.layout[k]
    axes = math.prod([shape[axis] for axis in layout or ()])
    return bool(math.prod(shape) != axes * math.prod(inputs.item_shape))


class Few:
    """How calls of a kind go of which torch is to record a few operations, and those whose values take another way."""

    __slots__ = ("_of_all", "_otherwise")

    def __init__(self, loss: Formula, inputs: Inputs, otherwise: Any) -> None:
        self._of_all = _is_of_all(loss, inputs)
        self._otherwise = otherwise

    def run(self, loss: Formula, inputs: Inputs) -> Array:
        """Compute the loss on checked inputs."""
        if not self._of_all:
            return self._run_by_items(loss, inputs)
        reduction = "mean" if loss.reduction == "batchmean" else loss.reduction
        result = loss.in_torch(sys.modules["torch"], reduction, *inputs.arrays)
        if result is not None and math.isfinite(result.item()):
            if loss.once_in_torch and result.requires_grad:
                autograd.derive_by_formula(result, loss, inputs)
            return result
        otherwise: Array = self._otherwise.run(loss, inputs)
        return otherwise

    def _run_by_items(self, loss: Formula, inputs: Inputs) -> Array:
        arrays, weight = direct.prepare(loss, inputs)
        items = loss.in_torch(sys.modules["torch"], "none", *arrays)
        if items is not None and math.isfinite(items.detach().sum().item()):
            return reduce(inputs.xp, items, weight, loss.reduction)
        otherwise: Array = self._otherwise.run(loss, inputs)
        return otherwise
