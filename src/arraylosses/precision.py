"""Arithmetic to twice the working precision: a result, and exactly or nearly what rounding took from it.

Error-free transformations are those of Knuth (1969) and Dekker (1971), the sums of products those of Ogita, Rump and
Oishi (2005). Where a library has float64 at little cost, float32 goes that way.
"""

from __future__ import annotations

from . import _jax_rules
from ._array_api import Array, array_namespace, backend_of, dtype_name, own_namespace, untraced

__all__ = [
    "dot",
    "exact_sum",
    "halves",
    "plain_dot",
    "rounded",
    "two_difference",
    "two_product",
    "two_sum",
    "widened",
]


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


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """a b, and what rounding took from it."""
    product = rounded(a * b)
    a_high, a_low = halves(a)
    b_high, b_low = halves(b)
    return product, _constant(((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)


def _constant(lost: Array) -> Array:
    # The derivative of what rounding took is 0, as the sum of many terms that JAX would all compute.
    return _jax_rules.constant(lost) if backend_of(array_namespace(lost)) == "jax" else lost


def rounded(x: Array) -> Array:
    """`x`, of which the library is to make a number before it adds to it."""
    # XLA fuses a product with the sum after it, and then does not round it. Its own reduce_precision and
    # optimization_barrier are gone by then; a maximum that changes nothing is not.
    xp = array_namespace(x)
    return xp.maximum(x, float(-xp.finfo(x.dtype).max)) if backend_of(xp) == "jax" else x


def halves(x: Array) -> tuple[Array, Array]:
    """Split `x` into two numbers of half the digits."""
    scaled = rounded(x * (2.0**27 + 1 if dtype_name(x.dtype) == "float64" else 2.0**12 + 1))
    high = scaled - (scaled - x)
    return high, x - high


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


def dot(x: Array, y: Array) -> tuple[Array, Array]:
    """Σ x y along the last axis to twice the working precision, as a result and its remainder (Ogita et al. 2005)."""
    return exact_sum(*two_product(x, y))


def plain_dot(x: Array, y: Array) -> Array:
    """Σ x y along the last axis."""
    xp = array_namespace(x, y)
    # The wrapper's is a product of matrices, which takes twice as long.
    return own_namespace(xp).linalg.vecdot(x, y) if backend_of(xp) == "torch" else xp.vecdot(x, y)


def widened(*arrays: Array) -> tuple[Array, ...] | None:
    """float32 in float64, which has twice the precision, where the library has that and computes fast in it."""
    first = arrays[0]
    if dtype_name(first.dtype) != "float32":
        return None
    xp = array_namespace(*arrays)
    backend = backend_of(untraced(xp))
    if backend not in ("numpy", "cupy", "dask", "strict") and not (backend == "torch" and first.device.type == "cpu"):
        return None
    return tuple([xp.astype(x, xp.float64) for x in arrays])
