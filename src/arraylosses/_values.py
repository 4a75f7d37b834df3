"""A look at the values of arrays that hold them: see `holds_values`.

NumPy takes less to call than torch. Of few numbers the place of the largest tells it sooner than a reduction does,
which takes ten times as long where another library has used the processor's caches since.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ._array_api import NUMPY_ARRAYS, Array, holds_values, in_transform, is_eager_numpy, is_torch

__all__ = ["FEW", "holds_negative", "least_and_most", "lie_below", "lie_within"]

FEW = 1 << 12
"""Numbers of which short calls of NumPy take less than its reductions: a place in the place of a largest number, or a
product with ones in that of a sum, which it does not divide among threads up to there."""

_FIRST = 16
_FOR_THREADS = 1 << 15  # elements that torch divides among its threads, which are awake then for what comes next


def least_and_most(x: Array) -> tuple[float, float]:
    """Return the smallest and the largest of numbers, of which there are some and whose values can be looked at."""
    view = _on_numpy(x)
    if view is None:
        least, most = x.detach().aminmax()
        return float(least), float(most)
    if view.size <= FEW:
        return view.item(view.argmin()), view.item(view.argmax())
    return float(np.minimum.reduce(view, None)), float(np.maximum.reduce(view, None))


def lie_within(x: Array, most: float) -> bool:
    """Whether one look shows that numbers lie from 0 to `most`; False where it takes another, or none is possible."""
    if isinstance(x, NUMPY_ARRAYS):
        view: Any = x
    elif not holds_values(x):
        return False
    elif x.numel() >= _FOR_THREADS and x.is_floating_point():
        least, highest = x.detach().aminmax()
        return bool(least.item() >= 0.0 and highest.item() <= most)
    else:
        view = _on_numpy(x)
    if view is None or view.dtype.kind != "f" or not view.size:
        return False
    # From 0 on, floating numbers have the order of their bits, which those below 0 and NaN are beyond; -0 is, too.
    return bool(_most(view.view(_unsigned(view.dtype))) <= _bits(most, view.dtype))


def _most(view: Any) -> Any:
    return view.item(view.argmax()) if view.size <= FEW else np.maximum.reduce(view, None)


@functools.lru_cache(64)
def _bits(number: float, dtype: Any) -> int:
    return int(np.asarray(number, dtype=dtype).view(_unsigned(dtype)))


@functools.lru_cache(64)
def _unsigned(dtype: Any) -> Any:
    """Return the unsigned integers of the same size and byte order, which NumPy's dtypes have either of."""
    return np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")


def holds_negative(x: Array) -> bool:
    """Whether any of such numbers is below 0: a few of them tell, as a rule."""
    view = _on_numpy(x)
    if view is None:
        return bool(x.detach().min() < 0)
    for k in range(min(_FIRST, view.size)):
        if view.item(k) < 0:
            return True
    return bool(np.minimum.reduce(view, None) < 0)


def _on_numpy(x: Array) -> Any:
    """Return a view of an array; None of a tensor within a transform, or that NumPy has no dtype for."""
    if isinstance(x, NUMPY_ARRAYS):
        return x
    if in_transform():
        return None
    try:
        return x.numpy(force=True)
    except TypeError:
        return None


def lie_below(x: Array, bound: int) -> bool:
    """Whether signed integers, of which there are some and whose values can be looked at, lie in [0, bound)."""
    if is_eager_numpy(x):
        # As an unsigned number, a negative one is beyond every bound.
        return bool(_most(x.view(_unsigned(x.dtype))) < bound)
    least, most = x.aminmax() if is_torch(x) else (x.min(), x.max())
    return bool(least.item() >= 0 and most.item() < bound)
