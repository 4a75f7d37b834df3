"""torch's function transforms: losses whose derivative is the closed form, where torch would derive one from each step.

What torch derives loses the digits that the closed form is there to keep. The rule is that of an autograd function, so
reverse mode of every order goes through the closed form, and `torch.func.vmap` through both. By an array without one,
the derivative is that of `call`. In forward mode torch derives it from each step: of an autograd function within two of
its levels it takes a part of the second derivative for 0, without a word. Within `torch.func.functionalize` it does the
same, for torch has no rule there for an autograd function.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from .._array_api import Array, in_forward_mode, is_compiling, is_torch, with_axes
from ..arguments import Inputs
from ..formula import Formula

__all__ = ["fits", "items", "levels"]

_STEP_BY_STEP = {"Jvp", "Functionalize"}


def levels() -> list[str]:
    """Return the names of torch's function transforms that a call is within, the outermost first."""
    stack = sys.modules["torch"]._C._functorch.get_interpreter_stack()
    return [level.key().name for level in stack or ()]


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether checked inputs of torch are within a transform, and a derivative of the loss has a closed form."""
    if not loss.pure or not loss.closed_forms or inputs.mask is not None or is_compiling():
        return False
    within = levels()
    if not within or in_forward_mode() or not _STEP_BY_STEP.isdisjoint(within):
        return False
    return not any([is_torch(getattr(loss, name)) for name in loss.array_settings])


def items(loss: Formula, inputs: Inputs, arrays: tuple[Array, ...]) -> Array:
    """Return the per-item losses of prepared arrays."""
    result: Array = _function().apply(_Call(loss, inputs.layout), *arrays)
    return result


class _Call:
    """What a call has beside its arrays, in one object, which torch does not take apart."""

    __slots__ = ("layout", "loss")

    def __init__(self, loss: Formula, layout: tuple[Any, ...]) -> None:
        self.loss, self.layout = loss, layout

    def derivatives(self, positions: tuple[int, ...], arrays: tuple[Array, ...]) -> dict[int, Array]:
        """Return the derivatives of the items that have a closed form, by position."""
        chosen = tuple([k for k in positions if k in self.loss.closed_forms and self.layout[k] is not None])
        found = self.loss.value_and_derivatives(chosen, *arrays)[1] if chosen else ()
        return {k: x for k, x in zip(chosen, found, strict=True) if x is not None}

    def of_array(self, k: int, arrays: tuple[Array, ...]) -> Any:
        """Return the formula as a function of one array."""
        return lambda x: self.loss.call(*arrays[:k], x, *arrays[k + 1 :])


@functools.cache
def _function() -> Any:
    torch: Any = sys.modules["torch"]

    class Items(torch.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(call: _Call, *arrays: Array) -> Array:
            return call.loss.call(*arrays)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], _: Array) -> None:
            ctx.call, *arrays = inputs
            ctx.save_for_backward(*arrays)

        @staticmethod
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            call, arrays = ctx.call, ctx.saved_tensors
            positions = tuple([k for k, needed in enumerate(ctx.needs_input_grad[1:]) if needed])
            known = call.derivatives(positions, arrays)
            found: list[Array | None] = [None] * len(arrays)
            for k in positions:
                if k in known:
                    found[k] = known[k] * with_axes(upstream, call.layout[k])
                else:
                    (found[k],) = torch.func.vjp(call.of_array(k, arrays), arrays[k])[1](upstream)
            return None, *found

    return Items
