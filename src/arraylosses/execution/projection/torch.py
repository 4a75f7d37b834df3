"""torch's autograd: gradients that will be asked for are made together with the value."""

from __future__ import annotations

import functools
import sys
from typing import Any

from ..._array_api import Array, is_eager_torch
from .. import autocast
from . import chunks
from .rows import Rows, factors, kept, tensors_of, unit_of, with_tensors, without_tensors

__all__ = ["run"]


def run(rows: Rows, part: Array | None) -> Array:
    """Return the per-item losses, or the sum of them times `part`, as an autograd function."""
    return _torch_function().apply(without_tensors(rows), *tensors_of(rows, part))


@functools.cache
def _torch_function() -> Any:
    torch: Any = sys.modules["torch"]

    class Projected(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, rest: Rows, *tensors: Array | None) -> Array:
            rows, part = with_tensors(rest, tensors), tensors[3]
            ctx.rest = rest
            ctx.save_for_backward(*tensors)
            ctx.items, ctx.gradients = None, None
            if part is None:
                return chunks.compute(rows, None)[0]
            unit, wanted = unit_of(rows), ctx.needs_input_grad[1:4]
            items, gradients = chunks.compute(rows, part * unit, wanted)
            ctx.items, ctx.gradients = items, gradients
            return torch.sum(items * part)

        @staticmethod
        @autocast.without
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            tensors, needed = ctx.saved_tensors, ctx.needs_input_grad
            rows, part = with_tensors(ctx.rest, tensors), tensors[3]
            if torch.is_grad_enabled() or not is_eager_torch(upstream):
                return None, *_differentiable(torch, rows, part, needed[1:5], upstream), None, None, None, None
            # The gradients are given away, to be kept without a copy; if they are asked for again, they are made again.
            found, ctx.gradients = ctx.gradients, None
            if part is None:
                found = chunks.compute(rows, kept(rows, upstream), needed[1:4])[1]
            else:
                factor = upstream / unit_of(rows)
                if found is None:
                    found = chunks.compute(rows, part * unit_of(rows), needed[1:4])[1]
                if not upstream.is_cpu or float(factor) != 1:
                    pairs = zip(found, factors(rows, factor), strict=True)
                    found = tuple([None if x is None else x.to(rows.dtype).mul_(of_x) for x, of_x in pairs])
            results = [None if x is None else x.to(y.dtype) for x, y in zip(found, tensors, strict=False)]
            return None, *results, ctx.items * upstream if needed[4] else None, None, None, None, None

    return Projected


def _differentiable(
    torch: Any, rows: Rows, part: Array | None, needed: tuple[bool, ...], upstream: Array
) -> list[Array | None]:
    """The gradients as the straight way has them, which can be differentiated again."""
    with torch.enable_grad():
        # Of views, for the rows may be computed of the matrix, and their gradients are asked for one by one.
        hidden, matrix, bias, part = (
            None if x is None else x.view_as(x) for x in (rows.hidden, rows.matrix, rows.bias, part)
        )
        rows = rows._replace(hidden=hidden, matrix=matrix, bias=bias)
        items = rows.evaluate(rows.scores())[0]
        value = items if part is None else torch.sum(items * part)
    tensors = (hidden, matrix, bias, part)
    chosen = [x for x, is_needed in zip(tensors, needed, strict=True) if is_needed]
    found = iter(torch.autograd.grad(value, chosen, upstream, create_graph=torch.is_grad_enabled()))
    return [next(found) if is_needed else None for is_needed in needed]
