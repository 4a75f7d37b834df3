"""Losses of two classes: a target of 0 or 1 (or a probability), or of -1 or 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace, as_array, broadcast_to, broadcasts_to
from .._values import least_and_most
from ..arguments import (
    added_axes,
    of_classes,
    require_nonnegative,
    require_one_of_type,
    require_per_class,
    require_range,
)
from ..numerics import elementwise, logarithms, logistic, reductions, settings
from ..registry import register
from ._base import PureLoss

__all__ = ["BinaryCrossEntropy", "BinaryFocal", "Hinge", "SoftMargin", "SquaredHinge"]


def _smooth(target: Array, label_smoothing: Any) -> tuple[Array, Array]:
    """The target t and 1 - t, each smoothed by itself: a difference from 1 would lose digits."""
    if settings.is_zero(label_smoothing):
        return target, 1.0 - target
    share = 1.0 - label_smoothing
    return share * target + label_smoothing / 2, share * (1.0 - target) + label_smoothing / 2


@dataclass(frozen=True, kw_only=True)
class _YesOrNo(PureLoss):
    """What the losses of a probability p share: p and 1 - p, their logarithms, and the derivative of these."""

    def _pair(self, p: Array) -> tuple[Array, Array]:
        return p, 1.0 - p

    # The logarithm of 0 is taken only where it counts: 0 log 0 is 0. log1p of a positive number is exact on every
    # library, and -log(1 - p) = log(1 + p / (1 - p)).
    def _costs(self, prediction: Array, yes: Array, no: Array) -> tuple[Array, Array]:
        """-log p and -log(1 - p), which count as much as `yes` and `no`."""
        p, q = self._pair(prediction)
        odds = p / logarithms.replace_unused_zeros(q, no)
        return -logarithms.log(logarithms.replace_unused_zeros(p, yes)), logarithms.log1p(odds)

    # no / (1 - p) - yes / p, with 0 where 0 log 0 stands for 0
    def _slope(self, prediction: Array, yes: Array, no: Array) -> Array:
        """The derivative of what these cost."""
        p, q = self._pair(prediction)
        of_yes = logarithms.per_probability(yes, logarithms.replace_unused_zeros(p, yes))
        return no / logarithms.replace_unused_zeros(q, no) - of_yes

    # no / (1 - p)² + yes / p², of which each square may be out of range
    def _bend(self, prediction: Array, yes: Array, no: Array) -> Array:
        """The second derivative of what these cost."""
        p, q = self._pair(prediction)
        p, q = logarithms.replace_unused_zeros(p, yes), logarithms.replace_unused_zeros(q, no)
        return elementwise.quotient(no, q) / q + elementwise.quotient(yes, p) / p


_FEW_LOGITS = 1 << 14
"""Elements up to which what torch records of logits takes the least time."""

_FEW_MARGINS = 1 << 15
"""Elements up to which torch's kernel of margins does."""

_FEW_PROBABILITIES = 1 << 11
"""Elements up to which torch's kernel of probabilities, which takes one at a time, does so."""


@register(
    "BCEWithLogitsLoss",
    "binary_cross_entropy_with_logits",
    "sigmoid_binary_cross_entropy",
)
@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(_YesOrNo):
    r"""Negative log-likelihood of a yes or no, for two classes or for many labels that do not exclude each other.

    .. math:: l = -\mathrm{target} \log p - (1 - \mathrm{target}) \log(1 - p);
        \quad p = 1 / (1 + \exp(-\mathrm{prediction}))

    Parameters
    ----------
    from_logits : bool, default True
        Whether `prediction` holds logits.
    pos_weight : float or array that broadcasts to `prediction`, optional
        What the positive class counts, such as the ratio of negatives to positives; one number or one a label. Given as
        an array, it follows the library and the device of `prediction`.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
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
    binary_focal : Where most items are easy negatives.
    cross_entropy : For classes that exclude each other.
    brier : Bounded.

    Notes
    -----
    The loss of a probability of 0 or 1 that is wrong is infinite. Keras's loss of probabilities, ``al.get("bce")``, and
    PyTorch's, ``al.get("BCELoss")``, limit it: see `dialects`.

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

    arrays = "prediction[...]: real if from_logits else probability, target[...]: probability -> [...]"

    class_settings: ClassVar[tuple[str, ...]] = ("pos_weight",)

    from_logits: bool = True
    pos_weight: Any = None
    label_smoothing: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of_type(bool, from_logits=self.from_logits)
        require_range(0, 1, label_smoothing=self.label_smoothing)
        if self.pos_weight is not None:
            require_per_class(pos_weight=self.pos_weight)

    # -pos_weight t log p - (1 - t) log(1 - p), a sum of non-negative terms.
    def call(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return logistic.bernoulli_nll(prediction, *self._logit_weights(prediction, target))
        yes, no = _smooth(target, self.label_smoothing)
        yes = self._positive(prediction, yes)
        yes_cost, no_cost = self._costs(prediction, yes, no)
        return yes * yes_cost + no * no_cost

    # (1 - t) p - pos_weight t (1 - p) of a logit, (1 - t) / (1 - p) - pos_weight t / p of a probability
    def derivative(self, prediction: Array, target: Array) -> Array:
        if self.from_logits:
            return logistic.bernoulli_nll_derivative(prediction, *self._logit_weights(prediction, target))
        yes, no = _smooth(target, self.label_smoothing)
        return self._slope(prediction, self._positive(prediction, yes), no)

    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        if self.from_logits:
            value, derivative = logistic.bernoulli_nll_and_derivative(
                prediction, *self._logit_weights(prediction, target)
            )
            return value, (derivative,)
        return self.call(prediction, target), (self.derivative(prediction, target),)

    # ((1 - t) + pos_weight t) p (1 - p) of a logit, (1 - t) / (1 - p)² + pos_weight t / p² of a probability
    def second_derivative(self, prediction: Array, target: Array) -> Array | None:
        yes, no = _smooth(target, self.label_smoothing)
        yes = self._positive(prediction, yes)
        if not self.from_logits:
            return self._bend(prediction, yes, no)
        p, q = logistic.sigmoid_and_complement(prediction)
        return (no + yes) * (p * q)

    def in_torch(self, torch: Any, reduction: str, prediction: Array, target: Array) -> Array | None:
        if self.pos_weight is not None or not settings.is_zero(self.label_smoothing):
            return None
        if prediction.numel() > (_FEW_LOGITS if self.from_logits else _FEW_PROBABILITIES):
            return None
        if self.from_logits:
            return logistic.bernoulli_nll_in_torch(torch, prediction, target, reduction)
        if target.requires_grad:
            return None
        least, most = least_and_most(prediction)
        if not min(least, 1.0 - most) >= self._least_in_torch():
            return None
        code = reductions.REDUCTIONS_OF_TORCH[reduction]
        try:
            # what torch.nn.functional broadcasts and warns before it calls
            result: Array = torch._C._nn.binary_cross_entropy(prediction, target, None, code)
        except RuntimeError:  # of a target that is no probability
            return None
        return result

    @property
    def once_in_torch(self) -> bool:
        return not self.from_logits

    def _least_in_torch(self) -> float:
        """The least p and 1 - p of which torch's kernel has all digits: it limits log p to -100, p (1 - p) to 1e-12."""
        return 1e-11

    def _logit_weights(self, prediction: Array, target: Array) -> tuple[Array, Array | None]:
        """What -log p and -log(1 - p) count; None for the second where it is 1 less the first."""
        if self.pos_weight is None and settings.is_zero(self.label_smoothing):
            return target, None
        yes, no = _smooth(target, self.label_smoothing)
        return self._positive(prediction, yes), no

    def _positive(self, prediction: Array, target: Array) -> Array:
        return target if self.pos_weight is None else target * self._pos_weight(prediction)

    def _pos_weight(self, like: Array) -> Array | float:
        if isinstance(self.pos_weight, NUMBERS):
            return settings.in_range(self.pos_weight, like)
        given = of_classes("pos_weight", self.pos_weight, like.shape[-1] if like.ndim else 0)
        pos_weight = as_array(given, like=like, dtype=like.dtype)
        shape, tail = tuple(pos_weight.shape), tuple(like.shape)[like.ndim - pos_weight.ndim :]
        if pos_weight.ndim > like.ndim or not broadcasts_to(shape, tail):
            wanted = tuple(like.shape)
            hint = added_axes("np.asarray(pos_weight)" if isinstance(given, tuple) else "pos_weight", shape, wanted)
            raise ValueError(f"`pos_weight` must broadcast to `prediction` {wanted}, got shape {shape}{hint}")
        return broadcast_to(array_namespace(like), pos_weight, like.shape)


@register("sigmoid_focal_loss")
@dataclass(frozen=True, kw_only=True)
class BinaryFocal(_YesOrNo):
    r"""Binary cross entropy in which easy items count little: for detection, where most items are easy negatives.

    .. math:: l = \alpha_t (1 - p_t)^{\gamma} (-\log p_t);
        \quad p_t = p \text{ if } \mathrm{target} = 1 \text{ else } 1 - p

    Parameters
    ----------
    gamma : float, default 2.0
        How fast the weight of an item falls as it becomes easy; at least 0. At 0 it is `binary_cross_entropy`.
    alpha : float, optional
        Weight of the positive class, in [0, 1]; that of the negative class is 1 - alpha. Without it, both are 1.
    from_logits : bool, default True
        Whether `prediction` holds logits.
    label_smoothing : float, default 0.0
        Share of the target, in [0, 1], that is replaced by 1/2.
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
    binary_cross_entropy : With `pos_weight`, where a miss costs more.
    categorical_focal : For classes that exclude each other.
    asymmetric : For many rare labels.

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

    arrays = "prediction[...]: real if from_logits else probability, target[...]: probability -> [...]"

    gamma: Real = 2.0
    alpha: Real | None = None
    from_logits: bool = True
    label_smoothing: Real = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(gamma=self.gamma)
        if self.alpha is not None:
            require_range(0, 1, alpha=self.alpha)
        require_one_of_type(bool, from_logits=self.from_logits)
        require_range(0, 1, label_smoothing=self.label_smoothing)

    # alpha_t (1 - p_t)^gamma (cross entropy), with 1 - p_t = t (1 - p) + (1 - t) p
    def call(self, prediction: Array, target: Array) -> Array:
        yes, no = _smooth(target, self.label_smoothing)
        loss = self._entropy(prediction, target, yes, no)
        if not settings.is_zero(self.gamma):
            # 1 - p_t is below 1 wherever the target is between 0 and 1, and has a derivative by it, and by a gamma that
            # is learned, whatever the cost.
            most = None if isinstance(self.gamma, NUMBERS) and not self.from_logits else 2.0**100
            loss = logistic.discounted(loss, self._focus(prediction, yes, no), most)
        return loss if self.alpha is None else loss * self._balance(yes, no)

    # With cross entropy A, m = 1 - p_t and w = alpha_t m^gamma it is w A, so w (A' + gamma A R), R = m' / m.
    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        entropy, derivative, factor, ratio, _ = self._parts(prediction, target)
        return factor * entropy, (factor * derivative + factor * self._gamma(factor) * (entropy * ratio),)

    # w (A'' + gamma R (2 A' + A ((gamma - 1) R + (1 - 2 p)))), as A'' = p (1 - p) and m'' = m' (1 - 2 p) of a logit. Of
    # a probability m'' is 0, and the power that is multiplied by R, of a small m, may be out of range by itself.
    def second_derivative(self, prediction: Array, target: Array) -> Array | None:
        if not self.from_logits:
            return self._second_by_probability(prediction, target)
        entropy, derivative, factor, ratio, (p, q) = self._parts(prediction, target)
        gamma = self._gamma(factor)
        rest = factor * gamma * (ratio * (2.0 * derivative + entropy * ((q - p) - ratio)))
        return factor * (p * q) + rest + factor * gamma * gamma * (entropy * ratio * ratio)

    # alpha_t (m^gamma A'' + gamma m^(gamma - 1) m' (2 A' + (gamma - 1) m' A / m))
    def _second_by_probability(self, prediction: Array, target: Array) -> Array:
        yes, no = _smooth(target, self.label_smoothing)
        p, q = self._pair(prediction)
        m, turn = elementwise.at_least_smallest_normal(yes * q + no * p), no - yes
        gamma = self._gamma(m)
        entropy = self._entropy(prediction, target, yes, no)
        rise = 2.0 * self._slope(prediction, yes, no) + (gamma - 1.0) * (turn * (entropy / m))
        second = m**gamma * self._bend(prediction, yes, no) + gamma * (m ** (gamma - 1.0) * (turn * rise))
        return second if self.alpha is None else second * self._balance(yes, no)

    def _parts(self, prediction: Array, target: Array) -> tuple[Array, Array, Array, Array, tuple[Array, Array]]:
        """A and A', w, R, and the probabilities p and 1 - p."""
        yes, no = _smooth(target, self.label_smoothing)
        if self.from_logits:
            p, q = logistic.sigmoid_and_complement(prediction)
            weights = (target,) if settings.is_zero(self.label_smoothing) else (yes, no)
            entropy, derivative = logistic.bernoulli_nll_and_derivative(prediction, *weights)
            turn = (no - yes) * (p * q)
        else:
            p, q = self._pair(prediction)
            entropy = self._entropy(prediction, target, yes, no)
            derivative = self._slope(prediction, yes, no)
            turn = no - yes
        complement = elementwise.at_least_smallest_normal(yes * q + no * p)
        factor = complement ** self._gamma(complement)
        if self.alpha is not None:
            factor = factor * self._balance(yes, no)
        return entropy, derivative, factor, turn / complement, (p, q)

    def _entropy(self, prediction: Array, target: Array, yes: Array, no: Array) -> Array:
        if not self.from_logits:
            yes_cost, no_cost = self._costs(prediction, yes, no)
            return yes * yes_cost + no * no_cost
        if settings.is_zero(self.label_smoothing):
            return logistic.bernoulli_nll(prediction, target)
        return logistic.bernoulli_nll(prediction, yes, no)

    def _focus(self, prediction: Array, yes: Array, no: Array) -> Array:
        """(1 - p_t)^gamma."""
        if self.from_logits:
            return logistic.complement_to(prediction, yes, no, self._gamma(yes))
        p, q = self._pair(prediction)
        return elementwise.at_least_smallest_normal(yes * q + no * p) ** self._gamma(yes)

    def _gamma(self, like: Array) -> Any:
        return settings.exponent(self.gamma, like)

    def _balance(self, yes: Array, no: Array) -> Array:
        """alpha_t."""
        alpha: Any = self.alpha
        return alpha * yes + (1.0 - alpha) * no


@register("hinge_loss")
@dataclass(frozen=True, kw_only=True)
class Hinge(PureLoss):
    r"""Loss of the support vector machine: 0 once an item is on its side by a margin of 1.

    .. math:: l = \max(0, 1 - \mathrm{target} \cdot \mathrm{prediction})

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.

    See Also
    --------
    squared_hinge : Smooth.
    binary_cross_entropy : Where probabilities are wanted.

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

    arrays = "prediction[...]: real, target[...]: sign -> [...]"

    # max(0, 1 - target prediction)
    def call(self, prediction: Array, target: Array) -> Array:
        return special.relu(1.0 - target * prediction)

    # -target where the margin is not met, 0 elsewhere
    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        short = 1.0 - target * prediction
        return special.relu(short), (-target * special.heaviside(short),)

    # 0 but for the kink
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return array_namespace(prediction, target).zeros_like(prediction)


@register
@dataclass(frozen=True, kw_only=True)
class SquaredHinge(PureLoss):
    r"""Square of the hinge loss: smooth where the margin is met, harder on what is far on the wrong side.

    .. math:: l = \max(0, 1 - \mathrm{target} \cdot \mathrm{prediction})^2

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating scores.
    target : array
        -1 or 1, of the shape of `prediction`; ``2 * t - 1`` makes it of 0 and 1. An integer target is converted.

    See Also
    --------
    hinge : More lenient far on the wrong side.
    modified_huber : Likewise, and smooth.

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

    arrays = "prediction[...]: real, target[...]: sign -> [...]"

    # max(0, 1 - target prediction)²
    def call(self, prediction: Array, target: Array) -> Array:
        short = special.relu(1.0 - target * prediction)
        return short * short

    # -2 target max(0, 1 - target prediction)
    def value_and_derivatives(
        self, positions: tuple[int, ...], prediction: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        short = special.relu(1.0 - target * prediction)
        return short * short, ((-2.0 * target) * short,)

    # 2 target² where the margin is not met, 0 elsewhere
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        short = 1.0 - target * prediction
        return (2.0 * target * target) * special.heaviside(short)


@register("SoftMarginLoss", "soft_margin_loss")
@dataclass(frozen=True, kw_only=True)
class SoftMargin(PureLoss):
    r"""Logistic loss of a target of -1 or 1: `binary_cross_entropy` in the other convention.

    .. math:: l = \log(1 + \exp(-\mathrm{target} \cdot \mathrm{prediction}))

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating logits of any size: nothing overflows.
    target : array
        -1 or 1, of the shape of `prediction`. An integer target is converted.

    See Also
    --------
    binary_cross_entropy : The same for targets of 0 and 1.
    hinge : 0 beyond a margin.

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

    arrays = "prediction[...]: real, target[...]: sign -> [...]"

    # log(1 + exp(-target prediction))
    def call(self, prediction: Array, target: Array) -> Array:
        return special.softplus(-target * prediction)

    # -target / (1 + exp(target prediction))
    def derivative(self, prediction: Array, target: Array) -> Array:
        return -target * special.sigmoid(-target * prediction)

    def in_torch(self, torch: Any, reduction: str, prediction: Array, target: Array) -> Array | None:
        if prediction.numel() > _FEW_MARGINS or target.requires_grad:
            return None
        return logistic.margin_nll_in_torch(torch, prediction, target, reduction)

    # target² / ((1 + exp(target prediction)) (1 + exp(-target prediction)))
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        right, left = logistic.sigmoid_and_complement(target * prediction)
        return (target * target) * (right * left)
