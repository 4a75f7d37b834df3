"""Losses of classes that are other functions of a class's probability than its logarithm alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .._array_api import Array, Real, array_namespace
from ..arguments import require_nonnegative, require_one_of_type, require_range
from ..numerics import elementwise, indexing, logarithms, logistic, reductions, settings, softmax
from ..registry import alias, register
from ._base import PureLoss
from .multiclass import CrossEntropy, _DistributionLoss, _is_label

__all__ = [
    "Brier",
    "CategoricalBrier",
    "GeneralizedCrossEntropy",
    "PolyCrossEntropy",
    "SymmetricCrossEntropy",
]


@register(alias("brier_score_loss", from_logits=False))
@dataclass(frozen=True, kw_only=True)
class Brier(PureLoss):
    r"""Squared error of the probability of a yes: a proper score, bounded where an item is as wrong as can be.

    .. math:: l = (p - \mathrm{target})^2; \quad p = 1 / (1 + \exp(-\mathrm{prediction}))

    Parameters
    ----------
    from_logits : bool, default True
        Whether `prediction` holds logits.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating: logits, or with ``from_logits=False`` probabilities.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.

    See Also
    --------
    binary_cross_entropy : Harsher on what was thought impossible.
    categorical_brier : For several classes.

    Notes
    -----
    Of two classes, `categorical_brier` is twice as large: Brier's own definition. scikit-learn's ``brier_score_loss``
    of a yes or no is this one, of probabilities.

    References
    ----------
    Brier, Verification of forecasts expressed in terms of probability (1950).
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.brier(np.asarray([0.0, 1e4]), np.asarray([1, 0]), reduction="none").tolist()
    [0.25, 1.0]
    """

    arrays = "prediction[...]: real if from_logits else probability, target[...]: probability -> [...]"

    from_logits: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_logits=self.from_logits)

    # (p - t)²
    def call(self, prediction: Array, target: Array) -> Array:
        error, _ = self._error_and_slope(prediction, target)
        return error * error

    # 2 (p - t) dp, where dp is p (1 - p) by a logit
    def derivative(self, prediction: Array, target: Array) -> Array:
        error, slope = self._error_and_slope(prediction, target)
        return 2.0 * error * slope

    # p - t is p (1 - t) - t (1 - p), in which p near 1 keeps its digits.
    def _error_and_slope(self, prediction: Array, target: Array) -> tuple[Array, Array | float]:
        """p - t, and the derivative of p."""
        if not self.from_logits:
            return prediction - target, 1.0
        p, complement = logistic.sigmoid_and_complement(prediction)
        return p * (1.0 - target) - target * complement, p * complement


@register
@dataclass(frozen=True, kw_only=True)
class CategoricalBrier(_DistributionLoss):
    r"""Squared distance of the predicted distribution from the target: a proper score, of at most 2.

    .. math:: l = \sum_c (p_c - \mathrm{target}_c)^2; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
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
    cross_entropy : Harsher on what was thought impossible.
    brier : For a yes or no.

    Notes
    -----
    It is not divided by 2, nor by the number of classes.

    References
    ----------
    Brier, Verification of forecasts expressed in terms of probability (1950).
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    >>> al.categorical_brier(p, np.asarray([0, 0]), from_logits=False, reduction="none").tolist()
    [0.375, 2.0]
    """

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return True

    # Σ (p - t)²
    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        error, _, _ = self._error(logits, labels, axis)
        return reductions.reduce_sum(error * error, axis)

    # 2 (p - t) by a probability, and by a logit that times p, less p times the sum of all these
    def derivative(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        error, p, complement = self._error(logits, labels, axis)
        if not self.from_logits:
            return 2.0 * error
        return _by_logit(2.0 * p * error, p, complement, axis)

    def _error(self, logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
        """p - t, p and 1 - p."""
        target = self._smoothed(logits, labels, axis)
        if not self.from_logits:
            return logits - target, *self._pair(logits, axis)
        _, p, complement = softmax.nll_and_probabilities(logits, axis)
        return p * (1.0 - target) - target * complement, p, complement


def _by_logit(u: Array, p: Array, complement: Array, axis: int) -> Array:
    """The derivative by logits, from u = p dl/dp, p and 1 - p."""
    # The sum of the other classes' u, which beside that of a class that is all but certain would be lost.
    xp = array_namespace(u)
    of_leader = u * xp.astype(p > 0.5, u.dtype)
    of_rest = u - of_leader
    others = xp.sum(of_leader, axis=axis, keepdims=True) - of_leader
    others = others + (xp.sum(of_rest, axis=axis, keepdims=True) - of_rest)
    return u * complement - p * others


@dataclass(frozen=True, kw_only=True)
class _OfNll(_DistributionLoss):
    """What the losses share that are f(s) of s = -log p of a label, and Σ t f(s) unless a loss says otherwise."""

    def _of_nll(self, nll: Array, complement: Array) -> tuple[Array, Array]:
        """f(s) and its derivative, from s and 1 - p."""
        raise TypeError(f"{type(self).__name__} must define `_of_nll`")

    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        if self._is_of_logits_and_labels(labels):
            return self._of_nll(*softmax.nll_and_complement(logits, labels, axis))[0]
        return self._of_target(logits, self._smoothed(logits, labels, axis), axis)

    # f'(s) times the derivative of s for a label
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        axis = self.row_axis(logits)
        if self._is_of_logits_and_labels(labels):
            nll, complement, derivative = softmax.nll_complement_and_derivative(logits, labels, axis)
            value, factor = self._of_nll(nll, complement)
            return value, (derivative * indexing.expand_dims(factor, axis),)
        value, derivative = self._of_target_and_derivative(logits, self._smoothed(logits, labels, axis), axis)
        return value, (derivative,)

    # Σ t f(-log p)
    def _of_target(self, logits: Array, target: Array, axis: int) -> Array:
        nll, _, complement = self._nll_and_pair(logits, axis)
        return reductions.expectation(self._of_nll(nll, complement)[0], target, axis)

    # With u = p dl/dp = -t f'(s): u / p by a probability, and by a logit what `_by_logit` makes of it.
    def _of_target_and_derivative(self, logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
        nll, p, complement = self._nll_and_pair(logits, axis)
        value, factor = self._of_nll(nll, complement)
        u = -target * factor
        derivative = _by_logit(u, p, complement, axis) if self.from_logits else self._by_probability(logits, u, axis)
        return reductions.expectation(value, target, axis), derivative

    def _is_of_logits_and_labels(self, labels: Array) -> bool:
        return self.from_logits and _is_label(labels) and settings.is_zero(self.label_smoothing)

    def _nll_and_pair(self, logits: Array, axis: int) -> tuple[Array, Array, Array]:
        """-log p, p and 1 - p of every class."""
        if self.from_logits:
            return softmax.nll_and_probabilities(logits, axis)
        p, complement = self._pair(logits, axis)
        return -logarithms.log_or_infinity(p), p, complement


@register("poly_loss_cross_entropy", "poly1_cross_entropy", alias("poly1_softmax_loss", epsilon1=1.0))
@dataclass(frozen=True, kw_only=True)
class PolyCrossEntropy(_OfNll):
    r"""Cross entropy with the first term of its series in 1 - p changed: one number that can be tuned to a task.

    .. math:: l = \sum_c \mathrm{target}_c (-\log p_c + \epsilon_1 (1 - p_c));
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    epsilon1 : float, default 2.0
        What is added to the coefficient of 1 - p, which is 1 in cross entropy; at least -1. At 0 it is
        `cross_entropy`.
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
    cross_entropy : Without the term.
    categorical_focal : For rare classes.

    Notes
    -----
    The paper tunes the number to the task: 2 for the classification of images, and negative ones for their
    segmentation and detection. Optax's default is 2, as here, and Rax's 1.

    References
    ----------
    Leng et al., PolyLoss: a polynomial expansion perspective of classification loss functions (2022).
    https://arxiv.org/abs/2204.12511

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.poly_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([1]))), 6)
    1.693147
    """

    epsilon1: Real = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(-1, math.inf, epsilon1=self.epsilon1)

    # f(s) = s + epsilon1 (1 - p), and f'(s) = 1 + epsilon1 p
    def _of_nll(self, nll: Array, complement: Array) -> tuple[Array, Array]:
        return nll + self.epsilon1 * complement, 1.0 + self.epsilon1 * (1.0 - complement)


@register(
    alias("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy", q=0.5, from_logits=False)
)
@dataclass(frozen=True, kw_only=True)
class GeneralizedCrossEntropy(_OfNll):
    r"""Between cross entropy and absolute error: for labels some of which are wrong.

    .. math:: l = \sum_c \mathrm{target}_c \frac{1 - p_c^q}{q}; \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    q : float, default 0.7
        In [0, 1]: towards 0 it is `cross_entropy`, which learns fast, and at 1 half the absolute error of the
        distribution, 1 - p, which wrong labels harm least.
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
    cross_entropy : Where the labels are right.
    symmetric_cross_entropy : With two weights.

    Notes
    -----
    The default is the paper's. Keras's is 0.5, of probabilities, and its loss takes integer labels whatever its name
    says.

    References
    ----------
    Zhang and Sabuncu, Generalized cross entropy loss for training deep neural networks with noisy labels (2018).
    https://arxiv.org/abs/1805.07836

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.generalized_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([1]), q=0.5)), 6)
    0.585786
    """

    q: Real = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 1, q=self.q)

    # f(s) = (1 - exp(-q s)) / q, and f'(s) = exp(-q s). At a q whose products would underflow it is s but for rounding.
    def _of_nll(self, nll: Array, complement: Array) -> tuple[Array, Array]:
        q = settings.limited(self.q, math.sqrt(elementwise.finfo(nll).smallest_normal), 1.0)
        power = -q * nll
        return -logarithms.expm1(power) / q, array_namespace(power).exp(power)


@register
@dataclass(frozen=True, kw_only=True)
class SymmetricCrossEntropy(_OfNll):
    r"""Cross entropy and its reverse, with prediction and target exchanged: for labels some of which are wrong.

    .. math:: l = -\alpha \sum_c \mathrm{target}_c \log p_c - \beta \sum_c p_c \max(\log \mathrm{target}_c,
        \mathrm{log\_zero});
        \quad p = \mathrm{softmax}(\mathrm{logits})

    Parameters
    ----------
    alpha : float, default 0.1
        What cross entropy counts; at least 0.
    beta : float, default 1.0
        What the reverse counts, which wrong labels harm less; at least 0.
    log_zero : float, default -4.0
        What the logarithm of a target of 0 is taken for, below 0. No logarithm of a target is less.
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
    generalized_cross_entropy : With one setting.
    cross_entropy : With `label_smoothing`, where few labels are wrong.

    Notes
    -----
    The defaults are the paper's for ten classes; for a hundred it has an `alpha` of 6 and a `beta` of 0.1. Of a label,
    the reverse is ``-log_zero`` (1 - p), so that it is `poly_cross_entropy` but for factors.

    References
    ----------
    Wang et al., Symmetric cross entropy for robust learning with noisy labels (2019). https://arxiv.org/abs/1908.06112

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.symmetric_cross_entropy(np.asarray([[0.0, 0.0]]), np.asarray([1]))), 6)
    2.069315
    """

    alpha: Real = 0.1
    beta: Real = 1.0
    log_zero: Real = -4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(alpha=self.alpha, beta=self.beta)
        require_range(-math.inf, 0, ends=False, log_zero=self.log_zero)

    # -alpha Σ t log p - beta Σ p max(log t, log_zero), the second sum of which is log_zero (1 - p) for a label
    def _of_nll(self, nll: Array, complement: Array) -> tuple[Array, Array]:
        reverse = self.beta * self.log_zero
        return settings.times(self.alpha, nll) - reverse * complement, self.alpha - reverse * (1.0 - complement)

    def _of_target(self, logits: Array, target: Array, axis: int) -> Array:
        entropy = CrossEntropy(axis=axis, from_logits=self.from_logits).call(logits, target)
        p = softmax.nll_and_probabilities(logits, axis)[1] if self.from_logits else logits
        return settings.times(self.alpha, entropy) - self.beta * reductions.reduce_sum(p * self._logs(target), axis)

    # p dl/dp = -alpha t - beta p max(log t, log_zero)
    def _of_target_and_derivative(self, logits: Array, target: Array, axis: int) -> tuple[Array, Array]:
        nll, p, complement = self._nll_and_pair(logits, axis)
        logs = self._logs(target)
        entropy, reverse = reductions.expectation(nll, target, axis), reductions.reduce_sum(p * logs, axis)
        value, u = settings.times(self.alpha, entropy) - self.beta * reverse, -self.alpha * target
        if self.from_logits:
            return value, _by_logit(u - self.beta * (p * logs), p, complement, axis)
        return value, self._by_probability(logits, u, axis) - self.beta * logs

    def _logs(self, target: Array) -> Array:
        return logarithms.log_at_least(target, self.log_zero)
