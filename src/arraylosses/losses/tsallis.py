"""Losses whose derivative is a sparse probability less the target: Fenchel-Young losses of Tsallis entropies."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..numerics import indexing, reductions, sorting
from ..registry import register
from ._base import PureLoss, along
from .margin import ModifiedHuber
from .multiclass import _ClassLoss, _is_label

__all__ = ["Entmax", "MulticlassSparsemax", "Sparsemax"]


@register("sparsemax_loss", "binary_sparsemax_loss")
@dataclass(frozen=True, kw_only=True)
class Sparsemax(PureLoss):
    r"""Loss of a yes or no whose probability is 0 or 1 beyond a score of -1 or 1: the binary sparsemax loss.

    .. math:: l = (1 - \mathrm{target}) \, \phi(\mathrm{prediction}) + \mathrm{target} \, \phi(-\mathrm{prediction});
        \quad \phi(x) = \begin{cases} 0 & x \le -1 \\ (x + 1)^2 / 4 & -1 < x < 1 \\ x & x \ge 1 \end{cases}

    Parameters
    ----------
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    prediction : array
        Floating scores. That of a score s is a probability of min(max((s + 1) / 2, 0), 1).
    target : array
        0 or 1, or a probability, of the shape of `prediction`. An integer or bool target is converted.

    See Also
    --------
    binary_cross_entropy : Where no probability should be 0.
    multiclass_sparsemax : For several classes.

    Notes
    -----
    It is a quarter of `modified_huber`, whose targets are -1 and 1. The derivative is the probability less the target.

    References
    ----------
    Blondel, Martins and Niculae, Learning with Fenchel-Young losses (2020). https://arxiv.org/abs/1901.02324

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> al.sparsemax(np.asarray([0.0, 3.0, -2.0]), np.asarray([1, 0, 0]), reduction="none").tolist()
    [0.25, 3.0, 0.0]
    """

    arrays = "prediction[...]: real, target[...]: probability -> [...]"

    # With the part c of x from -1 to 1, ((1 - t) (1 + c)² + t (1 - c)²) / 4, and (1 - t) |x - c| above 1 or t |x - c|
    # below -1. The choice comes last, so that XLA computes all before it in one loop.
    def call(self, prediction: Array, target: Array) -> Array:
        near = special.clip(prediction, -1.0, 1.0)
        yes, no, other = 1.0 - near, 1.0 + near, 1.0 - target
        inner = (other * (no * no) + target * (yes * yes)) / 4.0
        far = prediction - near
        return special.where(far > 0, inner + other * far, inner - target * far)

    def derivative(self, prediction: Array, target: Array) -> Array:
        loss = ModifiedHuber()
        yes, no = loss.derivative(prediction, 1.0), loss.derivative(prediction, -1.0)
        return (target * yes + (1.0 - target) * no) / 4.0

    def second_derivative(self, prediction: Array, target: Array) -> Array:
        return ModifiedHuber().second_derivative(prediction, array_namespace(target).ones_like(target)) / 4.0


# With g the gaps to the largest logit, h = (alpha - 1) g and a threshold tau at which the probabilities
# p = max(0, tau - h)^(1 / (alpha - 1)) sum to 1, the loss of a class y is a sum of terms of at least 0:
#     Σ_{j != y} cost(p_j) + cost of p_y as the label + max(0, h_y - tau) / (alpha - 1)
# An error in tau changes it by its square. The classes that have a probability are found from sorted gaps, as a
# constant; tau follows from the gaps of these.
@dataclass(frozen=True, kw_only=True)
class _Tsallis(_ClassLoss):
    """What the losses of a Tsallis entropy share: the probabilities, and the loss that has them as its derivative."""

    def call(self, logits: Array, labels: Array) -> Array:
        axis = self.row_axis(logits)
        return self._value(*self._roots(logits, axis), labels, axis)

    # p Σ t - t
    def value_and_derivatives(
        self, positions: tuple[int, ...], logits: Array, labels: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        xp = array_namespace(logits, labels)
        axis = self.row_axis(logits)
        gap, threshold, root = self._roots(logits, axis)
        p, _ = self._of_root(root)
        if _is_label(labels):
            others = indexing.scatter(p, labels, 0.0, axis)
            derivative = indexing.scatter(p, labels, -xp.sum(others, axis=axis), axis)
        else:
            derivative = p * xp.sum(labels, axis=axis, keepdims=True) - labels
        return self._value(gap, threshold, root, labels, axis), (derivative,)

    def _value(self, gap: Array, threshold: Array, root: Array, labels: Array, axis: int) -> Array:
        xp = array_namespace(gap, labels)
        _, cost = self._of_root(root)
        beyond = ((gap - threshold) + root) / self._slope  # as the root is max(0, tau - h), with a derivative at 0
        if not _is_label(labels):
            others = xp.sum(cost, axis=axis, keepdims=True) - cost
            return reductions.expectation(others + self._of_label(root) + beyond, labels, axis)
        others = xp.sum(indexing.scatter(cost, labels, 0.0, axis), axis=axis)
        root, beyond = (indexing.gather(x, labels, axis) for x in (root, beyond))
        return others + self._of_label(root) + beyond

    def _roots(self, logits: Array, axis: int) -> tuple[Array, Array, Array]:
        """h, tau, and max(0, tau - h)."""
        xp = array_namespace(logits)
        # A number that is added to all logits changes nothing, so the largest is a constant.
        gap = (special.stop_gradient(reductions.reduce_max(logits, axis)) - logits) * self._slope
        # No class beyond a gap of 1 has a probability: the threshold is at most 1.
        near = special.stop_gradient(special.clip(gap, None, 1.0))
        places = indexing.places(logits, logits.shape[axis], logits.dtype) + 1.0
        ranked = sorting.sort(near, axis)
        total, square = (reductions.cumulative_sum(x, axis) for x in (ranked, ranked * ranked))
        ranks = along(places, logits, axis)
        found = self._threshold(ranks, total, special.relu(square - total * (total / ranks)))
        bound = -reductions.reduce_max(-special.where(ranked < found, found, 2.0), axis)
        support = xp.logical_not(near >= bound)  # with a NaN, all of them
        count = xp.sum(xp.astype(support, logits.dtype), axis=axis, keepdims=True)
        total = xp.sum(special.where(support, gap, 0.0), axis=axis, keepdims=True)
        deviation = special.where(support, gap - total / count, 0.0)
        threshold = self._threshold(count, total, xp.sum(deviation * deviation, axis=axis, keepdims=True))
        return gap, threshold, special.relu(threshold - gap)

    @property
    def _slope(self) -> float:
        """alpha - 1."""
        raise TypeError(f"{type(self).__name__} must define `_slope`")

    def _threshold(self, count: Array, total: Array, deviation: Array) -> Array:
        """tau of so many classes, from the sum of their gaps and that of their squared deviations from the mean."""
        raise TypeError(f"{type(self).__name__} must define `_threshold`")

    def _of_root(self, root: Array) -> tuple[Array, Array]:
        """p, and what a class costs that is not the label."""
        raise TypeError(f"{type(self).__name__} must define `_of_root`")

    def _of_label(self, root: Array) -> Array:
        """What the label costs."""
        raise TypeError(f"{type(self).__name__} must define `_of_label`")


@register("multiclass_sparsemax_loss", "SparsemaxLoss")
@dataclass(frozen=True, kw_only=True)
class MulticlassSparsemax(_Tsallis):
    r"""Cross entropy's counterpart for probabilities that may be 0: 0 itself once the class leads by 1.

    .. math:: l = \max_p \left( \sum_c p_c \mathrm{logits}_c + \frac{1 - \sum_c p_c^2}{2} \right) -
        \mathrm{logits}_{\mathrm{label}}

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
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.

    See Also
    --------
    entmax : Smoother.
    cross_entropy : Where no probability should be 0.

    Notes
    -----
    The derivative by the logits is sparsemax(logits) less the target, where sparsemax(logits) is the distribution that
    is closest to them. Of two classes with logits x and 0, it is `sparsemax` of x.

    References
    ----------
    Martins and Astudillo, From softmax to sparsemax: a sparse model of attention and multi-label classification (2016).
    https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[1.5, 0.0, 0.5], [0.0, 0.0, 0.5]])
    >>> al.multiclass_sparsemax(logits, np.asarray([0, 2]), reduction="none").round(4).tolist()
    [0.0, 0.0833]
    """

    @property
    def _slope(self) -> float:
        return 1.0

    # Σ (tau - g) = 1
    def _threshold(self, count: Array, total: Array, deviation: Array) -> Array:
        return (1.0 + total) / count

    # p²/2
    def _of_root(self, root: Array) -> tuple[Array, Array]:
        return root, root * root / 2.0

    # (1 - p)²/2
    def _of_label(self, root: Array) -> Array:
        return (1.0 - root) * (1.0 - root) / 2.0


@register("Entmax15Loss", "entmax15_loss")
@dataclass(frozen=True, kw_only=True)
class Entmax(_Tsallis):
    r"""Between cross entropy and the sparsemax loss: smooth probabilities of which the small ones are 0.

    .. math:: l = \max_p \left( \sum_c p_c \mathrm{logits}_c + \frac{4}{3} \Big(1 - \sum_c p_c^{3/2} \Big) \right) -
        \mathrm{logits}_{\mathrm{label}}

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
        Floating, with the classes along `axis`. A row alone, (C,), is one item.
    labels : array, shape (...) or (..., C)
        Integer labels in [0, C), of the shape of `logits` without `axis`; or a floating target of the shape of
        `logits`, a probability for each class, under which the loss is the expected one.

    See Also
    --------
    multiclass_sparsemax : With more zeros.
    cross_entropy : Without any.

    Notes
    -----
    It is the loss of 1.5-entmax, where softmax is entmax of 1 and sparsemax of 2: the derivative by the logits is
    that distribution less the target. It is 0 once the class leads by 2.

    References
    ----------
    Peters, Niculae and Martins, Sparse sequence-to-sequence models (2019). https://arxiv.org/abs/1905.05702

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> logits = np.asarray([[2.5, 0.0, 0.5], [0.0, 0.0, 0.0]])
    >>> al.entmax(logits, np.asarray([0, 2]), reduction="none").round(4).tolist()
    [0.0, 0.5635]
    """

    @property
    def _slope(self) -> float:
        return 0.5

    # Σ (tau - g/2)² = 1
    def _threshold(self, count: Array, total: Array, deviation: Array) -> Array:
        rest = special.relu(1.0 - deviation) / count
        return total / count + array_namespace(rest).sqrt(rest)

    # 2 p^(3/2) / 3
    def _of_root(self, root: Array) -> tuple[Array, Array]:
        p = root * root
        return p, 2.0 * p * root / 3.0

    # 2 (1 - √p)² (2 + √p) / 3
    def _of_label(self, root: Array) -> Array:
        return 2.0 * (1.0 - root) * (1.0 - root) * (2.0 + root) / 3.0
