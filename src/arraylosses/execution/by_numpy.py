"""Small tensors on the CPU, and rows of few classes, computed by NumPy on the same memory.

An operation of NumPy takes a third of the time that one of torch takes, where it has little to compute. Along a short
last axis torch's softmax takes one number at a time, where NumPy's exponential takes the whole array.
"""

from __future__ import annotations

import copy
import functools
import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._array_api import Array, is_torch, numpy_namespace
from ..arguments import Inputs
from ..formula import Formula
from ..numerics import reductions
from . import blocks, direct
from .direct import FIRST, Wanted
from .threads import as_many_as_torch

__all__ = ["ByNumpy", "fits"]


@functools.cache
def most() -> int:
    """Return the elements of an array up to which it is small.

    NumPy has no vector instructions for some functions, of which log1p is one, on a processor without AVX-512.
    """
    found = np.lib.introspect.opt_func_info(func_name="^log1p$")
    current = found.get("log1p", {}).get("ff", {}).get("current", "baseline")
    return 1 << 11 if current.startswith("baseline") else 1 << 16


CLASSES = 1 << 6
"""Classes up to which torch's softmax along them is the slower one."""


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether checked inputs of torch, whose values can be looked at, are small, or rows of few classes."""
    if not loss.any_library or inputs.dtype not in _dtypes():
        return False
    if not all([_is_for_numpy(getattr(loss, name)) for name in loss.array_settings]):
        return False
    limit = largest(loss, inputs)
    for x in inputs.arrays:
        if x.numel() > limit or (x.dtype is not inputs.dtype and x.is_floating_point()):
            return False
    return inputs.weight is None or inputs.weight.dtype is inputs.dtype


def _is_for_numpy(setting: Any) -> bool:
    """Whether NumPy has what a setting holds."""
    if is_torch(setting):
        return bool(setting.is_cpu) and (setting.dtype in _dtypes() or not setting.is_floating_point())
    return isinstance(setting, (np.ndarray, tuple, Mapping))


def largest(loss: Formula, inputs: Inputs) -> float:
    """Return the elements of an array up to which NumPy computes a loss."""
    of_few = loss.of_softmax and inputs.layout[0] == (-1,) and inputs.arrays[0].shape[-1] <= CLASSES
    return math.inf if of_few else most()


class ByNumpy:
    """How the calls of a kind go, with what they have in common: arguments of NumPy without the arrays, and the mean.

    There is none where the call or a setting has weights, arrays are to be converted, or there are several blocks.
    """

    __slots__ = ("_common", "_way")

    def __init__(self, loss: Formula, inputs: Inputs) -> None:
        in_blocks = blocks.fits(loss, inputs._replace(xp=numpy_namespace), whole=True)
        self._way: Any = blocks if in_blocks else direct
        divisor = direct.common_divisor(loss, inputs)
        self._common = None
        if divisor is not None and not in_blocks and not loss.array_settings:
            self._common = direct.Checked(_of_numpy(inputs._replace(arrays=()))), _Mean(inputs, divisor)

    def run(self, loss: Formula, inputs: Inputs) -> Array:
        """Compute `loss` on checked inputs."""
        with np.errstate(all="ignore"):
            if self._common is not None:
                common, mean = self._common
                arrays = _views(inputs.arrays)
                if loss.item_weight(*arrays) is None:
                    return mean.of(common.evaluate(loss, arrays)[0])
            with as_many_as_torch():
                return _tensor(self._way.run(_with_settings_of_numpy(loss), _of_numpy(inputs)))

    def run_with_derivatives(self, loss: Formula, inputs: Inputs, wanted: Wanted = FIRST) -> tuple[Array, ...] | None:
        """Compute `loss` and the derivatives that are wanted, as in `direct`."""
        with np.errstate(all="ignore"):
            if self._common is not None:
                common, mean = self._common
                arrays = _views(inputs.arrays)
                if loss.item_weight(*arrays) is None:
                    items, derivatives = common.evaluate(loss, arrays, wanted)
                    if derivatives is None:
                        return None
                    return mean.of(items), *[_tensor(x * mean.share) for x in derivatives]
            with as_many_as_torch():
                found = self._way.run_with_derivatives(_with_settings_of_numpy(loss), _of_numpy(inputs), wanted)
        return found and tuple([_tensor(x) for x in found])

    def gradients(
        self, loss: Formula, inputs: Inputs, positions: tuple[int, ...], upstream: Array
    ) -> tuple[Array, ...] | None:
        """Compute the gradients alone, times `upstream`, as in `blocks`."""
        loss, given, factor = _with_settings_of_numpy(loss), _of_numpy(inputs), _view(upstream)
        with np.errstate(all="ignore"), as_many_as_torch():
            if self._way is blocks:
                found = blocks.gradients(loss, given, positions, factor) or ()
            else:
                found = (direct.run_with_derivatives(loss, given, Wanted(positions), factor) or ())[1:]
        return tuple([_tensor(x) for x in found]) or None


class _Mean:
    """The sum of per-item losses over a divisor, and the share of each in it: an array, by which a product is short."""

    __slots__ = ("_divisor", "_dtype", "share")

    def __init__(self, inputs: Inputs, divisor: float) -> None:
        self._divisor, self._dtype = divisor, inputs.dtype
        self.share = np.asarray(1.0 / divisor, _dtypes()[inputs.dtype])

    def of(self, items: Any) -> Array:
        """Return the tensor that the loss is."""
        total = reductions.reduce_sum(items)
        torch: Any = sys.modules["torch"]
        result: Array = torch.scalar_tensor(total.item() / self._divisor, dtype=self._dtype, device="cpu")
        return result


@functools.cache
def _dtypes() -> dict[Any, Any]:
    torch: Any = sys.modules["torch"]
    return {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}


def _of_numpy(inputs: Inputs) -> Inputs:
    """Return the same arguments as NumPy's arrays."""
    arrays, mask = _views(inputs.arrays), inputs.mask
    weight = None if inputs.weight is None else _view(inputs.weight)
    where = None if inputs.where is None else _view(inputs.where)
    if mask is not None:
        mask = mask._replace(values=_view(mask.values))
    return Inputs(
        numpy_namespace, arrays, _dtypes()[inputs.dtype], *inputs[3:6], weight, where, None, mask, inputs.as_given
    )


def _with_settings_of_numpy(loss: Formula) -> Formula:
    """Return the same loss with NumPy's arrays where settings hold tensors."""
    if not loss.array_settings:
        return loss
    changed = copy.copy(loss)
    for name in loss.array_settings:
        if is_torch(x := getattr(loss, name)):
            object.__setattr__(changed, name, _view(x))
    return changed


def _view(x: Array) -> Any:
    """Return a view of a tensor, whether or not it has a gradient."""
    return x.numpy(force=True)


def _views(arrays: tuple[Array, ...]) -> tuple[Any, ...]:
    return tuple([_view(x) for x in arrays])


def _tensor(x: Any) -> Array:
    torch: Any = sys.modules["torch"]
    # A view may be one of the inputs.
    return torch.from_numpy(x if type(x) is np.ndarray and x.base is None else np.array(x))
