"""Losses of labels that do not exclude each other: 0 or 1 (or a probability) for each class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace, as_array
from ..arguments import require_nonnegative, require_per_class, require_range
from ..numerics import elementwise, indexing, logarithms, logistic, reductions, settings
from ..registry import register
from ._base import PureLoss, PureRowLoss, along, per_class
from .margin import _shortfalls

__all__ = ["Asymmetric", "MultilabelMargin", "MultilabelSoftMargin"]


@register("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss")
@dataclass(frozen=True, kw_only=True)
class MultilabelSoftMargin(PureRowLoss):
    r"""Mean over the classes of their binary cross entropy: one loss for all labels of an item.

    .. math:: l = -\frac{1}{C} \sum_c \mathrm{target}_c \log p_c + (1 - \mathrm{target}_c) \log(1 - p_c);
        \quad p = 1 / (1 + \exp(-\mathrm{logits}))

    Parameters
    ----------
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class. The mean over the classes is then Σ w l / Σ w, which no constant weight changes.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    target : array, shape (..., C)
        0 or 1, or a probability, for each class. An integer or bool target is converted.

    See Also
    --------
    binary_cross_entropy : With a loss for each label.
    asymmetric : For many rare labels.

    Notes
    -----
    An item is a row, and `weight` and `where` have one value for all of its labels. In `binary_cross_entropy`, whose
    mean is the same, an item is a label. PyTorch divides by the number of classes where their weights are given, too.

    References
    ----------
    Zhang and Zhou, A review on multi-label learning algorithms (2014). https://doi.org/10.1109/TKDE.2013.39

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits, target = np.asarray([[0.0, 1e4, -1e4]]), np.asarray([[1, 1, 0]])
    >>> round(float(al.multilabel_soft_margin(logits, target)), 6)
    0.231049
    """

    arrays = "logits[..., C]: real, target[..., C]: probability -> [...]"

    class_settings: ClassVar[tuple[str, ...]] = ("class_weight",)

    class_weight: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.class_weight is not None:
            require_per_class(class_weight=self.class_weight)

    # Σ w (binary cross entropy) / Σ w over the classes
    def call(self, logits: Array, target: Array) -> Array:
        xp = array_namespace(logits, target)
        axis = self.row_axis(logits)
        loss = logistic.bernoulli_nll(logits, target)
        if self.class_weight is None:
            return xp.mean(loss, axis=axis)
        return xp.sum(self._shares(logits, axis) * loss, axis=axis)

    def in_torch(self, torch: Any, reduction: str, logits: Array, target: Array) -> Array | None:
        if self.class_weight is not None:
            return None
        of_all = reduction == "mean"
        loss = logistic.bernoulli_nll_in_torch(torch, logits, target, "mean" if of_all else "none")
        if loss is None or of_all:
            return loss
        return reductions.reduced_in_torch(torch, loss.mean(self.row_axis(logits)), reduction)

    # w (p - target) / Σ w
    def derivative(self, logits: Array, target: Array) -> Array:
        return self._shares(logits, self.row_axis(logits)) * logistic.bernoulli_nll_derivative(logits, target)

    # w p (1 - p) / Σ w
    def second_derivative(self, logits: Array, target: Array) -> Array:
        p, complement = logistic.sigmoid_and_complement(logits)
        return self._shares(logits, self.row_axis(logits)) * (p * complement)

    def _shares(self, logits: Array, axis: int) -> Array | float:
        """What each class counts in the mean; 0 for all of them where all weights are 0."""
        if self.class_weight is None:
            return 1.0 / logits.shape[axis]
        weight = per_class("class_weight", self.class_weight, logits, axis)
        total = array_namespace(weight).sum(weight)
        return along(weight / special.where(total == 0, 1.0, total), logits, axis)


@register
@dataclass(frozen=True, kw_only=True)
class MultilabelMargin(PureRowLoss):
    r"""Hinge loss of several labels: every class that is there should lead every one that is not by a margin.

    .. math:: l = \frac{1}{C} \sum_{j, k} \mathrm{target}_j (1 - \mathrm{target}_k) \max(0, \mathrm{margin} +
        \mathrm{logits}_k - \mathrm{logits}_j)

    Parameters
    ----------
    margin : float, default 1.0
        The lead that is asked for; at least 0.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    target : array, shape (..., C)
        0 or 1, or a probability, for each class, under which the loss is the expected one of independent labels. An
        integer or bool target is converted.

    See Also
    --------
    multilabel_soft_margin : Where probabilities are wanted.
    asymmetric : For many rare labels.

    Notes
    -----
    The sum is divided by the number of classes, as in PyTorch, whose target is a list of the classes that are there,
    ended by -1.

    All pairs of classes are compared, which takes time and memory for the square of their number: memory of a few rows
    at a time on NumPy and on torch's CPU, and of all rows elsewhere.

    References
    ----------
    Crammer and Singer, A family of additive online algorithms for category ranking (2003).
    https://www.jmlr.org/papers/v3/crammer03b.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, target = np.asarray([[0.1, 0.2, 0.4, 0.8]]), np.asarray([[1, 0, 0, 1]])
    >>> round(float(al.multilabel_margin(scores, target)), 6)
    0.85
    """

    compares_pairs = True

    arrays = "logits[..., C]: real, target[..., C]: probability -> [...]"

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(margin=self.margin)

    # Σ_jk t_j (1 - t_k) max(0, margin + z_k - z_j) / C
    def call(self, logits: Array, target: Array) -> Array:
        pairs, short = self._pairs(logits, target)
        xp = array_namespace(pairs, short)
        return xp.mean(xp.sum(pairs * short, axis=-1), axis=-1)

    # Where a pair falls short, t_j (1 - t_k) / C by z_k, and less that by z_j.
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, target: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(logits, target)
        pairs, short = self._pairs(logits, target)
        slope = pairs * special.heaviside(short)
        derivative = (xp.sum(slope, axis=-2) - xp.sum(slope, axis=-1)) / short.shape[-1]
        value = xp.mean(xp.sum(pairs * short, axis=-1), axis=-1)
        return value, (indexing.move_axis(derivative, -1, self.row_axis(logits)),)

    # Linear but for kinks
    def second_derivative(self, logits: Array, target: Array) -> Array:
        return array_namespace(logits, target).zeros_like(logits)

    def _pairs(self, logits: Array, target: Array) -> tuple[Array, Array]:
        """t_j (1 - t_k), and what class j lacks to the margin over class k, at [..., j, k]."""
        axis = self.row_axis(logits)
        target = indexing.move_axis(target, axis, -1)
        short = _shortfalls(logits, axis, settings.in_range(self.margin, logits))
        return target[..., :, None] * (1.0 - target[..., None, :]), short


@register
@dataclass(frozen=True, kw_only=True)
class Asymmetric(PureLoss):
    r"""Binary cross entropy in which negatives count less than positives, and easy ones nothing: for many rare labels.

    .. math:: l = -\mathrm{target} (1 - p)^{\mathrm{gamma\_pos}} \log p - (1 - \mathrm{target}) \,
        q^{\mathrm{gamma\_neg}} \log(1 - q);
        \quad p = 1 / (1 + \exp(-\mathrm{prediction})), \; q = \max(0, p - \mathrm{shift})

    Parameters
    ----------
    gamma_pos : float, default 0.0
        How fast the weight of a positive falls as it becomes easy; at least 0.
    gamma_neg : float, default 4.0
        The same of a negative.
    shift : float, default 0.05
        What is taken from the probability of a negative, in [0, 1]: below it, a negative is easy enough to count for
        nothing.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating logits.
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.

    See Also
    --------
    multilabel_soft_margin : Where labels are not rare.
    binary_focal : For a yes or no.

    Notes
    -----
    An item is a label. The authors' code returns the sum over all labels of a batch, and has 1 for `gamma_pos`. Without
    a shift and with one gamma it is `binary_focal`, and with a gamma of 0 `binary_cross_entropy`.

    References
    ----------
    Ridnik et al., Asymmetric loss for multi-label classification (2021). https://arxiv.org/abs/2009.14119

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.asymmetric(np.asarray([0.0, 0.0, -4.0]), np.asarray([1, 0, 0]), reduction="none").round(4).tolist()
    [0.6931, 0.0245, 0.0]
    """

    arrays = "prediction[...]: real, target[...]: probability -> [...]"

    gamma_pos: Real = 0.0
    gamma_neg: Real = 4.0
    shift: Real = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(gamma_pos=self.gamma_pos, gamma_neg=self.gamma_neg)
        require_range(0, 1, shift=self.shift)

    # -t (1 - p)^gamma_pos log p - (1 - t) q^gamma_neg log(1 - q), with q = max(0, p - shift)
    def call(self, prediction: Array, target: Array) -> Array:
        positive = self._focused(special.softplus(-prediction), -prediction, self.gamma_pos)
        if settings.is_zero(self.shift):
            negative = self._focused(special.softplus(prediction), prediction, self.gamma_neg)
        else:
            negative = self._shifted(prediction)
        return target * positive + (1.0 - target) * negative

    def _focused(self, cost: Array, x: Array, gamma: Any) -> Array:
        """The cost times sigmoid(x)^gamma."""
        if settings.is_zero(gamma):
            return cost
        gamma = settings.exponent(gamma, x)
        return logistic.discounted(cost, logistic.sigmoid_to(x, gamma))

    # 1 - q loses its digits where q is small, and q where 1 - q = 1 - p + shift is, which is at least 1 - p.
    def _shifted(self, prediction: Array) -> Array:
        """-q^gamma_neg log(1 - q) for a shift that need not be 0."""
        p, complement = logistic.sigmoid_and_complement(prediction)
        q = special.relu(p - self.shift)
        xp = array_namespace(q)
        small = -xp.log1p(-special.clip(q, None, 0.5))
        if isinstance(self.shift, NUMBERS) and self.shift * self.shift >= elementwise.finfo(prediction).smallest_normal:
            large = -xp.log(complement + self.shift)  # the complement may be 0, beside this
        else:
            large = self._rest_cost(prediction)
        cost = special.where(q < 0.5, small, large)
        if settings.is_zero(self.gamma_neg):
            return cost
        gamma = settings.exponent(self.gamma_neg, prediction)
        return logistic.discounted(cost, logarithms.replace_unused_zeros(q, q) ** gamma)

    # -log(exp(-s) + shift) with s = softplus(x), and its first terms, s - shift exp(s), where the shift is 0
    def _rest_cost(self, x: Array) -> Array:
        """-log(1 - p + shift) for any shift."""
        xp = array_namespace(x)
        s = special.softplus(x)
        if isinstance(self.shift, NUMBERS):
            return -logarithms.logaddexp(-s, as_array(math.log(self.shift), like=x, dtype=x.dtype))
        shift = as_array(self.shift, like=x, dtype=x.dtype)
        none, most = shift == 0, 0.9 * math.log(elementwise.finfo(x).max)
        other = -logarithms.logaddexp(-s, logarithms.log(special.where(none, 1.0, shift)))
        return special.where(none, s - shift * xp.exp(special.clip(s, None, most)), other)
