"""A projection followed by a loss of rows, such as a last linear layer and the cross entropy, in chunks of rows.

The scores, ``hidden @ matrix.T + bias``, may take more memory than all else of a model. Here they exist for a chunk of
rows at a time, and the loss's closed form turns them into their derivatives, which are multiplied into the gradients at
once. A gradient that will be asked for is made together with the value, and waits for the factor of the backward pass:
three products in all, as many as the straight way has. With reduction "none" there is a factor each item, which the
backward pass knows first, so it computes the scores once more.

Second derivatives on torch, `torch.func`, forward mode, compilers, lazy and unknown arrays go the straight way, which
holds all scores.
"""

from __future__ import annotations

import sys
from typing import Any

from ..._array_api import Array, backend_of, in_forward_mode, is_eager_numpy, is_eager_torch
from ...arguments import Inputs
from ...formula import Formula
from ...numerics import _jax
from ...reduction import reduce
from . import chunks, jax, torch
from .rows import Rows, flat, item_weight, of_inputs, shares, unit_of

__all__ = ["item_weight", "run", "run_with_gradients"]

_PLACES = {0: 0, 1: 1, 3: 2}
"""Where an array of the loss stands among rows, matrix and what is added, which have gradients."""


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    xp, rows, weight = inputs.xp, of_inputs(loss, inputs), item_weight(loss, inputs)
    compute = _way(rows, inputs, weight)
    if compute is None:
        return reduce(xp, rows.evaluate(rows.scores())[0], weight, loss.reduction)
    if loss.reduction == "none":
        return reduce(xp, xp.reshape(compute(flat(rows), None), inputs.item_shape), weight, "none")
    return compute(flat(rows), shares(loss, inputs, weight))


def run_with_gradients(loss: Formula, inputs: Inputs, positions: tuple[int, ...]) -> tuple[Array, ...] | None:
    """Compute `loss` and its gradients by the arrays at `positions`; None where they are not known in closed form."""
    xp, rows, weight = inputs.xp, of_inputs(loss, inputs), item_weight(loss, inputs)
    if loss.reduction == "none" or not set(positions) <= _PLACES.keys() or _way(rows, inputs, weight) is not chunks.run:
        return None
    rows, part = flat(rows), shares(loss, inputs, weight)
    wanted = [_PLACES[k] for k in positions]
    unit = unit_of(rows)
    items, found = chunks.compute(rows, part * unit, tuple([k in wanted for k in range(3)]))
    gradients = []
    for k in positions:
        x, like = found[_PLACES[k]], inputs.arrays[k]
        if unit != 1:
            x = xp.astype(x, rows.dtype, copy=False) / unit
        gradients.append(xp.reshape(xp.astype(x, like.dtype, copy=False), tuple(like.shape)))
    return (xp.sum(items * part), *gradients)


def _way(rows: Rows, inputs: Inputs, weight: Array | None) -> Any:
    """What makes flat rows and shares the result, or without shares the items; None where all is done at once."""
    backend = backend_of(inputs.xp)
    if backend == "jax":
        # Where JAX asks how each product lies on a mesh, its own derivatives know.
        is_spread = any([x is not None and _jax.has_explicit_sharding(x) for x in (rows.hidden, rows.matrix, weight)])
        # What is traced of the loss's settings may not outlive its trace, in a program that is kept.
        kept = 0 not in inputs.item_shape and not is_spread and not rows.loss.array_settings
        return jax.run if kept else None
    given = [x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None]
    if backend == "torch":
        library: Any = sys.modules["torch"]
        if not all([is_eager_torch(x) for x in given]) or in_forward_mode():
            return None
        if library.is_grad_enabled():
            if rows.labels.requires_grad:
                return None
            if any([x is not None and x.requires_grad for x in (rows.hidden, rows.matrix, rows.bias, weight)]):
                return torch.run
        return chunks.run
    is_eager = backend in ("cupy", "strict") or (backend == "numpy" and all([is_eager_numpy(x) for x in given]))
    return chunks.run if is_eager else None
