"""Arithmetic to twice the working precision: a result, and exactly or nearly what rounding took from it.

The error-free transformations are those of Knuth (1969).
"""

from __future__ import annotations

from . import _jax_rules
from ._array_api import Array, array_namespace, backend_of

__all__ = ["exact_sum", "rounded", "two_difference", "two_sum"]


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b, and what rounding took from it."""
    total = a + b
    from_b = total - a
    return total, _constant((a - (total - from_b)) + (b - from_b))


def two_difference(a: Array, b: Array) -> tuple[Array, Array]:
    """a - b, and what rounding took from it."""
    difference = a - b
    from_b = difference - a
    return difference, _constant((a - (difference - from_b)) - (b + from_b))


def _constant(lost: Array) -> Array:
    # The derivative of what rounding took is 0, as the sum of many terms that JAX would all compute.
    return _jax_rules.constant(lost) if backend_of(array_namespace(lost)) == "jax" else lost


def rounded(x: Array) -> Array:
    """`x`, of which the library is to make a number before it adds to it."""
    # XLA fuses a product with the sum after it, and then does not round it. Its own reduce_precision and
    # optimization_barrier are gone by then; a maximum that changes nothing is not.
    xp = array_namespace(x)
    return xp.maximum(x, float(-xp.finfo(x.dtype).max)) if backend_of(xp) == "jax" else x


def exact_sum(x: Array, rest: Array) -> tuple[Array, Array]:
    """The sum of x + rest along the last axis as a result and its remainder, pair by pair."""
    xp = array_namespace(x)
    if backend_of(xp) == "jax":
        total, lost = _jax_rules.exact_sum(x, rest)
        return total, lost
    lost = xp.sum(rest, axis=-1)
    odd = []
    size = x.shape[-1]
    while size > 1:
        if size % 2:
            odd.append(x[..., -1])
        size //= 2
        x, error = two_sum(x[..., :size], x[..., size : 2 * size])
        lost = lost + xp.sum(error, axis=-1)
    total = x[..., 0]
    for term in odd:
        total, error = two_sum(total, term)
        lost = lost + error
    return two_sum(total, lost)
