"""Primitives of the losses: what the standard lacks, and what its wrappers make slow or break.

Each keeps its digits where a textbook form loses them, and is differentiable to every order where losses are used
most: at 0, at ties, at infinite logits. A case is chosen by a mask that is no part of the derivative, never by `abs` or
`maximum`, whose derivative at a tie is a compromise. What differs from library to library is decided here, in
`numerics` and `vectors`; a loss never asks.
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

import numpy as np

from . import _jax_rules, _kernels
from ._array_api import (
    NUMBERS,
    Array,
    array_namespace,
    backend_of,
    dtype_name,
    is_eager_numpy,
    known_size,
    own_namespace,
    single_device,
    untraced,
)

__all__ = [
    "above_lowest",
    "above_zero",
    "at_least_tiny",
    "bernoulli",
    "bernoulli_and_slope",
    "bernoulli_slope",
    "clip",
    "constant",
    "expectation",
    "focal_weight",
    "guarded",
    "in_range",
    "inside",
    "is_class",
    "is_positive",
    "is_zero",
    "largest",
    "log",
    "log1p_ratio",
    "log_above",
    "log_complement",
    "log_cosh",
    "magnitude",
    "maximum",
    "new_axis",
    "one_hot",
    "pick",
    "positive_part",
    "put",
    "relative_entropy",
    "sigmoid",
    "sigmoid_pair",
    "sign",
    "softcap",
    "softcap_slope",
    "softplus",
    "softplus_pair",
    "sums",
    "top_of",
    "total",
    "weighted",
    "where",
    "without_axis",
    "xlogy",
]


def is_zero(setting: Any) -> bool:
    """Whether a setting is known to be 0, so that what it scales may be left out.

    False for an array and for a number that is traced: the formula has to hold there whatever the value is.
    """
    return isinstance(setting, NUMBERS) and setting == 0


def in_range(setting: Any, like: Array) -> Any:
    """A real setting, of which a number is limited to the range of the dtype of `like`: 0 times it is 0."""
    most = _info(like)[1]
    return min(max(setting, -most), most) if isinstance(setting, NUMBERS) else setting


def at_least_tiny(setting: Any, like: Array) -> Any:
    """A real setting that is divided by, limited to the normal numbers of the dtype of `like`."""
    tiny, most = _info(like)
    return min(max(setting, tiny), most) if isinstance(setting, NUMBERS) else clip(setting, tiny, most)


def _info(like: Array) -> tuple[float, float]:
    """The smallest normal number and the largest one of the dtype of `like`."""
    return _LIMITS[dtype_name(like.dtype)]


_LIMITS = {name: (float(np.finfo(name).smallest_normal), float(np.finfo(name).max)) for name in ("float32", "float64")}


def where(condition: Array, x: Array | float, y: Array | float) -> Array:
    """Choose from `x` where `condition` holds and from `y` elsewhere; either may be a number."""
    xp = array_namespace(condition, *[v for v in (x, y) if not isinstance(v, NUMBERS)])
    if backend_of(xp) == "numpy" and condition.size >= 4096:
        return _blend(condition, x, y)
    return own_namespace(xp).where(condition, x, y)


def _blend(condition: Array, x: Any, y: Any) -> Array:
    """NumPy's `where`, in a tenth of the time it takes where the condition can't be predicted.

    The result is y ^ ((x ^ y) & mask), bit by bit; the mask of an element is all ones or all zeros. So nothing of the
    other side gets through, be it NaN.
    """
    own = sys.modules["numpy"]
    like = y if isinstance(x, NUMBERS) else x
    integer = {"float32": own.int32, "float64": own.int64}.get(str(getattr(like, "dtype", "")))
    if integer is None or not all(isinstance(v, NUMBERS) or v.dtype == like.dtype for v in (x, y)):
        return own.where(condition, x, y)
    chosen, other = (own.asarray(v, dtype=like.dtype).view(integer) for v in (x, y))
    if own.broadcast_shapes(condition.shape, chosen.shape, other.shape) != condition.shape:
        return own.where(condition, x, y)
    mask = condition.astype(integer)
    if not chosen.ndim and not chosen:
        mask -= 1
        mask &= other
    else:
        own.negative(mask, out=mask)
        mask &= chosen ^ other if other.ndim or other else chosen
        mask ^= other
    return mask.view(like.dtype)


def clip(x: Array, low: float | Array | None, high: float | Array | None) -> Array:
    """Limit `x` to the range from `low` to `high`; NaN stays NaN, and at a bound the derivative is 1."""
    xp = array_namespace(x)
    if backend_of(xp) in ("numpy", "jax"):
        # With one bound NumPy's clip is its maximum, which takes three times as long with a number as clip does.
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        low, high = _within_range(low, x), _within_range(high, x)
        return _jax_rules.clip(x, low, high) if backend_of(xp) == "jax" else x.clip(low, high)
    return own_namespace(xp).clip(x, _within_range(low, x), _within_range(high, x))


def _within_range(bound: Any, x: Array) -> Any:
    """A bound, or infinity for a number that the dtype of `x` has not: torch refuses that, and NumPy warns."""
    if isinstance(bound, NUMBERS) and not abs(bound) <= _info(x)[1]:
        return math.copysign(math.inf, bound)
    return bound


def inside(x: Array, low: float | None, high: float | None) -> Array:
    """The derivative of `clip`: 1 from `low` to `high`, the ends included, and 0 beyond."""
    xp = array_namespace(x)
    if (own := _kernels.workshop(x)) is not None:
        limits = ((own.greater_equal, low), (own.less_equal, high))
        found = [holds(x, limit, out=own.empty_like(x)) for holds, limit in limits if limit is not None]
        return found[0] if len(found) == 1 else own.multiply(*found, out=found[0])
    bounds = [x >= low] if low is not None else []
    bounds += [x <= high] if high is not None else []
    return xp.astype(bounds[0] if len(bounds) == 1 else xp.logical_and(*bounds), x.dtype)


def is_positive(x: Array) -> Array:
    """1 where x > 0, else 0, in the dtype of `x`: the derivative of `positive_part`."""
    if (own := _kernels.workshop(x)) is not None:
        result: Array = own.greater(x, 0.0, out=own.empty_like(x))
        return result
    return array_namespace(x).astype(x > 0, x.dtype)


def maximum(x: Array, low: float) -> Array:
    """Raise `x` to at least `low`."""
    return clip(x, low, None)


def magnitude(x: Array) -> Array:
    """|x|, whose derivative at 0 is 0."""
    xp = array_namespace(x)
    return _jax_rules.magnitude(x) if backend_of(xp) == "jax" else xp.abs(x)


def sign(x: Array) -> Array:
    """The derivative of `magnitude`: -1 below 0, 0 at 0 and 1 above."""
    if (own := _kernels.workshop(x)) is not None:
        return _kernels.sign(own, x)
    return array_namespace(x).sign(x)


def positive_part(x: Array) -> Array:
    """max(x, 0), whose derivative at 0 is 0."""
    xp = array_namespace(x)
    backend = backend_of(xp)
    if backend == "numpy":
        return clip(x, 0.0, None)
    if backend == "jax":
        return _jax_rules.positive_part(x)
    return own_namespace(xp).relu(x) if backend == "torch" else xp.where(x <= 0, 0.0, x)


def largest(x: Array, axis: int) -> Array:
    """The largest entry along `axis`, which stays with length 1."""
    xp = array_namespace(x)
    if backend_of(xp) == "dask":  # whose own maximum fails at an empty chunk, which a mask may leave
        maximum = functools.partial(np.max, initial=-np.inf)
        return own_namespace(xp).reduction(x, maximum, maximum, axis=axis, keepdims=True, dtype=x.dtype)
    return xp.sum(x, axis=axis, keepdims=True) if 0 in x.shape else xp.max(x, axis=axis, keepdims=True)


def total(x: Array, axis: int | None = None) -> Array:
    """The sum along `axis`, or of all entries."""
    if is_eager_numpy(x):  # whose `sum` takes longer to arrive at this than this takes on a small array
        return np.add.reduce(x, axis)
    xp = array_namespace(x)
    return own_namespace(xp).sum(x, axis) if backend_of(xp) == "torch" else xp.sum(x, axis=axis)


def top_of(x: Array, axis: int) -> Array:
    """The largest entry along `axis`, for a result that is the same whatever number is taken for it."""
    top = largest(x, axis)
    backend = backend_of(array_namespace(x))
    if backend == "torch":
        return top.detach()
    return _jax_rules.constant(top) if backend == "jax" else top


def constant(x: Array) -> Array:
    """`x` as a number without a derivative."""
    xp = array_namespace(x)
    backend = backend_of(xp)
    if backend == "jax":
        return _jax_rules.constant(x)
    if backend == "torch":
        return x.detach()
    return x if untraced(xp) is xp else xp.nextafter(x, x)  # a step of the tape that has no derivative


def sums(axis: int, *terms: Array) -> tuple[Array, ...]:
    """The sum of each of `terms` along `axis`."""
    xp = array_namespace(*terms)
    if backend_of(xp) == "jax" and axis % terms[0].ndim == terms[0].ndim - 1:
        return _jax_rules.sums(*terms)
    return tuple([xp.sum(x, axis=axis) for x in terms])


def new_axis(x: Array, axis: int) -> Array:
    """Give `x` an axis of length 1. Dask's expand_dims has to know all lengths, an index does not."""
    before = axis if axis >= 0 else x.ndim + 1 + axis
    return x[(*(slice(None),) * before, None, ...)]


def without_axis(x: Array, axis: int) -> Array:
    """Take away an axis of length 1; torch's wrapper does it with much Python."""
    xp = array_namespace(x)
    return x.squeeze(axis) if backend_of(xp) == "torch" else xp.squeeze(x, axis=axis)


def pick(x: Array, index: Array, axis: int) -> Array:
    """Take the entry of each row of `x` along `axis` that `index` names."""
    place = new_axis(index, axis)
    if is_eager_numpy(x) and is_eager_numpy(index) and x.ndim == place.ndim == 2 and len(x) == len(index):
        return _kernels.pick(np, x, place, axis).squeeze(axis)
    xp = array_namespace(x, index)
    if backend_of(xp) == "torch":  # whose take_along_dim is compiled for one shape alone
        shape = [x.shape[axis] if k == axis % x.ndim else size for k, size in enumerate(place.shape)]
        whole = xp.broadcast_to(x, tuple(shape))
        return xp.squeeze(own_namespace(xp).gather(whole, axis, xp.astype(place, xp.int64, copy=False)), axis=axis)
    # JAX takes no entries of a single row for labels that lie on a mesh of explicit axes.
    is_spread = backend_of(xp) == "jax" and x.shape[axis] == math.prod(x.shape) and _jax_rules.is_spread(place)
    if hasattr(xp, "take_along_axis") and not is_spread:
        if known_size(place.shape) is None:  # a graph that does not know the lengths may not broadcast here
            x = x * xp.ones_like(place, dtype=x.dtype)
        return xp.squeeze(xp.take_along_axis(x, place, axis=axis), axis=axis)
    return xp.sum(where(is_class(place, x, axis), x, 0.0), axis=axis)


def is_class(index: Array, x: Array, axis: int) -> Array:
    """One boolean an entry of `x`: whether its place along `axis` is the one that `index` names."""
    xp = array_namespace(x, index)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    dtype = index.dtype
    if backend_of(xp) == "torch" and x.dtype in (xp.float32, xp.float64) and x.shape[axis] <= _EXACT_IN_FLOAT32:
        dtype = x.dtype  # torch's compiler vectorizes no comparison of 64-bit integers
    places = xp.arange(x.shape[axis], dtype=dtype, device=single_device(index))
    return xp.reshape(places, tuple(shape)) == xp.astype(index, dtype, copy=False)


_EXACT_IN_FLOAT32 = 1 << 24
"""Up to which every integer is a float32."""


def one_hot(index: Array, like: Array, axis: int, value: float) -> Array:
    """An array like `like` that holds `value` where `index` names the place along `axis`, and 0 elsewhere."""
    if (own := _kernels.workshop(like)) is not None:
        result = own.zeros_like(like)
        _kernels.put(own, result, new_axis(index, axis), value, axis)
        return result
    chosen = is_class(new_axis(index, axis), like, axis)
    return where(chosen, array_namespace(like).full_like(like, value), 0.0)


def put(x: Array, index: Array, values: Array | float, axis: int) -> Array:
    """`x` with other values where `index` names the place along `axis`: one each, or one for all."""
    place = new_axis(index, axis)
    values = values if isinstance(values, float) else new_axis(values, axis)
    if (own := _kernels.workshop(x)) is not None:
        x = own.clone(x) if own is not np else x.copy()
        _kernels.put(own, x, place, values, axis)
        return x
    return where(is_class(place, x, axis), values, x)


# Logarithms and exponentials


def log(x: Array) -> Array:
    """log x, that of a subnormal number too: JAX takes these for 0."""
    xp = array_namespace(x)
    return _jax_rules.log(x) if backend_of(xp) == "jax" else xp.log(x)


def log_above(x: Array, low: float | Array) -> Array:
    """log x, raised to `low`, with a derivative of 0 below that and at x = 0."""
    if backend_of(array_namespace(x)) == "jax":  # whose own rule of this logarithm is finite at 0
        return maximum(log(x), low)
    zero = x == 0
    return where(zero, low, maximum(log(where(zero, 1.0, x)), low))


def guarded(x: Array, weight: Array) -> Array:
    """`x`, and another number where it and `weight` are 0: a divisor or a logarithm that counts for nothing there."""
    if (own := _kernels.workshop(x, weight)) is not None:
        return own.add(none := _kernels.is_nothing(own, weight), x, out=none)
    return where(array_namespace(x, weight).logical_and(x == 0, weight == 0), 1.0, x)


def xlogy(x: Array, y: Array) -> Array:
    """x log y, and 0 with a zero derivative where both are 0."""
    return x * log(guarded(y, x))


def log1p_ratio(a: Array, b: Array) -> Array:
    """log((1 + a) / (1 + b)) of numbers above -1.

    The larger is divided by the smaller, so the logarithm is that of 1 plus a non-negative number: no digit is lost,
    whether the two are nearly equal or far apart.
    """
    if (own := _kernels.workshop(a, b)) is not None:
        return _kernels.log1p_ratio(own, a, b)
    xp = array_namespace(a, b)
    if backend_of(xp) != "jax":
        return _log1p_ratio(a, b)
    ratio: Array = _jax_rules.with_derivative_of(lambda _, a, b: xp.log1p(a) - xp.log1p(b), _log1p_ratio, a, b)
    return ratio


def _log1p_ratio(a: Array, b: Array) -> Array:
    difference = a - b
    up = difference >= 0
    size, divisor = where(up, difference, -difference), 1.0 + where(up, b, a)
    # Where the quotient may be out of range, it is taken of 2^-60 of the difference, and is far above 1 all the same.
    far = size > 2.0**60 * divisor
    quotient = where(far, 2.0**-60 * size, size) / divisor
    magnitude = array_namespace(size).log1p(where(far, quotient - 1.0, quotient)) + where(
        far, 60.0 * _LOG_2, 0.0 * size
    )
    return where(up, magnitude, -magnitude)


_LOG_2 = 0.6931471805599453


def relative_entropy(mass: Array, log_mass: Array, logs: Array, axis: int) -> Array:
    """Σ t (log t - log q) along `axis`, of t, log t and log q; a class with t = 0 counts for nothing."""
    return total(mass * (log_mass - _finite_where_none(logs, mass)), axis)


def _finite_where_none(x: Array, weight: Array) -> Array:
    """`x`, and another number than -infinity where `weight` is 0."""
    if (own := _kernels.workshop(x, weight)) is not None:
        return _kernels.finite_where_none(own, x, weight)
    return where(array_namespace(x, weight).logical_and(weight == 0, x == float("-inf")), 0.0, x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    if (own := _kernels.workshop(x)) is not None:
        return _kernels.softplus(own, x)
    return softplus_pair(x)[1]


def softplus_pair(x: Array) -> tuple[Array, Array]:
    """log(1 + exp(-x)) and log(1 + exp(x)): minus the logarithms of sigmoid(x) and of sigmoid(-x)."""
    if (own := _kernels.workshop(x)) is not None:
        return _kernels.softplus_pair(own, x)
    # log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)). At 0 both terms take the branch x >= 0, so the kinks cancel.
    xp = array_namespace(x)
    negative = x < 0
    above = where(negative, 0.0, x)
    below = where(negative, -x, 0.0)
    log_term = xp.log1p(xp.exp(-(above + below)))
    return below + log_term, above + log_term


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), to full relative precision on both sides."""
    if (own := _kernels.workshop(x)) is not None:
        return _kernels.sigmoid(own, x)
    xp = array_namespace(x)
    negative = x < 0
    small = xp.exp(where(negative, x, -x))
    return where(negative, small, 1.0) / (1.0 + small)


def sigmoid_pair(x: Array) -> tuple[Array, Array]:
    """The sigmoid of x and of -x, to full relative precision on both sides: for derivatives."""
    if (own := _kernels.workshop(x)) is not None:
        return _kernels.sigmoid_pair(own, x)
    xp = array_namespace(x)
    negative = x < 0
    small = xp.exp(where(negative, x, -x))
    large = 1.0 / (1.0 + small)
    small = small * large
    return where(negative, small, large), where(negative, large, small)


def softcap(x: Array, cap: Any) -> Array:
    """cap tanh(x / cap)."""
    xp = array_namespace(x)
    capped = cap * xp.tanh(x / cap)
    if backend_of(xp) != "jax":
        return capped
    # Differences of these are taken, and the largest is known by its difference of 0. XLA fuses a product with the sum
    # after it and does not round it; a maximum that changes nothing is no such sum.
    return xp.maximum(capped, -_info(x)[1])


def softcap_slope(x: Array, cap: float) -> Array:
    """The derivative of `softcap`, 1 / cosh²(x / cap), which keeps its digits where tanh is 1."""
    right, left = sigmoid_pair(2.0 * (x / cap))
    return 4.0 * (right * left)


# With side = 1 for x >= 0 and -1 below, |x| = side x and the target that x speaks against m, 1 - t or t, it is
# m |x| + log(1 + exp(-|x|)), and the derivative side (m - sigmoid(-|x|)): no digit is lost to a difference from 1.
def bernoulli(x: Array, target: Array, other: Array | None = None) -> Array:
    """t log(1 + exp(-x)) + u log(1 + exp(x)) for a logit x, where u is `other` or 1 - t."""
    if other is None and (own := _kernels.workshop(x, target)) is not None:
        return _kernels.bernoulli(own, x, target)
    xp = array_namespace(x, target)
    side, against, mass = _against(x, target, other)
    size = x * side
    # 0 times infinity is 0: an infinite logit that agrees with its target costs nothing.
    finite = where(xp.logical_and(against == 0, size == float("inf")), 0.0, size)
    log_term = xp.log1p(xp.exp(-size))
    return against * finite + (log_term if mass is None else mass * log_term)


def bernoulli_slope(x: Array, target: Array, other: Array | None = None) -> Array:
    """The derivative of `bernoulli` by x."""
    if other is None and (own := _kernels.workshop(x, target)) is not None:
        return _kernels.bernoulli_and_slope(own, x, target)[1]
    xp = array_namespace(x, target)
    side, against, mass = _against(x, target, other)
    small = xp.exp(-(x * side))
    small = small / (1.0 + small)
    return side * (against - (small if mass is None else mass * small))


def bernoulli_and_slope(x: Array, target: Array, other: Array | None = None) -> tuple[Array, Array]:
    """Both."""
    if other is None and (own := _kernels.workshop(x, target)) is not None:
        return _kernels.bernoulli_and_slope(own, x, target)
    return bernoulli(x, target, other), bernoulli_slope(x, target, other)


def _against(x: Array, target: Array, other: Array | None) -> tuple[Array, Array, Array | None]:
    """The side of x, what stands against it, and the sum of the two weights, None where it is 1."""
    xp = array_namespace(x, target)
    up = xp.astype(x >= 0, x.dtype)
    side = 2.0 * up - 1.0
    if other is None:
        return side, side * (up - target), None
    return side, up * other + (1.0 - up) * target, target + other


# With e = exp(-|x|) it is log((m + n e) / (1 + e)), where m is the weight that x speaks against and n the other one.
# Where m is 0, log(m + n e) is log n - |x| + log(1 + r) with r = m exp(|x|) / n, which enters by its derivatives alone.
def log_complement(x: Array, target: Array, other: Array) -> Array:
    """log(t sigmoid(-x) + u sigmoid(x)) for t and u = 1 - t, with finite derivatives where that is far below 1."""
    xp = array_namespace(x, target)
    up = x >= 0
    size = where(up, x, -x)
    against, by = where(up, other, target), where(up, target, other)
    small = xp.exp(-size)
    certain = against == 0
    # log(1 + against / (by small)) to the second order: all of it that counts where `against` is 0.
    most, odds = 0.9 * math.log(_info(x)[1]), against / where(certain, by, 1.0)
    first, second = odds * xp.exp(clip(size, None, most)), odds * xp.exp(clip(size, None, most / 2.0))
    series = first - second * second / 2.0
    likely = xp.log(where(certain, by, against + by * small)) + where(certain, series - size, 0.0)
    return above_lowest(likely - xp.log1p(small))


# log(cosh x) = log1p(cosh x - 1) near 0, by the series of cosh; |x| - log 2 + log1p(exp(-2 |x|)) elsewhere.
def log_cosh(x: Array) -> Array:
    """log(cosh x), to full relative precision near 0 and without overflow."""
    if (own := _kernels.workshop(x)) is not None:
        return _kernels.log_cosh(own, x)
    xp = array_namespace(x)
    size = xp.abs(x)
    near = size < 1
    square = clip(x, -1.0, 1.0) ** 2
    series: Array = 1.0
    for k in range(20, 2, -2):
        series = series * (square / (k * (k - 1))) + 1.0
    return xp.log1p(where(near, square * series / 2, xp.exp(-2 * size))) + where(near, 0.0, size - _LOG_2)


def focal_weight(complement: Array, gamma: float) -> Array:
    """complement^gamma, with a finite derivative where the complement of a probability is 0."""
    return above_zero(complement) ** gamma


def above_zero(x: Array) -> Array:
    """Raise `x` to the smallest normal number of its dtype, to be divided by."""
    return maximum(x, _info(x)[0])


def above_lowest(x: Array) -> Array:
    """Raise -infinity to the lowest finite number."""
    return maximum(x, -_info(x)[1])


def expectation(values: Array, target: Array, axis: int) -> Array:
    """Σ t v along `axis`, where 0 times infinity is 0."""
    return array_namespace(values, target).sum(weighted(values, target), axis=axis)


def weighted(values: Array, target: Array) -> Array:
    """t v, where 0 times infinity is 0."""
    most = float(array_namespace(values, target).finfo(values.dtype).max)
    return target * where(target == 0, clip(values, -most, most), values)
