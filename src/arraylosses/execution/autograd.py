"""torch's autograd on the CPU: one function whose backward pass computes the closed form, and keeps only the inputs.

The straight way would keep every intermediate result for the backward pass. Here the backward pass computes the
gradient from the inputs, block by block. Up to a size, value and gradient are computed together, and that gradient is
kept. A backward pass that is itself recorded, for a second derivative, or that is vectorized over many upstream
gradients, goes the straight way.
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

from .._array_api import Array, holds_values
from .._validation import Inputs
from . import blocks, direct
from .direct import Computable

__all__ = ["run"]


KEPT = 1 << 22
"""Elements up to which the gradient is kept; beyond it, it would no longer be in the last cache when it is due."""


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs, the first of which is to have a gradient."""
    result: Array = _function().apply(loss, inputs, *_tensors(inputs))
    return result


def _together(loss: Computable, inputs: Inputs) -> tuple[Array, ...] | None:
    first = inputs.arrays[0]
    size = math.prod(first.shape)
    # In half precision a gradient may vanish before the backward pass brings the factor that was to prevent it.
    if loss.reduction == "none" or size > KEPT or first.dtype != inputs.dtype:
        return None
    if size <= blocks.ELEMENTS["torch"]:
        return direct.run_with_derivatives(loss, inputs)
    return blocks.run_with_derivatives(loss, inputs)


def _tensors(inputs: Inputs) -> tuple[Array | None, ...]:
    return (*inputs.arrays, inputs.weight, inputs.where)


def _with_tensors(inputs: Inputs, tensors: tuple[Array, ...]) -> Inputs:
    *arrays, weight, where = tensors
    return inputs._replace(arrays=tuple(arrays), weight=weight, where=where)


@functools.cache
def _function() -> Any:
    torch: Any = sys.modules["torch"]

    class Recomputed(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, loss: Computable, inputs: Inputs, *tensors: Array) -> Array:
            ctx.loss, ctx.inputs = loss, inputs._replace(arrays=(), weight=None, where=None)
            # A setting is saved for nothing but torch's complaint where it was changed in place since.
            settings = [getattr(loss, name) for name in loss.array_settings]
            ctx.save_for_backward(*tensors, *[x for x in settings if isinstance(x, torch.Tensor)])
            found = _together(loss, inputs)
            ctx.together, ctx.gradient = found is not None, None
            if found is None:
                return blocks.run(loss, inputs)
            value, ctx.gradient = found
            return value

        @staticmethod
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            tensors = ctx.saved_tensors[: len(ctx.needs_input_grad) - 2]
            found: Array | None = None
            if not torch.is_grad_enabled() and holds_values(upstream):  # neither recorded nor vectorized
                if not ctx.together:
                    found = blocks.gradient(ctx.loss, _with_tensors(ctx.inputs, tensors), upstream)
                else:
                    found, ctx.gradient = ctx.gradient, None  # given away: it may be written to
                    if found is None:
                        _, found = _together(ctx.loss, _with_tensors(ctx.inputs, tensors)) or (None, None)
                    if found is not None and float(upstream) != 1.0:
                        found.mul_(upstream)
            if found is None:
                with torch.enable_grad():
                    value = direct.run(ctx.loss, _with_tensors(ctx.inputs, tensors))
                (found,) = torch.autograd.grad(value, tensors[:1], upstream, create_graph=torch.is_grad_enabled())
            return (None, None, found, *[None] * (len(tensors) - 1))

    return Recomputed
