"""How a loss and its reduction run on arrays. `losses/` knows nothing of this.

What decides is the kind of the arrays, their number of elements, and what the loss says: that it is `pure`, and which
items it `declares`. Any other loss runs straight.

| arrays | how | in |
| --- | --- | --- |
| eager JAX | straight, as one compiled program | `jitted` |
| torch, where it has a kernel for exactly this loss and is not faster in blocks | that kernel | `native` |
| eager torch on the CPU, of few elements, where a loss says how torch does these values in a few operations, or one kernel, which it records | by these | `native` |
| torch in the second stage of its compiler, where all arrays that are to have a gradient have one in closed form | straight, with that derivative | `graphs` |
| eager torch, where all arrays that are to have a gradient have one in closed form | as an autograd function | `autograd` |
| eager torch on the CPU where nothing is to have a gradient, of few elements, or of a softmax over few classes | by NumPy | `by_numpy` |
| eager NumPy, and eager torch on the CPU where nothing is to have a gradient, of more than one block | block by block | `blocks` |
| arrays of the tape, the first alone of which is traced, where there is a closed form | as one step | `taped` |
| those of a loss of projected rows, on any library with arrays that can be written to, and on JAX; of coupled items, where these are many | in chunks of rows | `projection` |
| all others: traced in another manner, lazy, small, on an accelerator without a gradient, of an unknown library | straight | `direct` |

Within torch's function transforms the straight way has the derivative in closed form too: `transformed`.
What NumPy computes straight or in blocks has the classes first where they are few, and the rows many: `few_classes`.
torch's autocast is off meanwhile: `autocast`.
"""  # noqa: E501

from __future__ import annotations

import sys
from typing import Any

from .._array_api import (
    Array,
    backend_of,
    holds_values,
    in_transform,
    is_compiling,
    is_eager_numpy,
    is_eager_torch,
    is_torch,
    untraced,
)
from ..arguments import Inputs
from ..formula import Formula
from . import autocast, autograd, blocks, by_numpy, direct, jitted, known, native, projection
from .direct import Wanted
from .settings import following

__all__ = ["Wanted", "item_weight", "jitted", "run", "run_with_derivatives", "run_with_gradients"]


def run(loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None) -> Array:
    """Compute `loss`."""
    kind = known.kind_of(loss, arrays, weight, where)
    found = None if kind is None else known.find(loss, kind, arrays, weight, where)
    if found is None:
        if autocast.is_on(*arrays):
            with autocast.off(arrays[0]):
                return run(loss, arrays, weight, where)
        if jitted.fits(loss, arrays, weight, where):
            return jitted.run(loss, arrays, weight, where)
        way, loss, inputs = _checked(loss, arrays, weight, where, kind)
    else:
        way, inputs = found
    result: Array = way.run(loss, inputs)
    return result


def run_with_derivatives(
    loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None, wanted: Wanted
) -> tuple[Array, ...] | None:
    """Compute `loss` and the derivatives that are wanted; None where one has no closed form, or torch records."""
    if not set(wanted.positions) <= set(loss.closed_forms):
        return None
    if autocast.is_on(*arrays):
        with autocast.off(arrays[0]):
            return run_with_derivatives(loss, arrays, weight, where, wanted)
    if is_torch(arrays[0]) and _is_recorded(loss, [x for x in (*arrays, weight, where) if x is not None]):
        return None
    if jitted.fits(loss, arrays, weight, where):
        return jitted.run_with_derivatives(loss, arrays, weight, where, wanted)
    kind = known.kind_of(loss, arrays, weight, where, whole=True)
    if kind is not None and (found := known.find(loss, kind, arrays, weight, where)) is not None:
        way, inputs = found
    else:
        way, loss, inputs = _checked(loss, arrays, weight, where, kind, whole=True)
    if way is blocks or isinstance(way, by_numpy.ByNumpy):
        result: tuple[Array, ...] | None = way.run_with_derivatives(loss, inputs, wanted)
        return result
    return direct.run_with_derivatives(loss, inputs, wanted)


def run_with_gradients(
    loss: Formula, arrays: tuple[Array, ...], weight: Array | None, where: Array | None, positions: tuple[int, ...]
) -> tuple[Array, ...] | None:
    """Compute `loss` and its gradients by the arrays at `positions`; None where there is no closed form."""
    if autocast.is_on(*arrays):
        with autocast.off(arrays[0]):
            return run_with_gradients(loss, arrays, weight, where, positions)
    if loss.projected is not None:
        followed, inputs = following(loss, loss.check(arrays, weight, where))
        if projection.fits(followed, inputs):
            return projection.run_with_gradients(followed, inputs, positions)
    return run_with_derivatives(loss, arrays, weight, where, Wanted(positions))


def item_weight(
    loss: Formula, arrays: tuple[Array, ...], weight: Array | None = None, where: Array | None = None
) -> Array | None:
    """Return the weight of each item, its class's included, and 0 for one that is left out; None where all are 1."""
    inputs = loss.check(arrays, weight, where)
    return direct.weight_of_targets(loss, inputs)


def _is_recorded(loss: Formula, given: list[Array]) -> bool:
    """Whether torch records what is computed of these tensors, or may do: then the gradient has one of its own."""
    torch: Any = sys.modules["torch"]
    given = [*given, *[x for name in loss.array_settings if is_torch(x := getattr(loss, name))]]
    if not is_eager_torch(*given) or in_transform():
        return True
    return torch.is_grad_enabled() and any([x.requires_grad for x in given])


def _checked(
    loss: Formula,
    arrays: tuple[Array, ...],
    weight: Array | None,
    where: Array | None,
    kind: known.Kind | None,
    *,
    whole: bool = False,
) -> tuple[Any, Formula, Inputs]:
    """Return the way of a call, the loss with its settings in the library of the arrays, and the checked arguments."""
    loss, inputs = following(loss, loss.check(arrays, weight, where))
    way = _way(loss, inputs, whole=whole)
    if kind is not None:
        known.keep(loss, kind, arrays, inputs, way, where)
    return way, loss, inputs


def _way(loss: Formula, inputs: Inputs, *, whole: bool = False) -> Any:
    """Choose; `whole` says that an array like the first one will come out."""
    if projection.fits(loss, inputs):
        return projection
    # What is not declared is not assumed: only a loss that says what its items are, and that each is its own, is split.
    if not loss.pure:
        return direct
    declaration = loss.declaration
    if not declaration.explicit or declaration.coupled:
        return direct
    backend = backend_of(inputs.xp)
    if backend not in blocks.ELEMENTS:
        if untraced(inputs.xp) is inputs.xp:
            return direct
        from . import taped  # the tape, which is there with its arrays, takes a third of the package's import time

        return taped if taped.fits(loss, inputs) else direct
    given = [x for x in (*inputs.arrays, inputs.weight, inputs.where) if x is not None]
    if backend == "numpy":
        return blocks if all(map(is_eager_numpy, given)) and blocks.fits(loss, inputs, whole=whole) else direct
    if is_compiling():
        from . import graphs  # which torch's compiler has imported by now

        return graphs if graphs.fits(loss, inputs) else direct
    if native.fits(loss, inputs):
        return native.Kernel(loss)
    if not holds_values(*given):
        return autograd.Recorded(loss, inputs) if autograd.fits(loss, inputs) else direct
    # Values and transforms of other tensors than these may be about.
    if in_transform():
        return direct
    way = _of_eager_torch(loss, inputs, whole=whole)
    return native.Few(loss, inputs, way) if not whole and native.are_few(loss, inputs) else way


def _of_eager_torch(loss: Formula, inputs: Inputs, *, whole: bool) -> Any:
    """Choose for tensors whose values can be looked at, beside what torch records by itself."""
    torch: Any = sys.modules["torch"]
    if torch.is_grad_enabled() and (tracked := autograd.tracked(loss, inputs)):
        return autograd.Recorded(loss, inputs) if all([k in loss.closed_forms for k in tracked]) else direct
    if by_numpy.fits(loss, inputs):
        return by_numpy.ByNumpy(loss, inputs)
    return blocks if blocks.fits(loss, inputs, whole=whole) else direct
