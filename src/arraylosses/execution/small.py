"""Small tensors on the CPU, computed by NumPy on the same memory.

An operation of NumPy takes a third of the time that one of torch takes, where it has little to compute.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from .._array_api import Array, numpy_namespace
from ..arguments import Inputs
from ..formula import Formula
from ..numerics import reductions
from . import direct
from .direct import FIRST, Wanted

__all__ = ["Small", "fits"]


@functools.cache
def most() -> int:
    """Return the elements of an array up to which it is small.

    NumPy has no vector instructions for some functions, of which log1p is one, on a processor without AVX-512.
    """
    found = np.lib.introspect.opt_func_info(func_name="^log1p$")
    current = found.get("log1p", {}).get("ff", {}).get("current", "baseline")
    return 1 << 11 if current.startswith("baseline") else 1 << 16


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether checked inputs of torch, whose values can be looked at, are small."""
    if not loss.any_library or loss.array_settings or inputs.dtype not in _dtypes():
        return False
    largest = most()
    for x in inputs.arrays:
        if x.numel() > largest or (x.dtype is not inputs.dtype and x.is_floating_point()):
            return False
    return inputs.weight is None or inputs.weight.dtype is inputs.dtype


class Small:
    """How the calls of a kind go, with what they have in common: arguments of NumPy without the arrays, and the mean.

    There is none where the call itself has weights, or arrays are to be converted.
    """

    __slots__ = ("_common",)

    def __init__(self, loss: Formula, inputs: Inputs) -> None:
        divisor = direct.common_divisor(loss, inputs)
        self._common = None
        if divisor is not None:
            self._common = direct.Checked(_of_numpy(inputs._replace(arrays=()))), _Mean(inputs, divisor)

    def run(self, loss: Formula, inputs: Inputs) -> Array:
        """Compute `loss` on checked inputs."""
        with np.errstate(all="ignore"):
            if self._common is not None:
                common, mean = self._common
                arrays = _views(inputs.arrays)
                if loss.item_weight(*arrays) is None:
                    return mean.of(common.evaluate(loss, arrays)[0])
            return _tensor(direct.run(loss, _of_numpy(inputs)))

    def run_with_derivatives(
        self, loss: Formula, inputs: Inputs, wanted: Wanted = FIRST, upstream: Array | None = None
    ) -> tuple[Array, ...] | None:
        """Compute `loss` and the derivatives that are wanted, times `upstream`, as in `direct`."""
        with np.errstate(all="ignore"):
            if self._common is not None and upstream is None:
                common, mean = self._common
                arrays = _views(inputs.arrays)
                if loss.item_weight(*arrays) is None:
                    items, derivatives = common.evaluate(loss, arrays, wanted)
                    if derivatives is None:
                        return None
                    return mean.of(items), *[_tensor(x * mean.share) for x in derivatives]
            factor = None if upstream is None else _view(upstream)
            found = direct.run_with_derivatives(loss, _of_numpy(inputs), wanted, factor)
        return found and tuple([_tensor(x) for x in found])


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


def _view(x: Array) -> Any:
    """Return a view of a tensor, whether or not it has a gradient."""
    return x.numpy(force=True)


def _views(arrays: tuple[Array, ...]) -> tuple[Any, ...]:
    return tuple([_view(x) for x in arrays])


def _tensor(x: Any) -> Array:
    torch: Any = sys.modules["torch"]
    # A view may be one of the inputs.
    return torch.from_numpy(x if type(x) is np.ndarray and x.base is None else np.array(x))
