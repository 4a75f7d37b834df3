"""The softmax: negative log-probabilities and their derivatives, in one pass over the logits, to the last digits.

Where the label leads, its probability p is near 1, and both -log p and the derivative p - 1 would lose their digits.
The sum of all other probabilities has them: 1 - p, without a subtraction. So the largest entry, or that of the label,
is left out of the sum, and comes in where nothing cancels.

In place, the steps write over each other, and torch's own softmax is one of them.
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

import numpy as np

from .._array_api import Array, Namespace, array_namespace, at_most, in_transform, untraced
from . import ordinary_rows
from ._jax import in_short, lies_on_mesh, with_partials
from ._variants import primitive
from .elementwise import clip, finfo, stop_gradient, weighted, where
from .indexing import (
    argmax,
    clear,
    expand_dims,
    gather,
    lie_in_rows,
    one_hot_mask,
    put_along_axis,
    scatter,
    take_along_axis,
)
from .logarithms import expm1, log1p_ratio
from .reductions import REDUCTIONS_OF_TORCH, reduce_max, reduce_sum, reduce_sums, starts

WIDE = 1 << 13
"""Classes of which XLA takes half the time on the CPU where no entry is compared with the label."""


def softmax(x: Array, /, axis: int = -1) -> Array:
    """Softmax, to full relative precision and without overflow.

    Parameters
    ----------
    x : array
        Floating: logits along `axis`.
    axis : int, default -1
        The class axis.

    Returns
    -------
    array
        ``exp(x) / sum(exp(x))``, of the shape of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.softmax(np.asarray([1000.0, 1000.0, -1000.0])).tolist()
    [0.5, 0.5, 0.0]
    """
    _, exponential, others = _terms(x, _largest(x, axis), axis)
    return exponential / (1.0 + others)


def log_softmax(x: Array, /, axis: int = -1) -> Array:
    """Logarithm of the softmax, which keeps its digits where a probability is near 1.

    Parameters
    ----------
    x : array
        Floating: logits along `axis`.
    axis : int, default -1
        The class axis.

    Returns
    -------
    array
        ``x - logsumexp(x)``, of the shape of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.log_softmax(np.asarray([40.0, 0.0])).tolist()
    [-4.248354255291589e-18, -40.0]
    """
    gap, _, others = _terms(x, _largest(x, axis), axis)
    return -(gap + array_namespace(x).log1p(others))


def logsumexp(x: Array, /, axis: int = -1) -> Array:
    """Logarithm of a sum of exponentials, without overflow.

    Parameters
    ----------
    x : array
        Floating.
    axis : int, default -1
        The axis that is summed along.

    Returns
    -------
    array
        ``log(sum(exp(x)))``, without `axis`.

    Examples
    --------
    >>> import numpy as np
    >>> from arraylosses import special
    >>> special.logsumexp(np.asarray([1000.0, -np.inf])).tolist()
    1000.0
    """
    xp = array_namespace(x)
    if 0 in x.shape[axis : axis + 1 or None]:
        return xp.sum(x, axis=axis) + float("-inf")
    largest = _largest(x, axis)
    # A difference of infinities has no value, nor has the logarithm of 0.
    shift = where(xp.isinf(largest), 0.0, largest)
    _, _, others = _terms(x, shift, axis)
    # The maximum may leave NaN out: see `reductions.largest`.
    none = xp.logical_and(largest == float("-inf"), others == others)
    value = shift + xp.log1p(where(none, 0.0, others))
    return xp.squeeze(where(none, float("-inf"), value), axis=axis)


_LEAST_IN_FLOAT64 = 1e-8
"""1 - p whose rounding in float64 is a fifth of a unit of float32."""


def log_softmax_in_torch(torch: Any, logits: Array, axis: int) -> Array | None:
    """In float64, of float32; None where an entry is so near 0 that float32 would show what is lost there."""
    if logits.dtype is torch.float64:
        return None
    log_p: Array = torch.log_softmax(logits, axis, torch.float64)
    return log_p if log_p.detach().amax().item() <= -_LEAST_IN_FLOAT64 else None


def nll_in_torch(
    torch: Any, log_p: Array, labels: Array, axis: int, reduction: str, class_weight: Array | None = None
) -> Array:
    """-log p of the labels, weighed and reduced by torch's kernel, of rows where the classes are not second."""
    shape = labels.shape
    if log_p.ndim > 1 and axis not in (1, 1 - log_p.ndim):
        log_p, labels = log_p.movedim(axis, -1).flatten(0, -2), labels.flatten()
    weight = None if class_weight is None else class_weight.to(log_p.dtype)
    result: Array = torch._C._nn.nll_loss_nd(log_p, labels, weight, REDUCTIONS_OF_TORCH[reduction], -100)
    return result.reshape(shape) if reduction == "none" else result


def cross_entropy_in_torch(torch: Any, log_p: Array, target: Array, axis: int, reduction: str) -> Array:
    """-Σ t log p, reduced: a product of all entries, which torch records as one step."""
    result: Array
    if reduction == "none":
        result = -(target * log_p).sum(axis)
        return result
    items = log_p.numel() // log_p.shape[axis] if reduction == "mean" else 1
    share = target.to(log_p.dtype).mul_(-1.0 / items)
    result = torch.dot(log_p.reshape(-1), share.reshape(-1))
    return result


# The formulas in place. log(1 + others / label) keeps the digits of a label of any probability p that has some itself.


def _softmax_in_place(library: Any, logits: Array, axis: int, *, scaled: bool = True) -> Array:
    """Return p, but for a factor a row unless `scaled`."""
    if library is not np:
        p: Array = library.softmax(logits, axis)
        return p
    p = logits - logits.max(axis=axis, keepdims=True)
    np.exp(p, out=p)
    return np.multiply(p, np.reciprocal(p.sum(axis=axis, keepdims=True)), out=p) if scaled else p


def _label_terms_in_place(
    library: Any, logits: Array, labels: Array, axis: int, *, derivative: bool
) -> tuple[Array, ...]:
    """-log p and 1 - p of the labels, and the derivative if it is asked for."""
    if library is not np:
        terms = _label_terms_in_torch if logits.is_cpu else _label_terms_in_few_calls
        return terms(logits, labels, axis, derivative=derivative)
    if lie_in_rows(logits, axis):
        found = _label_terms_of_rows(_rows(logits), labels.reshape(-1), derivative=derivative)
        return _of_rows(found, logits)
    index = expand_dims(labels, axis)
    p = _softmax_in_place(np, logits, axis, scaled=derivative)
    label = take_along_axis(np, p, index, axis).squeeze(axis)
    put_along_axis(np, p, index, 0.0, axis)
    others = p.sum(axis)
    with np.errstate(all="ignore"):
        nll = np.log1p(others / label)
    unlikely = label < finfo(p).smallest_normal
    if unlikely.any():
        nll[unlikely] = _nll_of_unlikely(np, np.moveaxis(logits, axis, -1)[unlikely], labels[unlikely])
    others /= others + label
    if not derivative:
        return nll, others
    put_along_axis(np, p, index, -expand_dims(others, axis), axis)
    return nll, others, p


def _label_terms_in_torch(logits: Array, labels: Array, axis: int, *, derivative: bool) -> tuple[Array, ...]:
    """The same on torch's CPU."""
    index = labels.unsqueeze(axis)
    p = logits.softmax(axis)
    label = p.gather(axis, index).squeeze(axis)
    p.scatter_(axis, index, 0.0)
    others = p.sum(axis)
    nll = others.div(label).log1p_()
    least = finfo(p).smallest_normal
    if label.numel() and not label.amin().item() >= least:
        unlikely = label < least
        library = sys.modules["torch"]
        nll[unlikely] = _nll_of_unlikely(library, logits.movedim(axis, -1)[unlikely], labels[unlikely])
    if derivative:
        p.scatter_(axis, index, others.neg().unsqueeze(axis))
        return nll, others, p
    return nll, others


def _nll_of_unlikely(library: Any, rows: Array, labels: Array) -> Array:
    """-log p of labels whose p has no digits: the gap to the largest logit m, and log Σ exp(logit - m)."""
    largest = reduce_max(rows, -1)
    gap = largest - take_along_axis(library, rows, expand_dims(labels, -1), -1)
    result: Array = gap.squeeze(-1) + library.log(library.exp(rows - largest).sum(-1))
    return result


def _rows(x: Array) -> Array:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _of_rows(found: tuple[Array, ...], like: Array) -> tuple[Array, ...]:
    """What was found of rows, one number or one row for each, in the shape of what they were of."""
    return tuple([x.reshape(like.shape if x.ndim == 2 else like.shape[:-1]) for x in found])


def _label_terms_of_rows(logits: Array, labels: Array, *, derivative: bool) -> tuple[Array, ...]:
    """The same for rows of NumPy, in few calls."""
    dtype = ordinary_rows.working_dtype(logits)
    if dtype is not None:
        return ordinary_rows.label_terms(logits, labels, dtype, derivative=derivative)
    place = starts(*logits.shape) + labels
    p = logits - np.maximum.reduce(logits, 1, keepdims=True)
    flat = p.reshape(-1)
    gap = flat[place]
    np.exp(p, out=p)
    label = flat[place]
    flat[place] = 0.0
    others = np.add.reduce(p, 1)
    nll = np.log1p(others - (1.0 - label))  # others is at least 1 where the label does not lead
    nll -= gap
    total = others + label
    others /= total
    if not derivative:
        return nll, others
    p *= np.reciprocal(total)[:, None]
    flat[place] = -others
    return nll, others, p


def _label_terms_in_few_calls(logits: Array, labels: Array, axis: int, *, derivative: bool) -> tuple[Array, ...]:
    """The same on an accelerator, where a kernel costs more than it computes and no value can be looked at."""
    index = labels.unsqueeze(axis)
    p = logits.log_softmax(axis)
    log_p = p.gather(axis, index).squeeze(axis)
    p.exp_().scatter_(axis, index, 0.0)
    others = p.sum(axis)
    less = others.neg()
    if derivative:
        p.scatter_(axis, index, less.unsqueeze(axis))
    found = log_p.where(log_p < -0.5, less.log1p_()).neg_(), others
    return (*found, p) if derivative else found


def _weighted_sum_in_place(library: Any, gap: Array, target: Array, axis: int) -> Array:
    """Σ t gap with the axis, where 0 times an infinite gap is 0; `gap` is written over."""
    if library is not np:
        return gap.mul_(target).nansum(axis, keepdim=True)
    with np.errstate(invalid="ignore"):
        gap *= target
    np.putmask(gap, np.isnan(gap), 0.0)
    return gap.sum(axis, keepdims=True)


def _cross_entropy_in_place(
    library: Any, logits: Array, target: Array, axis: int, *, derivative: bool
) -> Array | tuple[Array, Array]:
    if library is np and lie_in_rows(logits, axis) and lie_in_rows(target, axis):
        rows, targets = _rows(logits), _rows(target)
        dtype = ordinary_rows.working_dtype(rows, targets)
        if dtype is not None:
            found = _of_rows(ordinary_rows.cross_entropy(rows, targets, dtype, derivative=derivative), logits)
            return (found[0], found[1]) if derivative else found[0]
    top = argmax(library, logits, axis)
    largest = take_along_axis(library, logits, top, axis)
    gap = library.subtract(largest, logits)
    value = _weighted_sum_in_place(library, gap, target, axis)
    p = gap  # in the same memory
    if library is np:
        np.exp(np.subtract(logits, largest, out=p), out=p)
    else:
        library.softmax(logits, axis, out=p)
    most = take_along_axis(library, p, top, axis)
    put_along_axis(library, p, top, 0.0, axis)
    others, mass = p.sum(axis, keepdims=True), target.sum(axis, keepdims=True)
    value += library.log1p(others / most) * mass
    if not derivative:
        return value.squeeze(axis)
    # p Σ t - t, and for the largest p (Σ t - t) - (1 - p) t
    total = others + most
    p *= mass / total
    p -= target
    of_top = take_along_axis(library, target, top, axis)
    put_along_axis(library, p, top, (most * (mass - of_top) - others * of_top) / total, axis)
    return value.squeeze(axis), p


# The formulas of the standard. The derivative by the largest logit m, which is in all of them, is 0 whatever m is.


def _largest(x: Array, axis: int) -> Array:
    return stop_gradient(reduce_max(x, axis))


class _Exponentials:
    """exp(logit - m) of the label, and of all other classes with 0 at the label."""

    def __init__(self, logits: Array, labels: Array, axis: int) -> None:
        xp = array_namespace(logits, labels)
        largest = _largest(logits, axis)
        label = expand_dims(gather(logits, labels, axis), axis)
        self.axis = axis
        self.is_label = one_hot_mask(expand_dims(labels, axis), logits, axis)
        self.rest = where(self.is_label, 0.0, xp.exp(logits - largest))
        self.others = xp.sum(self.rest, axis=axis, keepdims=True)
        self.gap = largest - label
        self.label = xp.exp(-self.gap)

    # log(1 + others / label), and where that is far from a log of 1, gap + log(others + label)
    def nll_and_complement(self) -> tuple[Array, Array]:
        xp = array_namespace(self.others)
        total = self.others + self.label
        near = self.gap < 20
        nll = where(near, xp.log1p(self.others / where(near, self.label, 1.0)), self.gap + xp.log(total))
        return xp.squeeze(nll, axis=self.axis), xp.squeeze(self.others / total, axis=self.axis)


@primitive(in_place=functools.partial(_label_terms_in_place, derivative=False))
def nll_and_complement(_: Namespace, logits: Array, labels: Array, axis: int) -> tuple[Array, Array]:
    """-log p and 1 - p of the class that integer `labels` name, for p = softmax(logits) along `axis`."""
    return _Exponentials(logits, labels, axis).nll_and_complement()


def _nll_in_place(library: Any, logits: Array, labels: Array, axis: int) -> Array:
    nll: Array = _label_terms_in_place(library, logits, labels, axis, derivative=False)[0]
    return nll


def _nll_jax(jax: Any, logits: Array, labels: Array, axis: int) -> Array:
    def beside_label(logits: Array, labels: Array) -> Array:
        return nll_and_complement(logits, labels, axis)[0]

    def of_largest(logits: Array, labels: Array) -> Array:
        return _nll(array_namespace(logits), logits, labels, axis)

    if _is_narrow(logits, axis) or axis % logits.ndim != logits.ndim - 1 or lies_on_mesh(logits):
        return beside_label(logits, labels)
    found: Array = jax.lax.platform_dependent(logits, labels, cpu=of_largest, default=beside_label)
    return found


def _nll(xp: Namespace, logits: Array, labels: Array, axis: int) -> Array:
    largest = _largest(logits, axis)
    _, _, others = _terms(logits, largest, axis)
    label = expand_dims(gather(logits, labels, axis), axis)
    return xp.squeeze((largest - label) + xp.log1p(others), axis=axis)


def _nll_torch(torch: Any, logits: Array, labels: Array, axis: int) -> Array | None:
    is_alone = not in_transform() and not (torch.is_grad_enabled() and logits.requires_grad)
    return None if is_alone else nll_and_complement(logits, labels, axis)[0]


# No entry is compared with the label, which torch's compiler would do in a loop of its own along any axis but the last.
# A derivative of this by the label's logit is p - 1, without the digits of an easy row, so it is for the value alone.
@primitive(in_place=_nll_in_place, jax=_nll_jax, torch=_nll_torch)
def nll(xp: Namespace, logits: Array, labels: Array, axis: int) -> Array:
    """-log p of the class that integer `labels` name, where JAX has its derivative in closed form."""
    if untraced(xp) is not xp:
        return nll_and_complement(logits, labels, axis)[0]
    return _nll(xp, logits, labels, axis)


@primitive(in_place=functools.partial(_label_terms_in_place, derivative=True))
def nll_complement_and_derivative(_: Namespace, logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
    """The same, and the derivative of -log p by each logit: p, and p - 1 for the label."""
    terms = _Exponentials(logits, labels, axis)
    derivative = where(terms.is_label, -terms.others, terms.rest) / (terms.others + terms.label)
    return *terms.nll_and_complement(), derivative


def _beside_label_in_place(library: Any, logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
    index = expand_dims(labels, axis)
    p = _softmax_in_place(library, logits, axis)
    label = take_along_axis(library, p, index, axis)
    put_along_axis(library, p, index, 0.0, axis)
    others = p.sum(axis, keepdims=True)
    return p, label.squeeze(axis), (others / (others + label)).squeeze(axis)


@primitive(in_place=_beside_label_in_place)
def probabilities_beside_label(xp: Namespace, logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
    """p of all classes, with 0 in the place of the one that integer `labels` name, and p and 1 - p of that one."""
    largest = _largest(logits, axis)
    label = xp.exp(expand_dims(gather(logits, labels, axis), axis) - largest)
    rest = clear(xp.exp(logits - largest), labels, axis)
    others = xp.sum(rest, axis=axis, keepdims=True)
    total = others + label
    return rest / total, xp.squeeze(label / total, axis=axis), xp.squeeze(others / total, axis=axis)


# XLA has fast loops on the CPU for all that is here but a comparison.
@primitive(jax=lambda jax, gap: 1.0 - jax.numpy.sign(gap))
def _is_zero(xp: Namespace, gap: Array) -> Array:
    return xp.astype(gap == 0, gap.dtype)


def _gaps(logits: Array, shift: Array) -> tuple[Array, Array, Array]:
    """m - logit, exp(logit - m), and 1 where that is the largest, for `shift` as m."""
    gap = shift - logits
    return gap, array_namespace(logits).exp(-gap), _is_zero(gap)


def _others(exponential: Array, is_largest: Array, axis: int) -> Array:
    """Σ exp(logit - m) - 1, the sum without the largest, with the axis."""
    others, count = reduce_sums(exponential - is_largest, is_largest, axis=axis)
    return expand_dims(others + (count - 1.0), axis)


def _terms(logits: Array, shift: Array, axis: int) -> tuple[Array, Array, Array]:
    """m - logit, exp(logit - m), and Σ exp(logit - m) - 1."""
    gap, exponential, is_largest = _gaps(logits, shift)
    return gap, exponential, _others(exponential, is_largest, axis)


# 1 - p = (Σ exp(logit - m) - exp(logit - m)) / Σ exp(logit - m), where neither term of the sum is negative
def _probabilities(exponential: Array, others: Array) -> tuple[Array, Array]:
    """p and 1 - p."""
    total = 1.0 + others
    return exponential / total, (others + (1.0 - exponential)) / total


# XLA takes a sixth of the time where p and 1 - p are made of -log p.
def _nll_and_probabilities_jax(jax: Any, logits: Array, axis: int) -> tuple[Array, Array, Array]:
    nll = _nll_of_all_jax(logits, axis)
    return nll, jax.numpy.exp(-nll), -expm1(-nll)


@primitive(jax=_nll_and_probabilities_jax)
def nll_and_probabilities(xp: Namespace, logits: Array, axis: int) -> tuple[Array, Array, Array]:
    """-log p, p and 1 - p of every class."""
    gap, exponential, others = _terms(logits, _largest(logits, axis), axis)
    return gap + xp.log1p(others), *_probabilities(exponential, others)


# dp_k/dz = p_k (δ - p), so it is p (g - Σ p g). As Σ p is 1, a number may be taken from all g: that of a class of more
# than 1/2, whose own p (g - Σ p g) would lose its digits.
def pullback(p: Array, cotangent: Array, axis: int) -> Array:
    """Σ_k g_k dp_k/dz of a cotangent g of p = softmax(z): the one of the logits z."""
    leading = reduce_sum(where(p > 0.5, cotangent, 0.0), axis)
    cotangent = cotangent - expand_dims(leading, axis)
    return p * (cotangent - expand_dims(reduce_sum(p * cotangent, axis), axis))


def pullback_beside_label(
    rest: Array, label: Array, complement: Array, labels: Array, by_rest: Array, by_label: Array, axis: int
) -> Array:
    """The same of what `probabilities_beside_label` returns; `by_label` is the cotangent of the label's p."""
    of_rest = reduce_sum(rest * by_rest, axis)
    found = rest * (by_rest - expand_dims(of_rest + label * by_label, axis))
    return scatter(found, labels, label * (complement * by_label - of_rest), axis)


def _cross_entropy(xp: Namespace, logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
    """The value, and the derivative by each logit; all sums in one pass."""
    gap, exponential, is_largest = _gaps(logits, _largest(logits, axis))
    terms = exponential - is_largest, is_largest, weighted(gap, target), target
    others, count, gaps, mass = reduce_sums(*terms, axis=axis)
    others = others + (count - 1.0)
    value = gaps + xp.log1p(others) * mass
    return value, _derivative(exponential, expand_dims(others, axis), expand_dims(mass, axis), target)


# p Σ t - t = p (Σ t - t) - (1 - p) t
def _derivative(exponential: Array, others: Array, mass: Array, target: Array) -> Array:
    shares = exponential * (mass - target) - (others + (1.0 - exponential)) * target
    return shares * (1.0 / (1.0 + others))


def _cross_entropy_jax(_: Any, logits: Array, target: Array, axis: int) -> Array:
    def partial(position: int, logits: Array, target: Array) -> Array:
        if position == 0:
            return _derivative_jax(logits, target, axis)
        nll = _nll_of_all_jax(logits, axis)
        return where(target == 0, clip(nll, None, finfo(nll).max), nll)  # times a tangent of 0 it is 0

    result: Array = with_partials(functools.partial(_value_jax, axis=axis), partial, axis, logits, target)
    return result


def _value_jax(logits: Array, target: Array, axis: int) -> Array:
    xp = array_namespace(logits, target)

    # Σ t (-log p), where no log p is infinite
    def short(logits: Array, target: Array) -> tuple[Array, Array]:
        value = xp.sum(target * _nll_of_all_jax(logits, axis), axis=axis)
        return value, ~xp.isnan(value)

    def exact(logits: Array, target: Array) -> Array:
        return _cross_entropy(xp, logits, target, axis)[0]

    found: Array = in_short(short, exact, logits, target) if _is_narrow(logits, axis) else exact(logits, target)
    return found


def _nll_of_all_jax(logits: Array, axis: int) -> Array:
    gap, exponential, is_largest = _gaps(logits, _largest(logits, axis))
    return gap + array_namespace(logits).log1p(_others_jax(exponential, is_largest, axis))


# By the exponentials of -log p, which no sum is made of, XLA need not keep those that one is made of.
def _derivative_jax(logits: Array, target: Array, axis: int) -> Array:
    """The same, with p and 1 - p of -log p."""
    nll, mass = _nll_of_all_jax(logits, axis), expand_dims(reduce_sum(target, axis), axis)
    return array_namespace(nll).exp(-nll) * (mass - target) + expm1(-nll) * target


def _others_jax(exponential: Array, is_largest: Array, axis: int) -> Array:
    if not _is_narrow(exponential, axis):
        return _others(exponential, is_largest, axis)
    xp = array_namespace(exponential)
    others, count = [xp.sum(x, axis=axis, keepdims=True) for x in (exponential - is_largest, is_largest)]
    return others + (count - 1.0)


def _is_narrow(x: Array, axis: int) -> bool:
    """Whether XLA's fast loops on the CPU, one for each sum, take less time than one loop for all."""
    return at_most(x.shape[axis], WIDE - 1) is not False


def _cross_entropy_and_derivative_jax(_: Any, logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
    return _value_jax(logits, target, axis), _derivative_jax(logits, target, axis)


@primitive(arrays=2, in_place=functools.partial(_cross_entropy_in_place, derivative=False), jax=_cross_entropy_jax)
def cross_entropy(xp: Namespace, logits: Array, target: Array, axis: int) -> Array:
    """-Σ t log p along `axis`, for p = softmax(logits) and a target t of their shape."""
    return _cross_entropy(xp, logits, target, axis)[0]


@primitive(
    arrays=2,
    in_place=functools.partial(_cross_entropy_in_place, derivative=True),
    jax=_cross_entropy_and_derivative_jax,
)
def cross_entropy_and_derivative(xp: Namespace, logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
    """The same, and its derivative by each logit, p Σ t - t."""
    return _cross_entropy(xp, logits, target, axis)


def relative_entropy(logits: Array, others: Array, axis: int) -> Array:
    """Σ q (log q - log p) along `axis`, for q = softmax(logits) and p = softmax(others).

    With the gaps g to the largest logit, log q - log p is a difference of gaps and one of the logarithms of sums: no
    digit of a logarithm that both have is lost.
    """
    gap, exponential, rest = _terms(logits, _largest(logits, axis), axis)
    gap_of_others, _, rest_of_others = _terms(others, _largest(others, axis), axis)
    q, _ = _probabilities(exponential, rest)
    difference = weighted(gap_of_others - where(q == 0, 0.0, gap), q)
    logs = log1p_ratio(rest_of_others, rest)
    xp = array_namespace(difference)
    return xp.sum(difference, axis=axis) + xp.squeeze(logs, axis=axis)


def normalize(x: Array, axis: int) -> tuple[Array, Array]:
    """p = x / Σ x along `axis`, and 1 - p: for the largest, the sum of all others."""
    xp = array_namespace(x)
    is_largest = x == _largest(x, axis)
    others, count = reduce_sums(where(is_largest, 0.0, x), xp.astype(is_largest, x.dtype), axis=axis)
    total = xp.sum(x, axis=axis, keepdims=True)
    p = x / total
    leads = xp.logical_and(is_largest, expand_dims(count, axis) == 1)
    return p, where(leads, expand_dims(others, axis) / total, 1.0 - p)
