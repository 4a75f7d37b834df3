"""torch's compiler: a loss as one call in the graph, and its derivative in closed form.

The first stage of the compiler reads Python. Every object that it meets on the way it looks at again before each call
of what it has compiled, which takes longer than a small loss. So it is given a function form as one call, which it does
not read: the second stage runs it on tensors without values, and sees their operations alone. Whatever the result
depends on has to be an argument then.

There, a closed form takes fewer passes than what autograd derives from each step. What the loss and its derivative have
in common, the compiler finds by itself.

The compiler imports this module when it first meets a loss.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from .._array_api import Array, in_torch_compiler, in_transform
from ..arguments import Inputs
from ..formula import Formula
from . import autocast, autograd, direct
from .direct import Wanted

__all__ = ["call", "fits", "run"]

torch: Any = importlib.import_module("torch")  # by which it is imported itself

_HELD = (torch.Tensor, float, int, str, type(None))


def call(form: tuple[str, str], given: tuple[Any, ...], named: dict[str, Any]) -> Array | None:
    """Call the function form that stands in a module under a name; None where a graph can't hold the arguments."""
    return _call(*form, given, named) if _holds(given) and _holds(named.values()) else None


def _holds(values: Any) -> bool:
    """Whether all are tensors, constants of a graph, or sequences of these."""
    return all([isinstance(x, _HELD) or (isinstance(x, (tuple, list)) and _holds(x)) for x in values])


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def _call(module: str, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Array:
    form = getattr(sys.modules[module], name)
    like = next((x for x in (*given, *named.values()) if isinstance(x, torch.Tensor)), None)
    for key, x in named.items():
        # A number that changes from call to call. A 0 stays one, so that a loss can leave out what it scales, and see
        # that it is 0 where it has to be.
        if isinstance(x, torch.SymFloat) and key not in form.loss_class.structural and x != 0:
            device = None if like is None else like.device
            # By a product, which there is of tensors, too: what meets another operation is compiled as a constant.
            named = {**named, key: torch.ones((), dtype=torch.float64, device=device) * x}
    return form(*given, **{key: _constant(x) for key, x in named.items()})


def _constant(value: Any) -> Any:
    """Return a number that the compiler has made a symbol as what it is in this call."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(_constant, value))
    if isinstance(value, torch.SymFloat):
        return float(value)
    return int(value) if isinstance(value, torch.SymInt) else value


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether the second stage looks at checked inputs, of which those with a closed form are to have gradients."""
    if not torch.compiler.is_compiling() or in_torch_compiler() or in_transform() or not torch.is_grad_enabled():
        return False
    positions = autograd.tracked(loss, inputs)
    return bool(positions) and all([k in loss.closed_forms for k in positions])


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    result: Array = _Closed.apply(loss, inputs, *inputs.arrays)
    return result


class _Closed(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, loss: Formula, inputs: Inputs, *arrays: Array) -> Array:
        ctx.loss, ctx.inputs = loss, inputs._replace(arrays=())
        ctx.save_for_backward(*arrays)
        return direct.run(loss, inputs)

    @staticmethod
    @autocast.without
    def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
        arrays = ctx.saved_tensors
        positions = tuple([k for k, needed in enumerate(ctx.needs_input_grad[2:]) if needed])
        inputs = ctx.inputs._replace(arrays=arrays)
        found = direct.run_with_derivatives(ctx.loss, inputs, Wanted(positions), upstream)
        if found is None:  # there is none for these settings
            with torch.enable_grad():
                value = direct.run(ctx.loss, inputs)
            sources = [arrays[k] for k in positions]
            found = (value, *torch.autograd.grad(value, sources, upstream))
        by_position = dict(zip(positions, found[1:], strict=True))
        return (None, None, *[by_position.get(k) for k in range(len(arrays))])
