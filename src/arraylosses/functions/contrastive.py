"""Losses of a batch of embeddings, each of which is told from all others.

Written by tools/write_functions.py from the classes in `losses`: edit those.
"""

from __future__ import annotations

from .._array_api import Array
from ..loss_function import function_form
from ..losses.contrastive import InfoNce
from ..reduction import Reduction

__all__ = ["info_nce"]


@function_form(InfoNce)
def info_nce(
    queries: Array,
    keys: Array,
    *,
    temperature: float = 0.1,
    similarity: str = "cosine",
    weight: Array | None = None,
    where: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    r"""Cross entropy of telling a query's own key from those of all other queries of the batch.

    .. math:: l_i = -\log \frac{\exp(s_{ii})}{\sum_j \exp(s_{ij})}; \quad s_{ij} = \cos(queries_i, keys_j) / temperature

    Parameters
    ----------
    queries, keys : array, shape (N, D)
        Floating embeddings; the key of a query stands in the same row.
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest keys count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of a query and a key. With "dot", vectors of any length are compared by their product.
    weight : array, broadcastable to the per-item loss, optional
        One non-negative number an item.
    where : array of bool, broadcastable to the per-item loss, optional
        The items to keep. What is left out may hold anything.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Returns
    -------
    array
        Of shape (), or (N,) for reduction "none".

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit: see `Loss`.

    Notes
    -----
    An item is a query. All items are coupled, so the loss of a batch is not the mean of those of its parts. A pair that
    `where` leaves out is no other query's rival either, as if it had not been in the batch.

    It is of one direction; the mean of it and of the loss with queries and keys exchanged is that of both.

    References
    ----------
    van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding (2018).
    https://arxiv.org/abs/1807.03748

    Examples
    --------
    >>> import numpy as np
    >>> import arraylosses as al
    >>> queries, keys = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [0.0, 1.0]])
    >>> round(float(al.info_nce(queries, keys, temperature=1.0)), 6)
    0.313262
    """
    return InfoNce(
        temperature=temperature,
        similarity=similarity,
        reduction=reduction,
    )(queries, keys, weight=weight, where=where)
