"""The normal distribution: its tails, and their logarithms, far out too."""

from __future__ import annotations

import math
from typing import Any

from .._array_api import Array, Namespace, array_namespace
from ._variants import primitive
from .elementwise import clip, divide, finfo, stop_gradient, where
from .logarithms import log1m, polynomial

_ROOT_2 = math.sqrt(2.0)
_ROOT_OF_2_OVER_PI = math.sqrt(2.0 / math.pi)

# Coefficients of the powers of t = (x - 3.75) / (x + 3.75) in (1 + 2 x) exp(x²) erfc(x), for x >= 0: from the Chebyshev
# series, to all digits of a float64. Of this form is that of Shepherd and Laframboise (1981),
# https://doi.org/10.2307/2007741
# fmt: off
_ERFCX = (
    1.2375126308378275, -0.14024059858554702, 0.0035854154854644293, 0.08227673849015102, -0.10880393014174886,
    0.09230432116019834, -0.05869339858963677, 0.0283622774215156, -0.009746579558029276, 0.0017556258324217529,
    0.0002937136655913448, -0.00029015397928986765, 5.164909889268241e-05, 2.2383912036550678e-05,
    -1.1444146237700524e-05, -9.72849582211122e-07, 1.751637648849062e-06, -5.826281078800777e-08,
    -2.5866850716155884e-07, 2.4289762925488707e-08, 3.8675334242222354e-08, -4.389284159986328e-09,
    -5.1739902140113095e-09, 5.457157304704688e-10, 4.2514714447963895e-10, -3.75315827795962e-11,
)
# fmt: on


def erfcx(x: Array) -> Any:
    """exp(x²) erfc(x), the scaled complementary error function, for x of at least 0."""
    return polynomial(_ERFCX, 1.0 - 7.5 / (x + 3.75)) / (1.0 + 2.0 * x)


# Coefficients of the powers of t in (p(t) - 1) / (1 + t), where p is the polynomial above, which is 1 at t = -1.
_RISE = tuple([math.fsum([c * (-1.0) ** k for k, c in enumerate(_ERFCX[n:])]) for n in range(1, len(_ERFCX))])


# 1 - exp(-x²) erfcx(x) is (1 - exp(-x²)) + exp(-x²) (1 - erfcx(x)), of which no part cancels: with 1 + (1 + t) r(t) for
# the polynomial and 1 + t = 2 x / (x + 3.75), 1 - erfcx(x) is 2 x (1 - r / (x + 3.75)) / (1 + 2 x).
@primitive(torch=lambda torch, x: torch.erf(x), jax=lambda jax, x: jax.scipy.special.erf(x))
def erf(xp: Namespace, x: Array) -> Any:
    """The error function of numbers whose square is in range, all digits of which are kept near 0."""
    low = x < 0
    size = where(low, -x, x)
    minus = xp.expm1(-size * size)
    part = 1.0 - polynomial(_RISE, 1.0 - 7.5 / (size + 3.75)) / (size + 3.75)
    value = (1.0 + minus) * part * (2.0 * size / (1.0 + 2.0 * size)) - minus
    return where(low, -value, value)


_FAR = 64.0
"""How many deviations away exp(-z²/2) is 0 in every dtype."""


# |e| + s exp(-z²/2) (sqrt(2 / pi) - |z| erfcx(|z| / sqrt 2)), whose derivative cancels near 0
def _mean_size_numpy(numpy: Any, mean: Array, scale: Array) -> Any:
    size = numpy.abs(mean)
    with numpy.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = numpy.fmin(size / scale, _FAR)  # of 0 / 0 too
    return size + scale * (numpy.exp(-0.5 * z * z) * (_ROOT_OF_2_OVER_PI - z * erfcx(z / _ROOT_2)))


# e erf(z / sqrt 2) + s sqrt(2 / pi) exp(-z²/2) with z = e / s, whose derivative is erf(z / sqrt 2) to all digits
@primitive(arrays=2, numpy=_mean_size_numpy)
def mean_size(xp: Namespace, mean: Array, scale: Array) -> Any:
    """The mean of |e + s x| for a standard normal x."""
    # A scale of so many deviations: the quotient, and its derivative by the scale, are out of range further out.
    size = clip(xp.abs(stop_gradient(mean)), None, finfo(mean).max)
    least = size / _FAR + finfo(mean).smallest_normal
    z = clip(divide(mean, xp.maximum(scale, least)), -_FAR, _FAR)
    return mean * erf(z / _ROOT_2) + scale * (_ROOT_OF_2_OVER_PI * xp.exp(-0.5 * z * z))


# log(erfc(-x / sqrt 2) / 2), by the scaled function of |x|: far below 0 it is about -x²/2. Above, it is log(1 - tail).
def log_ndtr(x: Array) -> Array:
    """Logarithm of the distribution function of the standard normal distribution, for finite x."""
    xp = array_namespace(x)
    low = x < 0
    size, half_square = where(low, -x, x) / _ROOT_2, 0.5 * x * x
    scaled = 0.5 * erfcx(size)
    return where(low, xp.log(scaled) - half_square, log1m(xp.exp(-half_square) * scaled))
