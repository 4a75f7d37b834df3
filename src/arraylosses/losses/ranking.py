"""Losses of a list of documents, whose order is what counts."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace
from ..numerics import softmax
from ..registry import register
from ._base import PureRowLoss

__all__ = ["ListNet"]


@register("softmax_loss", "ranking_softmax_loss")
@dataclass(frozen=True, kw_only=True)
class ListNet(PureRowLoss):
    r"""Cross entropy of the documents' chances to come first, by their scores and by their relevance.

    .. math:: l = -\sum_d q_d \log p_d; \quad p = softmax(scores), \; q = softmax(relevance)

    Parameters
    ----------
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.

    Notes
    -----
    An item is a list. `where` has the shape of the scores and leaves out documents, such as those that pad a list; a
    list without any is left out itself. `weight` has one number a list.

    References
    ----------
    Cao et al., Learning to rank: from pairwise approach to listwise approach (2007).
    https://doi.org/10.1145/1273496.1273513

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> scores, relevance = np.asarray([[2.0, 1.0, 9.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> round(float(al.list_net(scores, relevance, where=np.asarray([[True, True, False]]))), 6)
    0.582203
    """

    arrays = "scores[..., D]: real, relevance[..., D]: nonnegative, where[..., D] -> [...]"

    # -Σ softmax(relevance) log softmax(scores), of the documents that are there
    def call(self, scores: Array, relevance: Array, where: Array | None = None) -> Array:
        axis = self.row_axis(scores)
        if where is not None:
            xp = array_namespace(scores, where)
            # A list without any document has no softmax; it counts for nothing, with whatever it holds.
            kept = xp.logical_or(where, xp.logical_not(xp.any(where, axis=axis, keepdims=True)))
            scores = special.where(kept, scores, float("-inf"))
            relevance = special.where(kept, relevance, float("-inf"))
        return softmax.cross_entropy(scores, softmax.nll_and_probabilities(relevance, axis)[1], axis)
