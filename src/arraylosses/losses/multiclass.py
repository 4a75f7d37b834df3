"""Losses of several classes that exclude each other: integer labels, or a probability for each class."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace, as_array, dtype_kind
from ..arguments import (
    are_zero,
    of_classes,
    require_finite,
    require_integer,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
    require_range,
)
from ..numerics import elementwise, indexing, logarithms, logistic, reductions, settings, softmax
from ..registry import alias, register
from ._base import PureRowLoss, along, per_class

__all__ = ["CategoricalFocal", "CrossEntropy", "Nll"]

_FEW_LOGITS = 1 << 15
"""Logits up to which torch's own operations, in float64, take the least time, unless their rows are many and short."""

_FEW_OF_TARGETS = 1 << 16
"""Logits beside as many probabilities up to which they do."""


def _is_label(labels: Array) -> bool:
    return dtype_kind(labels.dtype) == "int"


@dataclass(frozen=True, kw_only=True)
class _ClassLoss(PureRowLoss):
    """What the losses of classes share: the weight of a class, and the label that is left out."""

    class_settings: ClassVar[tuple[str, ...]] = ("class_weight",)

    arrays = "logits[..., C]: real, labels[...]: class or labels[..., C]: distribution -> [...]"

    class_weight: Any = None
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ignore_index is not None:
            require_integer(ignore_index=self.ignore_index)
        if self.class_weight is not None:
            require_per_class(class_weight=self.class_weight)

    def item_weight(self, logits: Array, labels: Array) -> Array | None:
        """The weight of the label's class, or of the classes as the target mixes them."""
        if self.class_weight is None:
            return None
        axis = self.row_axis(logits)
        weight = per_class("class_weight", self.class_weight, logits, axis)
        return _expectation(along(weight, logits, axis), labels, axis)


def _over(x: Array, complement: Array) -> Array:
    """x / (1 - p), where the divisor may vanish with x."""
    return elementwise.divide(x, elementwise.at_least_smallest_normal(complement))


def _expectation(values: Array, labels: Array, axis: int) -> Array:
    """The value of the label's class, or of the classes as the target mixes them; 0 times infinity is 0."""
    if _is_label(labels):
        return indexing.gather(values, labels, axis)
    return reductions.expectation(values, labels, axis)


@dataclass(frozen=True, kw_only=True)
class _DistributionLoss(_ClassLoss):
    """What the losses of a predicted distribution share: logits or probabilities, and smoothing of the target."""

    of_softmax = True

    arrays = (
        "logits[..., C]: real if from_logits else distribution, "
        "labels[...]: class or labels[..., C]: distribution -> [...]"
    )

    from_logits: bool = True
    label_smoothing: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_logits=self.from_logits)
        require_range(0, 1, label_smoothing=self.label_smoothing)

    def _smoothed(self, logits: Array, labels: Array, axis: int) -> Array:
        """The target as a probability of each class."""
        target = indexing.one_hot(logits, labels, axis, 1.0) if _is_label(labels) else labels
        if settings.is_zero(self.label_smoothing):
            return target
        return special.smooth_labels(target, self.label_smoothing, axis=axis)

    def few_classes_first(self, *, of_labels: bool) -> bool:
        # Of these the rows have a form of their own.
        return not (of_labels and self.from_logits and settings.is_zero(self.label_smoothing))

    def _pair(self, given: Array, axis: int) -> tuple[Array, Array]:
        """p and 1 - p of probabilities."""
        return given, 1.0 - given

    def _by_probability(self, given: Array, u: Array, axis: int) -> Array:
        """The derivative by probabilities, from p dl/dp."""
        return logarithms.per_probability(u, special.where(u == 0, 1.0, given))


@register(
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
    "safe_softmax_cross_entropy",
    alias("CrossEntropyLoss", axis=1, ignore_index=-100),
    alias("log_loss", from_logits=False),
)
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(_DistributionLoss):
    r"""Negative log-likelihood of the class, of several that exclude each other.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c + \mathrm{z\_loss} (\log \sum_c \exp \mathrm{logits}_c)^2;
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum. Given as an array,
        it follows the library and the device of `logits`.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    z_loss : float, default 0.0
        Factor, at least 0, of the square of log Σ exp(logits), which keeps logits from drifting; PaLM has 1e-4. It is
        added to each item's loss before weights and reduction, and multiplied neither by ``1 - label_smoothing`` nor
        by the sum of a target of probabilities. Logits only.
    softcap : float, optional
        Above 0. Logits are limited to (-softcap, softcap) before all else, as ``softcap * tanh(logits / softcap)``;
        Gemma 2 has 30. A model that caps its logits itself wants none. Logits only.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.

    Raises
    ------
    ValueError
        For `z_loss` or `softcap` with probabilities.

    See Also
    --------
    linear_cross_entropy : Of a linear layer whose outputs do not fit in memory.
    binary_cross_entropy : For labels that do not exclude each other.
    generalized_cross_entropy : Where many labels are wrong.
    categorical_focal : For rare classes.

    Notes
    -----
    A logit is rounded once it is capped, so with `softcap` the relative error of a loss near 0 is of the order of
    `softcap` units in the last place.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs (1990).
    https://doi.org/10.1007/978-3-642-76153-9_28

    Chowdhery et al., PaLM: scaling language modeling with Pathways (2022), of `z_loss`.
    https://arxiv.org/abs/2204.02311

    Gemma Team, Gemma 2: improving open language models at a practical size (2024), of `softcap`.
    https://arxiv.org/abs/2408.00118

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    >>> al.cross_entropy(logits, np.asarray([0, 2]), reduction="none").round(4).tolist()
    [0.2395, 1.0986]
    """

    z_loss: Real = 0.0
    softcap: Real | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(z_loss=self.z_loss)
        require_finite(z_loss=self.z_loss)
        if self.softcap is not None:
            require_range(0, math.inf, ends=False, softcap=self.softcap)
        if not self.from_logits:
            for name, value, off in (("z_loss", self.z_loss, 0.0), ("softcap", self.softcap, None)):
                if value is not None and not are_zero(name, value):
                    raise ValueError(f"`{name}` must be {off} with from_logits=False, got {value!r}; it acts on logits")

    # -Σ t log p with p = softmax(logits), plus z_loss (log Σ exp)²
    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        if not self.from_logits:
            return self._of_probabilities(logits, labels, axis)
        capped = self._capped(logits)
        if self._is_of_labels(labels):
            loss = softmax.nll(capped, labels, axis)
        else:
            loss = softmax.cross_entropy(capped, self._smoothed(capped, labels, axis), axis)
        if settings.is_zero(self.z_loss):
            return loss
        log_total = softmax.logsumexp(capped, axis)
        return loss + (self.z_loss * log_total) * log_total

    def _of_probabilities(self, given: Array, labels: Array, axis: int) -> Array:
        p, _ = self._pair(given, axis)
        xp = array_namespace(p, labels)
        if _is_label(labels):
            loss = -logarithms.log(indexing.gather(p, labels, axis))
        else:
            loss = -xp.sum(special.xlogy(labels, p), axis=axis)
        if settings.is_zero(self.label_smoothing):
            return loss
        logs = xp.mean(logarithms.log(p), axis=axis)
        return settings.times(1.0 - self.label_smoothing, loss) - self.label_smoothing * logs

    def in_torch(self, torch: Any, reduction: str, logits: Array, labels: Array) -> Array | None:
        if not self._is_plain():
            return None
        axis, count, of_labels = self.row_axis(logits), logits.numel(), _is_label(labels)
        if count > (_FEW_LOGITS if of_labels else _FEW_OF_TARGETS):
            return None
        if of_labels and min(8 * labels.numel(), count) > _FEW_LOGITS // 8:
            return None
        weight = None
        if self.class_weight is not None and reduction != "none":
            weight = per_class("class_weight", self.class_weight, logits, axis)
            if not of_labels or weight.requires_grad:
                return None
        log_p = softmax.log_softmax_in_torch(torch, logits, axis)
        if log_p is None:
            return None
        if of_labels:
            loss = softmax.nll_in_torch(torch, log_p, labels, axis, reduction, weight)
        else:
            loss = softmax.cross_entropy_in_torch(torch, log_p, labels, axis, reduction)
        result: Array = loss.to(logits.dtype)
        return result

    def _is_plain(self) -> bool:
        """Whether it is -Σ t log p of logits as they are given."""
        scaled = self.softcap is not None or not settings.is_zero(self.z_loss)
        return self.from_logits and settings.is_zero(self.label_smoothing) and not scaled

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return not self.from_logits or not settings.is_zero(self.z_loss)

    def _is_of_labels(self, labels: Array) -> bool:
        return _is_label(labels) and settings.is_zero(self.label_smoothing)

    def _capped(self, logits: Array) -> Array:
        return logits if self.softcap is None else logistic.softcap(logits, self.softcap)

    # p Σ t - t of a logit, and of the z-loss 2 z_loss (log Σ exp) p, since the derivative of log Σ exp is p
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        axis = self.row_axis(logits)
        if not self.from_logits:
            u = -self._smoothed(logits, labels, axis)
            return self._of_probabilities(logits, labels, axis), (self._by_probability(logits, u, axis),)
        capped = self._capped(logits)
        if self._is_of_labels(labels):
            loss, _, derivative = softmax.nll_complement_and_derivative(capped, labels, axis)
        else:
            target = self._smoothed(capped, labels, axis)
            loss, derivative = softmax.cross_entropy_and_derivative(capped, target, axis)
        if not settings.is_zero(self.z_loss):
            log_total = softmax.logsumexp(capped, axis)
            _, p, _ = softmax.nll_and_probabilities(capped, axis)
            loss = loss + (self.z_loss * log_total) * log_total
            derivative = derivative + (2.0 * self.z_loss) * indexing.expand_dims(log_total, axis) * p
        if self.softcap is not None:
            derivative = derivative * logistic.softcap_derivative(logits, self.softcap)
        return loss, (derivative,)

    # By a capped logit (Σ t) p (1 - p), and of the z-loss 2 z_loss (p² + log Σ exp p (1 - p)). The cap c(z) multiplies
    # by c'², and adds c'' times the first derivative; c'' = -2 c c' / softcap². By a probability t / p².
    def second_derivative(self, logits: Array, labels: Array) -> Array | None:
        axis = self.row_axis(logits)
        if not self.from_logits:
            first = self.value_and_derivatives((0,), logits, labels)[1][0]
            return self._by_probability(logits, -first, axis)
        capped = self._capped(logits)
        _, p, complement = softmax.nll_and_probabilities(capped, axis)
        spread = p * complement
        target = self._smoothed(capped, labels, axis)
        second = array_namespace(logits, labels).sum(target, axis=axis, keepdims=True) * spread
        if not settings.is_zero(self.z_loss):
            log_total = indexing.expand_dims(softmax.logsumexp(capped, axis), axis)
            second = second + (2.0 * self.z_loss) * (log_total * spread + p * p)
        if self.softcap is None:
            return second
        derivative = logistic.softcap_derivative(logits, self.softcap)
        curvature = (-2.0 / self.softcap) * (capped / self.softcap)
        first = replace(self, softcap=None).derivative(capped, labels)
        return derivative * (derivative * second + curvature * first)


@register(alias("NLLLoss", "nll_loss", axis=1, ignore_index=-100))
@dataclass(frozen=True, kw_only=True)
class Nll(_ClassLoss):
    r"""Negative log-likelihood of the class, from log-probabilities that the model has computed itself.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c

    Parameters
    ----------
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum. Given as an array,
        it follows the library and the device of `log_probabilities`.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    log_probabilities : array, shape (..., C)
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `log_probabilities` without `axis`; or a floating target of its
        shape, a probability for each class.

    See Also
    --------
    cross_entropy : Of logits.

    References
    ----------
    Fisher, On the mathematical foundations of theoretical statistics (1922). https://doi.org/10.1098/rsta.1922.0009

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.nll(np.log(np.asarray([[0.5, 0.5], [0.25, 0.75]])), np.asarray([0, 0]), reduction="sum")).__round__(4)
    2.0794
    """

    arrays = "log_probabilities[..., C]: log_distribution, labels[...]: class or labels[..., C]: distribution -> [...]"

    whole_rows: ClassVar[bool] = False

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return False  # a sum

    def torch_kernel(self) -> tuple[str, dict[str, Any]] | None:
        return None if self.class_weight is not None else ("nll_loss_nd", {})

    # -Σ t log p
    def call(self, log_probabilities: Array, labels: Array) -> Array:
        return -_expectation(log_probabilities, labels, self.row_axis(log_probabilities))

    # -t
    def derivative(self, log_probabilities: Array, labels: Array) -> Array:
        if not _is_label(labels):
            return -labels
        axis = self.row_axis(log_probabilities)
        return indexing.one_hot(log_probabilities, labels, axis, -1.0)

    def second_derivative(self, log_probabilities: Array, labels: Array) -> Array:
        return array_namespace(log_probabilities, labels).zeros_like(log_probabilities)


@register
@dataclass(frozen=True, kw_only=True)
class CategoricalFocal(_DistributionLoss):
    r"""Cross entropy in which easy items count little, for classes that are rare.

    .. math:: l = -\sum_c \mathrm{target}_c \, \alpha_c (1 - p_c)^{\gamma} \log p_c;
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0. At 0 it is `cross_entropy`.
    alpha : float, or sequence or array of shape (C,), optional
        Factor of the loss: one number, or one a class. Unlike `class_weight`, it is no part of the mean's denominator.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default True
        Whether `logits` holds logits; otherwise probabilities.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`: logits, or with ``from_logits=False`` probabilities. A row alone,
        (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.

    See Also
    --------
    cross_entropy : With `class_weight`, where a miss costs more.
    binary_focal : For a yes or no.
    dice : For the places of an image.

    References
    ----------
    Lin et al., Focal loss for dense object detection (2017). https://arxiv.org/abs/1708.02002

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.categorical_focal(np.asarray([[2.0, 0.0, 0.0]]), np.asarray([0]))), 6)
    0.010869
    """

    class_settings: ClassVar[tuple[str, ...]] = ("class_weight", "alpha")

    gamma: Real = 2.0
    alpha: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(gamma=self.gamma)
        if self.alpha is not None:
            require_per_class(alpha=self.alpha)

    # Σ t alpha (1 - p)^gamma (-log p)
    def call(self, logits: Array, labels: Array) -> Array:
        xp = array_namespace(logits, labels)
        axis = self.row_axis(logits)
        if self._is_of_labels(labels):
            value, _ = self._of_nll(*softmax.nll_and_complement(logits, labels, axis))
            return value if self.alpha is None else value * self._label_alpha(logits, labels, axis)
        if self.from_logits:
            nll, _, complement = softmax.nll_and_probabilities(logits, axis)
        else:
            p, complement = self._pair(logits, axis)
            nll = -logarithms.log_or_infinity(p)
        values, _ = self._of_nll(nll, complement)
        if self.alpha is not None:
            values = values * self._alpha(logits, axis)
        loss = _expectation(values, labels, axis)
        if settings.is_zero(self.label_smoothing):
            return loss
        return settings.times(1.0 - self.label_smoothing, loss) + self.label_smoothing * xp.mean(values, axis=axis)

    # With s = -log p: f(s) = (1 - exp(-s))^gamma s, and f'(s) = (1 - p)^gamma (1 + gamma s p / (1 - p))
    def _of_nll(self, nll: Array, complement: Array) -> tuple[Array, Array]:
        """f(s) and f'(s) from s and 1 - p."""
        xp = array_namespace(nll)
        if settings.is_zero(self.gamma):
            return nll, xp.ones_like(nll)
        # Where p is 0, the derivative of the power must not be multiplied by the infinite s.
        infinite = xp.isinf(nll)
        finite = special.where(infinite, 0.0, nll)
        gamma = settings.exponent(self.gamma, nll)
        factor = elementwise.at_least_smallest_normal(complement) ** gamma
        value = special.where(infinite, float("inf"), logistic.discounted(finite, factor))
        entropy = finite * (1.0 - complement)
        return value, factor * (1.0 + gamma * _over(entropy, complement))

    # alpha f'(s) times the derivative of s where the target is a label
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        axis = self.row_axis(logits)
        if not self._is_of_labels(labels):
            return self.call(logits, labels), (self._derivative_of_all(logits, labels, axis),)
        nll, complement, derivative = softmax.nll_complement_and_derivative(logits, labels, axis)
        value, factor = self._of_nll(nll, complement)
        if self.alpha is not None:
            alpha = self._label_alpha(logits, labels, axis)
            value, factor = value * alpha, factor * alpha
        return value, (derivative * indexing.expand_dims(factor, axis),)

    # With u = p dl/dp = -t alpha f'(s): u / p by a probability, u (1 - p) - p (Σ u - u) by a logit, with 1 - p as it is
    # known.
    def _derivative_of_all(self, logits: Array, labels: Array, axis: int) -> Array:
        xp = array_namespace(logits, labels)
        u = -self._smoothed(logits, labels, axis)
        if self.alpha is not None:
            u = u * self._alpha(logits, axis)
        if self.from_logits:
            nll, p, complement = softmax.nll_and_probabilities(logits, axis)
        else:
            p, complement = self._pair(logits, axis)
            # -log p from 1 - p, which keeps its digits where p is near 1
            nll = xp.log1p(complement / elementwise.at_least_smallest_normal(p))
        if not settings.is_zero(self.gamma):
            gamma = settings.exponent(self.gamma, p)
            rise = 1.0 + gamma * _over(elementwise.weighted(nll, p), complement)
            u = u * (elementwise.at_least_smallest_normal(complement) ** gamma * rise)
        if not self.from_logits:
            return self._by_probability(logits, u, axis)
        return u * complement - p * (xp.sum(u, axis=axis, keepdims=True) - u)

    # With w = t alpha, p_j (1 - p_j) Σ_c w_c f'_c + Σ_c w_c f''_c (dp_c)², where dp_c is p_j for c != j and 1 - p_j for
    # c = j, and f'' = gamma (1 - p)^gamma r (2 - s + (gamma - 1) s r) with r = p / (1 - p)
    def second_derivative(self, logits: Array, labels: Array) -> Array | None:
        if not self.from_logits:
            return self._second_by_probability(logits, labels)
        xp = array_namespace(logits, labels)
        axis = self.row_axis(logits)
        nll, p, complement = softmax.nll_and_probabilities(logits, axis)
        finite = special.where(xp.isinf(nll), 0.0, nll)
        weight = self._smoothed(logits, labels, axis)
        if self.alpha is not None:
            weight = weight * self._alpha(logits, axis)
        ratio = p / elementwise.at_least_smallest_normal(complement)
        gamma = settings.exponent(self.gamma, p)
        factor = weight * elementwise.at_least_smallest_normal(complement) ** gamma
        first = factor * (1.0 + gamma * (finite * ratio))
        second = gamma * factor * ratio * (2.0 - finite + (gamma - 1.0) * (finite * ratio))
        # That of a class of more than 1/2 is left out of the sum: taken from it again, it would leave no digits.
        leading = special.where(p > 0.5, second, 0.0)
        rest = second - leading
        others = xp.sum(rest, axis=axis, keepdims=True) - rest
        others = others + (xp.sum(leading, axis=axis, keepdims=True) - leading)
        spread = p * complement
        return spread * xp.sum(first, axis=axis, keepdims=True) + others * p * p + second * complement * complement

    # w (m^gamma / p² + gamma m^(gamma - 1) (2 / p + (gamma - 1) s / m)) with m = 1 - p, where each square may be out of
    # range
    def _second_by_probability(self, given: Array, labels: Array) -> Array:
        axis = self.row_axis(given)
        weight = self._smoothed(given, labels, axis)
        if self.alpha is not None:
            weight = weight * self._alpha(given, axis)
        p, m = self._pair(given, axis)
        p, m = special.where(weight == 0, 1.0, p), elementwise.at_least_smallest_normal(m)
        gamma = settings.exponent(self.gamma, m)
        slope = elementwise.quotient(weight, p)
        nll_ratio = logarithms.log1p(m / elementwise.at_least_smallest_normal(p)) / m
        rise = 2.0 * slope + (gamma - 1.0) * (weight * nll_ratio)
        return m**gamma * (slope / p) + gamma * (m ** (gamma - 1.0) * rise)

    def _is_of_labels(self, labels: Array) -> bool:
        return self.from_logits and _is_label(labels) and settings.is_zero(self.label_smoothing)

    def _label_alpha(self, logits: Array, labels: Array, axis: int) -> Array | float:
        alpha = self._alpha(logits, axis)
        return alpha if isinstance(alpha, NUMBERS) or alpha.ndim == 0 else indexing.gather(alpha, labels, axis)

    def _alpha(self, logits: Array, axis: int) -> Array | float:
        if isinstance(self.alpha, NUMBERS):
            return self.alpha
        alpha = as_array(of_classes("alpha", self.alpha, logits.shape[axis]), like=logits, dtype=logits.dtype)
        return alpha if alpha.ndim == 0 else along(per_class("alpha", alpha, logits, axis), logits, axis)
