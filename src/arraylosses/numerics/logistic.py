"""The logistic function, its logarithm, and the likelihood of a yes or no under it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, array_namespace
from .._values import least_and_most
from ._jax import with_derivative
from ._variants import primitive
from .elementwise import at_least_lowest, at_least_smallest_normal, clip, finfo, stop_gradient, where
from .reductions import REDUCTIONS_OF_TORCH


def _softplus_of_minus_in_place(size: Array) -> Array:
    """log(1 + exp(-size)) of non-negative numbers of NumPy, in their place."""
    for step in (np.negative, np.exp, np.log1p):
        step(size, out=size)
    return size


def softplus_in_torch(torch: Any, x: Array) -> Array:
    """log(1 + exp(x)) by torch's own function; beyond 40 it is x in every dtype."""
    result: Array = torch.nn.functional.softplus(x, 1.0, 40.0)
    return result


def margin_nll_in_torch(torch: Any, x: Array, sign: Array, reduction: str) -> Array:
    """log(1 + exp(-sign x)), reduced, by torch's kernel; infinite or NaN where the exponential is out of range.

    Unlike that of torch's softplus, its second derivative has the digits of p (1 - p) on either side.
    """
    # what torch.nn.functional broadcasts before it calls
    result: Array = torch._C._nn.soft_margin_loss(x, sign, REDUCTIONS_OF_TORCH[reduction])
    return result


_FEW_SOFT = 1 << 13
"""Elements up to which torch's kernel in float64 takes the least time, where targets are not 0 or 1."""

_ORDINARY = 16.0
"""Logits of which float64 leaves float32 all digits, where 1 - p or the logit itself is subtracted."""


# Of targets that are 0 or 1 it is log(1 + exp(±x)).
def bernoulli_nll_in_torch(torch: Any, x: Array, target: Array, reduction: str) -> Array | None:
    """`bernoulli_nll`, reduced, by a few of torch's operations; None where another way has more digits."""
    # The derivative by a target, -x, would be a difference of the two.
    if target.requires_grad:
        return None
    if torch.equal((target * target).clamp_max_(1.0), target):
        return margin_nll_in_torch(torch, x, torch.add(target, target).sub_(1.0), reduction)
    if x.dtype is torch.float64 or x.numel() > _FEW_SOFT:
        return None
    least, most = least_and_most(x)
    if not -_ORDINARY <= least <= most <= _ORDINARY:
        return None
    given, code = [y.to(torch.float64) for y in (x, target)], REDUCTIONS_OF_TORCH[reduction]
    result: Array = torch.binary_cross_entropy_with_logits(*given, None, None, code).to(x.dtype)
    return result


def _softplus_in_place(library: Any, x: Array) -> Array:
    if library is not np:
        return softplus_in_torch(library, x)
    log_term = _softplus_of_minus_in_place(np.abs(x))
    return np.add(log_term, x.clip(0.0, np.inf), out=log_term)


# log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)). At 0 both terms take the branch x >= 0, so the kinks cancel.
@primitive(in_place=_softplus_in_place)
def softplus(xp: Namespace, x: Array, /) -> Array:
    """Softplus, to full relative precision and without overflow.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        ``log(1 + exp(x))``.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.softplus(np.asarray([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    negative = x < 0
    above = where(negative, 0.0, x)
    below = where(negative, -x, 0.0)
    return above + xp.log1p(xp.exp(-(above + below)))


def log_sigmoid(x: Array, /) -> Array:
    """Logarithm of the logistic sigmoid, to full relative precision and without overflow.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        ``log(1 / (1 + exp(-x)))``.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.log_sigmoid(np.asarray([-1000.0, 1000.0])).tolist()
    [-1000.0, -0.0]
    """
    return -softplus(-x)


def _sigmoid_of_minus_in_place(library: Any, x: Array) -> Array:
    """1 / (1 + exp(x)), in its place."""
    if library is not np:
        return x.neg_().sigmoid_()
    with np.errstate(over="ignore"):  # 1 / inf is 0, which is right
        np.exp(x, out=x)
    return np.reciprocal(np.add(x, 1.0, out=x), out=x)


def _sigmoid_in_place(library: Any, x: Array) -> Array:
    return _sigmoid_of_minus_in_place(np, np.negative(x)) if library is np else library.sigmoid(x)


@primitive(in_place=_sigmoid_in_place)
def sigmoid(xp: Namespace, x: Array, /) -> Array:
    """Logistic sigmoid, to full relative precision on both sides.

    Parameters
    ----------
    x : array
        Floating.

    Returns
    -------
    array
        ``1 / (1 + exp(-x))``.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.sigmoid(np.asarray([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    negative = x < 0
    small = xp.exp(where(negative, x, -x))
    return where(negative, small, 1.0) / (1.0 + small)


@primitive(in_place=lambda library, x: (_sigmoid_in_place(library, x), _sigmoid_in_place(library, library.negative(x))))
def sigmoid_and_complement(xp: Namespace, x: Array) -> tuple[Array, Array]:
    """The sigmoid p and 1 - p, to full relative precision on both sides: for derivatives."""
    negative = x < 0
    small = xp.exp(where(negative, x, -x))
    large = 1.0 / (1.0 + small)
    small = small * large
    return where(negative, small, large), where(negative, large, small)


# torch and JAX take the derivative for 1 - tanh², which keeps no digit where tanh is near 1.
def tanh_derivative(x: Array) -> Array:
    """The derivative of tanh x, 1 / cosh² x = 4 / ((1 + exp(2 x)) (1 + exp(-2 x)))."""
    p, complement = sigmoid_and_complement(2.0 * x)
    return 4.0 * (p * complement)


# With s = sigmoid(-2 |x|) it is 1 - 2 s, or the negative of that. This has the derivative, and a difference that is 0.
def _tanh_torch(torch: Any, x: Array) -> Array:
    negative = x < 0
    s = torch.sigmoid(-2.0 * torch.where(negative, -x, x))
    s = torch.where(negative, -s, s)
    return x.tanh().detach() - 2.0 * (s - s.detach())


@primitive(
    in_place=lambda library, x: library.tanh(x),
    torch=_tanh_torch,
    jax=lambda jax, x: with_derivative(jax.numpy.tanh, tanh_derivative, x),
)
def tanh(xp: Namespace, x: Array) -> Array:
    """tanh x, with a derivative that keeps its digits."""
    return xp.tanh(x)


# Differences of these are taken, and the largest is known by its difference of 0. XLA fuses a product with the sum
# after it and does not round it; a maximum that changes nothing is no such sum.
def _softcap_jax(jax: Any, x: Array, cap: Any) -> Array:
    return jax.numpy.maximum(cap * tanh(x / cap), -finfo(x).max)


@primitive(jax=_softcap_jax)
def softcap(xp: Namespace, x: Array, cap: Any) -> Array:
    """cap tanh(x / cap)."""
    return cap * tanh(x / cap)


def softcap_derivative(x: Array, cap: Any) -> Array:
    """The derivative of `softcap`, 1 / cosh²(x / cap), which keeps its digits where tanh is 1."""
    return tanh_derivative(x / cap)


# With up = 1 for x >= 0 and 0 below, it is (up - t) x + log(1 + exp(-|x|)). The derivative is up - t, for x >= 0 less
# sigmoid(-|x|), and below more by it. No digit is lost to a difference from 1.


def _gap_in_place(library: Any, x: Array, target: Array) -> tuple[Array, Array]:
    """1 for x >= 0 and 0 below, and that less t."""
    up = library.greater_equal(x, 0.0, out=library.empty_like(x))
    return up, up - target


def _times_logit(library: Any, gap: Array, x: Array, target: Array) -> Array:
    """The gap times the logit, where 0 times infinity is 0."""
    if library is not np and not x.is_cpu:
        value = (gap * x).nan_to_num_(0.0, library.inf, -library.inf)
        return value.add_(target, alpha=0.0)  # a NaN of the target stays
    with np.errstate(over="ignore", invalid="ignore"):
        value = gap * x
        if math.isnan(value.sum()):
            value[library.isinf(x) & (gap == 0)] = 0.0
    return value


def _add_log_term(library: Any, value: Array, small: Array) -> Array:
    """The value with log(1 + exp(-|x|)), that of 1 / sigmoid(|x|), in the memory of sigmoid(-|x|)."""
    library.log1p(library.negative(small, out=small), out=small)
    return library.subtract(value, small, out=value)


def _bernoulli_nll_in_place(library: Any, x: Array, target: Array, other: Array | None = None) -> Array | None:
    if other is not None:
        return None
    _, gap = _gap_in_place(library, x, target)
    value = _times_logit(library, gap, x, target)
    if library is np:
        return np.add(value, _softplus_of_minus_in_place(np.abs(x)), out=value)
    # torch's sigmoid takes half the time of its exponential.
    return _add_log_term(library, value, _sigmoid_of_minus_in_place(library, x.abs()))


def _bernoulli_nll_and_derivative_in_place(
    library: Any, x: Array, target: Array, other: Array | None = None
) -> tuple[Array, Array] | None:
    if other is not None:
        return None
    up, gap = _gap_in_place(library, x, target)
    value = _times_logit(library, gap, x, target)
    small = _sigmoid_of_minus_in_place(library, library.abs(x))
    gap += small
    if library is np:
        up *= small
        up *= 2.0
        gap -= up
    else:
        gap.addcmul_(up, small, value=-2)
    return _add_log_term(library, value, small), gap


def _bernoulli_nll_derivative_in_place(library: Any, x: Array, target: Array, other: Array | None = None) -> Any:
    both = _bernoulli_nll_and_derivative_in_place(library, x, target, other)
    return both and both[1]


def _terms(xp: Namespace, x: Array, target: Array, other: Array | None) -> tuple[Array, Array, Array | None]:
    """The sign of x, the weight of the less likely class, and the sum of both weights, None where it is 1."""
    up = xp.astype(x >= 0, x.dtype)
    sign = 2.0 * up - 1.0
    if other is None:
        return sign, sign * (up - target), None
    return sign, up * other + (1.0 - up) * target, target + other


def _value(xp: Namespace, size: Array, small: Array, unlikely: Array, mass: Array | None) -> Array:
    # 0 times infinity is 0: an infinite logit that agrees with its target costs nothing.
    finite = where(xp.logical_and(unlikely == 0, size == float("inf")), 0.0, size)
    log_term = xp.log1p(small)
    return unlikely * finite + (log_term if mass is None else mass * log_term)


def _derivative(sign: Array, small: Array, unlikely: Array, mass: Array | None) -> Array:
    p = small / (1.0 + small)
    return sign * (unlikely - (p if mass is None else mass * p))


@primitive(arrays=2, in_place=_bernoulli_nll_in_place)
def bernoulli_nll(xp: Namespace, x: Array, target: Array, other: Array | None = None) -> Array:
    """t log(1 + exp(-x)) + u log(1 + exp(x)) for a logit x, where u is `other` or 1 - t."""
    sign, unlikely, mass = _terms(xp, x, target, other)
    size = x * sign
    return _value(xp, size, xp.exp(-size), unlikely, mass)


@primitive(arrays=2, in_place=_bernoulli_nll_derivative_in_place)
def bernoulli_nll_derivative(xp: Namespace, x: Array, target: Array, other: Array | None = None) -> Array:
    """The derivative of `bernoulli_nll` by x."""
    sign, unlikely, mass = _terms(xp, x, target, other)
    return _derivative(sign, xp.exp(-(x * sign)), unlikely, mass)


@primitive(arrays=2, in_place=_bernoulli_nll_and_derivative_in_place)
def bernoulli_nll_and_derivative(
    xp: Namespace, x: Array, target: Array, other: Array | None = None
) -> tuple[Array, Array]:
    """The value of `bernoulli_nll` and its derivative by x."""
    sign, unlikely, mass = _terms(xp, x, target, other)
    size = x * sign
    small = xp.exp(-size)
    return _value(xp, size, small, unlikely, mass), _derivative(sign, small, unlikely, mass)


def _certain(x: Array) -> float:
    """A logit at which p (1 - p) is 0, far from those at which it is not."""
    return -2.0 * math.log(finfo(x).smallest_normal)


# With e = exp(-|x|) it is log((m + n e) / (1 + e)), where m is the weight of the less likely class and n the other one.
# Where m is 0, log(m + n e) is log n - |x| + log(1 + r) with r = m exp(|x|) / n, which enters by its derivatives alone.
def _log_complement(xp: Namespace, x: Array, target: Array, other: Array) -> Array:
    """log(t sigmoid(-x) + u sigmoid(x)) for t and u = 1 - t, with finite derivatives where that is far below 1."""
    up = x >= 0
    size = where(up, x, -x)
    unlikely, likely = where(up, other, target), where(up, target, other)
    small = xp.exp(-size)
    certain = unlikely == 0
    # log(1 + unlikely / (likely small)) to the second order: all of it that counts where `unlikely` is 0.
    most, odds = 0.9 * math.log(finfo(x).max), unlikely / where(certain, likely, 1.0)
    first, second = odds * xp.exp(clip(size, None, most)), odds * xp.exp(clip(size, None, most / 2.0))
    series = first - second * second / 2.0
    value = xp.log(where(certain, likely, unlikely + likely * small)) + where(certain, series - size, 0.0)
    return at_least_lowest(value - xp.log1p(small))


def _complement_to_in_place(library: Any, x: Array, target: Array, other: Array, exponent: Any) -> Array:
    complement = _sigmoid_in_place(library, x)
    complement *= other
    complement += _sigmoid_in_place(library, library.negative(x)) * target
    return at_least_smallest_normal(complement) ** exponent


@primitive(arrays=3, in_place=_complement_to_in_place)
def complement_to(xp: Namespace, x: Array, target: Array, other: Array, exponent: Any) -> Array:
    """(t sigmoid(-x) + u sigmoid(x))^exponent for t and u = 1 - t, with finite derivatives where the base is tiny.

    Of a logit whose p is 0 or 1 to the last digit, it has no derivative by that logit.
    """
    power = exponent * _log_complement(xp, clip(x, -_certain(x), _certain(x)), target, other)
    return array_namespace(power).exp(power)


@primitive(in_place=lambda library, x, exponent: at_least_smallest_normal(_sigmoid_in_place(library, x)) ** exponent)
def sigmoid_to(_: Namespace, x: Array, exponent: Any) -> Array:
    """sigmoid(x)^exponent, of a base of at least exp(-2^12) or the smallest normal number, with finite derivatives."""
    power = exponent * clip(log_sigmoid(x), -(2.0**12))
    return array_namespace(power).exp(power)


# A huge cost is that of a p of 0 or 1, where a power of p has no derivative. What would be multiplied by it, the cost
# times the exponent, may be out of range, and leaves no digit of what is added to the product.
@primitive(arrays=2, in_place=lambda _, cost, power, most=None: cost * power)
def discounted(xp: Namespace, cost: Array, power: Array, most: float | None = None) -> Array:
    """The cost times a power of p; where the cost is above `most`, the power has no derivative."""
    near = clip(cost, None, _certain(cost) if most is None else most)
    return near * power + (cost - near) * stop_gradient(power)
