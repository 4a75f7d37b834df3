"""torch's autograd on the CPU: one function whose backward pass computes the closed form, and keeps only the inputs.

The straight way would keep every intermediate result for the backward pass. Here the backward pass computes the
gradient from the inputs, block by block where they are large. A backward pass that is itself recorded, for a second
derivative, or that is vectorized over many upstream gradients, goes the straight way.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from .._array_api import Array, holds_values
from .._validation import Inputs
from . import blocks, direct
from .direct import Computable

__all__ = ["run"]


def run(loss: Computable, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs, the first of which is to have a gradient."""
    result: Array = _function().apply(loss, inputs, *_tensors(inputs))
    return result


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
        def forward(ctx: Any, loss: Computable, inputs: Inputs, *tensors: Array | None) -> Array:
            ctx.loss, ctx.inputs = loss, inputs._replace(arrays=(), weight=None, where=None)
            # A setting is saved for nothing but torch's complaint where it was changed in place since.
            settings = [getattr(loss, name) for name in loss.array_settings]
            ctx.save_for_backward(*tensors, *[x for x in settings if isinstance(x, torch.Tensor)])
            return blocks.run(loss, inputs)

        @staticmethod
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            tensors = ctx.saved_tensors[: len(ctx.needs_input_grad) - 2]
            inputs = _with_tensors(ctx.inputs, tensors)
            found = None
            vectorized = torch._C._functorch.is_legacy_batchedtensor(upstream) or not holds_values(upstream)
            if not torch.is_grad_enabled() and not vectorized:
                found = blocks.gradient(ctx.loss, inputs, upstream)
            if found is None:
                with torch.enable_grad():
                    value = direct.run(ctx.loss, inputs)
                (found,) = torch.autograd.grad(value, tensors[:1], upstream, create_graph=torch.is_grad_enabled())
            return (None, None, found, *[None] * (len(tensors) - 1))

    return Recomputed
