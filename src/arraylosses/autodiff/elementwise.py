"""Derivative rules of elementwise functions.

One rule an argument: ``lambda xp, ans, x: lambda g: ...`` is told the namespace, the result and the arguments, and
returns what makes the argument's cotangent of the result's. The inner function keeps alive what it mentions, so it
mentions the argument or the result, whichever there is.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from .. import special
from .._array_api import Array, Namespace, dtype_kind
from ..numerics import logistic
from .array import plain
from .rules import composite, elementwise
from .tape import Pullback

__all__: list[str] = []

_LOG_2, _LOG_10 = math.log(2), math.log(10)


# Arithmetic. The operator computes, as the libraries' functions do not all take a Python number.
elementwise("add", lambda xp, ans, x, y: lambda g: g, lambda xp, ans, x, y: lambda g: g, forward=operator.add)
elementwise("subtract", lambda xp, ans, x, y: lambda g: g, lambda xp, ans, x, y: lambda g: -g, forward=operator.sub)
elementwise(
    "multiply", lambda xp, ans, x, y: lambda g: g * y, lambda xp, ans, x, y: lambda g: g * x, forward=operator.mul
)
elementwise(
    "divide",
    lambda xp, ans, x, y: lambda g: g / y,
    lambda xp, ans, x, y: lambda g: -(g * ans) / y,
    forward=operator.truediv,
)
elementwise("negative", lambda xp, ans, x: lambda g: -g, forward=operator.neg)
elementwise("positive", lambda xp, ans, x: lambda g: g, forward=operator.pos)
elementwise("square", lambda xp, ans, x: lambda g: g * (2 * x))
elementwise("sqrt", lambda xp, ans, x: lambda g: g * 0.5 / ans)
elementwise("reciprocal", lambda xp, ans, x: lambda g: -(g * (ans * ans)))
elementwise(
    "abs",
    lambda xp, ans, x: lambda g: g * xp.conj(xp.sign(x)) if _is_complex(x) else g * xp.sign(x),
    forward=operator.abs,
)
elementwise(
    "remainder",
    lambda xp, ans, x, y: lambda g: g,
    lambda xp, ans, x, y: lambda g: -g * xp.floor(x / y),
    forward=operator.mod,
)

# Exponentials and logarithms
elementwise("exp", lambda xp, ans, x: lambda g: g * ans)
elementwise("expm1", lambda xp, ans, x: lambda g: g * xp.exp(x))  # ans + 1 has lost the digits of a small exp(x)
elementwise("log", lambda xp, ans, x: lambda g: g / x)
elementwise("log1p", lambda xp, ans, x: lambda g: g / (1 + x))
elementwise("log2", lambda xp, ans, x: lambda g: g / (x * _LOG_2))
elementwise("log10", lambda xp, ans, x: lambda g: g / (x * _LOG_10))
elementwise(
    "logaddexp",
    lambda xp, ans, x, y: lambda g: g * _share(xp, x, y),
    lambda xp, ans, x, y: lambda g: g * _share(xp, y, x),
)

# Trigonometric and hyperbolic functions
elementwise("sin", lambda xp, ans, x: lambda g: g * xp.cos(x))
elementwise("cos", lambda xp, ans, x: lambda g: -g * xp.sin(x))
elementwise("tan", lambda xp, ans, x: lambda g: g * (1 + ans * ans))
elementwise("asin", lambda xp, ans, x: lambda g: g / xp.sqrt((1 - x) * (1 + x)))
elementwise("acos", lambda xp, ans, x: lambda g: -g / xp.sqrt((1 - x) * (1 + x)))
elementwise("atan", lambda xp, ans, x: lambda g: g / (1 + x * x))
elementwise("sinh", lambda xp, ans, x: lambda g: g * xp.cosh(x))
elementwise("cosh", lambda xp, ans, x: lambda g: g * xp.sinh(x))
elementwise("tanh", lambda xp, ans, x: lambda g: g * _tanh_derivative(ans, x))
elementwise("asinh", lambda xp, ans, x: lambda g: g / xp.sqrt(1 + x * x))
elementwise("acosh", lambda xp, ans, x: lambda g: g / (xp.sqrt(x - 1) * xp.sqrt(x + 1)))
elementwise("atanh", lambda xp, ans, x: lambda g: g / ((1 - x) * (1 + x)))
elementwise(
    "hypot",
    lambda xp, ans, x, y: lambda g: g * _ratio(xp, x, ans),
    lambda xp, ans, x, y: lambda g: g * _ratio(xp, y, ans),
)
elementwise(
    "atan2", lambda xp, ans, y, x: lambda g: g * _turn(xp, x, y), lambda xp, ans, y, x: lambda g: -g * _turn(xp, y, x)
)

# Choices. Both sides of a tie get half; a bound that is met lets the derivative pass. What was not chosen gets 0 of an
# infinite cotangent too, where a product would make it NaN.
elementwise(
    "maximum",
    lambda xp, ans, x, y: lambda g: _if_above(xp, x, y, g),
    lambda xp, ans, x, y: lambda g: _if_above(xp, y, x, g),
)
elementwise(
    "minimum",
    lambda xp, ans, x, y: lambda g: _if_above(xp, y, x, g),
    lambda xp, ans, x, y: lambda g: _if_above(xp, x, y, g),
)
elementwise(
    "where",
    None,
    lambda xp, ans, c, x, y: lambda g: xp.where(c, g, 0.0),
    lambda xp, ans, c, x, y: lambda g: xp.where(c, 0.0, g),
    forward=special.where,
)
elementwise("copysign", lambda xp, ans, x, y: lambda g: g * (xp.sign(x) * xp.copysign(xp.ones_like(ans), y)), None)

# Complex numbers. A cotangent c of z stands for the differential Re(c dz), so a holomorphic function's rule is the
# real one, and what becomes of a real argument is the real part.
elementwise("real", lambda xp, ans, x: lambda g: g)
elementwise("imag", lambda xp, ans, x: lambda g: g * -1j if _is_complex(x) else None)
elementwise("conj", lambda xp, ans, x: lambda g: xp.conj(g))


def _is_complex(x: Array) -> bool:
    return dtype_kind(x.dtype) == "complex"


def _tanh_derivative(ans: Array, x: Array) -> Any:
    return (1 - ans) * (1 + ans) if _is_complex(x) else logistic.tanh_derivative(x)


@composite("sign")
def _sign(xp: Namespace, x: Array) -> Array:
    if not _is_complex(x):
        return xp.__wrapped_namespace__.sign(plain(x))
    size = abs(x)
    return x / xp.where(size == 0, 1.0, size)


def _share(xp: Namespace, x: Array, y: Array) -> Array:
    """The part of x in logaddexp(x, y): 1 / (1 + exp(y - x)), and half where both are the same infinity."""
    same = xp.logical_and(xp.isinf(x), x == y) if not isinstance(x, float | int) else x == y
    return 1 / (1 + xp.exp(xp.where(same, 0.0, y - x)))


def _ratio(xp: Namespace, x: Array, length: Array) -> Array:
    return x / xp.where(length == 0, 1.0, length)


def _turn(xp: Namespace, x: Array, y: Array) -> Array:
    """x / (x² + y²) without overflow, and 0 at 0."""
    length = xp.hypot(x, y)
    length = xp.where(length == 0, 1.0, length)
    return x / length / length


def _if_above(xp: Namespace, x: Array, y: Array, g: Array) -> Array:
    """The cotangent g where x is above y, half of it where they are equal, and 0 elsewhere."""
    return xp.where(x >= y, g * (1 - 0.5 * xp.astype(x == y, g.dtype)), 0.0)


# Powers. A number as exponent or base is known beforehand, and needs no care for what it is not.


def _pow_base(xp: Namespace, ans: Array, x: Array, y: Any) -> Pullback:
    if isinstance(y, float | int):
        if y == 0:
            return lambda g: None
        if y == 1:
            return lambda g: g
        return lambda g: g * (2 * x) if y == 2 else g * (y * x ** (y - 1))
    # x^0 is 1 for all x, so its derivative is 0, where 0 · x^(-1) would have no value at x = 0.
    return lambda g: g * xp.where(y == 0, 0.0, y * x ** xp.where(y == 0, 1.0, y - 1))


def _pow_exponent(xp: Namespace, ans: Array, x: Any, y: Array) -> Pullback:
    if isinstance(x, float | int):
        factor = math.log(x) if x > 0 else 0.0 if x == 0 else math.nan
        return lambda g: g * (ans * factor)
    return lambda g: g * (ans * xp.log(xp.where(x == 0, 1.0, x)))


elementwise("pow", _pow_base, _pow_exponent, forward=operator.pow)


# clip


@composite("clip")
def _clip(xp: Namespace, x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    return xp._clip(x, min, max)


def _inside(xp: Namespace, ans: Array, x: Array, low: Any, high: Any) -> Pullback:
    def pullback(g: Array) -> Array:
        bounds = [x >= low] if low is not None else []
        bounds += [x <= high] if high is not None else []
        return xp.where(functools.reduce(xp.logical_and, bounds), g, 0.0) if bounds else g

    return pullback


# Where the lower bound is above the upper one, the upper one is the result.


def _below(xp: Namespace, x: Array, low: Array, high: Any) -> Array:
    return x < low if high is None else xp.logical_and(x < low, low <= high)


def _above(xp: Namespace, x: Array, low: Any, high: Array) -> Array:
    return x > high if low is None else xp.logical_or(x > high, low > high)


elementwise(
    "_clip",
    _inside,
    lambda xp, ans, x, low, high: lambda g: xp.where(_below(xp, x, low, high), g, 0.0),
    lambda xp, ans, x, low, high: lambda g: xp.where(_above(xp, x, low, high), g, 0.0),
    forward=special.clip,
)
