"""Logarithms that keep their digits, with finite derivatives where they count for nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, array_namespace, dtype_name
from .._values import FEW
from . import settings
from ._jax import with_derivative, with_jvp_of
from ._variants import in_place_library, primitive
from .elementwise import at_least_lowest, at_least_smallest_normal, clip, finfo, relu, stop_gradient, where
from .reductions import reduce_sum

_LOG_2 = math.log(2.0)


def _subnormal_jax(jax: Any, x: Array) -> tuple[Any, Any, float]:
    """Where numbers of at least 0 are subnormal, how many units such a one is, by its bits, and that unit."""
    info = jax.numpy.finfo(x.dtype)
    kind = {2: "int16", 4: "int32", 8: "int64"}[x.dtype.itemsize]
    bits = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x), kind)
    return (bits > 0) & (bits < 1 << info.nmant), bits.astype(x.dtype), float(info.eps)


def _log_jax(jax: Any, x: Array) -> Any:
    """The logarithm of its bits for a subnormal number, which JAX takes for 0, with a finite derivative at 0."""
    jnp = jax.numpy
    info = jnp.finfo(x.dtype)
    tiny = float(info.smallest_normal)

    def exact(x: Array) -> Array:
        subnormal, units, eps = _subnormal_jax(jax, x)
        shift = jnp.where(subnormal, math.log(tiny) + math.log(eps), 0.0)
        return jnp.log(jnp.where(subnormal, units, x)) + shift

    def plain(_: Array, x: Array) -> Array:
        small = x == 0
        _, units, eps = _subnormal_jax(jax, x)
        slope = jnp.minimum(1.0 / tiny / jnp.maximum(units, 0.5) / eps, float(info.max))
        return jnp.where(small, slope * x, jnp.log(jnp.where(small, 1.0, x)))

    return with_jvp_of(plain, exact, x)


# What is no probability has NaN for a logarithm, as on every library, without a warning of NumPy's about the line here.
# Of few numbers, a look takes less time.
def _without_a_warning(name: str, least: float) -> Callable[..., Any]:
    def logarithm(numpy: Any, x: Array) -> Any:
        function = getattr(numpy, name)
        if 0 < x.size <= FEW and x.item(x.argmin()) >= least:
            return function(x)
        with numpy.errstate(invalid="ignore"):
            return function(x)

    return logarithm


@primitive(numpy=_without_a_warning("log", 0.0), jax=_log_jax)
def log(xp: Namespace, x: Array) -> Array:
    """log x, that of a subnormal number too: JAX takes these for 0."""
    return xp.log(x)


@primitive(numpy=_without_a_warning("log1p", -1.0))
def log1p(xp: Namespace, x: Array) -> Array:
    """log(1 + x)."""
    return xp.log1p(x)


def log_of_most(x: Array) -> float:
    """The largest logarithm of a number in the range of a dtype."""
    return math.log(finfo(x).max) - 2.0**-12


@primitive(jax=lambda _, x: log(x))  # for which a subnormal number is 0, and whose own rule is finite there
def log_or_infinity(xp: Namespace, x: Array) -> Array:
    """log x of numbers of at least 0, and -infinity with a finite derivative of 0."""
    zero = x == 0
    return where(zero, float("-inf"), log(where(zero, 1.0, x)))


# With the divisor as units of the smallest number, of which it has as many as its bits say.
def _per_probability_jax(jax: Any, x: Array, p: Array) -> Array:
    subnormal, units, eps = _subnormal_jax(jax, p)
    where, tiny = jax.numpy.where, float(jax.numpy.finfo(p.dtype).smallest_normal)
    return where(subnormal, x / where(subnormal, units * eps, 1.0) / tiny, x / where(subnormal, 1.0, p))


@primitive(arrays=2, jax=_per_probability_jax)
def per_probability(xp: Namespace, x: Array, p: Array) -> Array:
    """x / p, of a subnormal p too: JAX takes these for 0."""
    return x / p


def _log_at_least_jax(_: Any, x: Array, low: float | Array) -> Array:
    # For which a subnormal number is 0; the logarithm's own rule is finite there.
    return clip(log(x), low)


@primitive(jax=_log_at_least_jax)
def log_at_least(xp: Namespace, x: Array, low: float | Array) -> Array:
    """log x, raised to `low`, with a derivative of 0 below that and at x = 0."""
    zero = x == 0
    return where(zero, low, clip(log(where(zero, 1.0, x)), low))


def _is_zero_in_place(library: Any, x: Array) -> Array:
    """1 where x is 0, else 0."""
    return (library.equal if library is np else library.eq)(x, 0.0, out=library.empty_like(x))


def _replace_unused_zeros_in_place(library: Any, x: Array, weight: Array) -> Array:
    # Of few numbers, a look shows sooner that there is none to replace.
    if library is np and x.size <= FEW and np.count_nonzero(x) == x.size:
        return x
    return library.add(unused := _is_zero_in_place(library, weight), x, out=unused)


@primitive(arrays=2, in_place=_replace_unused_zeros_in_place)
def replace_unused_zeros(xp: Namespace, x: Array, weight: Array) -> Array:
    """`x`, to be divided by or for a logarithm; a number other than 0 where it is 0 and so is `weight`."""
    return where(xp.logical_and(x == 0, weight == 0), 1.0, x)


def _replace_unused_infinities_in_place(library: Any, x: Array, weight: Array) -> Array:
    """`x`, where it may be -infinity raised to -1 where `weight` is 0."""
    if library is np and 0 < x.size <= FEW and x.item(x.argmin()) > -math.inf:
        return x
    bound = _is_zero_in_place(library, weight)
    library.negative(bound, out=bound)
    with np.errstate(divide="ignore"):
        library.reciprocal(bound, out=bound)  # -infinity where there is a weight
    return library.maximum(x, bound, out=bound)


@primitive(arrays=2, in_place=_replace_unused_infinities_in_place)
def replace_unused_infinities(xp: Namespace, x: Array, weight: Array) -> Array:
    """`x`, a logarithm; a finite number where it is -infinity and `weight` is 0."""
    return where(xp.logical_and(weight == 0, x == float("-inf")), 0.0, x)


def _without_rounding_numpy(_: Any, value: Array, slack: float = -math.inf) -> Array | None:
    return value if 0 < value.size <= FEW and value.item(value.argmin()) >= 0.0 else None


@primitive(numpy=_without_rounding_numpy)
def without_rounding(xp: Namespace, value: Array, slack: float = -math.inf) -> Array:
    """Raise to 0 what is between `slack` and 0, with the gradient that it has."""
    rounding = xp.logical_and(value < 0, value > slack)
    return value - where(rounding, stop_gradient(value), 0.0)


# m + log1p(Σ exp(x - m)) for the largest term m and the others x, so that a sum near 1 loses no digits
def logaddexp(first: Array, *terms: Array) -> Array:
    """log Σ exp of arrays, element by element; -infinity where all of them are."""
    xp = array_namespace(first, *terms)
    largest, others = first, []
    for x in terms:
        others.append(xp.minimum(largest, x))
        largest = xp.maximum(largest, x)
    shift = at_least_lowest(largest)
    return largest + xp.log1p(sum([xp.exp(x - shift) for x in others[1:]], xp.exp(others[0] - shift)))


def xlogy(x: Array, y: Array, /) -> Array:
    """x log y, and 0 with a derivative of 0 where both are 0.

    Parameters
    ----------
    x, y : array
        Floating, of one shape.

    Returns
    -------
    array
        ``x * log(y)``, of their shape.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.xlogy(np.asarray([0.0, 2.0]), np.asarray([0.0, 1.0])).tolist()
    [0.0, 0.0]
    """
    return x * log(replace_unused_zeros(y, x))


# What is subnormal is 0 to JAX, a mass too.
@primitive(jax=lambda jax, mass: jax.numpy.log(at_least_smallest_normal(mass)))
def log_of_mass(xp: Namespace, mass: Array) -> Array:
    """log t, to be multiplied by t; a finite number where that is 0."""
    return log(replace_unused_zeros(mass, mass))


def _relative_entropy_jax(jax: Any, mass: Array, log_mass: Array, logs: Array, axis: int) -> Any:
    # XLA takes twice as long where what is chosen goes through further steps.
    jnp = jax.numpy

    def exact(mass: Array, log_mass: Array, logs: Array) -> Array:
        is_unused = (mass == 0) & (logs == -jnp.inf)
        terms = jnp.where(is_unused, 0.0, mass * (log_mass - logs))
        return jnp.where(mass < 0, jnp.nan, terms).sum(axis)  # of which `log_of_mass` shows nothing

    def plain(_: Array, mass: Array, log_mass: Array, logs: Array) -> Array:
        return _relative_entropy(jnp, mass, jnp.where(mass == 0, 0.0, log_mass), logs, axis)

    return with_jvp_of(plain, exact, mass, log_mass, logs)


def _relative_entropy(xp: Namespace, mass: Array, log_mass: Array, logs: Array, axis: int) -> Array:
    return reduce_sum(mass * (log_mass - replace_unused_infinities(logs, mass)), axis)


@primitive(arrays=3, jax=_relative_entropy_jax)
def relative_entropy(xp: Namespace, mass: Array, log_mass: Array, logs: Array, axis: int) -> Array:
    """Σ t (log t - log q) along `axis`, of t, log t and log q; a class with t = 0 counts for nothing."""
    return _relative_entropy(xp, mass, log_mass, logs, axis)


# log((1 + a) / (1 + b)) = ±log(1 + |a - b| / (1 + min(a, b))). Where the quotient may be out of range, it is taken of
# 2^-60 of the difference, and is far above 1 all the same.
def _log1p_ratio_in_place(library: Any, a: Array, b: Array) -> Array:
    large, small = library.maximum(a, b), library.minimum(a, b)
    library.subtract(large, small, out=large)
    library.add(small, 1.0, out=small)
    far = large * 2.0**-60 > small
    library.divide(library.where(far, large * 2.0**-60, large), small, out=small)
    library.log1p(library.where(far, small - 1.0, small), out=large)
    library.add(large, library.where(far, 60.0 * _LOG_2, library.zeros_like(large)), out=large)
    return library.copysign(large, library.subtract(a, b, out=small), out=large)


def _log1p_ratio(xp: Namespace, a: Array, b: Array) -> Array:
    difference = a - b
    up = difference >= 0
    size, divisor = where(up, difference, -difference), 1.0 + where(up, b, a)
    far = 2.0**-60 * size > divisor
    quotient = where(far, 2.0**-60 * size, size) / divisor
    shift = where(far, 60.0 * _LOG_2, 0.0 * size)
    magnitude = xp.log1p(where(far, quotient - 1.0, quotient)) + shift
    return where(up, magnitude, -magnitude)


def _log1p_ratio_jax(jax: Any, a: Array, b: Array) -> Any:
    jnp = jax.numpy
    plain = lambda _, a, b: jnp.log1p(a) - jnp.log1p(b)  # noqa: E731
    return with_jvp_of(plain, lambda a, b: _log1p_ratio(jnp, a, b), a, b)


@primitive(arrays=2, in_place=_log1p_ratio_in_place, jax=_log1p_ratio_jax)
def log1p_ratio(xp: Namespace, a: Array, b: Array) -> Array:
    """log((1 + a) / (1 + b)) of numbers above -1.

    The larger is divided by the smaller, so the logarithm is that of 1 plus a non-negative number: no digit is lost,
    whether the two are nearly equal or far apart.
    """
    return _log1p_ratio(xp, a, b)


# log1p(cosh x - 1), with cosh x - 1 = u² / (2 (1 + u)) for u = exp(|x|) - 1. Beyond 40, where u² might overflow, it
# grows as |x| does. It takes half the time of the series, and has no second derivative at 0.
def _log_cosh_in_place(library: Any, x: Array) -> Array:
    size = library.abs(x)
    near = size.clip(0.0, 40.0)
    library.subtract(size, near, out=size)
    library.expm1(near, out=near)
    ratio = near + 1.0
    library.divide(near, ratio, out=ratio)
    library.multiply(near, library.multiply(ratio, 0.5, out=ratio), out=near)
    return library.add(library.log1p(near, out=near), size, out=size)


# As `LogCosh` has it, where the derivative of tanh would cancel.
def _log_cosh_jax(jax: Any, x: Array) -> Any:
    def slope(x: Array) -> Any:
        return with_derivative(jax.numpy.tanh, lambda x: 4.0 * jax.nn.sigmoid(2.0 * x) * jax.nn.sigmoid(-2.0 * x), x)

    return with_derivative(lambda x: _log_cosh(jax.numpy, x), slope, x)


# With the part n of x from -1 to 1, and what |x| has beyond that as d, d + log1p(cosh n - 1 + (exp(-2 d) - 1) / (2 e)).
# That is log1p(cosh x - 1) near 0, by the series of cosh, and |x| - log 2 + log1p(exp(-2 |x|)) far out. Near 0, d has
# no derivative: a difference of 1 and 1 would lose that of the series.
def _log_cosh(xp: Namespace, x: Array) -> Array:
    near = clip(x, -1.0, 1.0)
    far = relu(xp.abs(x) - 1.0)
    square = near * near
    excess = square * _hyperbolic_cosine(square)
    return far + xp.log1p(excess + (xp.exp(-2.0 * far) - 1.0) * (0.5 / math.e))


@primitive(in_place=_log_cosh_in_place, jax=_log_cosh_jax)
def log_cosh(xp: Namespace, x: Array, /) -> Array:
    """Logarithm of the hyperbolic cosine, to full relative precision near 0 and without overflow.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        ``log(cosh(x))``.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.log_cosh(np.asarray([0.0, 1e-10, 1000.0])).tolist()
    [0.0, 5e-21, 999.3068528194401]
    """
    return _log_cosh(xp, x)


# torch and JAX take the derivative for the result plus 1, which keeps no digit of a small exp(x).
def _expm1_torch(torch: Any, x: Array) -> Array:
    power = x.clamp(max=math.log(finfo(x).max) * (1.0 - 2.0**-20)).exp()
    return torch.expm1(x.detach()) + (power - power.detach())  # a difference that is 0 and has the derivative


@primitive(
    in_place=lambda library, x: library.expm1(x),
    torch=_expm1_torch,
    jax=lambda jax, x: with_derivative(jax.numpy.expm1, jax.numpy.exp, x),
)
def expm1(xp: Namespace, x: Array) -> Array:
    """exp(x) - 1, with a derivative that keeps its digits."""
    return xp.expm1(x)


# 2 log |q| beyond 2^30, where 1 is no digit of the sum; a q of 0 has no logarithm, whatever the divisor is
def log1p_square(x: Array, log_divisor: Any, quotient: Callable[[Array], Array]) -> Array:
    """log(1 + q²) of a quotient of x that may be out of range; `quotient` is told where it is not asked for."""
    xp = array_namespace(x)
    log_q = xp.log(at_least_smallest_normal(xp.abs(x))) - log_divisor
    far = xp.logical_and(log_q > 30.0 * _LOG_2, x != 0)
    q = quotient(far)
    return where(far, 2.0 * log_q, array_namespace(q).log1p(q * q))


def polynomial(coefficients: tuple[float, ...], x: Array) -> Any:
    """Σ c_k x^k, by Horner's rule."""
    library = in_place_library(x)
    value: Any = coefficients[-1]
    for k, c in enumerate(coefficients[-2::-1]):
        if library is None or not k:
            value = value * x + c
        else:
            value *= x
            value += c
    return value


_EPS = {"float32": 2.0**-24, "float64": 2.0**-53}


class Series:
    """Σ c_k x^k for |x| up to `most`, of which as many terms are added as count in the dtype of x."""

    def __init__(self, coefficients: Iterable[float], most: float) -> None:
        self.coefficients = tuple(coefficients)
        sizes = [abs(c) * most**k for k, c in enumerate(self.coefficients)]
        self.counts = {name: sum([size > eps / 8.0 * sizes[0] for size in sizes]) for name, eps in _EPS.items()}

    def __call__(self, x: Array) -> Any:
        """Return the sum."""
        return polynomial(self.coefficients[: self.counts.get(dtype_name(x.dtype))], x)


_exponential = Series([1.0 / math.factorial(k) for k in range(2, 20)], 1.0)


# x² (1/2! + x/3! + x²/4! + ...) near 0
def _expm1_excess_in_place(library: Any, x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        series = _exponential(x)
        series *= x
        series *= x
        value = library.expm1(x)
        value -= x
    return where(library.abs(x) < 1, series, value)


@primitive(in_place=_expm1_excess_in_place)
def expm1_excess(xp: Namespace, x: Array) -> Array:
    """exp(x) - 1 - x, all digits of which are kept near 0."""
    near = xp.abs(x) < 1
    small, large = where(near, x, 0.0), where(near, 0.0, x)
    # The derivative of expm1 is 1 more than its value, which has no digits where x is far below 0.
    return where(near, small * small * _exponential(small), xp.exp(large) - (1.0 + large))


_hyperbolic_cosine = Series([1.0 / math.factorial(k) for k in range(2, 22, 2)], 1.0)


# v²/3 + v⁴/5 + v⁶/7 + ..., over v²
def atanh_series(most: float) -> Series:
    """(atanh(v) / v - 1) / v² as a function of v², for v up to `most`, which is 1/3 or less."""
    return Series([1.0 / (2 * k + 3) for k in range(17)], most * most)


atanh_excess = atanh_series(1.0 / 3.0)


# With s = r / (2 + r), log(1 + r) is 2 atanh(s) and r is 2 s / (1 - s). So near 0 it is s (1 - s (1 - s) f), where f is
# (atanh(s)/s - 1) / s².
def log1p_shortfall(r: Array) -> Array:
    """1 - log(1 + r) / r for r of at least 0, all digits of which are kept near 0."""
    xp = array_namespace(r)
    near = r < 1
    small, large = where(near, r, 0.0), where(near, 1.0, r)
    s = small / (2.0 + small)
    return where(near, s * (1.0 - s * (1.0 - s) * atanh_excess(s * s)), 1.0 - xp.log1p(large) / large)


# The same over r, with r (1 - s) / 2 for s
def log1p_curvature(r: Array) -> Array:
    """(r - log(1 + r)) / r² for r of at least 0, all digits of which are kept near 0, where it is 1/2."""
    xp = array_namespace(r)
    near = r < 1
    small, large = where(near, r, 0.0), where(near, 1.0, r)
    s = small / (2.0 + small)
    return where(
        near, (1.0 - s * (1.0 - s) * atanh_excess(s * s)) / (2.0 + small), (1.0 - xp.log1p(large) / large) / large
    )


# log1p(q), with q limited to 2^60, and log(q) - 60 log 2 beyond that
def log1p_quotient(x: Array, divisor: Any) -> Array:
    """log(1 + x / divisor) for x of at least 0, where the quotient may be out of range, and a normal divisor."""
    beyond = array_namespace(x).log(at_least_smallest_normal(x)) - (settings.log(divisor, x) + 60.0 * _LOG_2)
    near = clip(x / divisor, None, 2.0**60)
    return array_namespace(near).log1p(near) + relu(beyond)


def log1m(x: Array) -> Array:
    """log(1 - x) for x from 0 to 1/2 or so: of a positive number, where XLA's log1p loses digits of a negative one."""
    return -array_namespace(x).log1p(x / (1.0 - x))


def atanh(x: Array) -> Array:
    """atanh(x) for x from -1/2 to 1/2 or so: of a positive number, where XLA's loses digits as its log1p does."""
    below = x < 0
    size = where(below, -x, x)
    half = 0.5 * array_namespace(x).log1p(2.0 * size / (1.0 - size))
    return where(below, -half, half)


# log(-expm1(x)) where exp(x) is near 1, log(1 - exp(x)) elsewhere
def log1mexp(x: Array) -> Array:
    """log(1 - exp(x)) of numbers of at most 0: -infinity of 0, with a derivative of 0, and 0 of -infinity."""
    xp = array_namespace(x)
    zero, far = x == 0, x <= -_LOG_2
    near = where(zero, float("-inf"), xp.log(-xp.expm1(where(xp.logical_or(zero, far), -_LOG_2, x))))
    return where(far, log1m(xp.exp(where(far, x, -_LOG_2))), near)
