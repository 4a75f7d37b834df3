"""torch's autograd: one function that computes the gradient in closed form, beside the value.

The straight way would keep every intermediate result for the backward pass. Here value and gradient are computed
together, in one pass over the inputs, and nothing but the inputs and that gradient is kept: by NumPy where they are few
numbers, block by block where they are many. Half precision, and a result of more items than NumPy computes, keep the
inputs alone, of which the backward pass computes the gradient. One that is itself recorded, for a second derivative, or
that is vectorized over many upstream gradients, goes the straight way.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Sequence
from typing import Any

from .. import special
from .._array_api import Array, in_transform, is_eager_torch
from ..arguments import Inputs
from ..formula import Formula
from ..reduction import reduce
from . import autocast, blocks, by_numpy, direct
from .direct import Wanted
from .known import kinds_of_tensors

__all__ = ["Recorded", "fits", "tracked"]


def tracked(loss: Formula, inputs: Inputs) -> list[int]:
    """The positions of what is to have a gradient: arrays of the loss, its weights, and settings behind these."""
    given: list[Any] = [x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None]
    given += [x for name in loss.array_settings if hasattr(x := getattr(loss, name), "requires_grad")]
    return [k for k, x in enumerate(given) if x.requires_grad]


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether inputs whose values can't be looked at are those of an accelerator, with gradients in closed form."""
    torch: Any = sys.modules["torch"]
    given = [x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None]
    if not torch.is_grad_enabled() or not is_eager_torch(*given) or in_transform():
        return False
    positions = tracked(loss, inputs)
    return bool(positions) and all([k in loss.closed_forms for k in positions])


class Recorded:
    """How the calls of a kind get a value that autograd knows, with what they have in common."""

    __slots__ = ("_checked", "_common", "_in_blocks", "_wanted", "by_numpy", "positions")

    def __init__(self, loss: Formula, inputs: Inputs) -> None:
        self.positions = tuple([k for k, x in enumerate(inputs.arrays) if x.requires_grad])
        self._wanted = Wanted(self.positions)
        is_small = _on_cpu(inputs.arrays[0]) and by_numpy.fits(loss, inputs)
        self.by_numpy = by_numpy.ByNumpy(loss, inputs) if is_small else None
        divisor = direct.common_divisor(loss, inputs)
        self._common = None if divisor is None else _without_tensors(inputs)
        self._checked = None if divisor is None else (direct.Checked(inputs), divisor)
        self._in_blocks = _on_cpu(inputs.arrays[0]) and not is_small and blocks.fits(loss, inputs, whole=True)

    def run(self, loss: Formula, inputs: Inputs) -> Array:
        """Compute `loss` on checked inputs, of which those with a closed form are to have gradients."""
        tensors, mask = inputs.arrays, inputs.mask
        if inputs.weight is not None or inputs.where is not None:
            tensors = (*tensors, inputs.weight, inputs.where, *([] if mask is None else [mask.values]))
        result: Array = _apply()(self, loss, inputs, *tensors)
        return result

    def to_keep(self, inputs: Inputs) -> Inputs:
        """Return inputs without the tensors, which are held for as long as a gradient may be asked for, not longer."""
        return _without_tensors(inputs) if self._common is None else self._common

    def together(self, loss: Formula, inputs: Inputs) -> tuple[Array, tuple[Array, ...], Array | float | None] | None:
        """Return a value with its gradients, and what these are still to be multiplied by.

        On an accelerator that is left to the backward pass, which has a factor of its own.
        """
        if self.by_numpy is not None:
            found = self.by_numpy.run_with_derivatives(loss, inputs, self._wanted)
            return found and (found[0], found[1:], 1.0 if loss.reduction == "none" else None)
        if loss.reduction == "none":
            return None
        if not _on_cpu(inputs.arrays[0]):
            return direct.parts_of_derivatives(loss, inputs, self._wanted)
        # In half precision a gradient may vanish before the backward pass brings the factor that was to prevent it.
        if any([inputs.arrays[k].dtype != inputs.dtype for k in self.positions]):
            return None
        if self._checked is not None and not self._in_blocks and loss.item_weight(*inputs.arrays) is None:
            checked, divisor = self._checked
            items, derivatives = checked.evaluate(loss, inputs.arrays, self._wanted)
            if derivatives is None:
                return None
            value, share = reduce(inputs.xp, items, None, loss.reduction, divisor), 1.0 / divisor
            return value, tuple([direct.times(x, share, in_place=loss.new_derivatives) for x in derivatives]), None
        way = blocks if self._in_blocks else direct
        found = way.run_with_derivatives(loss, inputs, self._wanted)
        return found and (found[0], found[1:], None)

    def alone(self, inputs: Inputs) -> Any:
        """Return the way in which the value is computed without the gradient, and this without the value."""
        return self.by_numpy or (blocks if _on_cpu(inputs.arrays[0]) else direct)

    def gradients(
        self, loss: Formula, inputs: Inputs, tensors: tuple[Array, ...], upstream: Array, kept: Any
    ) -> Sequence[Array] | None:
        """Compute the gradients of a backward pass, of what `together` has kept if that was not given away before."""
        if kept is None:
            given = _with_tensors(inputs, tensors)
            found = self.together(loss, given)
            if found is None:
                way = self.alone(given)
                if way is direct:
                    return (direct.run_with_derivatives(loss, given, self._wanted, upstream) or (None,))[1:]
                gradients_alone: Sequence[Array] | None = way.gradients(loss, given, self.positions, upstream)
                return gradients_alone
            kept = found[1:]
        gradients: tuple[Array, ...]
        gradients, part = kept
        if part is not None:
            given = _with_tensors(inputs, tensors)
            return direct.multiplied(given, gradients, part, self._wanted, upstream, in_place=loss.new_derivatives)
        if _on_cpu(upstream) and upstream.item() == 1.0:
            return gradients
        for x in gradients:
            x.mul_(upstream)
        given = _with_tensors(inputs, tensors)
        if (given.where is None and given.mask is None) or math.isfinite(upstream):
            return gradients
        # An infinite one, as of a root of 0, makes NaN of the 0 of what is left out.
        kept_of = [given.kept(k) for k in self.positions]
        return [x if keep is None else special.where(keep, x, 0.0) for x, keep in zip(gradients, kept_of, strict=True)]


def _on_cpu(x: Array) -> bool:
    return bool(x.is_cpu)


def _without_tensors(inputs: Inputs) -> Inputs:
    mask = inputs.mask and inputs.mask._replace(values=None)
    return Inputs(inputs[0], (), *inputs[2:6], None, None, inputs.invalid, mask)


def _with_tensors(inputs: Inputs, tensors: tuple[Array, ...]) -> Inputs:
    """Return inputs with the tensors that were saved: the arrays, and if any is given, the weight and what is kept."""
    count = len(inputs.layout)
    weight, where, *values = tensors[count:] or (None, None)
    mask = inputs.mask and inputs.mask._replace(values=values[0])
    return inputs._replace(arrays=tuple(tensors[:count]), weight=weight, where=where, mask=mask)


def _saved(ctx: Any) -> tuple[Array, ...]:
    """Return the tensors that were given, each as it was: torch complains of one that was written to since."""
    saved: tuple[Array, ...] = ctx.saved_tensors
    return saved[: len(ctx.needs_input_grad) - 3]


@functools.cache
def _apply() -> Any:
    torch: Any = sys.modules["torch"]
    # Without a look for what transforms have wrapped, which plain tensors are not.
    return super(torch.autograd.Function, _function()).apply


@functools.cache
def _function() -> Any:
    torch: Any = sys.modules["torch"]

    class Recomputed(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, way: Recorded, loss: Formula, inputs: Inputs, *tensors: Array) -> Array:
            if loss.array_settings:
                # A setting is saved for nothing but torch's complaint where it was changed in place since.
                settings = [getattr(loss, name) for name in loss.array_settings]
                ctx.save_for_backward(*tensors, *[x for x in settings if isinstance(x, torch.Tensor)])
            else:
                ctx.save_for_backward(*tensors)
            ctx.call = way, loss, way.to_keep(inputs)
            found = way.together(loss, inputs)
            if found is None:
                ctx.kept = None
                return way.alone(inputs).run(loss, inputs)
            value, *ctx.kept = found
            return value

        @staticmethod
        def backward(ctx: Any, upstream: Array) -> tuple[Array | None, ...]:
            kept, ctx.kept = ctx.kept, None  # given away: what is kept may be written to
            # The shortest way where the gradient is there, outside of everything that may change what it is.
            if kept is not None and not torch.is_grad_enabled() and kinds_of_tensors((upstream,)) is not None:
                way, loss, inputs = ctx.call
                found = way.gradients(loss, inputs, _saved(ctx), upstream, kept)
            else:
                found = computed(ctx, upstream, kept)
            results: list[Array | None] = [None] * len(ctx.needs_input_grad)
            for k, x in zip(ctx.call[0].positions, found, strict=True):
                results[3 + k] = x
            return tuple(results)

    @autocast.without
    def computed(ctx: Any, upstream: Array, kept: Any) -> Sequence[Array]:
        way, loss, inputs = ctx.call
        tensors = _saved(ctx)
        found: Sequence[Array] | None = None
        # neither recorded nor vectorized
        if not torch.is_grad_enabled() and is_eager_torch(upstream) and not in_transform():
            found = way.gradients(loss, inputs, tensors, upstream, kept)
        if not found:
            found = _of_formula(loss, inputs, tensors, way.positions, upstream)
        return found

    return Recomputed


def _of_formula(
    loss: Formula, inputs: Inputs, tensors: tuple[Array, ...], positions: tuple[int, ...], upstream: Array
) -> tuple[Array, ...]:
    """The gradients that torch derives from the formula, themselves recorded where a gradient is."""
    torch: Any = sys.modules["torch"]
    with torch.enable_grad():
        # Of views, for a tensor's hooks are not to see this gradient on the way.
        views = [x if x is None else x.view_as(x) for x in tensors]
        value = direct.run(loss, _with_tensors(inputs, tuple(views)))
    sources = [views[k] for k in positions]
    found: tuple[Array, ...] = torch.autograd.grad(value, sources, upstream, create_graph=torch.is_grad_enabled())
    return found


def derive_by_formula(result: Array, loss: Formula, inputs: Inputs) -> None:
    """Derive the gradient from the formula where it is itself recorded; `result` is one kernel of the first array."""
    result.grad_fn.register_hook(_ByFormula(loss, inputs))


class _ByFormula:
    """What a node of torch calls with the gradients that it has computed, and those that it was given."""

    __slots__ = ("_inputs", "_loss")

    def __init__(self, loss: Formula, inputs: Inputs) -> None:
        self._loss, self._inputs = loss, inputs

    def __call__(
        self, gradients: tuple[Array | None, ...], upstreams: tuple[Array | None, ...]
    ) -> tuple[Array | None, ...] | None:
        torch: Any = sys.modules["torch"]
        first, inputs = gradients[0], self._inputs
        if not torch._C._autograd._get_current_graph_task_keep_graph():
            self._inputs = _without_tensors(inputs)  # as the node keeps none for another gradient
        # There is none to replace where the result has none, as behind a function that has none.
        if first is None or not torch.is_grad_enabled():
            return None
        return (self._gradient(inputs, *upstreams), *gradients[1:])

    @autocast.without
    def _gradient(self, inputs: Inputs, upstream: Array) -> Array:
        return _of_formula(self._loss, inputs, inputs.arrays, (0,), upstream)[0]
