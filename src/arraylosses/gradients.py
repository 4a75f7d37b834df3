"""Gradients of a loss, or of any function of arrays, on every library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from ._array_api import Array, backend_of, dtype_kind, dtype_name, library_of, namespace_of

__all__ = ["grad", "value_and_grad"]


def value_and_grad(loss: Callable[..., Array], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Array, Any]]:
    """Return a function that computes a loss and its gradient.

    Parameters
    ----------
    loss : callable
        A loss, as class or function form, or any function of arrays that returns an array of shape ().
    argnums : int or sequence of int, default 0
        The arguments that the gradient is taken with respect to, counted from 0.

    Returns
    -------
    callable
        It takes the arguments of `loss` and returns the value and the gradient: an array in the library, dtype and
        shape and on the device of the argument, or a tuple of them for several `argnums`. torch's tensors go through
        autograd, JAX's arrays through `jax.grad`, all others through `arraylosses.autodiff`.

    Raises
    ------
    TypeError
        If an argument that the gradient is taken with respect to is no floating array.
    ValueError
        If the result does not have shape (), as with reduction "none".

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> value, gradient = al.value_and_grad(al.huber)(np.asarray([0.5, 3.0]), np.asarray([0.0, 0.0]), reduction="sum")
    >>> float(value), gradient.tolist()
    (2.625, [0.5, 1.0])
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def value_and_gradient(*arrays: Array, **settings: Any) -> tuple[Array, Any]:
        chosen = tuple(_argument(arrays, k) for k in positions)
        compute = _BY_LIBRARY.get(backend_of(namespace_of(chosen[0])), _by_tape)
        value, gradients = compute(loss, positions, arrays, settings)
        return value, gradients[0] if isinstance(argnums, int) else gradients

    return value_and_gradient


def grad(loss: Callable[..., Array], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of a loss: `value_and_grad` without the value.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.grad(al.SquaredError())(np.asarray([3.0, 0.0]), np.asarray([1.0, 0.0])).tolist()
    [2.0, 0.0]
    """
    both = value_and_grad(loss, argnums)

    def gradient(*arrays: Array, **settings: Any) -> Any:
        return both(*arrays, **settings)[1]

    return gradient


def _argument(arrays: tuple[Array, ...], k: int) -> Array:
    if not -len(arrays) <= k < len(arrays):
        raise ValueError(f"`argnums` must count from 0 to {len(arrays) - 1} for {len(arrays)} arguments, got {k}")
    x = arrays[k]
    xp = namespace_of(x)
    if xp is None or dtype_kind(x.dtype) not in ("float", "half"):
        got = type(x).__name__ if xp is None else f"an array of {library_of(xp)} of dtype {dtype_name(x.dtype)}"
        raise TypeError(f"`argnums` must choose floating arrays, but argument {k} is {got}")
    return x


def _require_scalar(value: Array) -> Array:
    if tuple(value.shape) != ():
        raise ValueError(
            f"`loss` must return one number to have a gradient, got shape {tuple(value.shape)}; choose reduction "
            "'mean' or 'sum' instead of 'none'"
        )
    return value


_Gradients = tuple[Array, tuple[Array, ...]]


def _by_torch(
    loss: Callable[..., Array], positions: tuple[int, ...], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> _Gradients:
    torch: Any = sys.modules["torch"]

    def scalar(*given: Array) -> Array:
        return _require_scalar(loss(*given, **settings))

    gradients, value = torch.func.grad_and_value(scalar, argnums=positions)(*arrays)
    return value, gradients


def _by_jax(
    loss: Callable[..., Array], positions: tuple[int, ...], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> _Gradients:
    jax: Any = sys.modules["jax"]
    value, gradients = jax.value_and_grad(lambda *given: _require_scalar(loss(*given, **settings)), argnums=positions)(
        *arrays
    )
    return value, gradients


def _by_tape(
    loss: Callable[..., Array], positions: tuple[int, ...], arrays: tuple[Array, ...], settings: dict[str, Any]
) -> _Gradients:
    from . import autodiff  # a third of the package's import time, for libraries that have no gradients of their own

    value, gradients = autodiff.value_and_grad(lambda *given: _require_scalar(loss(*given, **settings)), positions)(
        *arrays
    )
    return value, gradients


_BY_LIBRARY = {"torch": _by_torch, "jax": _by_jax}
