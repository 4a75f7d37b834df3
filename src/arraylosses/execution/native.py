"""torch's own kernels, for the losses that these compute to the last digit: one step forward, one backward.

Plain tensors of one dtype, shape and device need no other check, and the kernels hold under torch's transforms too: so
they come first. torch's compiler makes as good a kernel of the formula, and does not compile it again for each setting.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from .._array_api import Array
from .._config import setting
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["LARGEST", "fits", "of_elements", "run"]

LARGEST = 1 << 22
"""Elements up to which they are faster, where each is an item: a result of all items still fits the last cache."""

_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def of_elements(loss: Any, arrays: tuple[Array, ...]) -> Array | None:
    """Return the loss of elements of two arrays as given, where a kernel computes it; None elsewhere."""
    torch: Any = sys.modules.get("torch")
    if torch is None or len(arrays) != 2 or loss.array_settings or not isinstance(arrays[0], torch.Tensor):
        return None
    kernel = loss.torch_kernel()
    if kernel is None or not loss.declaration.of_elements or torch.compiler.is_compiling():
        return None
    x, y = arrays
    plain = (torch.Tensor, torch.nn.Parameter)
    if type(x) not in plain or type(y) not in plain or x.is_nested or y.is_nested:
        return None
    dtype = x.dtype
    if (dtype is not torch.float32 and dtype is not torch.float64) or y.dtype is not dtype or x.shape != y.shape:
        return None
    if not 0 < x.numel() <= LARGEST or x.device != y.device or x.layout != torch.strided or y.layout != torch.strided:
        return None
    reduction = _REDUCTIONS.get(loss.reduction)
    if reduction is None or setting("check_values"):
        return None
    # What torch.nn.functional broadcasts and warns before it calls.
    name, *settings = kernel
    result: Array = getattr(torch._C._nn, name)(x, y, reduction, *settings)
    return result


def fits(loss: Any, inputs: Inputs) -> bool:
    """Whether the kernel of a label's log-probability is that of checked inputs."""
    return (
        bool(inputs.labels)
        and loss.torch_kernel() is not None
        and loss.reduction != "batchmean"
        and inputs.weight is None
        and inputs.where is None
        and inputs.layout == ((-1,), ())
        and inputs.arrays[0].ndim == 2
        and math.prod(inputs.item_shape) > 0
        and inputs.arrays[0].dtype == inputs.dtype
    )


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute the loss of labels on checked inputs."""
    torch: Any = sys.modules["torch"]
    return torch.nn.functional.nll_loss(*inputs.arrays, reduction=loss.reduction)
