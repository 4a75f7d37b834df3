"""A look at the values of arrays that hold them: see `holds_values`.

NumPy's reductions take less to call than torch's, and than the methods of its own arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._array_api import NUMPY_ARRAYS, Array, dtype_name, in_transform, is_eager_numpy

__all__ = ["holds_negative", "least", "least_and_most", "lie_below"]

_FEW = 16
_UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def least(x: Array) -> float:
    """Return the smallest of numbers, of which there are some and whose values can be looked at."""
    view = _on_numpy(x)
    return float(x.detach().min()) if view is None else float(np.minimum.reduce(view, None))


def least_and_most(x: Array) -> tuple[float, float]:
    """Return the smallest and the largest of such numbers."""
    view = _on_numpy(x)
    if view is None:
        least, most = x.detach().aminmax()
        return float(least), float(most)
    return float(np.minimum.reduce(view, None)), float(np.maximum.reduce(view, None))


def holds_negative(x: Array) -> bool:
    """Whether any of such numbers is below 0: a few of them tell, as a rule."""
    view = _on_numpy(x)
    if view is not None and np.minimum.reduce(view.flat[:_FEW]) < 0:
        return True
    return least(x) < 0


def _on_numpy(x: Array) -> Any:
    """Return a view of an array; None of a tensor within a transform, or that NumPy has no dtype for."""
    if isinstance(x, NUMPY_ARRAYS):
        return x
    return None if in_transform() or dtype_name(x.dtype) == "bfloat16" else x.numpy(force=True)


def lie_below(x: Array, bound: int) -> bool:
    """Whether signed integers, of which there are some and whose values can be looked at, lie in [0, bound)."""
    view = _on_numpy(x)
    if is_eager_numpy(view):
        unsigned = np.maximum.reduce(view.view(_UNSIGNED[view.itemsize]), None)  # a negative one is beyond every bound
        return bool(unsigned < bound)
    return bool(x.min() >= 0) and bool(x.max() < bound)
