"""torch's function transforms: losses whose derivative is the closed form, where torch would derive one from each step.

What torch derives loses the digits that the closed form is there to keep. The rules are those of an autograd function
that every transform knows: reverse and forward mode, and derivatives of every order, which go through the closed form.
By an array without one, the derivative is that of `call`.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from .._array_api import Array, is_compiling, is_torch, with_axes
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["fits", "items"]


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether checked inputs of torch are within a transform, and a derivative of the loss has a closed form."""
    if not loss.pure or not loss.closed_forms or inputs.mask is not None or is_compiling():
        return False
    torch: Any = sys.modules["torch"]
    if not torch._C._are_functorch_transforms_active():
        return False
    return not any([is_torch(getattr(loss, name)) for name in loss.array_settings])


def items(loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]) -> Array:
    """Return the per-item losses of prepared arrays."""
    result: Array = _function().apply(loss, inputs.layout, *arrays)
    return result


def _derivatives(loss: Formula, layout: Any, positions: tuple[int, ...], arrays: tuple[Array, ...]) -> dict[int, Array]:
    """Return the derivatives of the items that have a closed form, by position."""
    chosen = tuple([k for k in positions if k in loss.closed_forms and layout[k] is not None])
    found = loss.value_and_derivatives(chosen, *arrays)[1] if chosen else ()
    return {k: x for k, x in zip(chosen, found, strict=True) if x is not None}


@functools.cache
def _function() -> Any:
    torch: Any = sys.modules["torch"]

    def by_formula(loss: Formula, k: int, arrays: tuple[Array, ...]) -> Any:
        return lambda x: loss.call(*arrays[:k], x, *arrays[k + 1 :])

    class Items(torch.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(loss: Formula, _: Any, *arrays: Array) -> Array:
            return loss.call(*arrays)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], _: Array) -> None:
            ctx.loss, ctx.layout, *arrays = inputs
            ctx.save_for_backward(*arrays)
            ctx.save_for_forward(*arrays)

        @staticmethod
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            arrays = ctx.saved_tensors
            positions = tuple([k for k, needed in enumerate(ctx.needs_input_grad[2:]) if needed])
            known = _derivatives(ctx.loss, ctx.layout, positions, arrays)
            found: list[Array | None] = [None] * len(arrays)
            for k in positions:
                if k in known:
                    found[k] = known[k] * with_axes(upstream, ctx.layout[k])
                else:
                    (found[k],) = torch.func.vjp(by_formula(ctx.loss, k, arrays), arrays[k])[1](upstream)
            return None, None, *found

        @staticmethod
        def jvp(ctx: Any, *tangents: Array | None) -> Array:
            arrays = ctx.saved_tensors
            moving = {k: x for k, x in enumerate(tangents[2:]) if x is not None}
            known = _derivatives(ctx.loss, ctx.layout, tuple(moving), arrays)
            parts = []
            for k, tangent in moving.items():
                if k in known:
                    product, axes = known[k] * tangent, ctx.layout[k]
                    parts.append(product.sum(axes) if axes else product)
                else:
                    parts.append(torch.func.jvp(by_formula(ctx.loss, k, arrays), (arrays[k],), (tangent,))[1])
            return sum(parts[1:], parts[0])

    return Items
