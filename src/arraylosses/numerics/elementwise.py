"""Pieces of piecewise functions: limits, choices, signs, and their derivatives.

A case is chosen by a mask that is no part of the derivative, never by `abs` or `maximum` of the standard, whose
derivative at a tie is a compromise.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._array_api import NUMBERS, Array, Namespace, Real, array_namespace, dtype_name, untraced
from ._jax import as_jax, with_jvp_of
from ._variants import primitive


class _Limits(NamedTuple):
    """The smallest normal number of a dtype, and its largest number."""

    smallest_normal: float
    max: float


_LIMITS = {n: _Limits(float(np.finfo(n).smallest_normal), float(np.finfo(n).max)) for n in ("float32", "float64")}
_LIMITS["float16"], _LIMITS["bfloat16"] = _Limits(2.0**-14, 65504.0), _Limits(2.0**-126, 2.0**128 - 2.0**120)
_ANY = _Limits(0.0, math.inf)


def finfo(x: Array) -> _Limits:
    """The limits of the dtype of `x`."""
    return _LIMITS.get(dtype_name(x.dtype), _ANY)


def root_eps(x: Array) -> float:
    """A number whose square is of the order of the rounding in the dtype of `x`."""
    return 2.0**-26 if dtype_name(x.dtype) == "float64" else 2.0**-11


def _where_numpy(numpy: Any, condition: Array, x: Any, y: Any) -> Array:
    """NumPy's `where`, in a tenth of the time it takes where the condition can't be predicted.

    The result is y ^ ((x ^ y) & mask), bit by bit; the mask of an element is all ones or all zeros. So nothing of the
    other side gets through, be it NaN.
    """
    if condition.size < 4096:
        return numpy.where(condition, x, y)
    like = y if isinstance(x, NUMBERS) else x
    integer = {"float32": numpy.int32, "float64": numpy.int64}.get(str(getattr(like, "dtype", "")))
    if integer is None or not all(isinstance(v, NUMBERS) or v.dtype == like.dtype for v in (x, y)):
        return numpy.where(condition, x, y)
    chosen, other = (numpy.asarray(v, dtype=like.dtype).view(integer) for v in (x, y))
    if numpy.broadcast_shapes(condition.shape, chosen.shape, other.shape) != condition.shape:
        return numpy.where(condition, x, y)
    mask = condition.astype(integer)
    if not chosen.ndim and not chosen:
        mask -= 1
        mask &= other
    else:
        numpy.negative(mask, out=mask)
        mask &= chosen ^ other if other.ndim or other else chosen
        mask ^= other
    return mask.view(like.dtype)


@primitive(arrays=3, numpy=_where_numpy, unwrapped=("torch", "dask"))
def where(xp: Namespace, condition: Array, x: Array | float, y: Array | float, /) -> Array:
    """Choose elements from `x` or `y`. Either may be a number, as in the standard since 2024.

    Parameters
    ----------
    condition : array of bool
        Where True, take from `x`, elsewhere from `y`.
    x, y : array or float
        What is chosen from. They broadcast to each other and to `condition`.

    Returns
    -------
    array
        The chosen elements. Nothing of the other array gets through, in the derivative neither, unless it is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.where(np.asarray([True, False]), np.asarray([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    return xp.where(condition, x, y)


def _bound(bound: Any, x: Array) -> Any:
    """A bound, or infinity for a number that the dtype of `x` has not: torch refuses that, and NumPy warns."""
    if isinstance(bound, NUMBERS) and not abs(bound) <= finfo(x).max:
        return math.copysign(math.inf, bound)
    return bound


def _clip_numpy(_: Any, x: Array, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    # With one bound NumPy's clip is its maximum, which takes three times as long with a number as clip does.
    return x.clip(-math.inf if min is None else _bound(min, x), math.inf if max is None else _bound(max, x))


def _clip_jax(jax: Any, x: Array, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    jnp = jax.numpy
    return with_jvp_of(
        lambda _, x, low, high: jnp.where(x < low, low, jnp.where(x > high, high, x)),
        # A minimum of a maximum becomes an operation of its own, which XLA fuses with no sum that follows.
        lambda x, low, high: -jnp.maximum(-jnp.maximum(x, low), -high),
        x,
        -math.inf if min is None else _bound(min, x),
        math.inf if max is None else _bound(max, x),
    )


@primitive(numpy=_clip_numpy, jax=_clip_jax, unwrapped=("torch", "dask"))
def clip(xp: Namespace, x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    """Limit the elements of `x` to a range, with a derivative of 1 at either bound; JAX's own has 1/2 there.

    Parameters
    ----------
    x : array
        Floating.
    min, max : float or array, optional
        The bounds; None for no bound. A number beyond the range of the dtype of `x` is none.

    Returns
    -------
    array
        ``min(max(x, low), high)``, and NaN where `x` is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.clip(np.asarray([-2.0, 0.5, 2.0]), -1.0, 1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    bounds = [b for b in (min, max) if b is not None and not isinstance(b, NUMBERS)]
    if bounds and (space := array_namespace(x, *bounds)) is not array_namespace(x):  # a bound is traced, x is not
        xp = space
    low = -math.inf if min is None and max is None else min  # without any, torch refuses
    if len(bounds) == 1 and min is not None and max is not None:  # torch takes two arrays or two numbers
        return clip(clip(x, min), None, max)
    return xp.clip(x, _bound(low, x), _bound(max, x))


def _clip_derivative_in_place(library: Any, x: Array, low: Real | None, high: Real | None) -> Array:
    limits = ((library.greater_equal, low), (library.less_equal, high))
    found = [holds(x, limit, out=library.empty_like(x)) for holds, limit in limits if limit is not None]
    return found[0] if len(found) == 1 else library.multiply(*found, out=found[0])


@primitive(in_place=_clip_derivative_in_place)
def clip_derivative(xp: Namespace, x: Array, low: Real | None, high: Real | None) -> Array:
    """The derivative of `clip`: 1 from `low` to `high`, the ends included, and 0 beyond."""
    bounds = [x >= low] if low is not None else []
    bounds += [x <= high] if high is not None else []
    return xp.astype(bounds[0] if len(bounds) == 1 else xp.logical_and(*bounds), x.dtype)


# XLA takes the square of x times a constant for x² times the square of that, and x / y / y for x / y², which may be out
# of range. A maximum that changes nothing is no such product.
@primitive(jax=lambda jax, x, divisor: jax.numpy.maximum(x / divisor, -finfo(x).max))
def quotient(xp: Namespace, x: Array, divisor: Any) -> Array:
    """x / divisor, to be squared, or divided once more."""
    return x / divisor


# JAX's own derivative by the divisor has its square, which is out of range long before the divisor is.
def _divide_jax(jax: Any, x: Array, divisor: Any) -> Any:
    if isinstance(divisor, NUMBERS):
        return None
    function = jax.custom_jvp(lambda *arrays: jax.numpy.divide(*as_jax(arrays)))

    @function.defjvp  # type: ignore[untyped-decorator]
    def rule(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Any, Any]:
        ratio = function(*primals)
        return ratio, (tangents[0] - ratio * tangents[1]) / primals[1]

    return function(x, divisor)


@primitive(arrays=2, jax=_divide_jax)
def divide(xp: Namespace, x: Array, divisor: Any) -> Array:
    """x / divisor, with a derivative by a divisor of any size."""
    return x / divisor


def at_least_smallest_normal(x: Array) -> Array:
    """Raise `x` to the smallest normal number of its dtype, to be divided by."""
    return clip(x, finfo(x).smallest_normal)


def at_least_lowest(x: Array) -> Array:
    """Raise -infinity to the lowest finite number."""
    return clip(x, -finfo(x).max)


# What gives `relu` and `absolute` their derivatives on JAX would do as their value, but XLA fuses it with no sum. Of a
# maximum that it fuses with one, it takes max(NaN, 0) on the CPU for 0: the sign keeps NaN.
@primitive(
    numpy=lambda _, x: x.clip(0.0, math.inf),
    torch=lambda torch, x: torch.relu(x),
    jax=lambda jax, x: with_jvp_of(
        lambda y, x: jax.numpy.where(y <= 0, 0.0, x), lambda x: jax.numpy.maximum(x, 0.0) + 0.0 * jax.numpy.sign(x), x
    ),
)
def relu(xp: Namespace, x: Array, /) -> Array:
    """Rectified linear unit, max(x, 0), with a derivative of 0 at 0.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        `x` where it is positive, else 0.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.relu(np.asarray([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    return xp.where(x <= 0, 0.0, x)


# torch's compiler would keep a comparison for the backward pass, and write it element by element.
@primitive(
    in_place=lambda library, x: library.greater(x, 0.0, out=library.empty_like(x)),
    torch=lambda torch, x: torch.relu(torch.sign(x)),
)
def heaviside(xp: Namespace, x: Array, /) -> Array:
    """Heaviside step function, the derivative of `relu`.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        1 where `x` is positive, else 0, in the dtype of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.heaviside(np.asarray([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    return xp.astype(x > 0, x.dtype)


@primitive(jax=lambda jax, x: with_jvp_of(lambda _, x: x * jax.numpy.sign(x), jax.numpy.abs, x))
def absolute(xp: Namespace, x: Array, /) -> Array:
    """Absolute value, with a derivative of 0 at 0; JAX's own has 1 there.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        ``abs(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.absolute(np.asarray([-1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    return xp.abs(x)


def _sign_in_place(library: Any, x: Array) -> Array:
    # A multiple of x, which is limited: NumPy's own takes twice as long, and torch's is 0 for NaN.
    factor = _LARGE[dtype_name(x.dtype)]
    with np.errstate(over="ignore"):
        result = library.multiply(x, factor)
        result *= factor
    return library.clip(result, -1.0, 1.0, out=result)


# Twice as a factor, these make the smallest number larger than 1.
_LARGE = {"float16": 2.0**13, "bfloat16": 2.0**100, "float32": 2.0**126, "float64": 2.0**1000}


# torch's own sign of NaN is 0, and the wrapper's writes where a mask says, which no transform takes.
@primitive(in_place=_sign_in_place, torch=lambda torch, x: torch.where(x != x, x, torch.sign(x)))
def sign(xp: Namespace, x: Array, /) -> Array:
    """Sign, the derivative of `absolute`.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        -1 below 0, 0 at 0, 1 above, and NaN for NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.sign(np.asarray([-3.0, 0.0, 2.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    return xp.sign(x)


@primitive(torch=lambda _, x: x.detach(), jax=lambda jax, x: jax.lax.stop_gradient(x))
def stop_gradient(xp: Namespace, x: Array, /) -> Array:
    """Take `x` as a constant, which has no derivative.

    Parameters
    ----------
    x : array
        Of any dtype where nothing is traced, else floating.

    Returns
    -------
    array
        `x`, which contributes nothing to a gradient.

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> from arraylosses import special
    >>> al.grad(lambda x: (x * special.stop_gradient(x)).sum())(np.asarray([3.0])).tolist()
    [3.0]
    """
    return x if untraced(xp) is xp else xp.nextafter(x, x)  # a step of the tape that has no derivative


def weighted(values: Array, target: Array) -> Array:
    """t v, where 0 times infinity is 0."""
    most = finfo(values).max
    return target * where(target == 0, clip(values, -most, most), values)
