"""Losses as Keras 3 computes them: probabilities are renormalized and limited to [epsilon, 1 - epsilon].

In float32 Keras rounds 1 - epsilon, to 1 where epsilon is small; here both ends are as exact as their logarithms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ... import special
from ..._array_api import NUMBERS, Array, Real, array_namespace
from ...arguments import require_finite, require_nonnegative, require_range
from ...losses._base import PureRowLoss
from ...losses.binary import BinaryCrossEntropy, BinaryFocal, _YesOrNo
from ...losses.divergence import KlDivergence
from ...losses.multiclass import CategoricalFocal, CrossEntropy, _DistributionLoss
from ...losses.regression import SquaredLogarithmicError
from ...numerics import elementwise, settings, softmax
from ...registry import register

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "KLDivergence",
    "MeanSquaredLogarithmicError",
]


@dataclass(frozen=True, kw_only=True)
class _Limited(_YesOrNo):
    """Keras's limits of a probability p: p and 1 - p are each limited to [epsilon, 1 - epsilon]."""

    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 0.5, epsilon=self.epsilon)

    # Each by itself: 1 - p, which is exact, keeps a small epsilon.
    def _pair(self, p: Array) -> tuple[Array, Array]:
        q = 1.0 - p
        if settings.is_zero(self.epsilon):
            return p, q
        free = array_namespace(p).logical_and(p >= self.epsilon, q >= self.epsilon)
        limits = [special.clip(special.stop_gradient(x), self.epsilon, 1.0 - self.epsilon) for x in (p, q)]
        return special.where(free, p, limits[0]), special.where(free, q, limits[1])

    # 1 - epsilon is rounded, and its logarithm is not to be.
    def _costs(self, prediction: Array, yes: Array, no: Array) -> tuple[Array, Array]:
        yes_cost, no_cost = super()._costs(prediction, yes, no)
        if settings.is_zero(self.epsilon):
            return yes_cost, no_cost
        least = -(math if isinstance(self.epsilon, NUMBERS) else array_namespace(self.epsilon)).log1p(-self.epsilon)
        return special.clip(yes_cost, least), no_cost

    def _slope(self, prediction: Array, yes: Array, no: Array) -> Array:
        slope = super()._slope(prediction, yes, no)
        return slope if settings.is_zero(self.epsilon) else slope * self._free(prediction)

    def _bend(self, prediction: Array, yes: Array, no: Array) -> Array:
        bend = super()._bend(prediction, yes, no)
        return bend if settings.is_zero(self.epsilon) else bend * self._free(prediction)

    def _free(self, p: Array) -> Array:
        """1 where no limit holds the probability, else 0."""
        return elementwise.clip_derivative(p, self.epsilon, None) * elementwise.clip_derivative(
            1.0 - p, self.epsilon, None
        )


@register
@dataclass(frozen=True, kw_only=True)
class BinaryCrossentropy(_Limited, BinaryCrossEntropy):
    r"""Binary cross entropy as Keras has it: of probabilities, which are limited to [epsilon, 1 - epsilon].

    .. math:: l = -\mathrm{target} \log p - (1 - \mathrm{target}) \log(1 - p);
        \quad p = \max(\epsilon, \min(\mathrm{prediction}, 1 - \epsilon))

    Parameters
    ----------
    from_logits : bool, default False
        Whether `prediction` holds logits. The loss is then `binary_cross_entropy`.
    epsilon : float, default 1e-7
        The limit of probabilities, in [0, 0.5]. Without effect on logits.
    pos_weight : float or array that broadcasts to `prediction`, optional
        What the positive class counts; Keras lacks it.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating probabilities, or with ``from_logits=True`` logits.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.

    References
    ----------
    Keras, BinaryCrossentropy. https://keras.io/api/losses/probabilistic_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.get("bce", reduction="none")(np.asarray([0.25, 0.0]), np.asarray([1, 1])).round(4).tolist()
    [1.3863, 16.1181]
    """

    from_logits: bool = False

    in_torch, once_in_torch = BinaryCrossEntropy.in_torch, BinaryCrossEntropy.once_in_torch

    def _least_in_torch(self) -> float:
        in_range = super()._least_in_torch()
        return max(in_range, 2.0 * self.epsilon) if isinstance(self.epsilon, NUMBERS) else math.inf


@register
@dataclass(frozen=True, kw_only=True)
class BinaryFocalCrossentropy(_Limited, BinaryFocal):
    r"""Binary focal loss as Keras has it: of probabilities, which are limited to [epsilon, 1 - epsilon].

    .. math:: l = \alpha_t (1 - p_t)^{\gamma} (-\log p_t);
        \quad p_t = p \text{ if } \mathrm{target} = 1 \text{ else } 1 - p;
        \quad p = \max(\epsilon, \min(\mathrm{prediction}, 1 - \epsilon))

    Parameters
    ----------
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0.
    alpha : float, optional
        Weight of the positive class, in [0, 1]; that of the negative class is 1 - alpha. Without it, both are 1, as in
        Keras without `apply_class_balancing`.
    from_logits : bool, default False
        Whether `prediction` holds logits. The loss is then `binary_focal`.
    epsilon : float, default 1e-7
        The limit of probabilities, in [0, 0.5]. Without effect on logits.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating probabilities, or with ``from_logits=True`` logits.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.

    References
    ----------
    Keras, BinaryFocalCrossentropy. https://keras.io/api/losses/probabilistic_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.get("binary_focal_crossentropy")(np.asarray([0.5, 0.9]), np.asarray([1, 1]))), 6)
    0.08717
    """

    from_logits: bool = False

    def _parts(self, prediction: Array, target: Array) -> tuple[Array, Array, Array, Array, tuple[Array, Array]]:
        entropy, slope, factor, ratio, pair = super()._parts(prediction, target)
        if not (self.from_logits or settings.is_zero(self.epsilon)):
            ratio = ratio * self._free(prediction)
        return entropy, slope, factor, ratio, pair

    def _second_by_probability(self, prediction: Array, target: Array) -> Array:
        second = super()._second_by_probability(prediction, target)
        return second if settings.is_zero(self.epsilon) else second * self._free(prediction)


@dataclass(frozen=True, kw_only=True)
class _Renormalized(_DistributionLoss):
    """Keras's probabilities: divided by their sum, then limited to [epsilon, 1 - epsilon]."""

    from_logits: bool = False
    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 0.5, epsilon=self.epsilon)

    def _pair(self, given: Array, axis: int) -> tuple[Array, Array]:
        p, complement = softmax.normalize(given, axis)
        if settings.is_zero(self.epsilon):
            return p, complement
        low, high = self.epsilon, 1.0 - self.epsilon
        return special.clip(p, low, high), special.clip(complement, low, high)

    # By x, where p = x / Σ x, from u = p dl/dp: (u (1 - p) / p - (Σ u - u)) / Σ x, with u = 0 where a limit holds p. So
    # 1 - p comes in as it is known, without a digit lost.
    def _by_probability(self, given: Array, pull: Array, axis: int) -> Array:
        xp = array_namespace(given, pull)
        p, complement = softmax.normalize(given, axis)
        if not settings.is_zero(self.epsilon):
            pull = pull * elementwise.clip_derivative(p, self.epsilon, 1.0 - self.epsilon)
        p = special.where(pull == 0, 1.0, p)
        others = xp.sum(pull, axis=axis, keepdims=True) - pull
        return (pull * (complement / p) - others) / xp.sum(given, axis=axis, keepdims=True)

    def second_derivative(self, logits: Array, labels: Array) -> Array | None:
        return super().second_derivative(logits, labels) if self.from_logits else None


@register
@dataclass(frozen=True, kw_only=True)
class CategoricalCrossentropy(_Renormalized, CrossEntropy):
    r"""Cross entropy as Keras has it: of probabilities, divided by their sum and limited to [epsilon, 1 - epsilon].

    It is Keras's SparseCategoricalCrossentropy where the labels are integers.

    .. math:: l = -\sum_c \mathrm{target}_c \log p_c;
        \quad p = \max(\epsilon, \min(\mathrm{logits} / \sum_c \mathrm{logits}_c, 1 - \epsilon))

    Parameters
    ----------
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default False
        Whether `logits` holds logits. The loss is then `cross_entropy`.
    epsilon : float, default 1e-7
        The limit of probabilities, in [0, 0.5]. Without effect on logits.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too: Keras's `ignore_class`.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    z_loss, softcap : float
        As in `cross_entropy`, of logits only; Keras lacks them.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating probabilities along `axis`, or with ``from_logits=True`` logits. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.

    References
    ----------
    Keras, CategoricalCrossentropy. https://keras.io/api/losses/probabilistic_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]])
    >>> al.get("categorical_crossentropy", reduction="none")(p, np.eye(3)).round(3).tolist()
    [0.105, 0.805, 0.062]
    """

    from_logits: bool = False


@register
@dataclass(frozen=True, kw_only=True)
class CategoricalFocalCrossentropy(_Renormalized, CategoricalFocal):
    r"""Focal loss as Keras has it: of probabilities, divided by their sum and limited to [epsilon, 1 - epsilon].

    .. math:: l = -\sum_c \mathrm{target}_c \, \alpha_c (1 - p_c)^{\gamma} \log p_c;
        \quad p = \max(\epsilon, \min(\mathrm{logits} / \sum_c \mathrm{logits}_c, 1 - \epsilon))

    Parameters
    ----------
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0.
    alpha : float, or sequence or array of shape (C,), default 0.25
        Factor of the loss: one number, or one a class.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    from_logits : bool, default False
        Whether `logits` holds logits. The loss is then `categorical_focal`.
    epsilon : float, default 1e-7
        The limit of probabilities, in [0, 0.5]. Without effect on logits.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is spread evenly over all classes.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating probabilities along `axis`, or with ``from_logits=True`` logits. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class.

    References
    ----------
    Keras, CategoricalFocalCrossentropy. https://keras.io/api/losses/probabilistic_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> p = np.asarray([[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]])
    >>> al.get("categorical_focal_crossentropy", reduction="none")(p, np.eye(3)).round(5).tolist()
    [0.00026, 0.06147, 6e-05]
    """

    alpha: Any = 0.25
    from_logits: bool = False


@register
@dataclass(frozen=True, kw_only=True)
class KLDivergence(PureRowLoss):
    r"""Kullback-Leibler divergence as Keras has it: of two distributions, which are limited to [epsilon, 1].

    .. math:: l = \sum_c t_c \, (\log t_c - \log p_c);
        \quad t = \max(\epsilon, \min(\mathrm{target}, 1)), \; p = \max(\epsilon, \min(\mathrm{prediction}, 1))

    Parameters
    ----------
    epsilon : float, default 1e-7
        The least that a probability counts as, of the prediction and of the target; in [0, 1].
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array, shape (..., C)
        Floating probabilities along `axis`, of one shape. A row alone, (C,), is one item.

    Notes
    -----
    `kl_divergence`, class `KlDivergence`, is another loss: it takes log-probabilities, and limits nothing.

    References
    ----------
    Keras, KLDivergence. https://keras.io/api/losses/probabilistic_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> loss = al.get("KLDivergence")
    >>> round(float(loss(np.asarray([[0.6, 0.4], [0.4, 0.6]]), np.asarray([[0.0, 1.0], [0.0, 0.0]]))), 4)
    0.4581
    """

    arrays = "prediction[..., C]: distribution, target[..., C]: distribution -> [...]"

    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range(0, 1, epsilon=self.epsilon)

    def call(self, prediction: Array, target: Array) -> Array:
        return self._canonical().call(*self._limited(prediction, target))

    # That of `kl_divergence`, and 0 where a limit holds the prediction
    def derivative(self, prediction: Array, target: Array) -> Array:
        return self._where_free(prediction, self._canonical().derivative(*self._limited(prediction, target)))

    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return self._where_free(prediction, self._canonical().second_derivative(*self._limited(prediction, target)))

    def _canonical(self) -> KlDivergence:
        return KlDivergence(from_log=False, axis=self.axis)

    def _limited(self, *distributions: Array) -> tuple[Array, ...]:
        if settings.is_zero(self.epsilon):
            return distributions
        return tuple([special.clip(x, self.epsilon, 1.0) for x in distributions])

    def _where_free(self, prediction: Array, derivative: Array) -> Array:
        if settings.is_zero(self.epsilon):
            return derivative
        return derivative * elementwise.clip_derivative(prediction, self.epsilon, 1.0)


@register
@dataclass(frozen=True, kw_only=True)
class MeanSquaredLogarithmicError(SquaredLogarithmicError):
    r"""Squared difference of logarithms as Keras has it: of numbers that are raised to epsilon.

    .. math:: l = (\log(1 + \max(\mathrm{prediction}, \epsilon)) - \log(1 + \max(\mathrm{target}, \epsilon)))^2

    Parameters
    ----------
    epsilon : float, default 1e-7
        The least that a number counts as, of the prediction and of the target; at least 0.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction, target : array
        Floating, of one shape. An integer target is converted.

    References
    ----------
    Keras, MeanSquaredLogarithmicError. https://keras.io/api/losses/regression_losses/

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.get("msle")(np.asarray([np.e - 1.0, -3.0]), np.asarray([0.0, 0.0]))).__round__(6)
    0.5
    """

    arrays = "prediction[...]: nonnegative, target[...]: nonnegative -> [...]"

    pure: ClassVar[bool] = True

    epsilon: Real = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(epsilon=self.epsilon)
        require_finite(epsilon=self.epsilon)

    def call(self, prediction: Array, target: Array) -> Array:
        return super().call(*self._raised(prediction, target))

    # That of `squared_logarithmic_error`, and 0 below epsilon
    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        value, (slope,) = super().value_and_derivatives(positions, *self._raised(prediction, target))
        return value, (slope * elementwise.clip_derivative(prediction, self.epsilon, None),)

    def _raised(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        least = settings.in_range(self.epsilon, prediction)
        return special.clip(prediction, least), special.clip(target, least)
