"""Modified Bessel functions, for directions."""

from __future__ import annotations

import math
from typing import Any

from .._array_api import Array, Namespace
from ._variants import primitive
from .elementwise import clip, where
from .logarithms import polynomial

# Chebyshev coefficients of exp(-x) I0(x) sqrt(1 + 2 pi x) for x >= 0, as a function of t = (x - 2) / (x + 2), to all
# digits of a float64.
# fmt: off
_I0E = (
    1.1141258680652206, -0.10032961230393203, -0.06728738722746637, 0.08851511240986724, -0.04489716769085674,
    0.01028450074248, -0.0007985314857278696, 0.001165167926094509, -0.0010304773700202062, 0.00026472363856903735,
    -6.23178587130837e-05, 8.601473821438664e-05, -3.955574690698839e-05, 7.5384727316341365e-06,
    -8.50252611813921e-06, 5.2893520642159065e-06, -1.0369885751004496e-06, 1.0046538534567884e-06,
    -7.199826725539087e-07, 1.33584333170106e-07, -1.3751986326531008e-07, 1.0127125781652233e-07,
    -1.509835714559605e-08, 2.150960673773741e-08, -1.4343849704247428e-08, 1.3100649240025137e-09,
    -3.811797674130338e-09, 1.9158622173738877e-09, -5.687698188605405e-11, 7.391746633344155e-10,
    -2.0376076623796463e-10, 5.126581235753566e-12, -1.4566878407144764e-10, 4.913150678156456e-12,
    -8.479896928720748e-12, 2.6054057250231137e-11, 5.357781299268852e-12, 4.925892888574729e-12,
    -3.378133233214863e-12, -1.7027284469817636e-12, -1.7752966062687277e-12, -1.7603439364680914e-15,
    2.055922210672411e-13, 4.3785448541585737e-13, 1.6716894749284314e-13, 5.347713157115365e-14,
    -5.935776276705853e-14, -5.2721207399203476e-14, -3.686234128178761e-14, -6.103000451326155e-15,
    5.6358376812456825e-15, 9.795611281801037e-15, 5.8690915114861664e-15, 2.139563344519267e-15,
    -7.154100058300956e-16, -1.411408714704023e-15, -1.1714973544823545e-15, -4.975605313686285e-16,
    -2.1118297758949028e-17, 2.0821074603306234e-16, 2.0841155335120854e-16, 1.2418723472238861e-16,
    3.2267866569972824e-17, -2.00252568574536e-17, -3.5426551974643186e-17, -2.71309473803931e-17,
)
# fmt: on


_ROOT_2_PI = math.sqrt(2.0 * math.pi)


# Clenshaw's recurrence
def _chebyshev(coefficients: tuple[float, ...], t: Array) -> Any:
    """Σ c_k T_k(t), a sum of Chebyshev polynomials."""
    double = 2.0 * t
    last: Any = 0.0
    value: Any = 0.0
    for c in coefficients[:0:-1]:
        value, last = double * value - last + c, value
    return t * value - last + coefficients[0]


def _i0e(xp: Namespace, x: Array) -> Any:
    """exp(-x) I0(x), the scaled modified Bessel function of order 0, for x of at least 0."""
    # 1 + 2 pi x may be out of range
    return _chebyshev(_I0E, 1.0 - 4.0 / (x + 2.0)) / (_ROOT_2_PI * xp.sqrt(x + 0.5 / math.pi))


# The coefficients of x^-1, x^-2, ... in L + log(2 pi x) / 2, with L = log(exp(-x) I0(x)). The derivative of L, which is
# r = Σ a_k x^-k, has the equation r' = -1/x - r/x - 2 r - r² of Riccati.
def _asymptotic(terms: int) -> tuple[float, ...]:
    a = [0.0, -0.5]
    for m in range(2, terms + 2):
        a.append(0.5 * ((m - 2) * a[m - 1] - sum([a[k] * a[m - k] for k in range(1, m)])))
    return tuple([-a[k + 1] / k for k in range(1, terms + 1)])


# The coefficients c of log I0 in powers of y = x²/4, where those of I0 are i_k = 1 / k!²:
# n c_n = n i_n - Σ m c_m i_(n - m).
def _of_log(terms: int) -> tuple[float, ...]:
    i, c = [1.0 / math.factorial(k) ** 2 for k in range(terms + 1)], [0.0]
    for n in range(1, terms + 1):
        c.append(i[n] - sum([m * c[m] * i[n - m] for m in range(1, n)]) / n)
    return tuple(c[1:])


_NEAR = 0.125
_OF_NEAR = _of_log(6)


# log I0(x) - x, where log(exp(-x) I0(x)) has no digits of its own
def _near_0(x: Array, elsewhere: Array) -> Array:
    """L for x near 0, and what is known of it elsewhere."""
    small = clip(x, None, _NEAR)
    square = 0.25 * small * small
    return where(x < _NEAR, square * polynomial(_OF_NEAR, square) - small, elsewhere)


_FAR = 128.0
_OF_FAR = _asymptotic(7)


# The derivative of a library's own is I1/I0 - 1, of which a large x leaves no digits.
def _log_i0e_of_library(xp: Namespace, x: Array, near: Any) -> Any:
    large = clip(x, _FAR)
    inverse = 1.0 / large
    beyond = inverse * polynomial(_OF_FAR, inverse) - 0.5 * xp.log(large) - 0.5 * math.log(2.0 * math.pi)
    return _near_0(x, where(x > _FAR, beyond, xp.log(near(clip(x, _NEAR, _FAR)))))


@primitive(
    torch=lambda torch, x: _log_i0e_of_library(torch, x, torch.special.i0e),
    jax=lambda jax, x: _log_i0e_of_library(jax.numpy, x, jax.scipy.special.i0e),
)
def log_i0e(xp: Namespace, x: Array) -> Any:
    """log(exp(-x) I0(x)) for x of at least 0, with all digits of its derivative."""
    return _near_0(x, xp.log(_i0e(xp, x)))
