"""What JAX is told of a primitive: a derivative that needs not all of its steps, a sum that its compiler vectorises.

Here is no mathematics that `special` does not have for every library. JAX is imported already where this is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from ._array_api import Array

__all__ = ["constant", "either", "exact_sum", "with_derivative_of"]


def constant(x: Array) -> Array:
    """Return `x` as a number without a derivative."""
    result: Array = sys.modules["jax"].lax.stop_gradient(x)
    return result


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


def either(condition: Array, result: Any, otherwise: Callable[[], Any]) -> Any:
    """Return `result` where all of `condition` holds, and else compute `otherwise`."""
    jax: Any = sys.modules["jax"]
    return jax.lax.cond(jax.numpy.all(condition), lambda: result, otherwise)


def exact_sum(x: Array, rest: Array, *plain: Array) -> tuple[Array, ...]:
    """Sum x + rest along the last axis as a result and its remainder, and in the same pass each of `plain`."""
    return tuple(with_derivative_of(_plain_sums, _exact_sums, x, rest, *plain))


def _plain_sums(_: Any, *terms: Array) -> tuple[Array, ...]:
    jnp: Any = sys.modules["jax"].numpy
    x, rest, *plain = (jnp.sum(v, axis=-1) for v in terms)
    return x + rest, jnp.zeros_like(x), *plain


def _exact_sums(*terms: Array) -> tuple[Array, ...]:
    x, rest, *plain = _folded(terms)
    total = x + rest
    return total, rest - (total - x), *plain


# XLA unrolls a reduction of eight along an axis that is not the last, and vectorises it along the last. So a row is
# folded into eighths until it is short; what eight does not divide is added by itself.
def _folded(terms: tuple[Array, ...]) -> tuple[Array, ...]:
    size = terms[0].shape[-1]
    width = size // 8
    if width < 2:
        return _reduced(terms, -1)
    total = _folded(_reduced(tuple(v[..., : 8 * width].reshape(*v.shape[:-1], 8, width) for v in terms), -2))
    if size == 8 * width:
        return total
    return _add(total, _reduced(tuple(v[..., 8 * width :] for v in terms), -1))


def _reduced(terms: tuple[Array, ...], axis: int) -> tuple[Array, ...]:
    jax: Any = sys.modules["jax"]
    zeros = (jax.numpy.zeros((), terms[0].dtype),) * len(terms)
    return tuple(jax.lax.reduce(terms, zeros, _add, (axis % terms[0].ndim,)))


def _add(a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    total = a[0] + b[0]
    from_b = total - a[0]
    lost = (a[0] - (total - from_b)) + (b[0] - from_b)
    return total, a[1] + (b[1] + lost), *(x + y for x, y in zip(a[2:], b[2:], strict=True))
