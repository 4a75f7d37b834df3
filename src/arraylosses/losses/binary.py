"""Losses of two classes: a target of 0 or 1 (or a probability), or of -1 or 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import special
from .._array_api import NUMBERS, Array, array_namespace, as_array, broadcast_to, broadcasts_to
from .._validation import (
    Domain,
    added_axes,
    of_classes,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
    require_range,
)
from ..loss import Loss, function_form
from ..reduction import Reduction
from ..registry import alias, register

__all__ = [
    "BinaryCrossEntropy",
    "BinaryFocal",
    "Hinge",
    "SoftMargin",
    "SquaredHinge",
    "binary_cross_entropy",
    "binary_focal",
    "hinge",
    "soft_margin",
    "squared_hinge",
]


def _surprises(
    prediction: Array, target: Array, other: Array, from_logits: bool, epsilon: float, log_floor: float | None
) -> tuple[Array, Array]:
    """-log p and -log(1 - p), which count as much as `target` and `other`, from a logit or from the probability p."""
    if from_logits:
        return special.softplus_pair(prediction)
    xp = array_namespace(prediction, target)
    p = special.clip(prediction, epsilon, 1.0 - epsilon) if epsilon else prediction
    if log_floor is None and special.surely_between(p, 0.0, 1.0):
        return -xp.log(p), xp.log1p(p / (1.0 - p))
    # The logarithm of 0 is taken only where it counts: 0 log 0 is 0, and a floor stands in for it.
    never, always = p == 0, p == 1
    if log_floor is None:
        never, always = xp.logical_and(never, target == 0), xp.logical_and(always, other == 0)
    inner = special.where(always, 0.0, p)
    # log(1 - p) by way of the odds: log1p of a positive number is exact on every library.
    yes, no = -xp.log(special.where(never, 1.0, p)), xp.log1p(inner / (1.0 - inner))
    if log_floor is None:
        return yes, no
    most = -log_floor
    return (
        special.where(never, most, special.clip(yes, None, most)),
        special.where(always, most, special.clip(no, None, most)),
    )


# (1 - t) / (1 - p) - t / p, with 0 where a limit or a floor holds the logarithm, and where 0 log 0 stands for 0
def _surprises_derivative(
    prediction: Array, target: Array, other: Array, epsilon: float, log_floor: float | None
) -> Array:
    xp = array_namespace(prediction, target)
    p = special.clip(prediction, epsilon, 1.0 - epsilon) if epsilon else prediction
    q = 1.0 - p
    if log_floor is None and not epsilon and special.surely_between(p, 0.0, 1.0):
        return other / q - target / p
    if log_floor is None:
        never, always = xp.logical_and(p == 0, target == 0), xp.logical_and(q == 0, other == 0)
    else:
        least = math.exp(log_floor)
        never, always = xp.logical_or(p == 0, p < least), xp.logical_or(q == 0, q < least)
    rise = special.where(always, 0.0, other) / special.where(always, 1.0, q)
    fall = special.where(never, 0.0, target) / special.where(never, 1.0, p)
    slope = rise - fall
    return slope * special.inside(prediction, epsilon, 1.0 - epsilon) if epsilon else slope


def _smooth(target: Array, label_smoothing: float) -> tuple[Array, Array]:
    """The target t and 1 - t, each smoothed by itself: a difference from 1 would lose digits."""
    if not label_smoothing:
        return target, 1.0 - target
    share = 1.0 - label_smoothing
    return share * target + label_smoothing / 2, share * (1.0 - target) + label_smoothing / 2


@register(
    "BCEWithLogitsLoss",
    "binary_cross_entropy_with_logits",
    alias("bce", "BCE", "binary_crossentropy", "BinaryCrossentropy", from_logits=False, epsilon=1e-7),
    alias("BCELoss", from_logits=False, log_floor=-100.0),
)
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Settings of `binary_cross_entropy`."""

    from_logits: bool = True
    pos_weight: Any = None
    label_smoothing: float = 0.0
    epsilon: float = 0.0
    log_floor: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_logits=self.from_logits)
        require_range(0, 1, label_smoothing=self.label_smoothing)
        require_range(0, 0.5, epsilon=self.epsilon)
        if self.log_floor is not None:
            require_range(float("-inf"), 0, ends=False, log_floor=self.log_floor)
        if self.pos_weight is not None:
            require_per_class(pos_weight=self.pos_weight)

    def domains(self) -> tuple[Domain, ...]:
        return ("real" if self.from_logits else "probability", "probability")

    # -pos_weight t log p - (1 - t) log(1 - p), a sum of non-negative terms.
    def call(self, prediction: Array, target: Array) -> Array:
        if self._is_plain():
            return special.bernoulli(prediction, target)
        target, other = _smooth(target, self.label_smoothing)
        yes, no = _surprises(prediction, target, other, self.from_logits, self.epsilon, self.log_floor)
        if self.pos_weight is not None:
            yes = yes * self._pos_weight(prediction)
        return target * yes + other * no

    # (1 - t) p - pos_weight t (1 - p) of a logit, (1 - t) / (1 - p) - pos_weight t / p of a probability
    def derivative(self, prediction: Array, target: Array) -> Array:
        if self._is_plain():
            return special.bernoulli_slope(prediction, target)
        target, other = _smooth(target, self.label_smoothing)
        if self.pos_weight is not None:
            target = target * self._pos_weight(prediction)
        if self.from_logits:
            p, q = special.sigmoid_pair(prediction)
            return other * p - target * q
        return _surprises_derivative(prediction, target, other, self.epsilon, self.log_floor)

    def call_and_derivative(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        if self._is_plain():
            return special.bernoulli_and_slope(prediction, target)
        return self.call(prediction, target), self.derivative(prediction, target)

    # ((1 - t) + pos_weight t) p (1 - p) of a logit
    def second_derivative(self, prediction: Array, target: Array) -> Array | None:
        if not self.from_logits:
            return None
        target, other = _smooth(target, self.label_smoothing)
        if self.pos_weight is not None:
            target = target * self._pos_weight(prediction)
        p, q = special.sigmoid_pair(prediction)
        return (other + target) * (p * q)

    def _is_plain(self) -> bool:
        return self.from_logits and self.pos_weight is None and not self.label_smoothing

    def _pos_weight(self, like: Array) -> Array | float:
        if isinstance(self.pos_weight, NUMBERS):
            return self.pos_weight
        given = of_classes("pos_weight", self.pos_weight, like.shape[-1] if like.ndim else 0)
        pos_weight = as_array(given, like=like, dtype=like.dtype)
        shape, tail = tuple(pos_weight.shape), tuple(like.shape)[like.ndim - pos_weight.ndim :]
        if pos_weight.ndim > like.ndim or not broadcasts_to(shape, tail):
            wanted = tuple(like.shape)
            hint = added_axes("np.asarray(pos_weight)" if isinstance(given, tuple) else "pos_weight", shape, wanted)
            raise ValueError(f"`pos_weight` must broadcast to `prediction` {wanted}, got shape {shape}{hint}")
        return broadcast_to(array_namespace(like), pos_weight, like.shape)


@function_form
def binary_cross_entropy(
    prediction: Array,
    target: Array,
    *,
    from_logits: bool = True,
    pos_weight: Any = None,
    label_smoothing: float = 0.0,
    epsilon: float = 0.0,
    log_floor: float | None = None,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Negative log-likelihood of a yes or no, for two classes or for many labels that do not exclude each other.

    .. math:: l = -target \log p - (1 - target) \log(1 - p); \quad p = 1 / (1 + \exp(-prediction))

    Parameters
    ----------
    prediction : array
        Floating: logits, or with ``from_logits=False`` probabilities.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    from_logits : bool, default True
        Whether `prediction` holds logits.
    pos_weight : float or array that broadcasts to `prediction`, optional
        What the positive class counts, such as the ratio of negatives to positives; one number or one a label. Given as
        an array, it follows the library and the device of `prediction`.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
    epsilon : float, default 0.0
        Probabilities are limited to [epsilon, 1 - epsilon], as Keras does with 1e-7. Without effect on logits.
    log_floor : float, optional
        What a smaller log-probability counts as, as PyTorch does with -100. Without effect on logits. Without it, the
        loss of a certain prediction that is wrong is infinite.
    weight, where, reduction
        How per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    References
    ----------
    Cox, The regression analysis of binary sequences (1958). https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.binary_cross_entropy(np.asarray([0.0, 1e4]), np.asarray([1, 1]))), 6)
    0.346574
    """
    return BinaryCrossEntropy(
        from_logits=from_logits,
        pos_weight=pos_weight,
        label_smoothing=label_smoothing,
        epsilon=epsilon,
        log_floor=log_floor,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@register(
    alias("binary_focal_crossentropy", "BinaryFocalCrossentropy", from_logits=False, epsilon=1e-7),
)
@dataclass(frozen=True)
class BinaryFocal(Loss):
    """Settings of `binary_focal`."""

    gamma: float = 2.0
    alpha: float | None = None
    from_logits: bool = True
    label_smoothing: float = 0.0
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(gamma=self.gamma)
        if self.alpha is not None:
            require_range(0, 1, alpha=self.alpha)
        require_one_of_type(bool, from_logits=self.from_logits)
        require_range(0, 1, label_smoothing=self.label_smoothing)
        require_range(0, 0.5, epsilon=self.epsilon)

    def domains(self) -> tuple[Domain, ...]:
        return ("real" if self.from_logits else "probability", "probability")

    # alpha_t (1 - p_t)^gamma (cross entropy), with 1 - p_t = t (1 - p) + (1 - t) p. The sigmoid on either side, not
    # 1 - p, and its power, not the exponential of gamma log(1 - p_t): both would lose digits where p_t is near 1.
    def call(self, prediction: Array, target: Array) -> Array:
        if (side := self._side(target)) is not None:
            entropy, complement = self._of_side(side * prediction)
            return entropy * self._factor(complement, target)
        target, other = _smooth(target, self.label_smoothing)
        yes, no = _surprises(prediction, target, other, self.from_logits, self.epsilon, None)
        loss = target * yes + other * no
        if self.gamma:
            p, q = self._probabilities(prediction)
            loss = loss * special.focal_weight(target * q + other * p, self.gamma)
        if self.alpha is not None:
            loss = loss * (self.alpha * target + (1.0 - self.alpha) * other)
        return loss

    # Where each target is 0 or 1: with y the logit of what is not the target, log(1 + exp(y)) sigmoid(y)^gamma alpha_t
    def _side(self, target: Array) -> Array | None:
        return special.side_of(target) if self.from_logits and self.gamma and not self.label_smoothing else None

    def _of_side(self, logit: Array) -> tuple[Array, Array]:
        return special.softplus(logit), special.precise_sigmoid(logit)

    def _factor(self, complement: Array, target: Array) -> Array:
        factor = special.focal_weight(complement, self.gamma)
        return factor if self.alpha is None else factor * (self.alpha * target + (1.0 - self.alpha) * (1.0 - target))

    # With cross entropy A, m = 1 - p_t and w = alpha_t m^gamma it is w A, so w (A' + gamma A R), R = m' / m.
    def call_and_derivative(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        if (side := self._side(target)) is None:
            return self.call(prediction, target), self.derivative(prediction, target)
        entropy, complement = self._of_side(side * prediction)
        factor = self._factor(complement, target)
        slope = complement + self.gamma * (entropy * (1.0 - complement))
        return entropy * factor, side * (factor * slope)

    def derivative(self, prediction: Array, target: Array) -> Array:
        if self._side(target) is not None:
            return self.call_and_derivative(prediction, target)[1]
        p, q = self._probabilities(prediction)
        entropy, slope, factor, ratio = self._parts(prediction, target, p, q)
        if self.from_logits:
            ratio = ratio * (p * q)
        return factor * (slope + self.gamma * (entropy * ratio))

    # w (A'' + gamma R (2 A' + A ((gamma - 1) R + (1 - 2 p)))), as A'' = p (1 - p) and m'' = m' (1 - 2 p)
    def second_derivative(self, prediction: Array, target: Array) -> Array | None:
        if not self.from_logits:
            return None
        p, q = self._probabilities(prediction)
        entropy, slope, factor, ratio = self._parts(prediction, target, p, q)
        ratio = ratio * (p * q)
        turn = (self.gamma - 1.0) * ratio + (q - p)
        return factor * (p * q + self.gamma * (ratio * (2.0 * slope + entropy * turn)))

    def _parts(self, prediction: Array, target: Array, p: Array, q: Array) -> tuple[Array, ...]:
        """Cross entropy and its derivative, w, and the derivative of m by p over m."""
        target, other = _smooth(target, self.label_smoothing)
        yes, no = _surprises(prediction, target, other, self.from_logits, self.epsilon, None)
        if self.from_logits:
            slope = other * p - target * q
        else:
            slope = _surprises_derivative(prediction, target, other, self.epsilon, None)
        complement = target * q + other * p
        factor = special.focal_weight(complement, self.gamma)
        if self.alpha is not None:
            factor = factor * (self.alpha * target + (1.0 - self.alpha) * other)
        ratio = (other - target) / special.above_zero(complement)
        if self.epsilon and not self.from_logits:
            ratio = ratio * special.inside(prediction, self.epsilon, 1.0 - self.epsilon)
        return target * yes + other * no, slope, factor, ratio

    def _probabilities(self, prediction: Array) -> tuple[Array, Array]:
        if self.from_logits:
            return special.precise_sigmoid_pair(prediction)
        p = special.clip(prediction, self.epsilon, 1.0 - self.epsilon) if self.epsilon else prediction
        return p, 1.0 - p


@function_form
def binary_focal(
    prediction: Array,
    target: Array,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    from_logits: bool = True,
    label_smoothing: float = 0.0,
    epsilon: float = 0.0,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Binary cross entropy in which easy items count little: for detection, where most items are easy negatives.

    .. math:: l = alpha_t (1 - p_t)^{gamma} (-\log p_t); \quad p_t = p \text{ if } target = 1 \text{ else } 1 - p

    Parameters
    ----------
    prediction : array
        Floating: logits, or with ``from_logits=False`` probabilities.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0. At 0 it is `binary_cross_entropy`.
    alpha : float, optional
        Weight of the positive class, in [0, 1]; that of the negative class is 1 - alpha. Without it, both are 1.
    from_logits : bool, default True
        Whether `prediction` holds logits.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
    epsilon : float, default 0.0
        Probabilities are limited to [epsilon, 1 - epsilon], as Keras does with 1e-7. Without effect on logits.
    weight, where, reduction
        How per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    References
    ----------
    Lin et al., Focal loss for dense object detection (2017). https://arxiv.org/abs/1708.02002

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> round(float(al.binary_focal(np.asarray([0.0, 4.0]), np.asarray([1, 1]), reduction="sum")), 6)
    0.173293
    """
    return BinaryFocal(
        gamma=gamma,
        alpha=alpha,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        epsilon=epsilon,
        reduction=reduction,
    )(prediction, target, weight=weight, where=where)


@register("hinge_loss")
@dataclass(frozen=True)
class Hinge(Loss):
    """Settings of `hinge`."""

    def domains(self) -> tuple[Domain, ...]:
        return ("real", "sign")

    # max(0, 1 - target prediction)
    def call(self, prediction: Array, target: Array) -> Array:
        return special.positive_part(1.0 - target * prediction)

    def call_and_derivative(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        short = 1.0 - target * prediction
        return special.positive_part(short), -target * special.is_positive(short)

    # -target where the margin is not met, 0 elsewhere
    def derivative(self, prediction: Array, target: Array) -> Array:
        short = 1.0 - target * prediction
        return -target * special.is_positive(short)

    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return array_namespace(prediction, target).zeros_like(prediction)


@function_form
def hinge(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Loss of the support vector machine: 0 once an item is on its side by a margin of 1.

    .. math:: l = \max(0, 1 - target \cdot prediction)

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
    weight, where, reduction
        How per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    Notes
    -----
    Keras's loss of this name converts targets of 0 and 1 if it finds no others in the batch; this one does not.

    References
    ----------
    Cortes and Vapnik, Support-vector networks (1995). https://doi.org/10.1007/BF00994018

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.hinge(np.asarray([0.5, 0.5]), np.asarray([1, -1])))
    1.0
    """
    return Hinge(reduction=reduction)(prediction, target, weight=weight, where=where)


@register
@dataclass(frozen=True)
class SquaredHinge(Loss):
    """Settings of `squared_hinge`."""

    def domains(self) -> tuple[Domain, ...]:
        return ("real", "sign")

    # max(0, 1 - target prediction)²
    def call(self, prediction: Array, target: Array) -> Array:
        short = special.positive_part(1.0 - target * prediction)
        return short * short

    def call_and_derivative(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        short = special.positive_part(1.0 - target * prediction)
        return short * short, (-2.0 * target) * short

    # -2 target max(0, 1 - target prediction)
    def derivative(self, prediction: Array, target: Array) -> Array:
        return (-2.0 * target) * special.positive_part(1.0 - target * prediction)

    # 2 target² where the margin is not met, 0 elsewhere
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        short = 1.0 - target * prediction
        return (2.0 * target * target) * special.is_positive(short)


@function_form
def squared_hinge(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Square of the hinge loss: smooth where the margin is met, harder on what is far on the wrong side.

    .. math:: l = \max(0, 1 - target \cdot prediction)^2

    Parameters
    ----------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.
    weight, where, reduction
        How per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    Notes
    -----
    Keras's loss of this name converts targets of 0 and 1 if it finds no others in the batch; this one does not.

    References
    ----------
    Chang, Hsieh and Lin, Coordinate descent method for large-scale L2-loss linear support vector machines (2008).
    https://www.jmlr.org/papers/v9/chang08a.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.squared_hinge(np.asarray([0.5, 0.5]), np.asarray([1, -1])))
    1.25
    """
    return SquaredHinge(reduction=reduction)(prediction, target, weight=weight, where=where)


@register("SoftMarginLoss", "soft_margin_loss")
@dataclass(frozen=True)
class SoftMargin(Loss):
    """Settings of `soft_margin`."""

    def domains(self) -> tuple[Domain, ...]:
        return ("real", "sign")

    # log(1 + exp(-target prediction))
    def call(self, prediction: Array, target: Array) -> Array:
        return special.softplus(-target * prediction)

    # -target / (1 + exp(target prediction))
    def derivative(self, prediction: Array, target: Array) -> Array:
        return -target * special.sigmoid(-target * prediction)

    # target² / ((1 + exp(target prediction)) (1 + exp(-target prediction)))
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        right, left = special.sigmoid_pair(target * prediction)
        return (target * target) * (right * left)


@function_form
def soft_margin(
    prediction: Array,
    target: Array,
    *,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Logistic loss of a target of -1 or 1: `binary_cross_entropy` in the other convention.

    .. math:: l = \log(1 + \exp(-target \cdot prediction))

    Parameters
    ----------
    prediction : array
        Floating logits of any size: nothing overflows.
    target : array
        -1 or 1, of the shape of `prediction`. An integer target is converted.
    weight, where, reduction
        How per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `prediction` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    References
    ----------
    Friedman, Hastie and Tibshirani, Additive logistic regression (2000). https://doi.org/10.1214/aos/1016218223

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> float(al.soft_margin(np.asarray([1e4]), np.asarray([-1])))
    10000.0
    """
    return SoftMargin(reduction=reduction)(prediction, target, weight=weight, where=where)
