"""What JAX is told of a primitive: a derivative that needs not all of its steps, a sum that its compiler vectorises.

Here is no mathematics that `special` does not have for every library. JAX is imported already where this is called.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from ._array_api import Array

__all__ = [
    "axes_of",
    "clip",
    "constant",
    "is_spread",
    "log",
    "magnitude",
    "positive_part",
    "sums",
    "with_derivative_of",
]

_Add: TypeAlias = Callable[[tuple[Array, ...], tuple[Array, ...]], tuple[Array, ...]]


def constant(x: Array) -> Array:
    """Return `x` as a number without a derivative."""
    result: Array = sys.modules["jax"].lax.stop_gradient(x)
    return result


def is_spread(x: Array) -> bool:
    """Whether the type of `x` says how it lies on a mesh, one of whose axes is explicit."""
    typeof = getattr(sys.modules["jax"], "typeof", None)
    place = typeof and getattr(typeof(x), "sharding", None)
    return place is not None and any([axis is not None for axis in place.spec])


def axes_of(x: Array) -> frozenset[str]:
    """The axes of the mesh along which `x` varies, inside `jax.shard_map`."""
    typeof = getattr(sys.modules["jax"], "typeof", None)
    if typeof is None:
        return frozenset()
    kind = typeof(x)
    manual = getattr(kind, "manual_axis_type", None)  # `vma` before JAX 0.9
    axes: frozenset[str] = getattr(kind, "vma", frozenset()) if manual is None else manual.varying
    return axes


def with_derivative_of(plain: Callable[..., Any], exact: Callable[..., Any], *arrays: Array) -> Any:
    """Return `exact` of arrays, with the derivatives of `plain`: the same function, rounded more coarsely.

    Before the arrays, `plain` is given the result.
    """
    jax: Any = sys.modules["jax"]
    function = jax.custom_jvp(exact)

    @function.defjvp  # type: ignore[untyped-decorator]
    def rule(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Any, Any]:
        result = function(*primals)
        known = jax.lax.stop_gradient(result)
        return result, jax.jvp(functools.partial(plain, known), primals, tangents)[1]

    return function(*arrays)


# What gives these three their derivatives would do as their value, but XLA fuses it with no sum that follows.


def magnitude(x: Array) -> Array:
    """|x|, whose derivative at 0 is 0; JAX's own has 1."""
    jnp: Any = sys.modules["jax"].numpy
    result: Array = with_derivative_of(lambda _, x: x * jnp.sign(x), jnp.abs, x)
    return result


def clip(x: Array, low: float | Array, high: float | Array) -> Array:
    """Limit `x` to the range from `low` to `high`, where its derivative is 1; JAX's own has 1/2 at both."""
    jnp: Any = sys.modules["jax"].numpy
    result: Array = with_derivative_of(
        lambda _, x, low, high: jnp.where(x < low, low, jnp.where(x > high, high, x)),
        # A minimum of a maximum becomes an operation of its own, which is not fused either.
        lambda x, low, high: -jnp.maximum(-jnp.maximum(x, low), -high),
        x,
        low,
        high,
    )
    return result


def log(x: Array) -> Array:
    """log x. JAX takes a subnormal number for 0; here its logarithm is that of its bits, and its derivative finite."""
    jnp: Any = sys.modules["jax"].numpy
    info = jnp.finfo(x.dtype)
    tiny, eps = float(info.smallest_normal), float(info.eps)

    def exact(x: Array) -> Array:
        bits = _bits(x)
        subnormal = (bits > 0) & (bits < 1 << info.nmant)
        shift = jnp.where(subnormal, math.log(tiny) + math.log(eps), 0.0)
        return jnp.log(jnp.where(subnormal, bits.astype(x.dtype), x)) + shift

    def plain(_: Array, x: Array) -> Array:
        small = x == 0
        slope = jnp.minimum(1.0 / tiny / jnp.maximum(_bits(x).astype(x.dtype), 0.5) / eps, float(info.max))
        return jnp.where(small, slope * x, jnp.log(jnp.where(small, 1.0, x)))

    result: Array = with_derivative_of(plain, exact, x)
    return result


def _bits(x: Array) -> Array:
    jax: Any = sys.modules["jax"]
    return jax.lax.bitcast_convert_type(constant(x), {4: "int32", 8: "int64"}[x.dtype.itemsize])


def positive_part(x: Array) -> Array:
    """max(x, 0), whose derivative at 0 is 0."""
    jnp: Any = sys.modules["jax"].numpy
    result: Array = with_derivative_of(lambda y, x: jnp.where(y <= 0, 0.0, x), lambda x: jnp.maximum(x, 0.0), x)
    return result


def sums(*terms: Array) -> tuple[Array, ...]:
    """Sum each of two or more arrays along the last axis, all in one pass."""
    return tuple(with_derivative_of(_plain_sums, lambda *x: _folded(_add, x), *terms))


def _plain_sums(_: Any, *terms: Array) -> tuple[Array, ...]:
    return tuple(sys.modules["jax"].numpy.sum(x, axis=-1) for x in terms)


# XLA unrolls a reduction of eight along an axis that is not the last, and vectorises it along the last. So a row is
# folded into eighths until it is short; what eight does not divide is added by itself.
def _folded(add: _Add, terms: tuple[Array, ...]) -> tuple[Array, ...]:
    size = terms[0].shape[-1]
    width = size // 8
    if width < 2:
        return _reduced(add, terms, -1)
    eighths = tuple(v[..., : 8 * width].reshape(*v.shape[:-1], 8, width) for v in terms)
    total = _folded(add, _reduced(add, eighths, -2))
    if size == 8 * width:
        return total
    return add(total, _reduced(add, tuple(v[..., 8 * width :] for v in terms), -1))


def _reduced(add: _Add, terms: tuple[Array, ...], axis: int) -> tuple[Array, ...]:
    jax: Any = sys.modules["jax"]
    zeros = (jax.numpy.zeros((), terms[0].dtype),) * len(terms)
    return tuple(jax.lax.reduce(terms, zeros, add, (axis % terms[0].ndim,)))


def _add(a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))
