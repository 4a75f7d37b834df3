"""torch's own kernels, for the losses that these compute to the last digit: one step forward, one backward.

They hold under torch's transforms too, so they come first. torch's compiler makes as good a kernel of the formula, and
does not compile it again for each setting.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from .._array_api import Array, in_transform
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["LARGEST", "fits", "run"]

LARGEST = 1 << 22
"""Elements, each an item, up to which they are faster on the CPU: a result of all items still fits the last cache."""

_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def fits(loss: Any, inputs: Inputs) -> bool:
    """Whether a kernel computes the loss of checked inputs of torch."""
    torch: Any = sys.modules["torch"]
    if loss.array_settings or loss.torch_kernel() is None:
        return False
    first = inputs.arrays[0]
    if loss.reduction not in _REDUCTIONS or not (inputs.weight is inputs.where is inputs.invalid is None):
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


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute the loss on checked inputs."""
    torch: Any = sys.modules["torch"]
    if inputs.labels:
        return torch.nn.functional.nll_loss(*inputs.arrays, reduction=loss.reduction)
    name, *settings = loss.torch_kernel() or ()
    # What torch.nn.functional broadcasts and warns before it calls.
    result: Array = getattr(torch._C._nn, name)(*inputs.arrays, _REDUCTIONS[loss.reduction], *settings)
    return result
