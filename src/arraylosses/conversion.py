"""Arrays from one library to another."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, overload

import numpy as np

from ._array_api import (
    Array,
    as_array,
    is_array,
    joined,
    library_of,
    namespace_of,
    tracks_gradient,
    untraced,
)
from ._array_api import to_numpy as numpy_of
from ._nested import is_nested
from .arguments import in_short
from .gradients import Open, WithSettings, callable_of

__all__ = ["convert", "mixed", "to_numpy"]

P = ParamSpec("P")


def convert(x: Array, /, *, like: Array, detach: bool = False) -> Array:
    """Return `x` as an array of the library and on the device of another array.

    Parameters
    ----------
    x : array
        An array of any library, of any dtype.
    like : array
        An array of the library and on the device that are wanted. Its shape and dtype do not matter.
    detach : bool, default False
        Whether a tensor that has a gradient may leave its library, and its gradient with it.

    Returns
    -------
    array
        The values of `x`, in its dtype; bfloat16 and floating dtypes of eight bits, which NumPy lacks, become float32
        there. The memory is shared where both libraries speak DLPack on one device, so neither side should then be
        written to; otherwise it is a copy. Within one library `x` is moved to the device, if it is not there, and keeps
        its gradient.

    Raises
    ------
    TypeError
        If either is no array, or `x` has a gradient that would be lost, or is traced and has no values.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.convert(np.asarray([1.0, 2.0]), like=np.zeros(3)).tolist()
    [1.0, 2.0]
    """
    for name, value in (("x", x), ("like", like)):
        if not is_array(value):
            raise TypeError(f"`{name}` must be an array, got {in_short(value)}")
    if joined(namespace_of(x), namespace_of(like)) is None:
        _require_values("x", x, detach)
    return as_array(x, like=like)


def to_numpy(x: Array, /, *, detach: bool = False) -> np.ndarray[Any, Any]:
    """Return the values of an array of any library as an array of NumPy, from whatever device.

    Parameters
    ----------
    x : array
        An array of any library. A lazy one is computed.
    detach : bool, default False
        Whether a tensor that has a gradient may leave its library, and its gradient with it.

    Returns
    -------
    numpy.ndarray
        Of the dtype of `x`; bfloat16 and floating dtypes of eight bits, which NumPy lacks, become float32. The memory
        may be that of `x`.

    Raises
    ------
    TypeError
        If `x` is no array, or has a gradient that would be lost, or is traced and has no values.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.to_numpy(np.asarray([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    if not is_array(x):
        raise TypeError(f"`x` must be an array, got {in_short(x)}")
    _require_values("x", x, detach)
    return numpy_of(x)


@overload
def mixed(loss: WithSettings) -> Open[Array]: ...
@overload
def mixed(loss: Callable[P, Array]) -> Callable[P, Array]: ...
def mixed(loss: Any) -> Callable[..., Array]:
    """Return a loss whose other arguments may be of other libraries than the prediction, and follow it.

    Without it, arrays of two libraries in one call are an error: nothing moves by itself.

    Parameters
    ----------
    loss : callable or str
        A loss, as an instance, a class, a function form or a registered name.

    Returns
    -------
    callable
        It takes the arguments of `loss`. The first array, or the first of the nested arrays, is the prediction; all
        others, `weight` and `where` included, are converted to its library and device, as `convert` does it.
        `value_and_grad` takes it as it takes `loss`.

    Raises
    ------
    TypeError
        If `loss` is none, or an array that has a gradient would leave its library.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> import array_api_compat.numpy as xp
    >>> logits, labels = xp.asarray([[2.0, 0.0], [0.0, 1.0]]), np.asarray([0, 1])
    >>> round(float(al.mixed(al.cross_entropy)(logits, labels)), 6)
    0.220095
    """
    call = callable_of(loss)

    def following(*arrays: Any, **named: Any) -> Array:
        like = next(iter(_arrays_in((*arrays, *named.values()))), None)
        if like is None:
            raise TypeError(f"`loss` must be given an array for the prediction, got {in_short(arrays)}")
        return call(
            *[_like(f"argument {k}", x, like) for k, x in enumerate(arrays)],
            **{name: _like(name, x, like) for name, x in named.items()},
        )

    return functools.update_wrapper(following, call, assigned=("__name__", "__doc__"), updated=())


def _arrays_in(x: Any) -> list[Array]:
    if is_nested(x):
        return [array for part in (x.values() if isinstance(x, dict) else x) for array in _arrays_in(part)]
    return [x] if is_array(x) else []


def _like(name: str, x: Any, like: Array) -> Any:
    """Return `x` with each array in it converted; what is no array as it is."""
    if isinstance(x, dict):
        return {key: _like(f"{name}[{key!r}]", part, like) for key, part in x.items()}
    if isinstance(x, list | tuple):
        return [_like(f"{name}[{k}]", part, like) for k, part in enumerate(x)]
    if not is_array(x):
        return x
    if joined(namespace_of(x), namespace_of(like)) is None:
        _require_values(name, x, detach=False)
    return as_array(x, like=like)


def _require_values(name: str, x: Array, detach: bool) -> None:
    """Refuse an array without values, and one whose gradient would be lost."""
    found = tracks_gradient(x)
    if found == "traced":
        of = library_of(untraced(namespace_of(x)))
        raise TypeError(
            f"`{name}` must hold values to leave its library, got a traced array of {of}; convert it before"
        )
    if found and not detach:
        raise TypeError(
            f"`{name}` has a gradient, which would be lost with its library; al.convert(x, like=y, detach=True) or "
            "x.detach() says that it may be"
        )
