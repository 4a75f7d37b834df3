"""Losses of a margin: how far a score is on its own side of 0, or above the scores of all other classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from .. import special
from .._array_api import NUMBERS, Array, Real, array_namespace
from .._values import least_and_most
from ..arguments import require_integer, require_nonnegative, require_range
from ..numerics import elementwise, indexing, reductions
from ..registry import register
from ._base import PureLoss
from .multiclass import _ClassLoss, _is_label

__all__ = ["CategoricalHinge", "Exponential", "ModifiedHuber", "MultiMargin", "MulticlassPerceptron", "Perceptron"]


_FEW_CLASSES = 1 << 4
"""Classes up to which torch's kernel, which adds one after the other in the dtype of the logits, keeps the digits."""

_FEW_LOGITS = 1 << 13
"""Elements up to which it takes the least time: it branches at each of them."""

_ORDINARY = 32.0
"""Logits, in margins, up to which it keeps the digits: it subtracts the label's from the margin first."""


@register("perceptron_loss", "binary_perceptron_loss")
@dataclass(frozen=True, kw_only=True)
class Perceptron(PureLoss):
    r"""Loss of the perceptron: how far an item is on the wrong side, and 0 on the right one, without a margin.

    .. math:: l = \max(0, -\mathrm{target} \cdot \mathrm{prediction})

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
    hinge : With a margin.
    multiclass_perceptron : For several classes.

    Notes
    -----
    At a score of 0 the derivative is 0, so that a model whose scores are all 0 does not move; `hinge` moves it.

    References
    ----------
    Rosenblatt, The perceptron: a probabilistic model for information storage and organization in the brain (1958).
    https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.perceptron(np.asarray([0.5, 0.5]), np.asarray([1, -1]), reduction="none").tolist()
    [0.0, 0.5]
    """

    arrays = "prediction[...]: real, target[...]: sign -> [...]"

    # max(0, -target prediction)
    def call(self, prediction: Array, target: Array) -> Array:
        return special.relu(-target * prediction)

    # -target on the wrong side, 0 elsewhere
    def derivative(self, prediction: Array, target: Array) -> Array:
        return -target * special.heaviside(-target * prediction)

    # 0 but for the kink
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return array_namespace(prediction, target).zeros_like(prediction)


@register
@dataclass(frozen=True, kw_only=True)
class ModifiedHuber(PureLoss):
    r"""Squared hinge loss that grows linearly far on the wrong side: smooth, and lenient with outliers.

    .. math:: l = \begin{cases} \max(0, 1 - m)^2 & m \ge -1 \\ -4 m & m < -1 \end{cases};
        \quad m = \mathrm{target} \cdot \mathrm{prediction}

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
    squared_hinge : Without the linear part.
    hinge : Not smooth.

    Notes
    -----
    The least expected loss is at a score of 2 p - 1 for a class of probability p. It is 4 times `sparsemax`, whose
    targets are 0 and 1.

    References
    ----------
    Zhang, Solving large scale linear prediction problems using stochastic gradient descent algorithms (2004).
    https://doi.org/10.1145/1015330.1015332

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.modified_huber(np.asarray([2.0, 0.5, -3.0]), np.asarray([1, 1, 1]), reduction="none").tolist()
    [0.0, 0.25, 12.0]
    """

    arrays = "prediction[...]: real, target[...]: sign -> [...]"

    # With s = 1 - target prediction, s² between 0 and 2, and 4 + 4 (s - 2) above
    def call(self, prediction: Array, target: Array) -> Array:
        short = 1.0 - target * prediction
        clipped = special.clip(short, 0.0, 2.0)
        return clipped * clipped + 4.0 * special.relu(short - 2.0)

    # -2 target times s, clipped
    def derivative(self, prediction: Array, target: Array) -> Array:
        return (-2.0 * target) * special.clip(1.0 - target * prediction, 0.0, 2.0)

    # 2 target² where s is between 0 and 2, 0 elsewhere
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        short = 1.0 - target * prediction
        return (2.0 * target * target) * (special.heaviside(short) - special.heaviside(short - 2.0))


@register
@dataclass(frozen=True, kw_only=True)
class Exponential(PureLoss):
    r"""Loss of AdaBoost: exponential in the margin, so that what is far on the wrong side counts above all else.

    .. math:: l = \exp(-\mathrm{target} \cdot \mathrm{prediction})

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
    soft_margin : Where some labels are wrong.
    hinge : 0 beyond a margin.

    Notes
    -----
    The least expected loss is at half the logarithm of the odds; that of `soft_margin` is at the logarithm itself.

    References
    ----------
    Freund and Schapire, A decision-theoretic generalization of on-line learning and an application to boosting (1997).
    https://doi.org/10.1006/jcss.1997.1504

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.exponential(np.asarray([0.0, 1.0]), np.asarray([1, -1]), reduction="none").round(4).tolist()
    [1.0, 2.7183]
    """

    arrays = "prediction[...]: real, target[...]: sign -> [...]"

    # exp(-target prediction)
    def call(self, prediction: Array, target: Array) -> Array:
        return array_namespace(prediction, target).exp(-target * prediction)

    # -target exp(-target prediction)
    def derivative(self, prediction: Array, target: Array) -> Array:
        return -target * array_namespace(prediction, target).exp(-target * prediction)

    # target² exp(-target prediction)
    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return (target * target) * array_namespace(prediction, target).exp(-target * prediction)


@register("multiclass_hinge", "multiclass_hinge_loss")
@dataclass(frozen=True, kw_only=True)
class CategoricalHinge(_ClassLoss):
    r"""Loss of the multiclass support vector machine: 0 once the class leads all others by a margin.

    .. math:: l = \max(0, \mathrm{margin} + \max_{j \ne \mathrm{label}} \mathrm{logits}_j -
        \mathrm{logits}_{\mathrm{label}})

    Parameters
    ----------
    margin : float, default 1.0
        The lead that is asked for; at least 0.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.

    See Also
    --------
    multi_margin : Where every class that comes too close counts.
    cross_entropy : Where probabilities are wanted.

    Notes
    -----
    Keras's loss of this name lets the true class take part with a score of 0, and so differs where all other scores are
    negative.

    References
    ----------
    Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines (2001).
    https://www.jmlr.org/papers/v2/crammer01a.html

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.categorical_hinge(scores, np.asarray([0, 0]), reduction="none").tolist()
    [0.0, 1.5]
    """

    margin: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(margin=self.margin)

    # max(0, margin + max_{j != y} z_j - z_y)
    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        if logits.shape[axis] == 1:
            # No rival: 0 whatever the logit, but NaN of NaN, and differentiable as any other loss.
            nothing = special.where(logits == logits, 0.0, logits)
            return array_namespace(logits, labels).sum(nothing, axis=axis)
        if _is_label(labels):
            return special.relu(self._short_of_label(logits, labels, axis)[0])
        return reductions.expectation(special.relu(self._short(logits, axis)[0]), labels, axis)

    # Where the margin is not kept, -1 for the class and 1 for its rival, in equal shares at a tie.
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(logits, labels)
        axis = self.row_axis(logits)
        if logits.shape[axis] == 1:
            return self.call(logits, labels), (xp.zeros_like(logits),)
        if _is_label(labels):
            short, others, rival = self._short_of_label(logits, labels, axis)
            missed = special.heaviside(short)
            derivative = _shared(others == rival, logits, axis) * indexing.expand_dims(missed, axis)
            return special.relu(short), (indexing.scatter(derivative, labels, -missed, axis),)
        short, best, is_first, is_second = self._short(logits, axis)
        missed = labels * special.heaviside(short)
        total = xp.sum(missed, axis=axis, keepdims=True)
        of_best = xp.sum(special.where(best, missed, 0.0), axis=axis, keepdims=True)
        derivative = (
            _shared(is_first, logits, axis) * (total - of_best) + _shared(is_second, logits, axis) * of_best - missed
        )
        return reductions.expectation(special.relu(short), labels, axis), (derivative,)

    # Linear but for kinks
    def second_derivative(self, logits: Array, labels: Array) -> Array:
        return array_namespace(logits, labels).zeros_like(logits)

    def _short_of_label(self, logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
        """What the label's class lacks to its rival and the margin; all others, and the largest of them."""
        xp = array_namespace(logits, labels)
        score = indexing.gather(logits, labels, axis)
        others = indexing.scatter(logits, labels, float("-inf"), axis)
        rival = reductions.largest(others, axis)
        return self._lacking(xp.squeeze(rival, axis=axis), score), others, rival

    def _short(self, logits: Array, axis: int) -> tuple[Array, Array, Array, Array]:
        """What each class lacks; the best class, its entries, and those of its own rival, which is the second best."""
        xp = array_namespace(logits)
        best = indexing.one_hot_mask(indexing.expand_dims(xp.argmax(logits, axis=axis), axis), logits, axis)
        others = special.where(best, float("-inf"), logits)
        first, second = reductions.largest(logits, axis), reductions.largest(others, axis)
        return self._lacking(special.where(best, second, first), logits), best, logits == first, others == second

    def _lacking(self, rival: Array, score: Array) -> Array:
        # A difference of infinities has no value, so a class that is ruled out has a finite logit until the end.
        lead = rival - elementwise.at_least_lowest(score)
        return special.where(score == float("-inf"), float("inf"), lead + self.margin)


@register("multiclass_perceptron_loss")
@dataclass(frozen=True, kw_only=True)
class MulticlassPerceptron(_ClassLoss):
    r"""Loss of the perceptron of several classes: how far the score of the class is below the largest.

    .. math:: l = \max_j \mathrm{logits}_j - \mathrm{logits}_{\mathrm{label}}

    Parameters
    ----------
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.

    See Also
    --------
    categorical_hinge : With a margin.
    perceptron : For a yes or no.

    Notes
    -----
    It is `categorical_hinge` with a margin of 0. Where the class ties with others for the largest score, the derivative
    is 0.

    References
    ----------
    Collins, Discriminative training methods for hidden Markov models: theory and experiments with perceptron algorithms
    (2002). https://doi.org/10.3115/1118693.1118694

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.multiclass_perceptron(scores, np.asarray([0, 0]), reduction="none").tolist()
    [0.0, 0.5]
    """

    # max(0, max_{j != y} z_j - z_y)
    def call(self, logits: Array, labels: Array) -> Array:
        return self._hinge.call(logits, labels)

    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        return self._hinge.value_and_derivatives(positions, logits, labels)

    def second_derivative(self, logits: Array, labels: Array) -> Array:
        return self._hinge.second_derivative(logits, labels)

    @property
    def _hinge(self) -> CategoricalHinge:
        return CategoricalHinge.made(margin=0.0, axis=self.axis)


@register("MultiMarginLoss", "multi_margin_loss")
@dataclass(frozen=True, kw_only=True)
class MultiMargin(_ClassLoss):
    r"""Multiclass hinge loss that counts every class which comes too close, and not the closest alone.

    .. math:: l = \frac{1}{C} \sum_{j \ne \mathrm{label}} \max(0, \mathrm{margin} + \mathrm{logits}_j -
        \mathrm{logits}_{\mathrm{label}})^p

    Parameters
    ----------
    margin : float, default 1.0
        The lead over each other class that is asked for; at least 0.
    p : {1, 2}, default 1
        The power of what lacks to the margin.
    axis : int, default -1
        The class axis. The one axis of a row alone is its class axis, whatever `axis` says.
    class_weight : sequence or array of shape (C,), optional
        One number a class, which acts as the weight of its items: the mean is divided by their sum.
    ignore_index : int, optional
        A label whose items are left out, in the mean's denominator too. It may lie outside [0, C).
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    logits : array, shape (..., C)
        Floating scores, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.

    See Also
    --------
    categorical_hinge : Where only the closest class counts.
    cross_entropy : Where probabilities are wanted.

    Notes
    -----
    The sum is divided by the number of all classes, as in PyTorch; Weston and Watkins do not divide it. With weights of
    classes the mean is divided by the sum of the items' weights, and PyTorch's by the number of items.

    A target of probabilities takes memory for the square of the number of classes.

    References
    ----------
    Weston and Watkins, Support vector machines for multi-class pattern recognition (1999).
    https://www.esann.org/sites/default/files/proceedings/legacy/es1999-461.pdf

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores = np.asarray([[3.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> al.multi_margin(scores, np.asarray([0, 0]), p=2, reduction="none").round(4).tolist()
    [0.0, 0.8333]
    """

    compares_pairs = True

    margin: Real = 1.0
    p: int = 1

    structural: ClassVar[tuple[str, ...]] = ("p",)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative(margin=self.margin)
        require_integer(p=self.p)
        require_range(1, 2, p=self.p)

    def few_classes_first(self, *, of_labels: bool) -> bool:
        return not of_labels  # of these it takes a sum

    def in_torch(self, torch: Any, reduction: str, logits: Array, labels: Array) -> Array | None:
        if self.class_weight is not None or not _is_label(labels) or not isinstance(self.margin, NUMBERS):
            return None
        if logits.ndim != 2 or self.row_axis(logits) not in (-1, 1) or logits.shape[1] > _FEW_CLASSES:
            return None
        if logits.numel() > _FEW_LOGITS or self.margin > elementwise.finfo(logits).max:
            return None
        least, most = least_and_most(logits)
        ordinary = _ORDINARY * self.margin or math.inf
        if not -ordinary <= least <= most <= ordinary:
            return None
        # what torch.nn.functional warns before it calls
        kernel, code = torch._C._nn.multi_margin_loss, reductions.REDUCTIONS_OF_TORCH[reduction]
        result: Array = kernel(logits, labels, self.p, self.margin, None, code)
        return result

    once_in_torch: ClassVar[bool] = True

    # Σ_{j != y} max(0, margin + z_j - z_y)^p / C
    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        if _is_label(labels):
            return reductions.reduce_mean(self._power(self._short(logits, labels, axis)), axis)
        of_class = reductions.reduce_mean(self._power(_shortfalls(logits, axis, self.margin)), -1)
        return reductions.expectation(of_class, indexing.move_axis(labels, axis, -1), -1)

    # With d the derivative of the power, d_j / C by the score of another class and -Σ_j d_j / C by that of the label.
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(logits, labels)
        axis = self.row_axis(logits)
        if _is_label(labels):
            short = self._short(logits, labels, axis)
            slope = self._slope(short)
            derivative = indexing.scatter(slope, labels, -reductions.reduce_sum(slope, axis), axis)
            return reductions.reduce_mean(self._power(short), axis), (derivative / logits.shape[axis],)
        target = indexing.move_axis(labels, axis, -1)
        short = _shortfalls(logits, axis, self.margin)
        of_class = reductions.reduce_mean(self._power(short), -1)
        slope = self._slope(short) / logits.shape[axis]
        derivative = xp.sum(target[..., :, None] * slope, axis=-2) - target * xp.sum(slope, axis=-1)
        return reductions.expectation(of_class, target, -1), (indexing.move_axis(derivative, -1, axis),)

    def _short(self, logits: Array, labels: Array, axis: int) -> Array:
        """What the label lacks to the margin over each other class, and 0 for itself."""
        score = indexing.expand_dims(indexing.gather(logits, labels, axis), axis)
        return indexing.scatter(special.relu(self.margin + (logits - score)), labels, 0.0, axis)

    def _power(self, short: Array) -> Array:
        return short if self.p == 1 else short * short

    def _slope(self, short: Array) -> Array:
        return special.heaviside(short) if self.p == 1 else 2.0 * short


def _shortfalls(scores: Array, axis: int, margin: Real) -> Array:
    """max(0, margin + z_k - z_j) at [..., j, k], and 0 where j = k: what class j lacks to the margin over k."""
    scores = indexing.move_axis(scores, axis, -1)
    lead = scores[..., :, None] - scores[..., None, :]
    places = indexing.places(scores, scores.shape[-1])
    return special.where(places[:, None] == places[None, :], 0.0, special.relu(margin - lead))


def _shared(chosen: Array, like: Array, axis: int) -> Array:
    """Equal shares of 1 for the entries of a row that are chosen."""
    xp = array_namespace(chosen, like)
    share = xp.astype(chosen, like.dtype)
    return share / special.clip(xp.sum(share, axis=axis, keepdims=True), 1.0)
