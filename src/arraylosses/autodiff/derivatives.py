"""What the tape is for: the gradient of a function, and the pullback of one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, backend_of, dtype_kind, dtype_name, in_chunks_of, library_of, namespace_of
from .._nested import by_arrays, is_nested
from ..arguments import as_dtype
from .array import TracedArray, plain
from .namespace import TracedNamespace, traced_namespace
from .tape import COUNTER, Node, backward

__all__ = ["grad", "stop_gradient", "value_and_grad", "vjp"]


def value_and_grad(f: Callable[..., Array], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Array, Any]]:
    """Return a function that computes `f` and its gradient.

    Parameters
    ----------
    f : callable
        A function of arrays, and of anything else, that returns an array of shape (). It is written against the
        namespace of its arguments.
    argnums : int or sequence of int, default 0
        The positional arguments that the gradient is taken with respect to: floating arrays of one library, or nested
        dicts, lists and tuples of them.

    Returns
    -------
    callable
        It takes the arguments of `f` and returns the value and the gradient: an array of the library, dtype, shape and
        device of the argument, in a structure like the argument's, or a tuple of them for a sequence of `argnums`.

    Raises
    ------
    TypeError
        When called, if an argument that the gradient is taken with respect to is no floating array, or `f` does not
        return an array.
    ValueError
        When called, if the result does not have shape ().

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses import autodiff
    >>> def f(x, y):
    ...     xp = al.array_namespace(x, y)
    ...     return xp.sum(xp.log1p(x) * y)
    >>> value, (by_x, by_y) = autodiff.value_and_grad(f, (0, 1))(np.asarray([1.0, 3.0]), np.asarray([2.0, 4.0]))
    >>> by_x.tolist()
    [1.0, 1.0]
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Array, Any]:
        if any(-len(args) <= k < len(args) and is_nested(args[k]) for k in positions):
            of_arrays, parts, restored = by_arrays(f, args, positions)
            value, found = value_and_grad(of_arrays, range(len(parts)))(*parts, **kwargs)
            gradients = restored(found)
            return value, gradients[0] if isinstance(argnums, int) else gradients
        space, arrays, leaves, level = _leaves(args, positions)
        traced = list(args)
        for k, x, leaf in zip(positions, arrays, leaves, strict=True):
            traced[k] = space._array_type(x, leaf, level, space)
        value, node = _untraced(f(*traced, **kwargs), level)
        if tuple(value.shape) != ():
            raise ValueError(
                f"`f` must return an array of shape () to have a gradient, got shape {tuple(value.shape)}; reduce it, "
                "as in xp.sum(...), or use vjp for the derivative along a cotangent"
            )
        pending = [] if node is None else [node]
        del node, traced  # so that `backward` holds the only reference, and frees as it goes
        gradients = _pull_back(space, pending, space.ones_like(value), arrays, leaves)
        return value, gradients[0] if isinstance(argnums, int) else gradients

    return value_and_gradient


def grad(f: Callable[..., Array], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`: `value_and_grad` without the value.

    For a function whose results each depend on one element, the gradient of its sum is its derivative, element by
    element; and so again for the second derivative.

    Parameters
    ----------
    f : callable
        A function that returns an array of shape ().
    argnums : int or sequence of int, default 0
        The positional arguments that the gradient is taken with respect to.

    Returns
    -------
    callable
        It takes the arguments of `f`, and can itself be differentiated.

    Raises
    ------
    TypeError, ValueError
        As `value_and_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import autodiff
    >>> first = autodiff.grad(lambda x: (x**3).__array_namespace__().sum(x**3))
    >>> first(np.asarray([1.0, 2.0])).tolist()
    [3.0, 12.0]
    >>> second = autodiff.grad(lambda x: x.__array_namespace__().sum(first(x)))
    >>> second(np.asarray([1.0, 2.0])).tolist()
    [6.0, 12.0]
    """
    both = value_and_grad(f, argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def vjp(f: Callable[..., Array], *arrays: Array) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
    """Compute `f`, and return with it the pullback of cotangents.

    Parameters
    ----------
    f : callable
        A function of the arrays that returns an array of any shape.
    *arrays : array
        Floating arrays of one library.

    Returns
    -------
    value : array
        ``f(*arrays)``.
    pullback : callable
        It takes a cotangent c of the value's shape and returns, for each of `arrays`, the gradient of the sum of c
        times the value. It can be called any number of times.

    Raises
    ------
    TypeError
        If an argument is no floating array, or `f` does not return one.
    ValueError
        From the pullback, if the cotangent does not have the value's shape.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import autodiff
    >>> value, pullback = autodiff.vjp(lambda x, y: x * y, np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0]))
    >>> [g.tolist() for g in pullback(np.asarray([1.0, 10.0]))]
    [[3.0, 40.0], [1.0, 20.0]]
    """
    space, arrays, leaves, level = _leaves(arrays, tuple(range(len(arrays))))
    value, node = _untraced(
        f(*(space._array_type(x, n, level, space) for x, n in zip(arrays, leaves, strict=True))), level
    )

    def pullback(cotangent: Array) -> tuple[Array, ...]:
        if namespace_of(cotangent) is None or tuple(cotangent.shape) != tuple(value.shape):
            raise ValueError(
                f"`cotangent` must be an array of the value's shape {tuple(value.shape)}, got "
                f"{getattr(cotangent, 'shape', type(cotangent).__name__)}"
            )
        if cotangent.dtype != value.dtype:
            cotangent = space.astype(cotangent, value.dtype)
        return _pull_back(space, [] if node is None else [node], cotangent, arrays, leaves)

    return value, pullback


def stop_gradient(x: Array) -> Array:
    """Return the values of an array as a constant: what is computed of it has no derivative by what it came from.

    Parameters
    ----------
    x : array
        An array of any library: a traced one, or one that torch or JAX differentiates.

    Returns
    -------
    array
        The library's own array.

    Raises
    ------
    TypeError
        If `x` is no array.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import autodiff
    >>> def f(x):
    ...     scale = float(autodiff.stop_gradient(x.max()))
    ...     return (x / scale).sum()
    >>> autodiff.grad(f)(np.asarray([1.0, 4.0])).tolist()
    [0.25, 0.25]
    """
    x = plain(x)
    library = namespace_of(x)
    if library is None:
        raise TypeError(f"`x` must be an array, got {type(x).__name__}")
    backend = backend_of(library)
    if backend == "torch":
        return x.detach()
    return sys.modules["jax"].lax.stop_gradient(x) if backend == "jax" else x


def _leaves(
    args: Sequence[Any], positions: tuple[int, ...]
) -> tuple[TracedNamespace, tuple[Array, ...], list[Node], int]:
    """Return the arrays at `positions`, a place on the tape for each, and a new level."""
    arrays = []
    space: Any = None
    for k in positions:
        if not -len(args) <= k < len(args):
            raise ValueError(f"`argnums` must lie in [0, {len(args)}) for {len(args)} positional arguments, got {k}")
        x = args[k]
        library = namespace_of(plain(x))
        if library is None or dtype_kind(x.dtype) not in ("float", "half"):
            hint = "make it an array, as in np.asarray(x)"
            if library:
                hint = f"convert it, as in {as_dtype('x', library, 'float64')}"
            got = dtype_name(x.dtype) if library else type(x).__name__
            raise TypeError(f"argument {k} must be a floating array, got {got}; {hint}")
        if space is not None and space.__wrapped_namespace__ is not library:
            raise TypeError(
                f"arguments must be arrays of one library, got {library_of(space.__wrapped_namespace__)} and "
                f"{library_of(library)}; al.convert(x, like=y) moves one over"
            )
        space = traced_namespace(library)
        arrays.append(x)
    if not arrays:
        raise ValueError("`argnums` must name at least one argument")
    if len({k % len(args) for k in positions}) < len(positions):
        raise ValueError(f"`argnums` must name each argument once, got {positions}")
    return space, tuple(arrays), [Node(x, (), False, space._chunked) for x in arrays], next(COUNTER)


def _untraced(result: Any, level: int) -> tuple[Array, Node | None]:
    """Return the value of what a function returned, and its place on the tape if it has one at this level."""
    if isinstance(result, TracedArray) and result._level == level:
        return result._value, result._node
    if namespace_of(result) is None:
        raise TypeError(f"`f` must return an array, got {type(result).__name__}")
    return result, None


def _pull_back(
    space: TracedNamespace,
    pending: list[Node],
    cotangent: Array,
    arrays: Sequence[Array],
    leaves: Sequence[Node],
) -> tuple[Array, ...]:
    found = backward(space, pending, cotangent)
    gradients: list[Array] = []
    for x, leaf in zip(arrays, leaves, strict=True):
        gradients.append(_own(space, found.get(leaf), x, [cotangent, *gradients]))
    return tuple(gradients)


def _own(space: Namespace, g: Array | None, x: Array, others: list[Array]) -> Array:
    """Bring a gradient to the shape of `x`, with memory of its own: whoever asked for it may write to it."""
    if g is None:
        return space.zeros_like(x)
    if g.shape != x.shape:
        return space.zeros_like(x) + g
    if isinstance(g, np.ndarray):
        shared = any(isinstance(other, np.ndarray) and np.may_share_memory(g, other) for other in others)
        return g if g.flags.writeable and not shared else g.copy()
    return g if isinstance(g, TracedArray) else in_chunks_of(g, plain(x))
