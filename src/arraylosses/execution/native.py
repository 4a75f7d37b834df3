"""torch's own kernels, for the losses that these compute to the last digit: one step forward, one backward."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from .._array_api import Array
from .._validation import Inputs
from .direct import Computable

__all__ = ["fits", "run"]

LARGEST = 1 << 22
"""Elements up to which they are faster, where each is an item: a result of all items still fits the last cache."""

_KERNELS: dict[str, Callable[[Any, Any, Array, Array], Array]] = {
    "SquaredError": lambda f, loss, x, y: f.mse_loss(x, y, reduction=loss.reduction),
    "AbsoluteError": lambda f, loss, x, y: f.l1_loss(x, y, reduction=loss.reduction),
    "Huber": lambda f, loss, x, y: f.huber_loss(x, y, reduction=loss.reduction, delta=loss.delta),
    "SmoothL1": lambda f, loss, x, y: f.smooth_l1_loss(x, y, reduction=loss.reduction, beta=loss.beta),
    "Nll": lambda f, loss, x, y: f.nll_loss(x, y, reduction=loss.reduction),
}


def fits(loss: Computable, inputs: Inputs) -> bool:
    """Whether there is a kernel for these inputs."""
    cls, (x, *others) = type(loss), inputs.arrays
    return (
        cls.__name__ in _KERNELS
        and cls.__module__.startswith("arraylosses.losses.")
        and loss.reduction != "batchmean"
        and inputs.weight is None
        and inputs.where is None
        and 0 < x.numel() <= (LARGEST if inputs.axis is None else math.inf)
        and x.dtype == inputs.dtype
        and (inputs.axis is None or _are_columns(loss, inputs))
        and (inputs.axis is not None or others[0].dtype == x.dtype)
    )


def _are_columns(loss: Any, inputs: Inputs) -> bool:
    return (
        inputs.roles == ("row", "labels")
        and inputs.arrays[0].ndim == 2
        and inputs.axis == -1
        and loss.class_weight is None
    )


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    torch: Any = sys.modules["torch"]
    return _KERNELS[type(loss).__name__](torch.nn.functional, loss, *inputs.arrays)
