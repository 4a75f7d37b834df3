"""A look at the values of arrays that hold them: see `holds_values`.

NumPy's reductions take less to call than torch's, and than the methods of its own arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._array_api import Array, dtype_kind, is_eager_numpy

__all__ = ["least", "least_and_most", "lie_below"]

_NUMPY_ARRAYS = (np.ndarray, np.generic)
_UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def least(x: Array) -> float:
    """Return the smallest of numbers, of which there are some and whose values can be looked at."""
    return float(np.minimum.reduce(_on_numpy(x), None))


def least_and_most(x: Array) -> tuple[float, float]:
    """Return the smallest and the largest of such numbers."""
    x = _on_numpy(x)
    return float(np.minimum.reduce(x, None)), float(np.maximum.reduce(x, None))


def _on_numpy(x: Array) -> Any:
    """Return a view of an array whose values can be looked at: a reduction of NumPy takes less to call than torch's."""
    if isinstance(x, _NUMPY_ARRAYS):
        return x
    return x.numpy(force=True) if dtype_kind(x.dtype) != "half" else x.detach().float().numpy()


def lie_below(x: Array, bound: int) -> bool:
    """Whether signed integers, of which there are some and whose values can be looked at, lie in [0, bound)."""
    x = _on_numpy(x)
    if is_eager_numpy(x):
        unsigned = np.maximum.reduce(x.view(_UNSIGNED[x.itemsize]), None)  # a negative one is beyond every bound
        return bool(unsigned < bound)
    return bool(x.min() >= 0) and bool(x.max() < bound)
