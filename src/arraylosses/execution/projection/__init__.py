"""A projection followed by a loss of rows, such as a last linear layer and the cross entropy, in chunks of rows.

The scores, ``rows @ matrix.T + bias``, may take more memory than all else of a model. Here they exist for a chunk of
rows at a time, and the loss's closed form turns them into their derivatives, which are multiplied into the gradients at
once. A gradient that will be asked for is made together with the value, and waits for the factor of the backward pass:
three products in all, as many as the straight way has. With reduction "none" there is a factor each item, which the
backward pass knows first, so it computes the scores once more.

So it is with coupled items, each of which is compared with all, if they are many: rows and matrix are made of the
arrays beforehand, in a step of its own that has the library's gradient, or the tape's.

Second derivatives on torch, `torch.func`, forward mode, compilers, lazy and unknown arrays go the straight way, which
holds all scores.
"""

from __future__ import annotations

import sys
from typing import Any

from ..._array_api import (
    Array,
    array_namespace,
    at_most,
    backend_of,
    in_transform,
    is_eager_numpy,
    is_eager_torch,
    is_torch,
    known_size,
)
from ...arguments import Inputs
from ...formula import Formula
from ...numerics import _jax
from ...reduction import reduce
from .. import direct
from . import chunks, jax, torch
from .rows import Rows, flat, of_inputs, shares, unit_of

__all__ = ["fits", "run", "run_with_gradients"]

_PLACES = {0: 0, 1: 1, 3: 2}
"""Where an array of the loss stands among rows, matrix and what is added, which have gradients."""

SCORES = 1 << 22
"""Scores of coupled items up to which they are held, so that all derivatives can be had: 2,048 items."""


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether this is the way for a loss: it is one of projections, and of coupled items there are many."""
    if loss.projected is None or not loss.declaration.coupled:
        return loss.projected is not None
    return at_most(known_size((*inputs.item_shape, *inputs.item_shape)), SCORES) is False


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    xp, parts = inputs.xp, of_inputs(loss, inputs)
    weight = direct.weight_of_targets(loss, inputs)
    compute = _way(parts, inputs, weight)
    if compute is None:
        return reduce(xp, _mean([rows.evaluate(rows.scores())[0] for rows in parts]), weight, loss.reduction)
    if loss.reduction == "none":
        items = _mean([compute(flat(rows), None) for rows in parts])
        return reduce(xp, xp.reshape(items, inputs.item_shape), weight, "none")
    share = shares(loss, inputs, weight)
    return _mean([compute(flat(rows), share) for rows in parts])


def _mean(values: list[Array]) -> Array:
    return values[0] if len(values) == 1 else sum(values[1:], values[0]) / len(values)


def run_with_gradients(loss: Formula, inputs: Inputs, positions: tuple[int, ...]) -> tuple[Array, ...] | None:
    """Compute `loss` and its gradients by the arrays at `positions`; None where they are not known in closed form."""
    parts, weight = of_inputs(loss, inputs), direct.weight_of_targets(loss, inputs)
    if loss.reduction == "none" or _way(parts, inputs, weight) is not chunks.run:
        return None
    xp, part = inputs.xp, shares(loss, inputs, weight)
    if loss.declaration.coupled:
        return _of_coupled(loss, inputs, positions, parts, part / len(parts))
    if not set(positions) <= _PLACES.keys():
        return None
    (rows,) = map(flat, parts)
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


def _of_coupled(
    loss: Formula, inputs: Inputs, positions: tuple[int, ...], parts: tuple[Rows, ...], share: Array
) -> tuple[Array, ...] | None:
    """The same, of coupled items: the gradients by rows and matrix are pulled back through what makes them."""
    if any([inputs.is_integer(k) for k in positions]):
        return None
    if backend_of(inputs.xp) == "torch":
        return _by_autograd(loss, inputs, positions)
    from ...autodiff.derivatives import grad  # takes a third of the package's import time

    computed = [chunks.compute(rows, share, (True, True, False)) for rows in parts]

    def along(*arrays: Array) -> Array:
        """What has the gradients that rows and matrix have, by these."""
        xp, total = array_namespace(*[arrays[k] for k in positions]), 0.0
        made = loss.projections(*direct.taken(inputs, arrays))
        for (rows, matrix, *_), (_, (by_rows, by_matrix, _)) in zip(made, computed, strict=True):
            total = total + xp.sum(rows * by_rows) + xp.sum(matrix * by_matrix)
        return total

    xp = inputs.xp
    gradients = grad(along, positions)(*direct.prepare(loss, inputs)[0])
    cast = [xp.astype(x, inputs.arrays[k].dtype, copy=False) for k, x in zip(positions, gradients, strict=True)]
    return (sum([xp.sum(items * share) for items, _ in computed]), *cast)


def _by_autograd(loss: Formula, inputs: Inputs, positions: tuple[int, ...]) -> tuple[Array, ...]:
    library: Any = sys.modules["torch"]
    arrays = list(inputs.arrays)
    leaves = [arrays[k].detach().requires_grad_() for k in positions]
    for k, leaf in zip(positions, leaves, strict=True):
        arrays[k] = leaf
    with library.enable_grad():
        value = run(loss, inputs._replace(arrays=tuple(arrays)))
    return (value.detach(), *library.autograd.grad(value, leaves))


def _way(parts: tuple[Rows, ...], inputs: Inputs, weight: Array | None) -> Any:
    """What makes flat rows and shares the result, or without shares the items; None where all is done at once."""
    backend = backend_of(inputs.xp)
    made = [x for rows in parts for x in (rows.hidden, rows.matrix, rows.bias)]
    if backend == "jax":
        # Where JAX asks how each product lies on a mesh, its own derivatives know.
        is_spread = any([x is not None and _jax.has_explicit_sharding(x) for x in (*made, weight)])
        # What is traced of the loss's settings may not outlive its trace, in a program that is kept.
        is_known = all([isinstance(n, int) and n for n in inputs.item_shape])
        kept = is_known and not is_spread and not parts[0].loss.array_settings
        return jax.run if kept else None
    given = [x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None]
    if backend == "torch":
        library: Any = sys.modules["torch"]
        if not all([is_eager_torch(x) for x in given]) or in_transform():
            return None
        if library.is_grad_enabled():
            of_rows = parts[0].loss
            others = [parts[0].labels, *[getattr(of_rows, name) for name in of_rows.array_settings]]
            if any([is_torch(x) and x.requires_grad for x in others]):
                return None
            if any([x is not None and x.requires_grad for x in (*made, weight)]):
                return torch.run
        return chunks.run
    is_eager = backend in ("cupy", "strict") or (backend == "numpy" and all([is_eager_numpy(x) for x in given]))
    return chunks.run if is_eager else None
