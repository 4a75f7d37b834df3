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
from . import direct
from .direct import FIRST, Wanted

__all__ = ["fits", "run", "run_with_derivatives"]


@functools.cache
def most() -> int:
    """Return the elements of an array up to which it is small.

    NumPy has no vector instructions for some functions, of which log1p is one, on a processor without AVX-512.
    """
    found = np.lib.introspect.opt_func_info(func_name="^log1p$", signature="ff")
    current = found.get("log1p", {}).get("ff", {}).get("current", "baseline")
    return 1 << 11 if current.startswith("baseline") else 1 << 14


def fits(loss: Formula, inputs: Inputs) -> bool:
    """Whether checked inputs of torch, whose values can be looked at, are small."""
    if not loss.any_library or loss.array_settings or inputs.dtype not in _dtypes():
        return False
    largest = most()
    for x in inputs.arrays:
        if x.numel() > largest or (x.dtype is not inputs.dtype and x.is_floating_point()):
            return False
    return inputs.weight is None or inputs.weight.dtype is inputs.dtype


def run(loss: Formula, inputs: Inputs) -> Array:
    """Compute `loss` on checked inputs."""
    with np.errstate(all="ignore"):
        return _tensor(direct.run(loss, _of_numpy(inputs)))


def run_with_derivatives(
    loss: Formula, inputs: Inputs, wanted: Wanted = FIRST, upstream: Array | None = None
) -> tuple[Array, ...] | None:
    """Compute `loss` and the derivatives that are wanted, times `upstream`, as in `direct`."""
    factor = None if upstream is None else _array(upstream)
    with np.errstate(all="ignore"):
        found = direct.run_with_derivatives(loss, _of_numpy(inputs), wanted, factor)
    return found and tuple([_tensor(x) for x in found])


@functools.cache
def _dtypes() -> dict[Any, Any]:
    torch: Any = sys.modules["torch"]
    return {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}


def _of_numpy(inputs: Inputs) -> Inputs:
    """Return the same arguments as NumPy's arrays."""
    arrays, mask = tuple([_array(x) for x in inputs.arrays]), inputs.mask
    weight = None if inputs.weight is None else _array(inputs.weight)
    where = None if inputs.where is None else _array(inputs.where)
    if mask is not None:
        mask = mask._replace(values=_array(mask.values))
    return Inputs(
        numpy_namespace, arrays, _dtypes()[inputs.dtype], *inputs[3:6], weight, where, None, mask, inputs.as_given
    )


def _array(x: Array) -> Any:
    """Return a view of a tensor, whether or not it has a gradient."""
    return x.numpy(force=True)


def _tensor(x: Any) -> Array:
    torch: Any = sys.modules["torch"]
    # A view may be one of the inputs.
    return torch.from_numpy(x if type(x) is np.ndarray and x.base is None else np.array(x))
