"""Arrays from one library to another."""

from __future__ import annotations

from ._array_api import Array, as_array, is_array

__all__ = ["convert"]


def convert(x: Array, /, *, like: Array) -> Array:
    """Return `x` as an array of the library and on the device of another array.

    Parameters
    ----------
    x : array
        An array of any library.
    like : array
        An array of the library and on the device that are wanted. Its shape and dtype do not matter.

    Returns
    -------
    array
        The values of `x`, in its dtype. The memory is shared where both libraries speak DLPack on one device, so
        neither side should then be written to; otherwise it is a copy. A gradient does not pass.

    Raises
    ------
    TypeError
        If either is no array.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.convert(np.asarray([1.0, 2.0]), like=np.zeros(3)).tolist()
    [1.0, 2.0]
    """
    for name, value in (("x", x), ("like", like)):
        if not is_array(value):
            raise TypeError(f"`{name}` must be an array, got {type(value).__name__}")
    return as_array(x, like=like)
