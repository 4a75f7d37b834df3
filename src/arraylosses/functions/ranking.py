"""Losses of a list of documents, whose order is what counts.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.ranking import ListNet
from ..reduction import Reduction

__all__ = ["list_net"]


@function_form(ListNet)
def list_net(
    scores: Array,
    relevance: Array,
    *,
    axis: int = -1,
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of the documents' chances to come first, by their scores and by their relevance.

    .. math:: l = -\sum_d q_d \log p_d; \quad p = softmax(scores), \; q = softmax(relevance)

    Parameters
    ----------
    scores : array, shape (..., D)
        Floating: the model's scores of the documents of a list.
    relevance : array, shape (..., D)
        How relevant each is, at least 0, of the same shape.
    axis : int, default -1
        The axis of a list's documents. The one axis of a list alone is that axis, whatever `axis` says.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to shape (..., D), optional
        What to keep of the items. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or of the shape of `scores` without `axis` for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

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
    return ListNet(
        axis=axis,
        reduction=reduction,
    )(scores, relevance, weight=weight, where=where)
