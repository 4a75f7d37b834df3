"""Losses of several classes that should be apart by a margin."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..arguments import require_nonnegative
from ..numerics import indexing, reductions
from ..registry import register
from .multiclass import _ClassLoss, _is_label

__all__ = ["CategoricalHinge"]


@register("multiclass_hinge", "multiclass_hinge_loss")
@dataclass(frozen=True, kw_only=True)
class CategoricalHinge(_ClassLoss):
    r"""Loss of the multiclass support vector machine: 0 once the class leads all others by a margin.

    .. math:: l = \max(0, margin + \max_{j \ne label} logits_j - logits_{label})

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

    margin: float = 1.0

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
        rival = reductions.reduce_max(others, axis)
        return self._lacking(xp.squeeze(rival, axis=axis), score), others, rival

    def _short(self, logits: Array, axis: int) -> tuple[Array, Array, Array, Array]:
        """What each class lacks; the best class, its entries, and those of its own rival, which is the second best."""
        xp = array_namespace(logits)
        best = indexing.one_hot_mask(indexing.expand_dims(xp.argmax(logits, axis=axis), axis), logits, axis)
        others = special.where(best, float("-inf"), logits)
        first, second = reductions.reduce_max(logits, axis), reductions.reduce_max(others, axis)
        return self._lacking(special.where(best, second, first), logits), best, logits == first, others == second

    def _lacking(self, rival: Array, score: Array) -> Array:
        # A difference of infinities has no value, so a class that is ruled out has a finite logit until the end.
        lowest = -float(array_namespace(score).finfo(score.dtype).max) / 4
        lead = special.clip(rival, lowest) - special.clip(score, lowest)
        return special.where(score == float("-inf"), float("inf"), lead + self.margin)


def _shared(chosen: Array, like: Array, axis: int) -> Array:
    """Equal shares of 1 for the entries of a row that are chosen."""
    xp = array_namespace(chosen, like)
    share = xp.astype(chosen, like.dtype)
    return share / special.clip(xp.sum(share, axis=axis, keepdims=True), 1.0)
