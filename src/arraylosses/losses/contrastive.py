"""Losses of a batch of embeddings, each of which is told from all others."""

from __future__ import annotations

from dataclasses import dataclass

from .. import special
from .._array_api import Array, array_namespace, single_device
from ..arguments import require_choice, require_positive
from ..numerics import elementwise, reductions, settings, softmax
from ..registry import register
from ._base import PureLoss

__all__ = ["InfoNce"]


def _unit(x: Array) -> Array:
    """Rows of length 1, and of length 0 where a row is 0."""
    xp = array_namespace(x)
    x = x / elementwise.at_least_smallest_normal(special.stop_gradient(reductions.reduce_max(xp.abs(x), -1)))
    square = xp.sum(x * x, axis=-1, keepdims=True)
    return x / xp.sqrt(special.where(square == 0, 1.0, square))


@register("InfoNCE", "info_nce_loss")
@dataclass(frozen=True, kw_only=True)
class InfoNce(PureLoss):
    r"""Cross entropy of telling a query's own key from those of all other queries of the batch.

    .. math:: l_i = -\log \frac{\exp(s_{ii})}{\sum_j \exp(s_{ij})}; \quad s_{ij} = \cos(queries_i, keys_j) / temperature

    Parameters
    ----------
    temperature : float, default 0.1
        What similarities are divided by, above 0: the smaller, the more the nearest keys count.
    similarity : {"cosine", "dot"}, default "cosine"
        Of a query and a key. With "dot", vectors of any length are compared by their product.
    reduction : {"mean", "sum", "batchmean", "none"}, default "mean"
        How the per-item losses become the result: see `Loss`.

    Arrays
    ------
    queries, keys : array, shape (N, D)
        Floating embeddings; the key of a query stands in the same row.

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

    temperature: float = 0.1
    similarity: str = "cosine"

    arrays = "queries[N, D]: real, keys[N, D]: real -> [N] coupled"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(temperature=self.temperature)
        require_choice(("cosine", "dot"), similarity=self.similarity)

    # -log softmax(queries keysᵀ / temperature) on the diagonal
    def call(self, queries: Array, keys: Array, where: Array | None = None) -> Array:
        xp = array_namespace(queries, keys)
        if queries.shape[0] == 0:
            return xp.sum(queries, axis=-1)
        if self.similarity == "cosine":
            queries, keys = _unit(queries), _unit(keys)
        logits = xp.matmul(queries, xp.permute_dims(keys, (1, 0))) / settings.at_least_tiny(self.temperature, queries)
        own = xp.arange(queries.shape[0], device=single_device(queries))
        if where is not None:
            rivals = xp.logical_or(where[None, :], own[None, :] == own[:, None])
            logits = special.where(rivals, logits, float("-inf"))
        return softmax.nll_and_complement(logits, own, -1)[0]
